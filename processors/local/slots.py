"""What can be said in a slot of a pattern: one of a list, a number, or digits in a row."""

from collections.abc import Iterator, Mapping, Sequence

from antiphon.processors.local.numerals import spelled
from antiphon.processors.local.patterns import (
    Choice,
    Pattern,
    Series,
    Value,
    Word,
    bare,
    optional,
    phrase,
)

_DIGITS = {spelled(digit): str(digit) for digit in range(10)} | {"oh": "0"}


class Listed:
    """Phrases, and what each of them means."""

    def __init__(self, meanings: Mapping[str, Value]) -> None:
        self._pattern = Choice(tuple(map(phrase, meanings)))
        self._by_words: dict[tuple[str, ...], Value] = {
            tuple(map(bare, said.split())): meaning for said, meaning in meanings.items()
        }
        self._longest = max(map(len, self._by_words))

    @property
    def pattern(self) -> Pattern:
        return self._pattern

    def match(self, words: Sequence[str], at: int) -> Iterator[tuple[int, Value]]:
        for length in range(min(self._longest, len(words) - at), 0, -1):
            meaning = self._by_words.get(tuple(words[at : at + length]))
            if meaning is not None:
                yield at + length, meaning


class Number(Listed):
    """A whole number from *first* to *last*, in words or in digits."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__({spelled(number): number for number in range(first, last + 1)})
        self._range = range(first, last + 1)

    def match(self, words: Sequence[str], at: int) -> Iterator[tuple[int, Value]]:
        if words[at].isdecimal() and int(words[at]) in self._range:
            yield at + 1, int(words[at])
        yield from super().match(words, at)


class Digits:
    """From *fewest* to *most* digits in a row; they mean a string, since zeros in front count."""

    def __init__(self, fewest: int, most: int) -> None:
        digit = Choice(tuple(map(Word, _DIGITS)))
        pattern: Pattern = Series()
        for place in range(most, 0, -1):
            pattern = Series((digit, pattern))
            if place > fewest:
                pattern = optional(pattern)
        self._pattern = pattern
        self._fewest = fewest
        self._most = most

    @property
    def pattern(self) -> Pattern:
        return self._pattern

    def match(self, words: Sequence[str], at: int) -> Iterator[tuple[int, Value]]:
        found: list[tuple[int, Value]] = []
        read = ""
        while at < len(words) and len(read) < self._most:
            digits = words[at] if words[at].isdecimal() else _DIGITS.get(words[at])
            if digits is None:
                break
            read += digits
            at += 1
            if self._fewest <= len(read) <= self._most:
                found.append((at, read))
        yield from reversed(found)
