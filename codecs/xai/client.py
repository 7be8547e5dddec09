"""The client's end of xAI's voice agents: OpenAI's, and what xAI has beside it."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from antiphon.codecs import events, openai
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import FunctionCall, TextPart
from antiphon.codecs.items import Message as Said
from antiphon.codecs.wire import Message, Recent, Unknown, read
from antiphon.codecs.xai import wire
from antiphon.codecs.xai.profile import XAI
from antiphon.codecs.xai.session import audio_of, formats_of
from antiphon.codecs.xai.shapes import Audio
from antiphon.codecs.xai.transcripts import Transcripts

Arguments = events.FunctionCallArgumentsDelta | events.FunctionCallArgumentsDone


class Client(openai.Client):
    """Client events to xAI's wire, and its messages to server events.

    The user's audio goes as binary frames once the session is asked to have it so
    (`audio.input.transport` among the provider's options). A binary frame from the server is
    speech: of the part that the server spoke of last, since it names none.
    """

    def __init__(self, model: str = "") -> None:
        super().__init__(model, profile=XAI, extra=self._beside_openai)
        self._transcripts = Transcripts()
        self._calls = Recent[str, events.OutputEvent](256)
        """Where the response's tool calls were spoken of: the last word may leave that out."""
        self._spoken = events.ContentEvent(response_id="", item_id="")
        """The part that binary frames belong to."""
        self._sends_binary = self._hears_binary = False
        self._conversation_id: str | None = None
        self._asked_to_resume = self._resumable = False
        self._handle: str | None = None
        """What was last said to be good for resuming."""

    # What the client says.

    def encode(self, event: events.ClientEvent) -> Iterator[Message]:
        match event:
            case events.InputAudioAppend() if self._sends_binary:
                return iter((self._input.to_bytes(event.audio),))
            case events.ConversationItemRetrieve():  # which xAI does not know
                return iter(())
            case events.ResponseCreate(options=options) if options is not None:
                self._options(options)  # refused now, not when its time comes
            case _:
                pass
        return super().encode(event)

    def _session(self, config: SessionConfig) -> dict[str, Any]:
        # The provider's options may say how the audio is to be, in place of everyone's.
        audio = audio_of(XAI.write_session(config, self.model))
        formats = formats_of(audio)
        session = super()._session(msgspec.structs.replace(config, **formats))
        self._carry(audio)
        if config.resumption is not None:
            self._asked_to_resume = config.resumption
        return session

    # What the server says.

    def decode(self, message: Message, at: int = 0) -> Iterable[events.ServerEvent]:
        if isinstance(message, bytes) and (self._hears_binary or message[:1] != b"{"):
            return (self._speech(message, at),)
        [event] = super().decode(message, at)
        match event:
            case events.AudioDelta() | events.AudioTranscriptDelta():
                self._spoken = event
            case events.ContentPartAdded():
                if not isinstance(event.part, TextPart):
                    self._spoken = event
            case events.OutputItemAdded(item=Said()):
                self._spoken = _part(event)
            case events.ResponseCreated():
                self._spoken = events.ContentEvent(response_id=event.response_id, item_id="")
                self._calls.clear()
            case events.InputTranscriptionCompleted():
                self._transcripts.over(event.item_id, event.content_index)
            case events.OutputItemAdded() | events.OutputItemDone():
                self._note_call(event)
            case events.FunctionCallArgumentsDelta() | events.FunctionCallArgumentsDone():
                return (self._placed(event),)
            case events.SessionCreated() | events.SessionUpdated():
                return (event, *self._settled(event))
            case events.DtmfReceived(digit=""):
                digit = read(wire.NAME, wire.dtmf, message).digit or ""
                return (msgspec.structs.replace(event, digit=digit),)
            case _:
                pass
        return (event,)

    def _speech(self, data: bytes, at: int) -> events.AudioDelta:
        part = self._spoken
        event = events.AudioDelta(
            response_id=part.response_id,
            item_id=part.item_id,
            output_index=part.output_index,
            content_index=part.content_index,
            delta=self._output.from_bytes(data, part.item_id),
            at=at,
        )
        self._exchange.heard(event)
        return event

    def _beside_openai(self, said: Unknown, at: int) -> tuple[events.ServerEvent, ...]:
        """What is heard in a message that OpenAI has not; the rest is xAI's own business."""
        match wire.read_server(said.raw):
            case wire.TranscriptionUpdated() as more:
                item_id, content_index = more.item_id or "", more.content_index or 0
                delta, restart = self._transcripts.grown(
                    item_id, content_index, more.transcript or ""
                )
                event = events.InputTranscriptionDelta(
                    item_id=item_id,
                    content_index=content_index,
                    delta=delta,
                    restart=restart,
                    event_id=more.event_id,
                    at=at,
                )
                return (event,)
            case wire.ConversationCreated() as created:
                self._conversation_id = created.conversation and created.conversation.id
                return self._new_handle(at, created.event_id)
            case Unknown():
                return ()

    def _settled(
        self, event: events.SessionCreated | events.SessionUpdated
    ) -> tuple[events.ResumptionHandle, ...]:
        config = event.config or SessionConfig()
        self._carry(audio_of(config.provider_options))
        if config.resumption is not None:
            self._resumable = config.resumption
        elif isinstance(event, events.SessionUpdated):
            self._resumable = self._asked_to_resume
        return self._new_handle(event.at)

    def _new_handle(
        self, at: int, event_id: str | None = None
    ) -> tuple[events.ResumptionHandle, ...]:
        """The conversation's id, if the session was asked to be kept and this is news."""
        if not self._resumable or self._conversation_id in (None, self._handle):
            return ()
        self._handle = self._conversation_id
        return (events.ResumptionHandle(handle=self._handle, event_id=event_id, at=at),)

    def _carry(self, audio: Audio) -> None:
        heard, spoken = audio.input, audio.output
        if heard is not None and heard.transport is not None:
            self._sends_binary = heard.transport == "binary"
        if spoken is not None and spoken.transport is not None:
            self._hears_binary = spoken.transport == "binary"

    def _note_call(self, event: events.OutputItemAdded | events.OutputItemDone) -> None:
        if isinstance(event.item, FunctionCall):
            self._calls[event.item.call_id] = event

    def _placed(self, event: Arguments) -> Arguments:
        """*event* where its call was announced."""
        if not event.call_id:
            return event
        call = self._calls.setdefault(event.call_id, event)
        return msgspec.structs.replace(
            event,
            response_id=call.response_id,
            item_id=call.item_id,
            output_index=call.output_index,
        )


def _part(event: events.OutputItemAdded) -> events.ContentEvent:
    """The part that a message begins with."""
    return events.ContentEvent(
        response_id=event.response_id, item_id=event.item_id, output_index=event.output_index
    )
