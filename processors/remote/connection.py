"""One connection: a dialect's client end on a transport, at the stage's rates."""

from collections.abc import Iterator

import anyio
import msgspec

from antiphon.codecs import events
from antiphon.codecs.complete import Complete
from antiphon.codecs.dialect import ClientEnd
from antiphon.codecs.wire import Message, WireError
from antiphon.pipeline import now
from antiphon.processors.rate import Rate
from antiphon.transports import Transport


class Connection:
    """Says client events and hears server events.

    What the server leaves out of its responses is added. A message that it should not have sent
    is an Error event, and nothing more.
    """

    def __init__(
        self, end: ClientEnd, transport: Transport, *, input_rate: int, output_rate: int
    ) -> None:
        self.end = end
        self.transport = transport
        self.ready = False
        """The server has said that the session is there."""
        self._complete = Complete()
        self._input = Rate(input_rate)
        self._output = Rate(output_rate)
        self._turn = anyio.Lock(fast_acquire=True)

    async def say(self, event: events.ClientEvent) -> bool:
        """Whether there was a message for it. Raises Closed when nobody hears it any more."""
        if isinstance(event, events.InputAudioAppend):
            audio = self._input.change(event.audio, self._input.own, self.end.input_rate)
            if audio is not event.audio:
                event = msgspec.structs.replace(event, audio=audio)
        said = False
        async with self._turn:
            for message in self.end.encode(event):
                said = True
                await self.transport.send(message)
        return said

    async def answer(self) -> None:
        """Say what is due without an event."""
        async with self._turn:
            for message in self.end.due():
                await self.transport.send(message)

    async def receive(self) -> Iterator[events.ServerEvent]:
        """What the server says next. Raises what the transport's `receive` does."""
        return self.hear(await self.transport.receive())

    def hear(self, message: Message) -> Iterator[events.ServerEvent]:
        try:
            heard = tuple(self.end.decode(message, at=now()))
        except WireError as error:
            yield events.Error(message=str(error), code="invalid_server_event", at=now())
            return
        yield from self._whole(heard)

    def expire(self) -> Iterator[events.ServerEvent]:
        """What the silence until now means."""
        yield from self._whole(tuple(self.end.expire(now())))

    def _whole(self, heard: tuple[events.ServerEvent, ...]) -> Iterator[events.ServerEvent]:
        for event in heard:
            for whole in self._complete.process(event):
                if isinstance(whole, events.AudioDelta | events.AudioChunk):
                    rate = self.end.output_rate
                    delta = self._output.change(whole.delta, rate, self._output.own)
                    if delta is not whole.delta:
                        whole = msgspec.structs.replace(whole, delta=delta)
                yield whole
