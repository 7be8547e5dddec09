"""The requests that the local model understands, ready to be matched and recognised.

They are written in a file: `intents.toml`, whose head explains the notation.
"""

import functools
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter

from antiphon.processors.local import patterns
from antiphon.processors.local.automaton import Automaton, merged
from antiphon.processors.local.patterns import (
    Pattern,
    PatternError,
    Phrases,
    Slot,
    Value,
    Word,
)
from antiphon.processors.local.schema import GrammarError, GrammarFile, Intent, SlotSpec, read
from antiphon.processors.local.slots import Digits, Listed, Number

BUILT_IN = Path(__file__).with_name("intents.toml")

COMPUTED = frozenset(
    ["about", "coin", "counting", "date", "die", "duration", "last", "me", "sum", "time", "topics"]
)
"""What replies can name beside slots."""

_PHRASE = re.compile(r"[a-z']+( [a-z']+)*")


class Grammar:
    """Intents, slots and patterns, each by name.

    Those of a user's file come before the built-in ones, and replace those of the same name.
    """

    def __init__(self, file: str, written: GrammarFile, under: "Grammar | None" = None) -> None:
        """Raises GrammarError."""
        self.file = file
        self.apologies = written.apologies or (under.apologies if under else ())
        self.pronounce: dict[str, str] = dict(written.pronounce)
        self.slots: dict[str, SlotSpec] = {}
        for slot in written.slots:
            if self.slots.setdefault(slot.name, slot) is not slot:
                raise GrammarError(file, f"slot {slot.name}", "is there twice")
        self.intents: dict[str, Intent] = {}
        for intent in written.intents:
            if self.intents.setdefault(intent.name, intent) is not intent:
                raise GrammarError(file, f"intent {intent.name}", "is there twice")
        if under is not None:
            self._add(under, written.without)
        self.phrases: dict[str, Phrases] = {
            name: self._phrases(slot) for name, slot in self.slots.items()
        }
        self.before = self._courtesy(written.before) or (under.before if under else ())
        self.after = self._courtesy(written.after) or (under.after if under else ())
        self.patterns: dict[str, tuple[Pattern, ...]] = {
            name: tuple(self._parse(said, f"intent {name}") for said in intent.say)
            for name, intent in self.intents.items()
        }
        self._check()

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Grammar":
        """The built-in grammar, or that of a file. Raises GrammarError, or OSError."""
        if path is None:
            return _built_in()
        written = read(Path(path))
        return cls(Path(path).name, written, _built_in() if written.builtin else None)

    def held(self, intent: str) -> dict[str, SlotSpec]:
        """The slots in the intent's patterns, by the names that they have there."""
        return {
            leaf.name: self.slots[leaf.of]
            for pattern in self.patterns[intent]
            for leaf in patterns.leaves(pattern)
            if isinstance(leaf, Slot)
        }

    def example(self, intent: str, rng: random.Random) -> str:
        """A sentence that asks for *intent*."""
        return patterns.example(rng.choice(self.patterns[intent]), self.phrases, rng)

    def words(self) -> dict[str, str]:
        """All words that can be said, and where in the file each stands."""
        places = {
            word: f"intent {name}" for name, said in self.patterns.items() for word in _words(said)
        }
        for name, phrases in self.phrases.items():
            for word in _words([phrases.pattern]):
                places.setdefault(word, f"slot {name}")
        for word in _words(self.before + self.after):
            places.setdefault(word, "before, after")
        return places

    def automaton(self) -> Automaton:
        """All requests, for a recogniser."""
        requests = (pattern for said in self.patterns.values() for pattern in said)
        return merged(requests, self.phrases, before=self.before, after=self.after)

    def _add(self, under: "Grammar", without: Iterable[str]) -> None:
        for name in without:
            if name not in under.intents:
                raise GrammarError(self.file, "without", f"no built-in intent is called {name!r}")
        self.slots = {**under.slots, **self.slots}
        self.pronounce = {**under.pronounce, **self.pronounce}
        for name, intent in under.intents.items():
            if name not in without:
                self.intents.setdefault(name, intent)

    def _phrases(self, slot: SlotSpec) -> Phrases:
        match slot.values, slot.numbers, slot.digits:
            case None, (first, last), None if 0 <= first <= last:
                return Number(first, last)
            case None, None, (fewest, most) if 1 <= fewest <= most:
                return Digits(fewest, most)
            case (tuple() | dict()) as values, None, None if values:
                return self._listed(slot.name, values)
            case _:
                problem = "needs values = [...], numbers = [first, last] or digits = [fewest, most]"
                raise GrammarError(self.file, f"slot {slot.name}", problem)

    def _listed(self, name: str, values: tuple[str, ...] | dict[str, Value]) -> Listed:
        meanings = (
            values if isinstance(values, dict) else {value.lower(): value for value in values}
        )
        for phrase in meanings:
            if not _PHRASE.fullmatch(phrase):
                raise GrammarError(
                    self.file,
                    f"slot {name}",
                    f"{phrase!r} is not what one says; write values = {{ 'how it is said' = "
                    "'what it means' }",
                )
        return Listed(meanings)

    def _courtesy(self, said: tuple[str, ...]) -> tuple[Pattern, ...]:
        return tuple(self._parse(text, "before, after") for text in said)

    def _parse(self, text: str, where: str) -> Pattern:
        try:
            pattern = patterns.parse(text)
        except PatternError as error:
            raise GrammarError(self.file, where, str(error)) from error
        for leaf in patterns.leaves(pattern):
            if isinstance(leaf, Slot) and leaf.of not in self.slots:
                known = ", ".join(sorted(self.slots)) or "none"
                problem = f"no slot is called {leaf.of!r}; there are: {known}"
                raise GrammarError(self.file, where, problem)
        return pattern

    def _check(self) -> None:
        if not self.intents:
            raise GrammarError(self.file, "", "has no [[intent]], so nothing can be asked")
        remembered = {slot for intent in self.intents.values() for slot in intent.remember}
        for name, intent in self.intents.items():
            where = f"intent {name}"
            held = set(self.held(name))
            if not intent.say:
                raise GrammarError(self.file, where, "say = [...] is empty, nobody can ask for it")
            if missing := set(intent.remember) - held:
                raise GrammarError(self.file, where, f"remembers {missing.pop()!r}, no slot of it")
            known = held | remembered | COMPUTED
            for reply in intent.replies + intent.otherwise:
                if unknown := self._placeholders(reply, where) - known:
                    problem = f"nothing is called {unknown.pop()!r} in {reply!r}; there are: "
                    raise GrammarError(self.file, where, problem + ", ".join(sorted(known)))
            for result in intent.tool.result if intent.tool else ():
                self._placeholders(result, where)

    def _placeholders(self, template: str, where: str) -> set[str]:
        try:
            return placeholders(template)
        except ValueError as error:
            raise GrammarError(self.file, where, f"{error} in {template!r}") from error


@functools.cache
def _built_in() -> Grammar:
    """One for all, so that they can share its recogniser."""
    return Grammar(BUILT_IN.name, read(BUILT_IN))


def placeholders(template: str) -> set[str]:
    """The {names} in a sentence. Raises ValueError."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _words(said: Iterable[Pattern]) -> Iterator[str]:
    for pattern in said:
        for leaf in patterns.leaves(pattern):
            if isinstance(leaf, Word):
                yield leaf.word
