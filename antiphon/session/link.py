"""The connection to the model, as the first stage of a session's pipeline."""

from collections import deque
from collections.abc import Callable
from typing import Literal, TypeGuard, cast, get_args

import anyio
import msgspec
from anyio import Event

from antiphon.codecs import events
from antiphon.codecs.dialect import ClientEnd
from antiphon.codecs.wire import Message, Unsayable, WireError
from antiphon.pipeline import Emit, Frame, Frames, now
from antiphon.processors.rate import Rate
from antiphon.session.errors import Ended, Malformed, Overflow
from antiphon.transports import Closed, Transport

MOST = 512
"""Messages that may wait in either direction."""

LARGEST = 8 * 1024 * 1024
"""Bytes of messages from the model that may wait, a character counted as two."""

DRAINED = 1.0
"""Seconds in which what came before the connection broke is still dealt with."""

NORMAL = 1000

CLIENT_EVENTS: tuple[type[Frame], ...] = get_args(events.ClientEvent)


class Link:
    """A stage: client events in, also sent back to it, server events out.

    *reported* is told what went wrong without ending the connection, *closing* that it is ending.
    It ends when the other side closes properly, and raises Ended, Malformed or Overflow.
    """

    takes_back = (events.ConversationItemTruncate,)

    def __init__(
        self,
        end: ClientEnd,
        transport: Transport,
        *,
        input_rate: int,
        output_rate: int,
        reported: Callable[[Exception], None],
        closing: Callable[[], None],
    ) -> None:
        self._end = end
        self._transport = transport
        self._input = Rate(input_rate)
        self._output = Rate(output_rate)
        self._reported = reported
        self._closing = closing
        self._inbox: deque[Message] = deque()
        self._size = 0
        self._arrived = Event()
        self._ending: Exception | None = None
        """Why no more will arrive; also when it ended properly."""
        self._hearing = anyio.CancelScope()
        self._turn = anyio.Lock(fast_acquire=True)
        self.ready = False
        self.over = Event()
        """It has ended as it should."""
        self.waiting = 0
        """Events that were given to the pipeline and are not yet sent."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._receive)
            group.start_soon(self._say_all, frames)
            await self._hear_all(emit)
            group.cancel_scope.cancel()
        self.over.set()

    # What the client says.

    async def _say_all(self, frames: Frames) -> None:
        async for frame in frames:
            if _is_for_model(frame):
                await self._say(frame)
                if not isinstance(frame, self.takes_back):
                    self.waiting -= 1

    async def _say(self, event: events.ClientEvent) -> None:
        if isinstance(event, events.InputAudioAppend):
            audio = self._input.change(event.audio, self._input.own, self._end.input_rate)
            event = msgspec.structs.replace(event, audio=audio, at=now())
        try:
            async with self._turn:
                for message in self._end.encode(event):
                    await self._transport.send(message)
            await self._send_due()
        except (Unsayable, WireError) as error:
            if isinstance(event, events.SessionUpdate | events.SessionStart) and not self.ready:
                raise  # without a configuration there is no session
            self._reported(error)
        except Closed as closed:
            self._end_with(closed)

    async def _send_due(self) -> None:
        async with self._turn:
            try:
                due = tuple(self._end.due())
            except (Unsayable, WireError) as error:
                self._reported(error)
                return
            for message in due:
                await self._transport.send(message)

    # What the model says.

    async def _receive(self) -> None:
        try:
            while True:
                message = await self._transport.receive()
                self._size += 2 * len(message)
                self._inbox.append(message)
                self._arrived.set()
                if len(self._inbox) > MOST or self._size > LARGEST:
                    self._closing()
                    raise Overflow(
                        f"more than {MOST} messages or {LARGEST >> 20} MiB of the model's wait:"
                        " handlers must be quicker, or leave the work to tasks of their own"
                    )
        except anyio.EndOfStream:
            closed = self._transport.closed
            self._end_with(
                Ended(closed.code if closed else NORMAL, closed.reason if closed else "")
            )
        except Closed as closed:
            self._end_with(closed)

    def _end_with(self, error: Exception) -> None:
        if self._ending is not None:
            return
        if isinstance(error, Closed):
            error = Ended(error.code, error.reason)
        self._ending = error
        self._hearing.deadline = anyio.current_time() + DRAINED
        if not isinstance(error, Ended) or error.code != NORMAL:
            self._closing()
        self._arrived.set()

    async def _hear_all(self, emit: Emit) -> None:
        with self._hearing:
            while self._inbox or self._ending is None:
                await self._wait()
                await self._take_in(emit)
        ending = self._ending
        assert ending is not None
        if not isinstance(ending, Ended):
            raise ending
        if ending.code != NORMAL or not self.ready:
            self._closing()
            raise Ended(ending.code, ending.reason, ready=self.ready)

    async def _wait(self) -> None:
        """Until there is a message, or silence means something."""
        if self._inbox or self._ending is not None:
            return
        self._arrived = Event()
        deadline = self._end.deadline
        with anyio.move_on_after(None if deadline is None else (deadline - now()) / 1_000_000):
            await self._arrived.wait()

    async def _take_in(self, emit: Emit) -> None:
        deadline = self._end.deadline
        if deadline is not None and now() >= deadline:
            for event in self._end.expire(now()):
                await emit(self._at_rate(event))
        while self._inbox:
            message = self._inbox.popleft()
            self._size -= 2 * len(message)
            for event in self._read(message):
                await emit(self._at_rate(event))
        if self._ending is None:
            try:
                await self._send_due()
            except Closed as closed:
                self._end_with(closed)

    def _read(self, message: Message) -> tuple[events.ServerEvent, ...]:
        try:
            return tuple(self._end.decode(message, at=now()))
        except WireError as error:
            malformed = Malformed(str(error), error.path)
            what = _what(message)
            if what == "event":  # of which something is wrong
                self._reported(malformed)
                return ()
            if what == "nothing":
                self._closing()
            raise malformed from error

    def _at_rate(self, event: events.ServerEvent) -> events.ServerEvent:
        if not isinstance(event, events.AudioDelta | events.AudioChunk):
            return event
        delta = self._output.change(event.delta, self._end.output_rate, self._output.own)
        return event if delta is event.delta else msgspec.structs.replace(event, delta=delta)


def _is_for_model(frame: Frame) -> TypeGuard[events.ClientEvent]:
    return isinstance(frame, CLIENT_EVENTS)


def _what(message: Message) -> Literal["event", "value", "nothing"]:
    """Whether *message* is an event, or several, or is at least JSON."""
    try:
        value: object = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return "nothing"
    several = cast("list[object]", value) if isinstance(value, list) else [value]
    return "event" if all(isinstance(one, dict) for one in several) else "value"
