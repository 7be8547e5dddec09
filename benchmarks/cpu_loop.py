"""An event loop whose clock is the CPU time of its thread, and jumps where it would sleep.

What runs on it is as late as its own work makes it, and not as the machine's other guests
do: only so can lateness be measured where the machine is shared.
"""

import asyncio
import selectors
import time


class CpuLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.idle = 0.0
        """Seconds slept so far, by its own clock."""
        super().__init__(_Skipping(self))

    def time(self) -> float:
        return time.thread_time() + self.idle


class _Skipping(selectors.DefaultSelector):
    """Instead of waiting, lets the loop's clock jump."""

    def __init__(self, loop: CpuLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self._loop.idle += timeout
        return ready
