"""A telephone line to somebody who echoes: audio goes in, and comes back later."""

from collections.abc import Awaitable, Callable
from typing import Any

Say = Callable[[bytes], Awaitable[object]]
"""Gives in 20 ms of mono 16-bit samples."""


class Line:
    def __init__(self, rate: int, say: Say, caller: Any, server: Any) -> None:
        self.rate = rate
        self.say = say
        self.ice: tuple[Any, Any] = (caller, server)
        """aioice's connections at both ends, to be made worse."""
        self.heard: list[tuple[float, bytes]] = []
        """When what came back, in seconds of `time.perf_counter`."""
