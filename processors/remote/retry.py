"""How long to wait before a connection is tried again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Exponential backoff with jitter.

    The nth wait is drawn from the upper half of 0 to *first*·2ⁿ⁻¹ seconds, and of no more than
    *longest*, so that many clients of a server that was gone do not come back in step. After
    *attempts* in a row the session is lost; none are made with 0. A connection that held for
    *proof* seconds ends the row.
    """

    attempts: int = 8
    first: float = 0.25
    longest: float = 10.0
    proof: float = 10.0

    def waits(self, chance: random.Random) -> Iterator[float]:
        """In seconds, one for each attempt."""
        for attempt in range(self.attempts):
            bound = min(self.longest, self.first * 2**attempt)
            yield bound * chance.uniform(0.5, 1.0)
