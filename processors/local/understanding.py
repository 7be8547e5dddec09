"""What somebody wants: words, matched with a grammar."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from antiphon.processors.local import patterns
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.patterns import Value, Word

_WORDS = re.compile(r"[a-z]+|\d+")
_ENOUGH = 0.5
"""Share of the words that a request must account for, among others that say nothing to us."""
_LONGEST = 60
"""Words; in a longer text no request could be as much of it."""
_TELLING = 0.5
"""What the words of the nearest intent weigh at least: one that two intents share weighs this."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What was understood of a turn of the user."""

    text: str
    intent: str | None = None
    """None: it is nothing that the grammar knows."""
    slots: dict[str, Value] = {}
    confidence: float = 0.0
    """From 0 to 1: how much of what was said is accounted for."""
    nearest: str | None = None
    """The intent that comes closest where it is none."""


def understand(grammar: Grammar, text: str) -> Heard:
    """Finds a request in *text*, with other words around it if need be.

    Case, punctuation and apostrophes do not matter, and numbers may be written in digits.
    """
    words = _words(text)
    best = Heard(text=text)
    for start, end, intent, slots in _matches(grammar, words):
        others = _without_courtesy(grammar, words[:start], words[end:])
        share = (end - start) / (end - start + others)
        if share > best.confidence:
            best = Heard(text=text, intent=intent, slots=slots, confidence=share)
    if best.confidence < _ENOUGH:
        return Heard(text=text, nearest=best.intent or _nearest(grammar, words))
    return best


def _words(text: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in letters if not unicodedata.combining(c))
    return _WORDS.findall(re.sub("['\N{RIGHT SINGLE QUOTATION MARK}]", "", plain))


def _matches(
    grammar: Grammar, words: Sequence[str]
) -> Iterator[tuple[int, int, str, dict[str, Value]]]:
    for start in range(len(words) if len(words) <= _LONGEST else 0):
        for intent, said in grammar.patterns.items():
            for pattern in said:
                for end, slots in patterns.match(pattern, words, start, grammar.phrases):
                    yield start, end, intent, slots


def _without_courtesy(grammar: Grammar, before: Sequence[str], after: Sequence[str]) -> int:
    """How many words stand around a request, beside those that only make it polite."""
    return _others(grammar, before) + _others(grammar, after)


def _others(grammar: Grammar, words: Sequence[str]) -> int:
    at = count = 0
    while at < len(words):
        ends = (
            end
            for pattern in grammar.before + grammar.after
            for end, _ in patterns.match(pattern, words, at, grammar.phrases)
        )
        end = max(ends, default=at)
        count += end == at
        at = max(end, at + 1)
    return count


def _nearest(grammar: Grammar, words: Sequence[str]) -> str | None:
    """The intent whose words were used most; one that fewer intents use counts for more."""
    vocabularies = {
        name: {
            patterns.bare(leaf.word)
            for pattern in said
            for leaf in patterns.leaves(pattern)
            if isinstance(leaf, Word)
        }
        for name, said in grammar.patterns.items()
    }
    users = Counter(word for own in vocabularies.values() for word in own)
    weights = {
        name: sum(1 / users[word] for word in own.intersection(words))
        for name, own in vocabularies.items()
    }
    best = max(weights, key=weights.__getitem__, default=None)
    return best if best is not None and weights[best] >= _TELLING else None
