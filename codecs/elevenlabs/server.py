"""The server's end of a conversation: an agent as its clients know it."""

from collections.abc import Iterable, Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.elevenlabs import wire
from antiphon.codecs.elevenlabs.session import (
    RATE,
    format_name,
    listed_events,
    possible,
    read_start,
)
from antiphon.codecs.elevenlabs.telling import Telling
from antiphon.codecs.items import FunctionCallOutput, JsonObject, text_message
from antiphon.codecs.wire import Message, NewId, Unknown, counted, known, read, verbatim

PING_EVERY = 10_000_000
"""So that connections that lie idle are not closed on the way."""

LONGEST_TENTATIVE = 8_000
"""Characters: each message repeats all that was understood, so a turn without end must not."""

ERRORS = frozenset(
    {
        "unknown",
        "invalid_message",
        "telephony_agent_error",
        "mcp_tool_error",
        "mcp_https_error",
        "value_error",
        "missing_fields",
        "override_error",
        "missing_dynamic_variable_transfer",
        "missing_dynamic_variable",
        "websocket_disconnect",
        "safety_violation",
        "llm_timeout",
        "transport_receive_timeout",
        "asyncio_timeout",
        "http_exception",
        "max_duration_exceeded",
        "llm_error",
        "custom_llm_error",
        "cascade_brain_error",
        "asr_transcription_error",
        "vad_error",
        "turn_probability_error",
        "tts_cascade_error",
        "redis_timeout_error",
        "unknown_websocket_crash",
    }
)

CODES = {"1000": 1000, "1002": 1002, "1008": 1008, "1011": 1011}

_text: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


class Server:
    """It tells its formats with the first word of a session, and pings from then on."""

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        self._new_id = new_id or counted()
        self._input = AudioLine(wire.NAME, RATE)
        self._output = AudioLine(wire.NAME, RATE)
        self._ready = False
        self._telling = Telling(self._output)
        self._tentative = ""
        self._turn: str | None = None
        """The item whose tentative words these are."""
        self._pings = 0
        self._pinged: int | None = None
        """When, until it is answered."""
        self._latency: int | None = None
        self._due: tuple[Message, ...] = ()
        self.deadline: int | None = None
        """When to ping."""

    @property
    def input_rate(self) -> int:
        return self._input.rate

    @property
    def output_rate(self) -> int:
        return self._output.rate

    # Time.

    def due(self) -> Iterable[Message]:
        due, self._due = self._due, ()
        return due

    def expire(self, at: int, /) -> Iterable[events.ClientEvent]:
        if self.deadline is not None and at >= self.deadline:
            self._pings += 1
            self._pinged, self.deadline = at, at + PING_EVERY
            latency = None if self._latency is None else self._latency // 1000
            ping = wire.PingEvent(event_id=self._pings, ping_ms=latency)
            self._due = (wire.write(wire.Ping(ping_event=ping)),)
        return ()

    # What the client says.

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ClientEvent]:
        said = wire.hear_client(message)
        match said:
            case wire.UserAudio():
                chunk = known(said.user_audio_chunk) or ""
                pcm = self._input.from_wire(chunk, "$.user_audio_chunk")
                return (events.InputAudioAppend(audio=pcm, at=at),)
            case wire.ConversationInitiation():
                config = read_start(said, wire.freely(message))
                self._telling.listed = listed_events(said)
                return (events.SessionUpdate(config=config, at=at),)
            case wire.UserMessage(text=str(text)) if text:
                return (
                    events.ConversationItemCreate(item=text_message(text), at=at),
                    events.ResponseCreate(at=at),
                )
            case wire.UserMessage():  # of rich content, which only the provider has
                return _carried(message, "user_message", at)
            case wire.ContextualUpdate():
                item = text_message(said.text or "", role="system", id=known(said.context_id))
                return (events.ConversationItemCreate(item=item, at=at),)
            case wire.ClientToolResult():
                return self._answered(said, at)
            case wire.Pong():
                self._ponged(said.event_id, at)
                return ()
            case wire.Carried():
                return _carried(message, str(said.__struct_config__.tag), at)
            case Unknown():
                return _carried(message, said.type, at)

    def _answered(self, said: wire.ClientToolResult, at: int) -> Iterable[events.ClientEvent]:
        result = verbatim(said.result, wire.NAME)
        if result.startswith('"'):
            result = read(wire.NAME, _text, result)
        elif result == "null":
            result = ""
        item = FunctionCallOutput(
            call_id=said.tool_call_id, output=result, failed=bool(said.is_error)
        )
        output = events.ConversationItemCreate(item=item, at=at)
        if self._telling.calls.answered(said.tool_call_id):
            return output, events.ResponseCreate(at=at)
        return (output,)

    def _ponged(self, number: int | None, at: int) -> None:
        if number == self._pings and self._pinged is not None:
            self._latency, self._pinged = max(at - self._pinged, 0), None

    # What the server says.

    def encode(self, event: events.ServerEvent, /) -> Iterable[Message]:
        match event:
            case events.AudioDelta():
                return self._telling.speak(event)
            case events.SessionCreated() | events.SessionUpdated() | events.SessionStarted():
                return self._settle(event)
            case events.ResponseCreated():
                self._telling.responses.of(event.response_id)
                return ()
            case events.AudioTranscriptDelta():
                self._telling.say(event)
                return ()
            case events.AudioTranscriptDone():
                return self._telling.said(event)
            case events.TextDelta():
                return self._telling.write(event)
            case events.TextDone():
                return self._telling.written(event)
            case events.FunctionCallArgumentsDone():
                return self._telling.call(event)
            case events.FunctionCallCancelled():
                for call_id in event.call_ids:
                    self._telling.calls.withdrawn(call_id)
                return ()
            case events.ResponseDone():
                return self._telling.done(event)
            case events.SpeechStarted():
                return self._telling.spoken_over(event.at)
            case events.ResponseInterrupted():
                return self._telling.interrupted(event)
            case events.ConversationItemTruncated(transcript=str(transcript)):
                return self._telling.correct(event.item_id, transcript)
            case events.InputTranscriptionDelta():
                return self._understanding(event)
            case events.InputTranscriptionCompleted():
                return self._understood(event)
            case events.Error():
                return (wire.write(wire.Error(error_event=_error(event))),)
            case events.Custom(dialect=wire.NAME):
                return (verbatim(event.raw, wire.NAME),)
            case _:
                return ()

    def _settle(
        self, event: events.SessionCreated | events.SessionUpdated | events.SessionStarted
    ) -> Iterable[Message]:
        if self._ready:
            return ()
        config = event.config or SessionConfig()
        heard, spoken = possible(config.input_audio_format), possible(config.output_audio_format)
        name = None if isinstance(event, events.SessionUpdated) else event.session_id
        metadata = wire.InitiationMetadata(
            conversation_id=name or self._new_id("conv"),
            agent_output_audio_format=format_name(spoken),
            user_input_audio_format=format_name(heard),
        )
        text = wire.write(
            wire.ConversationMetadata(conversation_initiation_metadata_event=metadata)
        )
        self._input.carry(heard)
        self._output.carry(spoken)
        self._ready, self.deadline = True, event.at + PING_EVERY
        return (text,)

    # What the user said.

    def _understanding(self, event: events.InputTranscriptionDelta) -> Iterator[Message]:
        if self._turn != event.item_id or event.restart:
            self._turn, self._tentative = event.item_id, ""
        if event.transcript is not None:
            self._tentative = event.transcript[: LONGEST_TENTATIVE + 1]
        elif len(self._tentative) <= LONGEST_TENTATIVE:
            self._tentative += event.delta[: LONGEST_TENTATIVE + 1]
        if len(self._tentative) <= LONGEST_TENTATIVE and self._telling.wanted(
            "tentative_user_transcript"
        ):
            user = wire.TranscriptionEvent(
                user_transcript=self._tentative,
                event_id=self._telling.responses.turn(event.item_id),
            )
            yield wire.write(wire.TentativeUserTranscript(tentative_user_transcription_event=user))

    def _understood(self, event: events.InputTranscriptionCompleted) -> Iterator[Message]:
        if self._turn == event.item_id:
            self._turn = None
        if self._telling.wanted("user_transcript"):
            user = wire.TranscriptionEvent(
                user_transcript=event.transcript,
                event_id=self._telling.responses.turn(event.item_id),
            )
            yield wire.write(wire.UserTranscript(user_transcription_event=user))


def _carried(message: Message, kind: str, at: int) -> Iterable[events.ClientEvent]:
    return (events.Custom(dialect=wire.NAME, raw_type=kind, raw=wire.as_is(message), at=at),)


def _error(event: events.Error) -> wire.ErrorEvent:
    """The codes are those with which a WebSocket is closed; an error may be none of these."""
    details: JsonObject = {"fatal": False}
    return wire.ErrorEvent(
        code=CODES.get(event.code or "", 1011),
        message=event.message,
        error_type=event.error_type if event.error_type in ERRORS else "unknown",
        reason=None if event.code in CODES else event.code,
        details=None if event.fatal else details,
    )
