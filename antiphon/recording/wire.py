"""Taps a connection: what is sent and received on it goes into the recording."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Self

import anyio

from antiphon.codecs.wire import Message
from antiphon.pipeline import Audio
from antiphon.processors.remote import Open, Remote, Wanted
from antiphon.recording.recorder import Recorder
from antiphon.recording.records import A_CALL, Connected, Side
from antiphon.transports import Closed, ConnectError, Transport
from antiphon.transports.transport import Voiced


class Recorded:
    """*transport*, with everything that crosses it given to *recorder*.

    *side* is who is at its other side: the model's server, or, for a gateway, a client. Where
    the connection leads, and with which credential, it does not know.
    """

    def __init__(self, transport: Transport, recorder: Recorder, *, side: Side = "model") -> None:
        self._transport = transport
        self._recorder = recorder
        self._side: Side = side
        self._number = recorder.connection()
        self._told = False
        what = A_CALL if isinstance(transport, Voiced) else ""
        recorder.connected(Connected(self._number, "opened", side, reason=what))

    @property
    def closed(self) -> Any:
        return self._transport.closed

    async def send(self, message: Message) -> None:
        with self._ending():
            await self._transport.send(message)
        self._recorder.sent(self._number, message, self._side)

    async def receive(self) -> Message:
        with self._ending():
            message = await self._transport.receive()
        self._recorder.received(self._number, message, self._side)
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        await self._transport.aclose(code, reason)

    @contextmanager
    def _ending(self) -> Generator[None]:
        """Tells how the other side ended it, once."""
        try:
            yield
        except anyio.EndOfStream:
            ending = self._transport.closed
            self._tell(1000 if ending is None else ending.code, ending.reason if ending else "")
            raise
        except Closed as closed:
            self._tell(closed.code, closed.reason, closed.retryable)
            raise

    def _tell(self, code: int, reason: str, retryable: bool = True) -> None:
        if not self._told:
            self._told = True
            self._recorder.connected(
                Connected(self._number, "closed", self._side, code, reason, retryable)
            )


class RecordedCall(Recorded):
    """The same of a call. Its messages are recorded; its sound is that of the session's ends."""

    _transport: Voiced

    @property
    def sent(self) -> int:
        return self._transport.sent

    @property
    def queued(self) -> int:
        return self._transport.queued

    async def play(self, frame: Audio) -> None:
        await self._transport.play(frame)

    async def left(self, position: float) -> None:
        await self._transport.left(position)

    def clear(self) -> int:
        return self._transport.clear()

    async def hear(self) -> Message | Audio:
        with self._ending():
            heard = await self._transport.hear()
        if not isinstance(heard, Audio):
            self._recorder.received(self._number, heard, self._side)
        return heard


def recorded(open: Open, recorder: Recorder) -> Open:
    """*open*, a model's way to its server, with every connection recorded and every failure."""

    @asynccontextmanager
    async def opened(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
        async with AsyncExitStack() as stack:
            try:
                transport = await stack.enter_async_context(open(handle, wanted))
            except ConnectError as error:
                number, name = recorder.connection(), type(error).__name__
                recorder.connected(
                    Connected(number, "failed", reason=name, retryable=error.retryable)
                )
                raise
            yield tapped(transport, recorder)

    return opened


def tapped(transport: Transport, recorder: Recorder, *, side: Side = "model") -> Transport:
    """*transport* as a Recorded, or as a RecordedCall where it also carries sound."""
    kind = RecordedCall if isinstance(transport, Voiced) else Recorded
    return kind(transport, recorder, side=side)


def tap(model: object, recorder: Recorder) -> None:
    """Record the connections of *model*, if it is one that has any."""
    if isinstance(model, Remote):
        reach(model, recorded(reached(model), recorder))


def reached(model: Any) -> Open:
    """How *model* opens its connections."""
    return getattr(model, "_open")  # noqa: B009 - of another package, which has no word for it


def reach(model: Any, open: Open) -> None:
    """Let *model* open its connections so."""
    setattr(model, "_open", open)  # noqa: B010
