"""Wakes processors whose deadline has come."""

from collections.abc import Iterable

from anyio import Event, move_on_after

from antiphon.pipeline.clock import now
from antiphon.pipeline.fuse import ProcessorNode


class Timer:
    """Wakes the processors with deadlines when their time has come, also in silence."""

    def __init__(self, nodes: Iterable[ProcessorNode]) -> None:
        self._nodes = tuple(nodes)
        self._next: int | None = None
        self._changed = Event()
        for node in self._nodes:
            node.rearmed = self._look

    def _earliest(self) -> int | None:
        return min((d for node in self._nodes if (d := node.deadline) is not None), default=None)

    def _look(self) -> None:
        earliest = self._earliest()
        # Later than what is slept for needs no waking: the sleeper will look again.
        if earliest is not None and (self._next is None or earliest < self._next):
            self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed = Event()
            self._next = self._earliest()
            if self._next is None:
                await self._changed.wait()
                continue
            with move_on_after((self._next - now()) / 1_000_000):
                await self._changed.wait()
            await self._expire()

    async def _expire(self) -> None:
        for node in self._nodes:
            deadline = node.deadline
            if deadline is not None and deadline <= now():
                node.expire(now())
                await node.room()
