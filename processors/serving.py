"""A model served: a dialect's server end on a transport, with any model behind it."""

from typing import TypeGuard, get_args

import anyio
import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import ServerEnd
from antiphon.codecs.wire import Message, WireError
from antiphon.pipeline import Frame, NotRunning, Pipeline, Run, now
from antiphon.processors.rate import Rate
from antiphon.processors.realtime import Model
from antiphon.transports import Closed, Transport


async def serve(
    transport: Transport, end: ServerEnd, model: Model, *, config: SessionConfig | None = None
) -> None:
    """Let whoever is at the other side of *transport* talk to *model*, until either is done.

    Audio is brought to the model's rates. A message that breaks the dialect's rules is answered
    with an error, and the session goes on. *config* is what the model is before the client says
    how it wants it, such as an agent with tools of its own.
    """
    async with Pipeline(model).open(drain=0) as run, anyio.create_task_group() as group:
        serving = _Serving(transport, end, model, run)
        if config is not None:
            await run.send(events.SessionUpdate(config=config, at=now()))
        group.start_soon(serving.speak, group)
        await serving.listen()
        group.cancel_scope.cancel()
        run.cancel()  # nobody is left to hear what the model still has to say


SERVER_EVENTS: tuple[type[Frame], ...] = get_args(events.ServerEvent)


class _Serving:
    def __init__(self, transport: Transport, end: ServerEnd, model: Model, run: Run) -> None:
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
                message = await self._next()
                for event in () if message is None else self._decoded(message):
                    if isinstance(event, events.Error):
                        await self._say(event)
                    else:
                        if isinstance(event, events.SessionUpdate | events.SessionStart):
                            self._settled = True
                        await self._run.send(event)
                await self._send_due()
        except (anyio.EndOfStream, Closed, NotRunning):
            return

    async def _next(self) -> Message | None:
        """The next message, or None when the end's deadline has come first."""
        deadline = self._end.deadline
        if deadline is None:
            return await self._transport.receive()
        with anyio.move_on_after((deadline - now()) / 1_000_000):
            return await self._transport.receive()
        for event in self._end.expire(now()):
            await self._run.send(event)
        return None

    def _decoded(self, message: Message) -> list[events.ClientEvent | events.Error]:
        try:
            heard = tuple(self._end.decode(message, at=now()))
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
                    await self._say(event)
            await self._transport.aclose()
        except Closed:
            pass
        group.cancel_scope.cancel()

    async def _say(self, event: events.ServerEvent) -> None:
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
