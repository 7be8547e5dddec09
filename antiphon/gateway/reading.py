"""Reads a configuration; what is wrong with it is told all at once, with file, line and reason."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from antiphon.gateway import places
from antiphon.gateway.checking import check
from antiphon.gateway.files import beside
from antiphon.gateway.keys import VARIABLE, environment_keys
from antiphon.gateway.settings import NOBODY, Problem, Settings, SettingsError
from antiphon.gateway.tables import Reader

COMMAND_LINE = "command line"


def read_settings(
    path: str | Path,
    environ: Mapping[str, str] | None = None,
    *,
    listen: Mapping[str, object] | None = None,
    store: str | None = None,
) -> Settings:
    """Read the TOML file *path*; raises SettingsError.

    Secrets come from *environ* (the process's own) where the file says so; without keys in the
    file, those of ANTIPHON_API_KEYS hold. *listen* are settings of that table which the command
    line gives, and *store* the URL of `[store]`; they go before the file's. Paths in the file are
    relative to it.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise SettingsError([Problem(str(path), None, "", reason)]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError([Problem(str(path), line, "", "is not UTF-8")]) from error
    return _settings(text, str(path), file.parent, environ, _given(listen, store))


def standard_settings(
    environ: Mapping[str, str] | None = None,
    *,
    listen: Mapping[str, object] | None = None,
    store: str | None = None,
) -> Settings:
    """Those without a file; see Settings.standard."""
    return _settings("", COMMAND_LINE, Path(), environ, _given(listen, store))


Given = Mapping[tuple[str, str], tuple[object, str]]
"""By table and setting, what the command line says, and the option that says it."""


def _given(listen: Mapping[str, object] | None, store: str | None) -> Given:
    given: dict[tuple[str, str], tuple[object, str]] = {
        ("listen", name): (value, f"--{name.replace('_', '-')}")
        for name, value in (listen or {}).items()
        if value is not None
    }
    if store is not None:
        given["store", "url"] = store, "--store"
    return given


def _settings(
    text: str,
    source: str,
    folder: Path,
    environ: Mapping[str, str] | None,
    given: Given,
) -> Settings:
    environ = os.environ if environ is None else environ
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_syntax(text, source, str(error))]) from error
    except RecursionError as error:
        raise SettingsError([Problem(source, None, "", "is nested too deep")]) from error
    reader = Reader(source, places.places(text), folder, environ)
    for (table, name), (value, option) in given.items():
        said = data.setdefault(table, {})
        if isinstance(said, dict):
            said[name] = value
            reader.overrule((table, name), COMMAND_LINE, option)
    settings = beside(reader.settings(data), folder)
    if not data.get("keys"):
        settings = msgspec.structs.replace(settings, keys=environment_keys(environ))
        for name in settings.keys:
            reader.overrule(("keys", name), VARIABLE, name)
    check(settings, reader)
    if settings.default == NOBODY:
        settings = msgspec.structs.replace(settings, default=None)
    if reader.problems:
        raise SettingsError(sorted(reader.problems, key=lambda one: one.line or 0))
    return settings


def _syntax(text: str, source: str, message: str) -> Problem:
    """The parser's *message*, whose place is at its end."""
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    if found is None:
        return Problem(source, None, "", f"is no TOML: {message}")
    line = int(found[1]) if found[1] else text.rstrip().count("\n") + 1
    return Problem(source, line, "", f"is no TOML: {message[: found.start()]}")
