"""The client's end: what Vercel's AI Gateway is told, and what it says."""

import copy
from collections.abc import Iterable

from msgspec import Raw

from antiphon.codecs import events
from antiphon.codecs.exchange import Exchange
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.replies import read_reply
from antiphon.codecs.vercel.requests import write_request
from antiphon.codecs.vercel.session import Lines
from antiphon.codecs.wire import Message, WireError, read


class Client:
    """Speaks to a gateway, which tells a provider what that has words for."""

    def __init__(self, model: str = "") -> None:
        # The model is named where the session is opened, not in a message.
        self._lines = Lines()
        self._exchange = Exchange()

    @property
    def input_rate(self) -> int:
        return self._lines.heard.rate

    @property
    def output_rate(self) -> int:
        return self._lines.spoken.rate

    def encode(self, event: events.ClientEvent, /) -> Iterable[Message]:
        if isinstance(event, events.InputAudioAppend):
            return self._messages(event)
        if isinstance(event, events.ResponseCreate):
            self._messages(event)  # what cannot be said is refused now, not when its time comes
        said = self._exchange.say(event, self.output_rate)
        return [message for one in said for message in self._messages(one)]

    @property
    def deadline(self) -> int | None:
        return self._exchange.deadline

    def expire(self, at: int, /) -> tuple[()]:
        self._exchange.expire(at)
        return ()

    def due(self) -> tuple[Message, ...]:
        said = self._exchange.due()
        return tuple(message for one in said for message in self._messages(one))

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ServerEvent]:
        text = wire.text_of(message)
        heard = self._several(text, at) if text.lstrip()[:1] == "[" else [self._one(text, "$", at)]
        for event in heard:
            self._exchange.heard(event)
        return heard

    def _messages(self, event: events.ClientEvent) -> tuple[Message, ...]:
        if isinstance(event, events.Custom):
            return (wire.text_of(event.raw),) if event.dialect == wire.NAME else ()
        request = write_request(event, self._lines)
        if request is None:
            return ()
        message = wire.write(request)
        if isinstance(event, events.SessionUpdate | events.SessionStart):
            self._lines.settle(event.config)
        return (message,)

    def _several(self, text: str, at: int) -> list[events.ServerEvent]:
        spoken = copy.copy(self._lines.spoken)
        try:
            return [
                self._one(wire.text_of(raw), f"$[{index}]", at)
                for index, raw in enumerate(read(wire.NAME, wire.frames, text))
            ]
        except WireError:
            self._lines.spoken = spoken
            raise

    def _one(self, text: str, path: str, at: int) -> events.ServerEvent:
        try:
            said = wire.read_server(text, path)
        except WireError:
            if wire.head(text)[0] != "":
                raise
            # Clients of the AI SDK show what has no type to whoever asks for all events.
            raw = Raw(text.encode())
            return events.Custom(dialect=wire.NAME, raw_type="", raw=raw, at=at)
        return read_reply(said, self._lines, path, at)
