"""Session time: integer microseconds since the pipeline started.

It is the event loop's time, so a test that owns the loop owns the clock. Nothing
in the library reads another one.
"""

from contextvars import ContextVar

import anyio

_epoch: ContextVar[float] = ContextVar("session_epoch")


def begin(epoch: float) -> None:
    """Let session time start at *epoch*, in the loop's seconds, for this task and its children."""
    _epoch.set(epoch)


def epoch() -> float:
    """When the session that surrounds this task began; now, where there is none."""
    began = _epoch.get(None)
    return anyio.current_time() if began is None else began


def now() -> int:
    """Session time in microseconds; loop time where no session surrounds the task."""
    return round((anyio.current_time() - _epoch.get(0.0)) * 1_000_000)


async def sleep_until(at: int) -> None:
    """Wait until session time is *at* microseconds; a checkpoint if it is already."""
    await anyio.sleep_until(_epoch.get(0.0) + at / 1_000_000)
