"""Words for an answer: one of several sentences, with what is known put into them."""

import random
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from antiphon.processors.local.calls import total
from antiphon.processors.local.grammar import Grammar, placeholders
from antiphon.processors.local.numerals import duration, listed, spelled
from antiphon.processors.local.patterns import Value
from antiphon.processors.local.results import sentence

APOLOGY = "Sorry, I did not understand that."

_NAME = re.compile(r"(?:you are (?:called|named)|your name is) (\w+)", re.IGNORECASE)
_TOPICS = 4

Known = Callable[[str], str | None]
"""The value of a {name}, or None where there is none."""


class Scene:
    """What can be told at one moment: slots, the clock, the conversation so far."""

    def __init__(
        self,
        grammar: Grammar,
        rng: random.Random,
        *,
        slots: Mapping[str, Value],
        now: datetime | None,
        last: str,
        instructions: str,
        nearest: str | None,
    ) -> None:
        self._grammar = grammar
        self._rng = rng
        self._slots = slots
        self._now = now
        self._last = last
        self._instructions = instructions
        self._nearest = nearest

    def choose(self, templates: Iterable[str]) -> str | None:
        """One of those whose {names} are all known, and not what was said last."""
        texts = [text for _, text in told(templates, self.value)]
        fresh = [text for text in texts if text != self._last] or texts
        return self._rng.choice(fresh) if fresh else None

    def value(self, name: str) -> str | None:
        """Of a slot, or one of grammar.COMPUTED."""
        if name in self._slots:
            return spoken(self._slots[name])
        match name:
            case "time" if self._now is not None:
                half = "AM" if self._now.hour < 12 else "PM"
                return f"{self._now.hour % 12 or 12}:{self._now.minute:02} {half}"
            case "date" if self._now is not None:
                return f"{self._now:%A}, {self._now:%B} {self._now.day}"
            case "duration":
                seconds = total(self._slots)
                return None if seconds is None else duration(seconds)
            case "sum" if {"first", "second"} <= self._slots.keys():
                return str(int(self._slots["first"]) + int(self._slots["second"]))
            case "counting" if "to" in self._slots:
                return sentence(", ".join(map(spelled, range(1, int(self._slots["to"]) + 1))))[:-1]
            case "coin":
                return self._rng.choice(("heads", "tails"))
            case "die":
                return spelled(self._rng.randint(1, 6))
            case "last":
                return self._last or None
            case "me":
                named = _NAME.search(self._instructions)
                return named[1] if named else "Antiphon"
            case "topics" | "about":
                return self._topics(name)
            case _:
                return None

    def _topics(self, name: str) -> str | None:
        intents = self._grammar.intents
        if name == "about" and self._nearest and intents[self._nearest].about:
            return intents[self._nearest].about
        topics = [intent.about for intent in intents.values() if intent.about]
        if not topics:
            return None
        few = self._rng.sample(topics, min(len(topics), _TOPICS if name == "topics" else 1))
        return listed(few, joint="or")


def told(templates: Iterable[str], known: Known) -> Iterable[tuple[str, str]]:
    """The templates whose {names} are all known, each with what it then says."""
    for template in templates:
        values = {name: known(name) for name in sorted(placeholders(template))}
        if None not in values.values():
            yield template, template.format(**values)


def spoken(value: Value) -> str:
    """Digits, which are a reference and no number, one by one."""
    return " ".join(value) if isinstance(value, str) and value.isdecimal() else str(value)
