"""The messages of a data channel, both ways, within bounds."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import anyio

from antiphon.transports.errors import ABNORMAL, Closed, Stalled, TooLarge
from antiphon.transports.transport import Message
from antiphon.transports.webrtc import seam
from antiphon.transports.webrtc.errors import Flooded, TooLong

LARGEST = 256 * 1024
"""Bytes of a message; browsers send and take no more."""

ROOM = 1024 * 1024
"""Bytes of messages that may wait to be read.

SCTP has a window for this, but neither browsers nor aiortc stop at its end.
"""

WRITE_LIMIT = 64 * 1024
"""Bytes that may wait to be sent before `send` waits too."""

PIECE = 2048
"""What an incoming message weighs at least, so that empty ones are not free."""


class Messages:
    def __init__(
        self,
        *,
        max_size: int = LARGEST,
        room: int = ROOM,
        write_limit: int = WRITE_LIMIT,
        send_timeout: float = 10.0,
    ) -> None:
        self.max_size = max_size
        self.closed: Closed | None = None
        self.high_water = 0
        """The most bytes that have waited to be sent."""
        self._room = room
        self._write_limit = write_limit
        self._send_timeout = send_timeout
        self._channel: Any = None
        self._waiting: deque[Message] = deque()
        self._held = 0
        self.arrived = asyncio.Event()
        """Set whenever there is a message more, or will be none."""
        self._sent = asyncio.Event()
        self.moved = asyncio.Event()
        """Set whenever the channel has opened or ended."""
        self.ended: Callable[[], None] = lambda: None
        """Called once, when there will be no more messages."""

    @property
    def open(self) -> bool:
        return self._channel is not None and self._channel.readyState == "open"

    def attach(self, channel: Any) -> None:
        """From now on this is the data channel."""
        self._channel = channel
        channel.bufferedAmountLowThreshold = self._write_limit // 2
        channel.on("message", self.put)
        channel.on("bufferedamountlow", self._sent.set)
        channel.on("open", self.moved.set)
        channel.on("close", lambda: self.end(Closed(1000, "", "the other side closed")))
        self.moved.set()

    async def send(self, message: Message) -> None:
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if self.closed is None and self._channel is None:
            raise Closed(ABNORMAL, "", "the data channel is not open yet; await ready() first")
        if self.closed is None:
            limit = seam.longest_message(self._channel.transport)
            if limit and size > limit:
                raise TooLong(size, limit)
        try:
            with anyio.fail_after(self._send_timeout):
                while self.closed is None and self._channel.bufferedAmount > self._write_limit:
                    self._sent.clear()
                    await self._sent.wait()
        except TimeoutError as error:
            self.end(Stalled(self._send_timeout))
            raise self.closed or Stalled(self._send_timeout) from error
        if self.closed is not None:
            raise self.closed
        if self._channel.readyState != "open":
            raise Closed(ABNORMAL, "", "the data channel is not open")
        self._channel.send(message)
        self.high_water = max(self.high_water, self._channel.bufferedAmount)

    @property
    def waiting(self) -> bool:
        """There is a message to be received."""
        return bool(self._waiting)

    async def receive(self) -> Message:
        while not self._waiting:
            if self.closed is not None:
                if self.closed.clean:
                    raise anyio.EndOfStream
                raise self.closed
            self.arrived.clear()
            await self.arrived.wait()
        message = self._waiting.popleft()
        self._held -= _weight(message)
        return message

    def end(self, ending: Closed) -> None:
        """No more messages, either way; what has come can still be read."""
        first, self.closed = self.closed is None, self.closed or ending
        self.arrived.set()
        self._sent.set()
        self.moved.set()
        if first:
            self.ended()

    async def flush(self) -> None:
        """Waits until all that was sent has arrived."""
        while self.open and seam.unsent(self._channel.transport):
            await asyncio.sleep(0.005)

    def put(self, message: Message) -> None:
        """*message* has come, or is to be taken as one that has."""
        if self.closed is not None:
            return
        size = len(message)
        if size > self.max_size:
            self.end(TooLarge(self.max_size))
            return
        self._held += _weight(message)
        if self._held > self._room:
            self._waiting.clear()
            self.end(Flooded(self._room))
            return
        self._waiting.append(message)
        self.arrived.set()


def _weight(message: Message) -> int:
    """Bytes that a message is counted as; of text, as many as it has characters."""
    return max(PIECE, len(message))
