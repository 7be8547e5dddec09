"""Tells the program what happens, without waiting for it."""

from collections import deque
from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutine
from typing import Any

from anyio import Event

MOST = 512
"""Notices that may wait for an asynchronous handler."""


class Notices:
    """Calls handlers at once; what of them is asynchronous runs one after another, in order.

    What a handler raises is given to *failed*.
    """

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self._waiting: deque[Awaitable[Any]] = deque()
        self._arrived = Event()

    def tell(self, handler: Callable[..., object] | None, *news: object) -> bool:
        """False if so many wait already that this one had to be left out."""
        if handler is None:
            return True
        try:
            result = handler(*news)
        except Exception as error:
            self._failed(error)
            return True
        if not isawaitable(result):
            return True
        if len(self._waiting) >= MOST:
            _drop(result)
            return False
        self._waiting.append(result)
        self._arrived.set()
        return True

    async def run(self) -> None:
        while True:
            while self._waiting:
                try:
                    await self._waiting.popleft()
                except Exception as error:
                    self._failed(error)
            self._arrived = Event()
            await self._arrived.wait()

    def close(self) -> None:
        """Nobody will be told what still waits."""
        while self._waiting:
            _drop(self._waiting.popleft())


def _drop(awaitable: Awaitable[Any]) -> None:
    if iscoroutine(awaitable):
        awaitable.close()
