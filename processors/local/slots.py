"""What can be said in a slot of a pattern: one of a list, a number, or digits in a row."""

import random
from collections.abc import Iterator, Mapping, Sequence

from antiphon.processors.local.numerals import digits, spelled
from antiphon.processors.local.patterns import Value, bare

_DIGITS = {spelled(digit): str(digit) for digit in range(10)} | {"oh": "0"}


class Listed:
    """Phrases, and what each of them means."""

    def __init__(self, meanings: Mapping[str, Value]) -> None:
        self._meanings = dict(meanings)
        self._by_words: dict[tuple[str, ...], Value] = {
            tuple(map(bare, phrase.split())): meaning for phrase, meaning in meanings.items()
        }
        self._longest = max(map(len, self._by_words))

    def match(self, words: Sequence[str], at: int) -> Iterator[tuple[int, Value]]:
        for length in range(min(self._longest, len(words) - at), 0, -1):
            meaning = self._by_words.get(tuple(words[at : at + length]))
            if meaning is not None:
                yield at + length, meaning

    def jsgf(self) -> str:
        """Phrases that begin alike share their beginning: fewer paths for the recogniser."""
        branches: dict[str, list[str]] = {}
        for phrase in self._meanings:
            first, _, rest = phrase.partition(" ")
            branches.setdefault(first, []).append(rest)
        return " | ".join(_branch(first, rests) for first, rests in branches.items())

    def words(self) -> set[str]:
        return {word for phrase in self._meanings for word in phrase.split()}

    def example(self, rng: random.Random) -> str:
        return rng.choice(list(self._meanings))


def _branch(first: str, rests: list[str]) -> str:
    said = [rest for rest in rests if rest]
    if not said:
        return first
    return f"{first} [{' | '.join(said)}]" if "" in rests else f"{first} ({' | '.join(said)})"


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
    """From *fewest* to *most* digits in a row, which mean a string: zeros in front count."""

    def __init__(self, fewest: int, most: int) -> None:
        self._fewest = fewest
        self._most = most

    def match(self, words: Sequence[str], at: int) -> Iterator[tuple[int, Value]]:
        found: list[tuple[int, Value]] = []
        said = ""
        while at < len(words) and len(said) < self._most:
            word = words[at]
            said += _DIGITS.get(word, word if word.isdecimal() else " ")
            at += 1
            if not said.isdecimal():
                break
            if self._fewest <= len(said) <= self._most:
                found.append((at, said))
        yield from reversed(found)

    def jsgf(self) -> str:
        digit = f"({' | '.join(_DIGITS)})"
        rule = ""
        for place in range(self._most, 0, -1):
            rule = f"{digit} {rule}".strip()
            if place > self._fewest:
                rule = f"[{rule}]"
        return rule

    def words(self) -> set[str]:
        return set(_DIGITS)

    def example(self, rng: random.Random) -> str:
        length = rng.randint(self._fewest, self._most)
        return digits("".join(rng.choice("0123456789") for _ in range(length)))
