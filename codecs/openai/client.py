"""The client's end of OpenAI Realtime, and of whoever speaks like it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.config import ResponseOptions, SessionConfig
from antiphon.codecs.exchange import Exchange
from antiphon.codecs.openai import wire
from antiphon.codecs.openai.hearing import Hearing
from antiphon.codecs.openai.items import Items
from antiphon.codecs.openai.profile import OPENAI, RATE, Profile
from antiphon.codecs.wire import (
    Message,
    Unknown,
    Unsayable,
    WireError,
    Writer,
    millis,
    verbatim,
)

Extra = Callable[[Unknown, int], Iterable[events.ServerEvent]]
"""What a provider says beside OpenAI's events, and when."""


class Client:
    """Client events to OpenAI's wire, and its messages to server events.

    *extra* hears the messages that OpenAI has not.
    """

    def __init__(
        self, model: str = "", *, profile: Profile = OPENAI, extra: Extra | None = None
    ) -> None:
        self.model = model
        self._profile = profile
        self._dialect = profile.name
        self._extra = extra
        self._input = AudioLine(profile.name, RATE)
        self._output = AudioLine(profile.name, RATE)
        self._items = Items(profile.name, self._input, server=False)
        self._read = wire.server_reader(profile.name)
        self._write = Writer(profile.name)
        self._hearing = Hearing(profile, self._input, self._output, self._items)
        self._exchange = Exchange()
        self._had_tools = False

    @property
    def input_rate(self) -> int:
        return self._input.rate

    @property
    def output_rate(self) -> int:
        return self._output.rate

    @property
    def deadline(self) -> int | None:
        return self._exchange.deadline

    def expire(self, at: int, /) -> tuple[()]:
        self._exchange.expire(at)
        return ()

    def due(self) -> tuple[Message, ...]:
        return tuple(m for event in self._exchange.due() for m in self._say(event))

    # What the client says.

    def encode(self, event: events.ClientEvent) -> Iterator[Message]:
        if isinstance(event, events.InputAudioAppend):  # of which there are most
            audio = self._input.to_wire(event.audio)
            yield self._write(wire.InputAudioBufferAppend(audio=audio, event_id=self._id(event)))
            return
        for now in self._exchange.say(event, self._output.rate):
            yield from self._say(now)

    def _say(self, event: events.ClientEvent) -> Iterator[Message]:
        if isinstance(event, events.Custom):
            if event.dialect == self._dialect:
                yield verbatim(event.raw, self._dialect)
            return
        message = self._message(event)
        if message is not None:
            message.event_id = self._id(event)
            yield self._write(message)

    def _id(self, event: events.EventFrame) -> str | None:
        return event.event_id if self._profile.event_ids else None

    def _message(self, event: events.ClientEvent) -> wire.FromClient | None:
        match event:
            case events.SessionUpdate():
                return wire.SessionUpdate(session=self._session(event.config))
            case events.InputAudioCommit():
                return wire.InputAudioBufferCommit()
            case events.InputAudioClear():
                return wire.InputAudioBufferClear()
            case events.ConversationItemCreate():
                return wire.ConversationItemCreate(
                    item=self._items.write(event.item), previous_item_id=event.previous_item_id
                )
            case events.ConversationItemRetrieve():
                return wire.ConversationItemRetrieve(item_id=event.item_id)
            case events.ConversationItemTruncate() if self._profile.truncates:
                return wire.ConversationItemTruncate(
                    item_id=event.item_id,
                    content_index=event.content_index,
                    audio_end_ms=millis(event.audio_end),
                )
            case events.ConversationItemDelete():
                return wire.ConversationItemDelete(item_id=event.item_id)
            case events.ResponseCreate():
                options = None if event.options is None else self._options(event.options)
                return wire.ResponseCreate(response=options)
            case events.ResponseCancel():
                return wire.ResponseCancel(response_id=event.response_id)
            case events.OutputAudioClear():
                return wire.OutputAudioBufferClear()
            case _:
                return None

    def _session(self, config: SessionConfig) -> dict[str, Any]:
        session = self._profile.write_session(config, self.model)
        try:
            self._hearing.carry(config)
        except WireError as error:  # it would be the server's mistake, but is ours
            raise Unsayable(self._dialect, f"cannot do that: {error.problem}") from error
        if config.tools == () and self._had_tools:
            session.setdefault("tools", [])
        self._had_tools = self._had_tools or bool(config.tools)
        return session

    def _options(self, options: ResponseOptions) -> dict[str, Any]:
        response = self._profile.write_options(options)
        if options.input is not None:
            response["input"] = [self._items.write(item) for item in options.input]
        return response

    # What the server says.

    def decode(self, message: Message, at: int = 0) -> Iterable[events.ServerEvent]:
        said = self._read(message)
        if isinstance(said, wire.AudioDelta):  # of which there are most
            event = self._hearing.audio(said, at)
            self._exchange.heard(event)
            return (event,)
        if isinstance(said, Unknown):
            heard = tuple(self._extra(said, at)) if self._extra else ()
            heard = heard or (self._custom(said.type, said.raw, at),)
            for event in heard:
                self._exchange.heard(event)
            return heard
        event = self._hearing.event(said, at)
        self._exchange.heard(event)
        return (event,)

    def _custom(self, kind: str, raw: msgspec.Raw, at: int) -> events.Custom:
        return events.Custom(raw_type=kind, raw=raw.copy(), dialect=self._dialect, at=at)
