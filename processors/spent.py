"""What sessions have cost: one, or several added up."""

from decimal import Decimal

import msgspec

from antiphon.codecs.usage import Usage
from antiphon.processors.amounts import NOTHING, added
from antiphon.processors.prices import DOLLAR

HOUR = 3_600_000_000
"""Microseconds."""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a session, or several added up, have cost so far.

    *usage* has every token of a modality, and the seconds that the provider bills, if it says so;
    *transcription* is what its transcriber counts beside. Durations are in microseconds, *money*
    in micro-dollars.
    """

    usage: Usage = NOTHING
    transcription: Usage = NOTHING
    heard: int = 0
    """The user's audio."""
    spoken: int = 0
    """The model's, whether played or not."""
    duration: int = 0
    """Of the session, without the time between its connections."""
    text_messages: int = 0
    money: int = 0
    estimated: bool = False
    """Part of it is not the provider's count, but ours."""
    unpriced: frozenset[str] = frozenset()
    """Models used whose price is not known, so that it is not in *money*."""

    @property
    def dollars(self) -> Decimal:
        return Decimal(self.money) / DOLLAR

    @property
    def per_hour(self) -> int | None:
        """Micro-dollars, if it goes on like this; None before any time has passed."""
        return self.money * HOUR // self.duration if self.duration else None

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            usage=added(self.usage, other.usage),
            transcription=added(self.transcription, other.transcription),
            heard=self.heard + other.heard,
            spoken=self.spoken + other.spoken,
            duration=self.duration + other.duration,
            text_messages=self.text_messages + other.text_messages,
            money=self.money + other.money,
            estimated=self.estimated or other.estimated,
            unpriced=self.unpriced | other.unpriced,
        )
