"""How long a session may last, and be silent."""

from collections.abc import Awaitable, Callable

import anyio

from antiphon.codecs import events
from antiphon.codecs.refusing import Cause, Problem
from antiphon.gateway.settings import Limits
from antiphon.gateway.wire import Wire
from antiphon.pipeline import now

SECOND = 1_000_000

ANNOUNCED = frozenset[Cause]({"session_expired", "going_away"})
"""What is told before it happens, where the dialect has a word for that."""

BEAT = 15.0
"""Seconds between two signs of life."""


class Watch:
    """Sees to it that a session keeps its *limits*, and that the store knows it is alive."""

    def __init__(
        self, wire: Wire, limits: Limits, *, announces: bool, alive: Callable[[], Awaitable[None]]
    ) -> None:
        self._wire = wire
        self._limits = limits
        self._announces = announces
        self._alive = alive
        self._began = now()
        self._announced = False
        self._leaving: int | None = None
        """When everybody has to be gone."""
        self._changed = anyio.Event()
        self._problem: Problem | None = None

    def end(self, problem: Problem) -> None:
        """The session is to end now."""
        self._problem = self._problem or problem
        self._changed.set()

    def leave(self, seconds: float) -> None:
        """The session is to end in *seconds*."""
        self._leaving = now() + round(seconds * SECOND)
        self._announced = False
        self._changed.set()

    async def keep(self) -> Problem:
        """Returns when the session has to end, with the reason."""
        beat = now() + round(BEAT * SECOND)
        while True:
            if self._problem is not None:
                return self._problem
            end, problem = self._nearest()
            if end <= now():
                return problem
            wake = end
            if self._announces and not self._announced and problem.cause in ANNOUNCED:
                wake = end - round(self._limits.notice * SECOND)
                if wake <= now():
                    wake = end
                    await self._announce(problem, end)
            if beat <= now():
                beat = now() + round(BEAT * SECOND)
                await self._alive()
            self._changed = anyio.Event()
            with anyio.move_on_after(max(0, min(wake, beat) - now()) / SECOND):
                await self._changed.wait()

    async def _announce(self, problem: Problem, end: int) -> None:
        self._announced = True
        left = max(0, end - now())
        await self._wire.say(
            events.GoAway(time_left=left, code=problem.code, message=problem.message, at=now())
        )

    def _nearest(self) -> tuple[int, Problem]:
        limits, ends = self._limits, list[tuple[int, Problem]]()
        if self._leaving is not None:
            going = Problem(cause="going_away", message="the gateway is shutting down")
            ends.append((self._leaving, going))
        if limits.session is not None:
            over = Problem(
                cause="session_expired", message=f"a session may last {limits.session:g} s"
            )
            ends.append((self._began + round(limits.session * SECOND), over))
        if not self._wire.heard_anything:
            if limits.first_message is not None:
                silent = Problem(
                    cause="silent", message=f"nothing was said within {limits.first_message:g} s"
                )
                ends.append((self._began + round(limits.first_message * SECOND), silent))
        elif limits.idle is not None:
            idle = Problem(cause="idle", message=f"nothing was said for {limits.idle:g} s")
            ends.append((self._wire.touched + round(limits.idle * SECOND), idle))
        never = now() + 3_600 * SECOND, Problem(cause="session_expired", message="")
        return min(ends, key=lambda end: end[0], default=never)
