"""Turns the tables of a TOML document into settings, and goes on after a mistake."""

import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from antiphon.gateway import places
from antiphon.gateway.aliases import nearest
from antiphon.gateway.places import Place
from antiphon.gateway.secret import Secret
from antiphon.gateway.settings import Limits, Problem, Settings, Table

UNLIMITED = "unlimited"
"""Written where None is meant."""

MARK = "$"
"""A secret that begins with it is the name of an environment variable."""

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")

T = TypeVar("T", bound=Table)


class _Wrong:
    """Stands for a value that cannot be used; the problem is noted."""


WRONG = _Wrong()


class Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(
        self,
        source: str,
        found: Mapping[places.Path, Place],
        folder: Path,
        environ: Mapping[str, str],
    ) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._places = found
        self._folder = folder
        self._environ = environ
        self._elsewhere: dict[places.Path, tuple[str, str]] = {}
        self._blamed: list[places.Path] = []
        self._limits = Limits()

    def overrule(self, path: places.Path, source: str, where: str) -> None:
        """The setting *path* is said by *source*, which calls it *where*, not by the document."""
        self._elsewhere[path] = source, where

    def settings(self, data: Mapping[str, Any]) -> Settings:
        limits = self._value(Limits, data.get("limits", {}), ("limits",))
        self._limits = limits if isinstance(limits, Limits) else Limits()
        rest = {name: value for name, value in data.items() if name != "limits"}
        return msgspec.structs.replace(self._table(Settings, rest, ()), limits=self._limits)

    def problem(self, path: places.Path, reason: str) -> None:
        """Something is wrong with the setting *path*."""
        if path in self._blamed:
            return  # and has been told once
        self._blamed.append(path)
        for length in range(len(path), 0, -1):
            if elsewhere := self._elsewhere.get(path[:length]):
                source, where = elsewhere
                self.problems.append(Problem(source, None, where, reason))
                return
        place = self.place(path)
        line = None if place is None else place.line
        self.problems.append(Problem(self._source, line, places.shown(path, place), reason))

    def sound(self, *path: str) -> bool:
        """Whether nothing is wrong with the setting *path*, so that what it lacks was left out."""
        return not any(blamed[: len(path)] == path for blamed in self._blamed)

    def place(self, path: places.Path) -> Place | None:
        """Where *path* is said, or what is nearest above it."""
        for length in range(len(path), 0, -1):
            if (place := self._places.get(path[:length])) is not None:
                return place
        return None

    def _table(self, kind: type[T], table: Any, path: places.Path) -> T:
        """As much of *table* as can be used."""
        kinds, values = _kinds(kind), dict[str, Any]()
        for name, value in table.items():
            if name not in kinds:
                self._unknown(name, kinds, value, path)
            elif (read := self._value(kinds[name], value, (*path, name))) is not WRONG:
                values[name] = read
        return kind(**{**self._inherited(kind), **values})

    def _inherited(self, kind: type[Table]) -> dict[str, Any]:
        """What holds of a table unless it says otherwise."""
        return msgspec.structs.asdict(self._limits) if kind is Limits else {}

    def _unknown(self, name: str, known: Mapping[str, Any], value: Any, path: places.Path) -> None:
        what = "table" if isinstance(value, dict | list) else "setting"
        near = nearest(name, known) or f"; there are {', '.join(known)}"
        self.problem((*path, name), f"is an unknown {what}{near}")

    def _value(self, kind: Any, value: Any, path: places.Path) -> Any:
        inner, optional = _without_none(kind)
        if get_origin(inner) is Mapping:
            return self._tables(get_args(inner)[1], value, path)
        if get_origin(inner) is tuple and get_args(inner)[-1] is Ellipsis:
            return self._several(get_args(inner)[0], value, path)
        if isinstance(inner, type) and issubclass(inner, Table):
            return self._one(inner, value, path)
        if inner is Secret:
            return self._secret(value, path)
        if inner is Path and isinstance(value, Path):
            return value  # of the command line, so that it is not relative to the document
        if inner is Path:
            text = self._value(str, value, path)
            return text if text is WRONG else self._folder / text
        return self._plain(inner, value, path, optional=optional)

    def _one(self, kind: type[Table], value: Any, path: places.Path) -> Any:
        if not isinstance(value, dict):
            self.problem(path, f"must be a table, not {_shown(value)}")
            return WRONG
        table = cast(dict[str, Any], value)
        missing = [name for name in _required(kind) if name not in table]
        for name in missing:
            self.problem(path, f"needs {name}")
        return WRONG if missing else self._table(kind, table, path)

    def _tables(self, kind: Any, value: Any, path: places.Path) -> Any:
        if not isinstance(value, dict):
            self.problem(path, f"must be a table, not {_shown(value)}")
            return WRONG
        table = cast(dict[str, Any], value)
        read = {name: self._value(kind, one, (*path, name)) for name, one in table.items()}
        return {name: one for name, one in read.items() if one is not WRONG}

    def _several(self, kind: Any, value: Any, path: places.Path) -> Any:
        """One may stand without its brackets."""
        if not isinstance(value, list):
            read = self._value(kind, value, path)
            return WRONG if read is WRONG else (read,)
        each = enumerate(cast(list[Any], value))
        read = [self._value(kind, one, (*path, index)) for index, one in each]
        return tuple(one for one in read if one is not WRONG)

    def _secret(self, value: Any, path: places.Path) -> Any:
        """What is wrong with a secret is told without it."""
        if not isinstance(value, str) or not value:
            self.problem(path, 'must be text, such as "$NAME" for an environment variable')
            return WRONG
        if not value.startswith(MARK):
            return Secret(value)
        named = _VARIABLE.fullmatch(value)
        if named is None:
            reason = "begins with $, but is no name of an environment variable as in $NAME"
            self.problem(path, reason)
            return WRONG
        text = self._environ.get(named[1])
        if not text:
            how = "not set" if text is None else "empty"
            self.problem(path, f"needs the environment variable {named[1]}, which is {how}")
            return WRONG
        return Secret(text)

    def _plain(self, kind: Any, value: Any, path: places.Path, *, optional: bool) -> Any:
        what, counted = _described(kind)
        if optional and counted:
            if value == UNLIMITED:
                return None
            what += f', or "{UNLIMITED}"'
        try:
            read: Any = msgspec.convert(value, kind)
        except msgspec.ValidationError:
            self.problem(path, f"must be {what}, not {_shown(value)}")
            return WRONG
        if isinstance(read, float) and not math.isfinite(read):
            self.problem(path, f"must be {what}, not {_shown(value)}")
            return WRONG
        return read


@cache
def _kinds(kind: type[Table]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _required(kind: type[Table]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind) if field.required]


def _without_none(kind: Any) -> tuple[Any, bool]:
    """*kind*, and whether it was beside None."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    rest = [one for one in get_args(kind) if one is not NoneType]
    return rest[0], True


def _described(kind: Any) -> tuple[str, bool]:
    """*kind* in words, and whether it is a number."""
    if get_origin(kind) is not Annotated:
        return {str: "text"}.get(kind, str(kind)), False
    plain, *extras = get_args(kind)
    words = next(extra.description for extra in extras if isinstance(extra, msgspec.Meta))
    return words or str(plain), plain in (int, float)


def _shown(value: Any) -> str:
    """*value* as in the document, if it is short."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            text = msgspec.json.encode(value).decode()
            return text if len(text) <= 60 else f'{text[:56]}..."'
        case dict():
            return "a table"
        case list():
            return "an array"
        case _:
            return str(cast(object, value))
