"""Reading from many connections so that none is heard for long while others wait."""

import asyncio
import time
from typing import Any, cast

PIECE, SMALL = 4096, 512
"""Bytes that are read before others have their turn; fewer of somebody who made much work."""

SHARE, TOGETHER = 0.03, 0.1
"""Of the time, for what one connection sends, of which a session's audio needs a fifth; and for
what those send who want more, all of them together."""

FIRST, BURST = 0.004, 0.02
"""Seconds of it that a connection has at first, and that it can save up."""

PRICE, PRICE_OF_BYTE = 0.000_05, 0.000_000_005
"""Seconds that a message costs those who have to read it, at least."""

WORST = 0.002
"""Seconds that one piece counts at most: more was not its fault."""

LONGEST = 0.3
"""Seconds for which a connection is not read."""

_buffer = memoryview(bytearray(PIECE))
"""For all: it is emptied as soon as it is filled."""


class Pieces(asyncio.BufferedProtocol):
    """Reads for a protocol a piece at a time, and seldom where that is much work.

    What arrives in a second can be work for minutes, of the smallest messages above all. So each
    connection has some seconds of it to spend; a session's audio needs few. Those that have spent
    theirs share what is left for them, and whoever has not waits for no more than small pieces
    of theirs. It is the transport that the protocol sees.
    """

    def __init__(self, protocol: asyncio.Protocol, crowd: "set[Pieces]") -> None:
        self._protocol = protocol
        self._crowd = crowd
        """Those that rest; they share what is left for them."""
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._credit = FIRST
        self._since = self._loop.time()
        self._held = False
        """The protocol wants no more for now."""
        self._resting: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    # A protocol to the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._protocol.connection_made(cast(asyncio.Transport, self))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._crowd.discard(self)
        self._protocol.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _buffer if self._credit > FIRST else _buffer[:SMALL]

    def buffer_updated(self, nbytes: int) -> None:
        began = time.thread_time()
        self._protocol.data_received(bytes(_buffer[:nbytes]))
        self.spend(min(time.thread_time() - began, WORST))

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    # A transport to the protocol.

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol

    def pause_reading(self) -> None:
        self._held = True
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._held = False
        if self._resting is None:
            self._transport.resume_reading()

    def spend(self, seconds: float) -> None:
        """So much work was made."""
        at = self._loop.time()
        self._credit = min(BURST, self._credit + (at - self._since) * SHARE) - seconds
        self._since = at
        if self._credit >= 0 or self._resting is not None:
            return
        self._crowd.add(self)
        self._transport.pause_reading()
        pause = min(-self._credit * len(self._crowd) / TOGETHER, LONGEST)
        self._resting = self._loop.call_later(pause, self._rested)

    def _rested(self) -> None:
        self._resting = None
        self._crowd.discard(self)
        self._credit, self._since = 0.0, self._loop.time()
        if not self._held and not self._transport.is_closing():
            self._transport.resume_reading()
