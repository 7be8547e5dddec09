"""Two transports that are each other's other side: a network within one process."""

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from antiphon.transports.errors import ABNORMAL, Closed
from antiphon.transports.transport import Message


@dataclass(frozen=True, slots=True)
class Goodbye:
    code: int
    reason: str


def pair(*, room: float = math.inf) -> tuple["MemoryTransport", "MemoryTransport"]:
    """Both ends of a connection; each direction holds up to *room* messages."""
    forth: tuple[
        MemoryObjectSendStream[Message | Goodbye], MemoryObjectReceiveStream[Message | Goodbye]
    ] = anyio.create_memory_object_stream(room)
    back: tuple[
        MemoryObjectSendStream[Message | Goodbye], MemoryObjectReceiveStream[Message | Goodbye]
    ] = anyio.create_memory_object_stream(room)
    return MemoryTransport(forth[0], back[1]), MemoryTransport(back[0], forth[1])


class MemoryTransport:
    """One end of a pair. It takes no time, so a virtual clock goes through it."""

    def __init__(
        self,
        there: MemoryObjectSendStream[Message | Goodbye],
        here: MemoryObjectReceiveStream[Message | Goodbye],
    ) -> None:
        self._there = there
        self._here = here
        self.closed: Goodbye | None = None

    async def send(self, message: Message) -> None:
        try:
            await self._there.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise self._ended() from error

    async def receive(self) -> Message:
        if self.closed is not None:
            raise self._after(self.closed)
        try:
            message = await self._here.receive()
        except anyio.EndOfStream as error:
            self.closed = Goodbye(ABNORMAL, "")
            raise self._ended() from error
        except anyio.ClosedResourceError as error:
            raise self._ended() from error
        if isinstance(message, Goodbye):
            self.closed = message
            raise self._after(message)
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        if self.closed is None:
            self.closed = Goodbye(code, reason)
            # Whoever does not read learns from the stream that it is over.
            with suppress(anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                self._there.send_nowait(Goodbye(code, reason))
        self.drop()

    def drop(self) -> None:
        """Break the connection without a word, as networks do."""
        if self.closed is None:
            self.closed = Goodbye(ABNORMAL, "")
        self._there.close()
        self._here.close()

    def _ended(self) -> Closed:
        ending = self.closed or Goodbye(ABNORMAL, "")
        return Closed(ending.code, ending.reason)

    def _after(self, ending: Goodbye) -> Exception:
        closed = Closed(ending.code, ending.reason)
        return anyio.EndOfStream() if closed.clean else closed
