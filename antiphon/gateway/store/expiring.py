"""A dictionary whose entries are forgotten when their time has come."""

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

from antiphon.gateway.store.errors import StoreFull

T = TypeVar("T")

STALE = 64
"""Entries of the queue that may be out of date, beside one for each that is not."""


class Expiring(Generic[T]):
    """Holds no more than *room* entries; *what* they are called in the plural."""

    def __init__(self, what: str, *, room: int, clock: Callable[[], float]) -> None:
        self._what = what
        self._room = room
        self._clock = clock
        self._entries: dict[str, tuple[float, T]] = {}
        self._queue: list[tuple[float, str]] = []

    def __len__(self) -> int:
        self._forget()
        return len(self._entries)

    def get(self, name: str) -> T | None:
        entry = self._entries.get(name)
        return entry[1] if entry is not None and self._clock() < entry[0] else None

    def put(self, name: str, value: T, *, lifetime: float) -> None:
        """Keep *value* for *lifetime* seconds from now. Raises StoreFull."""
        self._forget()
        if name not in self._entries and len(self._entries) >= self._room:
            raise StoreFull(self._what, self._room)
        until = self._clock() + lifetime
        self._entries[name] = (until, value)
        heapq.heappush(self._queue, (until, name))

    def drop(self, name: str) -> None:
        self._entries.pop(name, None)

    def _forget(self) -> None:
        now = self._clock()
        while self._queue and self._queue[0][0] <= now:
            _, name = heapq.heappop(self._queue)
            entry = self._entries.get(name)
            if entry is not None and entry[0] <= now:
                del self._entries[name]
        if len(self._queue) > 2 * len(self._entries) + STALE:
            self._queue = [(until, name) for name, (until, _) in self._entries.items()]
            heapq.heapify(self._queue)
