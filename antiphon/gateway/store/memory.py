"""A store for one process, gone with it."""

from collections import deque
from collections.abc import Callable, Collection, Mapping

import anyio

from antiphon.gateway.store.expiring import Expiring
from antiphon.gateway.store.store import MONEY, check_amounts, check_rate, check_ticket

Usage = dict[str, dict[str, int]]


class MemoryStore:
    """Remembers *room* tickets, and as many names with a rate, at most.

    No operation waits, so each is atomic. *clock* gives seconds; by default it is the event
    loop's, whatever that is.
    """

    def __init__(
        self,
        *,
        given_up: float = 60.0,
        room: int = 1_000_000,
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self._given_up = given_up
        self._clock = clock
        self._tickets: Expiring[_Ticket] = Expiring("tickets", room=room, clock=clock)
        self._calls: Expiring[deque[int]] = Expiring("rates", room=room, clock=clock)
        self._sessions: dict[str, dict[str, float]] = {}
        """By key, and until when each counts."""
        self._usage: dict[str, Usage] = {}
        self._money: dict[str, int] = {}

    async def keep_ticket(self, digest: str, grant: bytes, *, uses: int, lifetime: float) -> None:
        check_ticket(uses, lifetime)
        self._tickets.put(digest, _Ticket(grant, uses), lifetime=lifetime)

    async def redeem(self, digest: str) -> bytes | None:
        ticket = self._tickets.get(digest)
        if ticket is None:
            return None
        if ticket.left == 1:
            self._tickets.drop(digest)
        ticket.left -= 1  # from 0, that is any number, it never comes to 1
        return ticket.grant

    async def drop_ticket(self, digest: str) -> None:
        self._tickets.drop(digest)

    async def enter(self, key: str, session: str, *, most: int | None) -> bool:
        self._give_up(key)
        there = self._sessions.get(key, {})
        if most is not None and session not in there and len(there) >= most:
            return False
        self._sessions.setdefault(key, there)[session] = self._clock() + self._given_up
        return True

    async def stay(self, sessions: Mapping[str, Collection[str]]) -> None:
        until = self._clock() + self._given_up
        for key, ids in sessions.items():
            if ids:
                self._sessions.setdefault(key, {}).update(dict.fromkeys(ids, until))
        for key in tuple(self._sessions):
            self._give_up(key)

    async def leave(self, key: str, session: str) -> None:
        there = self._sessions.get(key, {})
        there.pop(session, None)
        if not there:
            self._sessions.pop(key, None)

    async def allow(self, name: str, *, most: int, window: float) -> float | None:
        check_rate(most, window)
        if not most:
            return window
        # Whole microseconds, so that whoever has waited as long as told is not told to once more.
        now, length = round(self._clock() * 1_000_000), round(window * 1_000_000)
        times = self._calls.get(name) or deque[int]()
        if len(times) >= most and times[-most] + length > now:
            return (times[-most] + length - now) / 1_000_000
        times.append(now)
        while len(times) > most:
            times.popleft()
        self._calls.put(name, times, lifetime=window)
        return None

    async def spend(self, key: str, model: str, amounts: Mapping[str, int]) -> None:
        check_amounts(amounts)
        for name, amount in amounts.items():
            counters = self._usage.setdefault(key, {}).setdefault(model, {})
            counters[name] = counters.get(name, 0) + amount
        if MONEY in amounts:
            self._money[key] = self._money.get(key, 0) + amounts[MONEY]

    async def spent(self, key: str) -> Usage:
        return {model: dict(counters) for model, counters in self._usage.get(key, {}).items()}

    async def money(self, key: str) -> int:
        return self._money.get(key, 0)

    async def ready(self) -> bool:
        return True

    async def aclose(self) -> None:
        """Nothing is to be done; it stays as it is."""

    def __repr__(self) -> str:
        return "MemoryStore()"

    def _give_up(self, key: str) -> None:
        there, now = self._sessions.get(key, {}), self._clock()
        for session in [one for one, until in there.items() if until <= now]:
            del there[session]
        if not there:
            self._sessions.pop(key, None)


class _Ticket:
    def __init__(self, grant: bytes, left: int) -> None:
        self.grant = grant
        self.left = left
