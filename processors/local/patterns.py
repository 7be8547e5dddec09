"""What can be said: words, choices, options and slots, in the notation of JSGF.

A pattern such as `(what is | what's) the weather [like] in <city>` is read once into a tree.
From the tree come both the states of a speech recogniser and the matching of words, so that
speech and text mean the same. `<number:minutes>` is what the slot *number* can hold, under the
name *minutes*.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

Value = str | int

_TOKENS = re.compile(r"<[^>]*>|[^\s()\[\]|<>]+|\S")
_WORD = re.compile(r"[a-z']+")
_SLOT = re.compile(r"<([a-z_]+)(?::([a-z_]+))?>")


class PatternError(ValueError):
    """A pattern cannot be read; the message says why."""


class Word(msgspec.Struct, frozen=True):
    word: str


class Slot(msgspec.Struct, frozen=True):
    of: str
    """The name of what it can hold."""
    name: str
    """Its name in this pattern."""


class Series(msgspec.Struct, frozen=True):
    """One part after the other; without parts it is silence."""

    parts: "tuple[Pattern, ...]" = ()


class Choice(msgspec.Struct, frozen=True):
    options: "tuple[Pattern, ...]"


Pattern = Word | Slot | Series | Choice


class Phrases(Protocol):
    """What can be said in a slot."""

    @property
    def pattern(self) -> Pattern:
        """The same as words alone."""
        ...

    def match(self, words: Sequence[str], at: int) -> Iterator[tuple[int, Value]]:
        """Each way to read it from *at* on: where it ends and what it means, longest first."""
        ...


def parse(text: str) -> Pattern:
    """Raises PatternError."""
    tokens: list[str] = _TOKENS.findall(text)
    pattern, end = _choice(tokens, 0)
    if end < len(tokens):
        raise PatternError(f"{tokens[end]!r} closes nothing in {text!r}")
    if next(match(pattern, (), 0, {}), None):
        raise PatternError(f"{text!r} could be said without a word")
    return pattern


def optional(pattern: Pattern) -> Pattern:
    return Choice((pattern, Series()))


def phrase(text: str) -> Pattern:
    """Words as they stand."""
    return Series(tuple(map(Word, text.split())))


def _choice(tokens: list[str], at: int) -> tuple[Pattern, int]:
    option, at = _series(tokens, at)
    options = [option]
    while at < len(tokens) and tokens[at] == "|":
        option, at = _series(tokens, at + 1)
        options.append(option)
    return (options[0] if len(options) == 1 else Choice(tuple(options))), at


def _series(tokens: list[str], at: int) -> tuple[Pattern, int]:
    parts: list[Pattern] = []
    while at < len(tokens) and tokens[at] not in "|)]":
        token = tokens[at]
        at += 1
        if token in "([":
            closing = ")" if token == "(" else "]"
            part, at = _choice(tokens, at)
            if at == len(tokens) or tokens[at] != closing:
                raise PatternError(f"{closing!r} is missing in {' '.join(tokens)!r}")
            at += 1
            parts.append(part if token == "(" else optional(part))
        elif slot := _SLOT.fullmatch(token):
            parts.append(Slot(slot[1], slot[2] or slot[1]))
        elif _WORD.fullmatch(token):
            parts.append(Word(token))
        else:
            raise PatternError(
                f"{token!r} cannot be said: write words in small letters, ( | ), [ ] and <slot>"
            )
    return (parts[0] if len(parts) == 1 else Series(tuple(parts))), at


def match(
    pattern: Pattern, words: Sequence[str], at: int, slots: Mapping[str, Phrases]
) -> Iterator[tuple[int, dict[str, Value]]]:
    """Each way in which *words* go on with the pattern: where it ends, and what is in its slots.

    *words* are spelled as by `bare`.
    """
    match pattern:
        case Word():
            if at < len(words) and words[at] == bare(pattern.word):
                yield at + 1, {}
        case Slot():
            if at < len(words):
                for end, value in slots[pattern.of].match(words, at):
                    yield end, {pattern.name: value}
        case Series():
            yield from _match_series(pattern.parts, words, at, slots)
        case Choice():
            for option in pattern.options:
                yield from match(option, words, at, slots)


def _match_series(
    parts: "tuple[Pattern, ...]", words: Sequence[str], at: int, slots: Mapping[str, Phrases]
) -> Iterator[tuple[int, dict[str, Value]]]:
    if not parts:
        yield at, {}
        return
    for middle, held in match(parts[0], words, at, slots):
        for end, more in _match_series(parts[1:], words, middle, slots):
            yield end, held | more


def leaves(pattern: Pattern) -> Iterator[Word | Slot]:
    match pattern:
        case Word() | Slot():
            yield pattern
        case Series(parts) | Choice(parts):
            for part in parts:
                yield from leaves(part)


def example(pattern: Pattern, slots: Mapping[str, Phrases], rng: random.Random) -> str:
    """One of the sentences that can be said."""
    match pattern:
        case Word():
            return pattern.word
        case Slot():
            return example(slots[pattern.of].pattern, slots, rng)
        case Series():
            said = (example(part, slots, rng) for part in pattern.parts)
            return " ".join(filter(None, said))
        case Choice():
            return example(rng.choice(pattern.options), slots, rng)


def bare(word: str) -> str:
    """As words are compared: people write `whats` and `what's` alike."""
    return word.replace("'", "")
