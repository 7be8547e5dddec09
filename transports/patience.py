"""A timeout for what is done often and hardly ever waits."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import anyio
from anyio.lowlevel import checkpoint_if_cancelled


class Patience:
    """Waits for one thing after another, for each no longer than *seconds*.

    A timeout for every message costs a quarter of the message's whole way: a scope is made, a
    timer set and taken back. Here a task only notes when it began, and one timer looks, at most
    every *seconds*, who still waits. On trio, where others cannot cancel a task, each wait has a
    timeout of its own.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        on_asyncio = anyio.get_cancelled_exc_class() is asyncio.CancelledError
        self._loop = asyncio.get_running_loop() if on_asyncio else None
        self._since: dict[asyncio.Task[Any], float] = {}
        """When each task began to wait, the first of all first."""
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, doing: Awaitable[object]) -> None:
        """Raises TimeoutError. Several tasks may wait at once."""
        loop = self._loop
        if loop is None:
            with anyio.fail_after(self._seconds):
                await doing
            return
        task = asyncio.current_task(loop)
        assert task is not None
        before = task.cancelling()
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)
        try:
            await doing
        except asyncio.CancelledError as error:
            if task not in self._late:
                raise
            # Who else cancels the task at the same moment goes first: a scope, or somebody.
            await checkpoint_if_cancelled()
            if task.cancelling() > before + 1:
                raise
            raise TimeoutError from error
        finally:
            if self._since.pop(task, None) is None:
                self._late.remove(task)
                task.uncancel()

    def close(self) -> None:
        """Looks no more, unless somebody still waits."""
        if self._timer is not None and not self._since:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        assert self._loop is not None
        self._timer = None
        now = self._loop.time()
        for task, since in list(self._since.items()):
            if now < since + self._seconds:
                self._timer = self._loop.call_at(since + self._seconds, self._look)
                return
            del self._since[task]
            self._late.add(task)
            task.cancel()
