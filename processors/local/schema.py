"""The form of a grammar's file."""

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class GrammarError(ValueError):
    """A grammar cannot be used: in which file, where in it, and why."""

    def __init__(self, file: str, where: str, problem: str) -> None:
        super().__init__(": ".join(filter(None, (file, where, problem))))
        self.file = file
        self.where = where
        self.problem = problem


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the file."""


class ToolHint(_Written, frozen=True, kw_only=True):
    """By which of a session's tools an intent is answered."""

    named: tuple[str, ...]
    """Words of the tool's name, the best first; `set_timer` asks for both words."""
    unless: tuple[str, ...] = ()
    """Words that must not be in it."""
    result: tuple[str, ...] = ()
    """Sentences for the result; they name slots, arguments and fields of the result."""


class Intent(_Written, frozen=True, kw_only=True):
    """One thing that people ask for."""

    name: str
    say: tuple[str, ...]
    """How they ask for it, as patterns."""
    replies: tuple[str, ...] = ()
    """Answers; one is taken of those whose {values} are all known."""
    otherwise: tuple[str, ...] = ()
    """Answers for when there is none of those."""
    about: str = ""
    """Goes on after `You can ask me`."""
    remember: tuple[str, ...] = ()
    """Slots that the conversation keeps, for replies to name."""
    goes_on: bool = False
    """It asks the request before again, with other slots."""
    tool: ToolHint | None = None


class SlotSpec(_Written, frozen=True, kw_only=True):
    """What a slot can hold: *values*, *numbers* or *digits*."""

    name: str
    values: tuple[str, ...] | dict[str, str | int] | None = None
    """Phrases, or what each phrase means."""
    numbers: tuple[int, int] | None = None
    """The first and the last."""
    digits: tuple[int, int] | None = None
    """The fewest and the most of them in a row."""
    fits: tuple[str, ...] = ()
    """Parameters of tools that it fills, beside those with its own name."""
    ask: str = ""
    """How to ask for it when a tool cannot do without."""


class GrammarFile(_Written, frozen=True, kw_only=True):
    builtin: bool = True
    """Whether the file adds to the built-in grammar or stands alone."""
    without: tuple[str, ...] = ()
    """Built-in intents to leave out."""
    before: tuple[str, ...] = ()
    """What people put before a request, as patterns."""
    after: tuple[str, ...] = ()
    apologies: tuple[str, ...] = ()
    pronounce: dict[str, str] = {}
    """Words that the recogniser's dictionary lacks, in its phones."""
    slots: tuple[SlotSpec, ...] = ()
    intents: tuple[Intent, ...] = ()


def read(path: Path) -> GrammarFile:
    """Raises GrammarError, or OSError."""
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GrammarError(path.name, "", str(error)) from error
    written["slots"] = _each(written.pop("slot", []), SlotSpec, path.name, "slot")
    written["intents"] = _each(written.pop("intent", []), Intent, path.name, "intent")
    try:
        return msgspec.convert(written, GrammarFile)
    except msgspec.ValidationError as error:
        raise GrammarError(path.name, "", str(error)) from error


def _each(entries: object, form: type[T], file: str, kind: str) -> list[T]:
    """One by one, so that an error can name the entry."""
    try:
        tables = msgspec.convert(entries, list[dict[str, object]])
    except msgspec.ValidationError as error:
        raise GrammarError(file, kind, f"write [[{kind}]] above each") from error
    converted: list[T] = []
    for table in tables:
        try:
            converted.append(msgspec.convert(table, form))
        except msgspec.ValidationError as error:
            name = table.get("name", f"{len(converted) + 1}")
            raise GrammarError(file, f"{kind} {name}", str(error)) from error
    return converted
