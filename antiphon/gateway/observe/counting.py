"""Counting that costs next to nothing: what happens per message is added up and handed on in bulk."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from prometheus_client import Counter, Histogram

BATCH = 256
"""How many values are kept before they are handed on: some seconds of one direction's messages."""

OTHER = "other"
"""Stands for every value of a label beyond those there is room for."""

LONGEST = 100
"""Characters of a label's value."""


class Room:
    """Keeps the values of one label few: *known* ones always fit, and *more* that turn up."""

    def __init__(self, known: Iterable[str] = (), *, more: int = 64) -> None:
        self._values = {value: value for value in known}
        self._left = more

    def fit(self, value: str) -> str:
        fitting = self._values.get(value)
        return self._fit_new(value) if fitting is None else fitting

    def _fit_new(self, value: str) -> str:
        if self._left <= 0 or len(value) > LONGEST:
            return OTHER
        self._left -= 1
        self._values[value] = value
        return value


class Buckets(Histogram):
    """A histogram that also takes in what was counted elsewhere."""

    def take(self, counts: Sequence[int], total: float) -> None:
        """*counts* is for each bucket and what is above them all; *total* is the values' sum."""
        inner: Any = self  # where the library keeps them has types for no checker
        inner._sum.inc(total)
        for bucket, count in zip(inner._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class Batch:
    """Values on their way into a histogram with *bounds*.

    Observing it itself takes a lock or two and a search bucket by bucket, and in
    multi-process mode a write to its file.
    """

    __slots__ = ("_bounds", "_counts", "_into", "_left", "_total")

    def __init__(self, into: Buckets, bounds: Sequence[float]) -> None:
        self._into = into
        self._bounds = bounds
        self._empty()

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value
        self._left -= 1
        if not self._left:
            self.flush()

    def flush(self) -> None:
        """Hand on what was kept."""
        if self._left < BATCH:
            self._into.take(self._counts, self._total)
            self._empty()

    def _empty(self) -> None:
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0
        self._left = BATCH


class Sum:
    """An amount on its way into a counter."""

    __slots__ = ("_into", "_kept", "_left")

    def __init__(self, into: Counter) -> None:
        self._into = into
        self._kept = 0.0
        self._left = BATCH

    def add(self, amount: float) -> None:
        self._kept += amount
        self._left -= 1
        if not self._left:
            self.flush()

    def flush(self) -> None:
        if self._left < BATCH:
            self._into.inc(self._kept)
            self._kept = 0.0
            self._left = BATCH


Add = Callable[[float], None]


def flush(pending: Collection[Batch | Sum]) -> None:
    for one in pending:
        one.flush()
