"""The server's end of xAI's voice agents: OpenAI's, and what xAI has beside it."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from antiphon.codecs import events, openai
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.wire import Message, NewId, millis, millis_if
from antiphon.codecs.xai import wire
from antiphon.codecs.xai.profile import XAI
from antiphon.codecs.xai.session import audio_of
from antiphon.codecs.xai.transcripts import Transcripts

PING_EVERY = 15_000_000

UNKNOWN = (
    events.ConversationItemDone,
    events.ConversationItemRetrieved,
    events.InputTranscriptionFailed,
    events.RateLimits,
)
"""What OpenAI says and xAI never does, so that its clients do not expect it."""


class Server(openai.Server):
    """xAI's client messages to client events, and server events to its wire.

    With every session it tells of a conversation, which some clients wait for, and now and then
    it says that it is still there.
    """

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        super().__init__(model, new_id, profile=XAI)
        self._transcripts = Transcripts()
        self._conversation_id: str | None = None
        self._hears_binary = self._speaks_binary = self._will_speak_binary = False
        self._ping: str | None = None

    # What the client says.

    def decode(self, message: Message, at: int = 0) -> Iterable[events.ClientEvent]:
        if isinstance(message, bytes) and (self._hears_binary or message[:1] != b"{"):
            return (events.InputAudioAppend(audio=self._input.from_bytes(message), at=at),)
        [event] = super().decode(message, at)
        if isinstance(event, events.SessionUpdate):
            self._carry(event.config)
        return (event,)

    def _carry(self, config: SessionConfig) -> None:
        audio = audio_of(config.provider_options)
        if audio.input is not None and audio.input.transport is not None:
            self._hears_binary = audio.input.transport == "binary"
        if audio.output is not None and audio.output.transport is not None:
            self._will_speak_binary = audio.output.transport == "binary"

    # What the server says.

    def _whole(self, event: events.ServerEvent) -> Iterator[Message]:
        said = super()._whole(event)
        return (
            chain(said, self._open(event.at)) if isinstance(event, events.SessionCreated) else said
        )

    def _open(self, at: int) -> Iterator[Message]:
        self.deadline = at + PING_EVERY
        if self._conversation_id is None:
            yield self._conversation(self._new_id("conv"), self._new_id("event"))

    def _frame(self, event: events.ServerEvent) -> Message | None:
        if isinstance(event, events.AudioDelta):  # of which there are most
            return (
                self._output.to_bytes(event.delta) if self._speaks_binary else super()._frame(event)
            )
        match event:
            case events.ResponseCreated():  # until then speech goes on as it was begun
                self._speaks_binary = self._will_speak_binary
            case events.InputTranscriptionDelta():
                return wire.write(
                    wire.TranscriptionUpdated(
                        item_id=event.item_id,
                        content_index=event.content_index,
                        transcript=self._transcripts.whole(event),
                        event_id=self._name(event),
                    )
                )
            case events.InputTranscriptionCompleted():
                self._transcripts.over(event.item_id, event.content_index)
            case events.DtmfReceived():
                return wire.write(
                    wire.DtmfReceived(
                        event=event.digit,
                        digit=event.digit,
                        received_at=(event.received or 0) // 1_000_000,
                        event_id=self._name(event),
                    )
                )
            case events.InputTimeoutTriggered():
                return wire.write(
                    wire.TimeoutTriggered(
                        item_id=event.item_id,
                        audio_start_ms=millis_if(event.audio_start),
                        audio_end_ms=millis_if(event.audio_end),
                        event_id=self._name(event),
                    )
                )
            case events.ResumptionHandle(handle=str(handle), resumable=True):
                if handle != self._conversation_id:
                    return self._conversation(handle, self._name(event))
            case _:
                pass
        return None if isinstance(event, UNKNOWN) else super()._frame(event)

    def _session(self, config: SessionConfig | None) -> dict[str, Any]:
        session = super()._session(config)
        transports = {"input": self._hears_binary, "output": self._will_speak_binary}
        for side, binary in transports.items():
            if binary:
                session["audio"][side]["transport"] = "binary"
        return session

    def _conversation(self, conversation_id: str, event_id: str) -> str:
        self._conversation_id = conversation_id
        conversation = wire.Conversation(id=conversation_id, object="realtime.conversation")
        return wire.write(wire.ConversationCreated(conversation=conversation, event_id=event_id))

    def _name(self, event: events.ServerEvent) -> str:
        return event.event_id or self._new_id("event")

    # What it says by itself.

    def due(self) -> tuple[Message, ...]:
        ping, self._ping = self._ping, None
        return () if ping is None else (ping,)

    def expire(self, at: int, /) -> tuple[()]:
        if self.deadline is not None and at >= self.deadline:
            self.deadline = at + PING_EVERY
            self._ping = wire.write(wire.Ping(event_id=self._new_id("event"), timestamp=millis(at)))
        return ()
