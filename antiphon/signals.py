"""Ends work on Ctrl-C or SIGTERM in an orderly way."""

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

import anyio
from anyio import CancelScope

from antiphon.pipeline.virtual import VirtualLoop


async def interruptible(work: Callable[[], Awaitable[object]]) -> bool:
    """Run *work*, cancelled by the first signal; whether it came to its own end.

    A second signal takes its usual course.
    """
    interrupted = False

    async def watch(scope: CancelScope) -> None:
        nonlocal interrupted
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                interrupted = True
                scope.cancel()
                return

    async with anyio.create_task_group() as group:
        if _may_watch():
            group.start_soon(watch, group.cancel_scope)
        await work()
        group.cancel_scope.cancel()
    return not interrupted


def _may_watch() -> bool:
    """Signals reach the main thread, and a loop that can wait for them."""
    try:
        virtual = isinstance(asyncio.get_running_loop(), VirtualLoop)
    except RuntimeError:
        virtual = False  # not asyncio
    main = threading.current_thread() is threading.main_thread()
    return main and not virtual and sys.platform != "win32"
