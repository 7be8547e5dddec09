"""How a server counts the turns of both sides, and what was said in each."""

import re

import msgspec

LONGEST = 1 << 20
"""Characters of a turn's words that are kept until it ends."""

_NUMBER = re.compile(r"(?:turn|user)_([1-9][0-9]{0,14})")


class Turn(msgspec.Struct, kw_only=True):
    """One side has, or had, the word."""

    number: int
    started: int
    stopped: int | None = None
    named: bool = False
    """It is known which item it became."""
    over: bool = False
    _parts: dict[object, list[str]] = msgspec.field(default_factory=dict[object, list[str]])
    _length: int = 0

    def say(self, words: str, part: object = None) -> None:
        """A little more of a *part* of what is said, an item's content for instance."""
        if self._length < LONGEST:
            self._parts.setdefault(part, []).append(words)
            self._length += len(words)

    def said(self, words: str, part: object = None) -> None:
        """All of that part."""
        self._parts[part] = []
        self.say(words, part)

    @property
    def text(self) -> str:
        return "".join(words for part in self._parts.values() for words in part)


class Count:
    """Numbers turns in the order in which they begin, as far as their names do not say more."""

    def __init__(self) -> None:
        self._last = 0

    def turn(self, name: str | None, at: int) -> Turn:
        named = None if name is None else _NUMBER.fullmatch(name)
        number = int(named[1]) if named is not None else 0
        self._last = max(self._last + 1, number)
        return Turn(number=self._last, started=max(at, 0))
