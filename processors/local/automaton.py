"""A grammar as states and the words that lead from one to the next.

A recogniser could be given the grammar as JSGF, but then each alternative gets paths of its
own, also where sentences begin or end alike. Merged as here, it follows a third of the paths,
in a third of the time.
"""

from collections.abc import Iterable, Mapping

import msgspec

from antiphon.processors.local.patterns import Choice, Pattern, Phrases, Series, Slot, Word

States = Mapping[int, Mapping[str, int]]
"""For each state the words that can be said there, and the state to which each leads."""


class Automaton(msgspec.Struct, frozen=True):
    """It accepts what leads from *start* to one of *finals*; no smaller one does."""

    start: int
    finals: frozenset[int]
    states: States


class _Paths:
    """States, with any number of ways out for one word and some for no word at all."""

    def __init__(self, slots: Mapping[str, Phrases]) -> None:
        self._slots = slots
        self.words: list[dict[str, set[int]]] = []
        self.silent: list[set[int]] = []

    def new(self) -> int:
        self.words.append({})
        self.silent.append(set())
        return len(self.words) - 1

    def add(self, pattern: Pattern, start: int, end: int) -> None:
        """Makes *pattern* lead from *start* to *end*."""
        match pattern:
            case Word():
                self.words[start].setdefault(pattern.word, set()).add(end)
            case Slot():
                self.add(self._slots[pattern.of].pattern, start, end)
            case Series():
                for part in pattern.parts:
                    middle = self.new()
                    self.add(part, start, middle)
                    start = middle
                self.silent[start].add(end)
            case Choice():
                for option in pattern.options:
                    self.add(option, start, end)

    def reach(self, states: Iterable[int]) -> frozenset[int]:
        """They, and where one gets from them in silence."""
        found = set(states)
        waiting = list(found)
        while waiting:
            for state in self.silent[waiting.pop()] - found:
                found.add(state)
                waiting.append(state)
        return frozenset(found)


def merged(
    requests: Iterable[Pattern],
    slots: Mapping[str, Phrases],
    *,
    before: Iterable[Pattern] = (),
    after: Iterable[Pattern] = (),
) -> Automaton:
    """Any of *requests*, with one of *before* and *after* around it or not."""
    paths = _Paths(slots)
    start, first, last, end = (paths.new() for _ in range(4))
    for pattern in (Series(), *before):
        paths.add(pattern, start, first)
    for pattern in requests:
        paths.add(pattern, first, last)
    for pattern in (Series(), *after):
        paths.add(pattern, last, end)
    return _smallest(_deterministic(paths, start, end))


def _deterministic(paths: _Paths, start: int, end: int) -> Automaton:
    """With one way for each word: its states are sets of those of *paths*."""
    begin = paths.reach({start})
    numbers = {begin: 0}
    states: dict[int, dict[str, int]] = {}
    waiting = [begin]
    while waiting:
        together = waiting.pop()
        ways: dict[str, set[int]] = {}
        for state in sorted(together):
            for word, targets in paths.words[state].items():
                ways.setdefault(word, set()).update(targets)
        row = states.setdefault(numbers[together], {})
        for word, targets in ways.items():
            reached = paths.reach(targets)
            if reached not in numbers:
                numbers[reached] = len(numbers)
                waiting.append(reached)
            row[word] = numbers[reached]
    finals = frozenset(number for together, number in numbers.items() if end in together)
    return Automaton(0, finals, states)


def _smallest(automaton: Automaton) -> Automaton:
    """States from which the same can be said become one (Moore's algorithm)."""
    kind = {state: int(state in automaton.finals) for state in automaton.states}
    kinds = 0
    while kinds < len(set(kind.values())):
        kinds = len(set(kind.values()))
        numbers: dict[tuple[int, frozenset[tuple[str, int]]], int] = {}
        kind = {
            state: numbers.setdefault(
                (kind[state], frozenset((word, kind[to]) for word, to in row.items())),
                len(numbers),
            )
            for state, row in automaton.states.items()
        }
    return Automaton(
        kind[automaton.start],
        frozenset(kind[state] for state in automaton.finals),
        {
            kind[state]: {word: kind[to] for word, to in row.items()}
            for state, row in automaton.states.items()
        },
    )
