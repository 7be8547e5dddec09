"""The client's connection, as a session sees it: counted, measured, and within bounds."""

from collections.abc import Callable

import anyio

from antiphon.codecs import events
from antiphon.codecs.dialect import ServerEnd
from antiphon.codecs.refusing import Problem
from antiphon.codecs.wire import Message, Unsayable
from antiphon.pipeline import now
from antiphon.transports import Closed, Transport
from antiphon.transports.transport import Ending

Count = Callable[[int], None]
"""Told how many bytes of sound passed beside the messages."""


class Wire:
    """A transport around the client's: a message of more than *largest* bytes is refused.

    The session goes on without it. `touched` is when something last came.
    """

    def __init__(self, transport: Transport, end: ServerEnd, *, largest: int | None) -> None:
        self.transport = transport
        self.end = end
        self.touched = now()
        self.heard_anything = False
        self._largest = largest
        self.came: Count = _unnoticed
        self.went: Count = _unnoticed
        self._unread: list[Message] = []
        self._ended = False

    @property
    def closed(self) -> Ending | None:
        return self.transport.closed

    async def send(self, message: Message) -> None:
        await self.transport.send(message)

    async def receive(self) -> Message:
        while True:
            if self._unread:
                self.touched = now()
                return self._unread.pop()
            message = await self.transport.receive()
            if self._take(message):
                return message
            await self._refuse(message)

    async def _taken(self, message: Message) -> Message | None:
        """*message*, unless it is too long; then the client is told so."""
        if self._take(message):
            return message
        await self._refuse(message)
        return None

    def _take(self, message: Message) -> bool:
        """Whether *message*, which has come, is to be heard."""
        self.heard_anything = True
        self.touched = now()
        return self._largest is None or len(message) <= self._largest

    async def _refuse(self, message: Message) -> None:
        problem = Problem(
            cause="too_large",
            message=f"a message of {len(message)} bytes was not read: the limit is {self._largest}",
        )
        await self.say(_error(problem))

    def unread(self, message: Message) -> None:
        """*message* is to be received again."""
        self._unread.append(message)

    def __aiter__(self) -> "Wire":
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        await self.transport.aclose(code, reason)

    async def say(self, event: events.ServerEvent) -> None:
        """Out of turn, if the dialect has a word for it and somebody hears it."""
        try:
            for message in self.end.encode(event):
                await self.send(message)
        except (Closed, Unsayable):
            return

    async def end_with(self, problem: Problem) -> None:
        """Tell the client why, as its dialect does, and close."""
        if self._ended:
            return
        self._ended = True
        with anyio.move_on_after(5):  # somebody who does not read need not be told
            await self.say(_error(problem, fatal=True))
            await self.say(events.SessionClosed(reason=problem.code, at=now()))
        await self.aclose(problem.close_code, _short(problem.message))


def _unnoticed(count: int) -> None:
    pass


def _error(problem: Problem, *, fatal: bool = False) -> events.Error:
    return events.Error(
        message=problem.message,
        code=problem.code,
        error_type=problem.kind,
        param=problem.param,
        fatal=fatal,
        at=now(),
    )


def _short(reason: str) -> str:
    """What a close frame has room for."""
    return reason.encode()[:120].decode("utf-8", "ignore")
