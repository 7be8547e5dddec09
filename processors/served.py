"""One client of a model that is served, and what goes back and forth between them."""

from collections.abc import Iterable
from typing import TypeGuard, get_args

import anyio
import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.dialect import ServerEnd
from antiphon.codecs.wire import WireError
from antiphon.pipeline import Frame, NotRunning, Run, now
from antiphon.processors.rate import Rate
from antiphon.processors.realtime import Model, ModelLine
from antiphon.transports import Closed, Message, Transport

SERVER_EVENTS: tuple[type[Frame], ...] = get_args(events.ServerEvent)


class Served:
    """Hears messages as client events, and says server events as messages."""

    def __init__(
        self, transport: Transport, end: ServerEnd, model: Model | ModelLine, run: Run
    ) -> None:
        self._transport = transport
        self._end = end
        self._run = run
        self._input = Rate(model.input_rate)
        self._output = Rate(model.output_rate)
        self._turn = anyio.Lock(fast_acquire=True)
        self._settled = False
        """The client has said how the session is to be: what comes of that is for it to know."""

    async def listen(self) -> None:
        """Until the client has left, in whatever way."""
        try:
            while True:
                for event in await self._next():
                    if isinstance(event, events.Error):
                        await self.say(event)
                    else:
                        await self.pass_on(event)
                await self._send_due()
        except (anyio.EndOfStream, Closed, NotRunning):
            return

    async def receive(self) -> Iterable[events.ClientEvent | events.Error]:
        """What the client says next; an Error where that breaks the dialect's rules."""
        return self.decoded(await self._transport.receive())

    async def pass_on(self, event: events.ClientEvent) -> None:
        """Let the model hear *event*."""
        if isinstance(event, events.SessionUpdate | events.SessionStart):
            self._settled = True
        await self._run.send(event)

    async def _next(self) -> Iterable[events.ClientEvent | events.Error]:
        """What is said next, or what it means that nothing was until the end's deadline."""
        deadline = self._end.deadline
        if deadline is None:
            return await self.receive()
        with anyio.move_on_after((deadline - self._run.now()) / 1_000_000):
            return await self.receive()
        return self._end.expire(self._run.now())

    def decoded(self, message: Message) -> list[events.ClientEvent | events.Error]:
        try:
            heard = tuple(self._end.decode(message, at=self._run.now()))
        except WireError as error:
            return [
                events.Error(
                    message=str(error),
                    code="invalid_value",
                    error_type="invalid_request_error",
                    param=error.path,
                    at=now(),
                )
            ]
        return [self._at_rate(event) for event in heard]

    def _at_rate(self, event: events.ClientEvent) -> events.ClientEvent:
        if not isinstance(event, events.InputAudioAppend):
            return event
        audio = self._input.change(event.audio, self._end.input_rate, self._input.own)
        return event if audio is event.audio else msgspec.structs.replace(event, audio=audio)

    async def speak(self, group: TaskGroup) -> None:
        """Until the model has no more to say."""
        try:
            async for event in self._run:
                if not _is_for_client(event):
                    continue
                if self._settled or not isinstance(event, events.SessionUpdated):
                    await self.say(event)
            await self.leave()
        except Closed:
            pass
        group.cancel_scope.cancel()

    async def leave(self) -> None:
        """Nothing more will be said."""
        await self._transport.aclose()

    async def say(self, event: events.ServerEvent) -> None:
        if isinstance(event, events.AudioDelta | events.AudioChunk):
            rate = self._end.output_rate
            delta = self._output.change(event.delta, self._output.own, rate)
            if delta is not event.delta:
                event = msgspec.structs.replace(event, delta=delta)
        async with self._turn:
            for message in self._end.encode(event):
                await self._transport.send(message)

    async def _send_due(self) -> None:
        async with self._turn:
            for message in self._end.due():
                await self._transport.send(message)


def _is_for_client(frame: Frame) -> TypeGuard[events.ServerEvent]:
    return isinstance(frame, SERVER_EVENTS)
