"""An event loop whose clock jumps when everybody waits.

An hour of conversation is over in seconds, and goes the same way each time: timers
fire at exactly their time, and worker threads, which take real time, take none of
the loop's. The loop is asyncio's own with a selector that does not sleep.
"""

import asyncio
import random
import selectors
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, cast

import anyio
from anyio import CapacityLimiter, to_thread

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class Standstill(RuntimeError):
    """Every task waits for something that can no longer happen."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer when nothing else is to be done.

    With *shuffle*, tasks that are ready at the same moment run in an order drawn by
    that seed, where asyncio would run them first come, first served.
    """

    def __init__(self, shuffle: int | None = None) -> None:
        self._virtual_time = 0.0
        self.threads: CapacityLimiter | None = None
        self._arrivals: deque[asyncio.Handle] = deque()
        self._lock = threading.Lock()
        self._random = None if shuffle is None else random.Random(shuffle)
        super().__init__(_Jumping(self))
        self._inner: Any = self  # what asyncio has no public name for

    def time(self) -> float:
        return self._virtual_time

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """From another thread: *callback* runs once all else that is ready has run.

        So it does not matter for the order of things how fast a thread was.
        """
        if threading.get_ident() == self._inner._thread_id:
            return self.call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        with self._lock:
            self._arrivals.append(handle)
        self._inner._write_to_self()
        return handle

    def waited(self, timeout: float | None) -> None:
        """Nothing is ready: take in one call of a thread, or let time pass."""
        if self._take_arrival():
            return
        if timeout is None or timeout > 0:
            if self.threads is not None and self.threads.borrowed_tokens:
                self._inner._selector.wait_for_thread()
                self._take_arrival()
            elif timeout is None:
                raise Standstill(
                    "all tasks wait and no timer is set: nothing can ever happen again"
                )
            else:
                self._virtual_time = self._due(timeout)

    def _due(self, timeout: float) -> float:
        # The timer's own time: adding a difference would leave it a rounding error away.
        scheduled: list[asyncio.TimerHandle] = self._inner._scheduled
        return (
            max(self._virtual_time, scheduled[0].when())
            if scheduled
            else (self._virtual_time + timeout)
        )

    def _take_arrival(self) -> bool:
        with self._lock:
            if not self._arrivals:
                return False
            handle = self._arrivals.popleft()
        self._inner._ready.append(handle)
        return True

    def _run_once(self) -> None:
        if self._random is not None:
            self._shuffle(self._random)
        cast(Any, super())._run_once()

    def _shuffle(self, source: random.Random) -> None:
        """Exchange tasks that are ready; callbacks keep the order asyncio promises them."""
        ready: deque[asyncio.Handle] = self._inner._ready
        places = [i for i, handle in enumerate(ready) if _is_step(handle)]
        steps = [ready[i] for i in places]
        source.shuffle(steps)
        for place, step in zip(places, steps, strict=True):
            ready[place] = step


def _is_step(handle: asyncio.Handle) -> bool:
    inner: Any = handle
    return isinstance(getattr(inner._callback, "__self__", None), asyncio.Task)


class _Jumping(selectors.SelectSelector):
    """Polls without waiting, and lets the loop's clock jump instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return []
        self._loop.waited(timeout)
        return super().select(0)

    def wait_for_thread(self) -> None:
        super().select(None)


def run_virtual(
    work: Callable[[*Arguments], Awaitable[T]],
    *args: *Arguments,
    shuffle: int | None = None,
) -> T:
    """Run *work* on a loop whose clock jumps; returns what it returns.

    Worker threads run one at a time. Two calls of the same work go the same way. With
    *shuffle*, a seed, tasks ready at the same moment run in an order of its choosing.
    """

    async def main() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.threads = to_thread.current_default_thread_limiter()
        loop.threads.total_tokens = 1
        return await work(*args)

    options: Mapping[str, Any] = {"loop_factory": lambda: VirtualLoop(shuffle)}
    return anyio.run(main, backend="asyncio", backend_options=options)
