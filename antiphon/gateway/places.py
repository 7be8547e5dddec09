"""Finds the lines of a TOML document in which its tables and values are.

The standard library's parser gives values without places, and those that keep the text know of no
lines either.
"""

import re
import tomllib
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys from the top, and indices of arrays."""


class Place(NamedTuple):
    line: int
    """From 1."""
    table: Path
    """The table under whose header it stands, () for the top."""
    array: bool = False
    """Whether that header is one of an array of tables."""


_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?""""{0,2}' r"|'''.*?''''{0,2}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def places(text: str) -> dict[Path, Place]:
    """Where in *text*, which is TOML that can be read, everything is said first."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.places


def shown(path: Path, place: Place | None) -> str:
    """*path* as its author wrote it: `[keys.alice] limits.session`."""
    table = place.table if place is not None and path[: len(place.table)] == place.table else ()
    header = _dotted(tuple(part for part in table if isinstance(part, str)))
    rest = _dotted(path[len(table) :])
    if not header:
        return rest
    header = f"[[{header}]]" if place is not None and place.array else f"[{header}]"
    return f"{header} {rest}" if rest else header


def _dotted(path: Path) -> str:
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts.append(f"{parts.pop() if parts else ''}[{part}]")
        elif _KEY.fullmatch(part) and part[0] not in "\"'":
            parts.append(part)
        else:
            parts.append(f'"{part}"')
    return ".".join(parts)


class _Scanner:
    """Reads over a document once, from its beginning."""

    def __init__(self, text: str) -> None:
        self.places: dict[Path, Place] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._table: Path = ()
        self._array = False
        self._lengths: dict[Path, int] = {}
        """Of arrays of tables, so far."""

    def document(self) -> None:
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                self._header()
            else:
                self._statement(self._table)
            self._skip(_BLANK)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Go past what fits *pattern* here; it is text that a parser has found good."""
        found = pattern.match(self._text, self._at)
        passed = "" if found is None else found.group()
        self._at += len(passed)
        self._line += passed.count("\n")
        return passed

    def _pass(self, mark: str) -> bool:
        if found := self._text.startswith(mark, self._at):
            self._at += len(mark)
        return found

    def _keys(self) -> tuple[str, ...]:
        """Those of `a.b."c"`."""
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            key = self._skip(_KEY)
            keys.append(_unquoted(key))
            self._skip(_SPACE)
            if not self._pass("."):
                return tuple(keys)

    def _header(self) -> None:
        line, array = self._line, self._pass("[[")
        if not array:
            self._pass("[")
        keys = self._keys()
        self._pass("]]" if array else "]")
        above: Path = ()
        for key in keys[:-1]:
            above = self._newest((*above, key))
        last = (*above, keys[-1])
        if array:
            self._lengths[last] = self._lengths.get(last, 0) + 1
        self._table, self._array = self._newest(last), array
        self._found(self._table, line)

    def _newest(self, path: Path) -> Path:
        """The table that *path* names here: of an array, the last one."""
        length = self._lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _statement(self, table: Path) -> None:
        line, keys = self._line, self._keys()
        path = (*table, *keys)
        self._found(path, line)
        self._pass("=")
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._pass("{"):
            self._skip(_BLANK)
            while not self._pass("}"):
                self._statement(path)
                self._skip(_BLANK)
                self._pass(",")
                self._skip(_BLANK)
        elif self._pass("["):
            self._skip(_BLANK)
            index = 0
            while not self._pass("]"):
                self._found((*path, index), self._line)
                self._value((*path, index))
                self._skip(_BLANK)
                self._pass(",")
                self._skip(_BLANK)
                index += 1
        elif not self._skip(_STRING):
            self._skip(_SCALAR)

    def _found(self, path: Path, line: int) -> None:
        """*path* and the tables above it, which it may be the first to name."""
        for length in range(1, len(path) + 1):
            self.places.setdefault(path[:length], Place(line, self._table, self._array))


def _unquoted(key: str) -> str:
    if not key.startswith(('"', "'")):
        return key
    value: str = tomllib.loads(f"key = {key}")["key"]
    return value
