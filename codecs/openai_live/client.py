"""The client's end of a Live session."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.config import AudioFormat
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.openai_live import wire
from antiphon.codecs.openai_live.session import DEFAULT_FORMAT, openai_options, session
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import Message, Unknown, Unsayable, WireError, micros, micros_if, verbatim

INVALID = "Invalid OpenAI Live server event."
INVALID_INTERVAL = "Invalid OpenAI Live event time interval."


class _AppendOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    channel: wire.Channel = "thinking"


_APPENDS = {
    "instructions": wire.InstructionsAppend,
    "thinking": wire.ThinkingAppend,
    "commentary": wire.CommentaryAppend,
}


class Client(Unhurried):
    """Speaks to gpt-live-1, which listens and answers continuously.

    The session is settled by SessionStart and stays so. Commands that belong to turns are
    refused: the provider would not carry them out, and whoever gave them would wait.
    """

    def __init__(self, model: str = "") -> None:
        self._model = model
        self._heard = AudioLine(wire.NAME, 24_000)
        self._said = AudioLine(wire.NAME, 24_000)

    @property
    def input_rate(self) -> int:
        return self._heard.rate

    @property
    def output_rate(self) -> int:
        return self._said.rate

    def encode(self, event: events.ClientEvent, /) -> Iterable[Message]:
        match event:
            case events.InputAudioAppend():
                audio = self._heard.to_wire(event.audio)
                yield wire.write(wire.InputAudioAppend(audio=audio, event_id=event.event_id))
            case events.SessionStart():
                asked = session(event.config, self._model)
                message = wire.write(wire.SessionStart(session=asked, event_id=event.event_id))
                self._carry(asked.audio)
                yield message
            case events.SessionClose():
                yield wire.write(wire.SessionClose(event_id=event.event_id))
            case events.InputAudioMute():
                yield wire.write(wire.InputAudioMute(event_id=event.event_id))
            case events.InputAudioUnmute():
                yield wire.write(wire.InputAudioUnmute(event_id=event.event_id))
            case events.ContextAppend():
                yield wire.write(_append(event))
            case events.Custom():
                if event.dialect == wire.NAME:
                    yield verbatim(event.raw, wire.NAME)
            case (
                events.OutputPlaybackStarted()
                | events.OutputPlaybackStopped()
                | events.OutputPlaybackCleared()
                | events.OutputAudioClear()
            ):
                pass  # what the user hears is the client's own business
            case _:
                raise Unsayable(
                    wire.NAME,
                    f"knows no turns, hence no {type(event).__name__}: the session is settled by"
                    " SessionStart, and told things by ContextAppend",
                )

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ServerEvent]:
        """What is known but malformed is an Error, as the provider's own SDK has it."""
        try:
            yield from self._read(wire.read_server(message), at)
        except WireError as error:
            wire.require_json(message)
            problem = INVALID_INTERVAL if isinstance(error, _Reversed) else INVALID
            yield events.Error(
                message=problem, code="invalid_server_event", param=error.path, at=at
            )

    def _read(self, said: wire.FromServer | Unknown, at: int) -> Iterator[events.ServerEvent]:
        match said:
            case wire.OutputAudioDelta():
                start = micros_if(said.start_ms, wire.NAME, "$.start_ms")
                end = micros_if(said.end_ms, wire.NAME, "$.end_ms")
                yield events.AudioChunk(
                    delta=self._said.from_wire(said.delta, "$.delta"),
                    start=start,
                    end=end,
                    event_id=said.event_id,
                    at=at,
                )
            case wire.InputTranscriptDelta():
                yield _fragment(said, "user", at)
            case wire.OutputTranscriptDelta():
                yield _fragment(said, "assistant", at)
            case wire.SessionStarted():
                mode = said.session.delegation
                by_provider = mode is not None and mode.type == "responses"
                yield events.SessionStarted(
                    session_id=said.session.id,
                    delegation_mode="provider" if by_provider else "client",
                    event_id=said.event_id,
                    at=at,
                )
            case wire.SessionClosed():
                yield events.SessionClosed(
                    session_id=None if said.session is None else said.session.id,
                    usage=Usage(seconds=said.usage.seconds),
                    reason=said.reason,
                    event_id=said.event_id,
                    at=at,
                )
            case wire.UsageUpdated():
                window = said.context_window
                yield events.SessionUsage(
                    usage=Usage(seconds=said.usage.seconds),
                    context_window_usage_ratio=None if window is None else window.usage_ratio,
                    event_id=said.event_id,
                    at=at,
                )
            case wire.DelegationCreated():
                target = said.delegation.target
                yield events.DelegationCreated(
                    delegation_id=said.delegation.id,
                    target="provider" if target == "responses" else target,
                    offset=micros_if(said.offset_ms, wire.NAME, "$.offset_ms"),
                    response_id=said.delegation.response_id,
                    event_id=said.event_id,
                    at=at,
                )
            case wire.SessionUpdated():
                yield _acknowledged("session.update", said, at)
            case wire.InputAudioMuted():
                yield _acknowledged("session.input_audio.mute", said, at)
            case wire.InputAudioUnmuted():
                yield _acknowledged("session.input_audio.unmute", said, at)
            case wire.InstructionsAppended():
                _interval(said)
                yield _acknowledged("session.instructions.append", said, at)
            case wire.ThinkingAppended():
                _interval(said)
                yield _acknowledged("session.thinking.append", said, at)
            case wire.CommentaryAppended():
                _interval(said)
                yield _acknowledged("session.commentary.append", said, at)
            case wire.Error():
                failure = said.error
                yield events.Error(
                    message=failure.message,
                    code=failure.code,
                    client_event_id=failure.client_event_id,
                    error_type=failure.type,
                    param=failure.param,
                    event_id=said.event_id,
                    at=at,
                )
            case Unknown():
                yield events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)

    def _carry(self, audio: wire.Audio | None) -> None:
        said = None if audio is None else audio.format
        spoken = DEFAULT_FORMAT if said is None else AudioFormat(type=said.type, rate=said.rate)
        self._heard.carry(spoken)
        self._said.carry(spoken)


class _Reversed(WireError):
    """Something ends before it starts."""


_Timed = (
    wire.InputTranscriptDelta
    | wire.OutputTranscriptDelta
    | wire.InstructionsAppended
    | wire.ThinkingAppended
    | wire.CommentaryAppended
)

_Acknowledgement = (
    wire.SessionUpdated
    | wire.InputAudioMuted
    | wire.InputAudioUnmuted
    | wire.InstructionsAppended
    | wire.ThinkingAppended
    | wire.CommentaryAppended
)


def _interval(said: _Timed) -> tuple[int, int]:
    if said.end_ms < said.start_ms:
        raise _Reversed(wire.NAME, "$.end_ms", "Expected no end before the start")
    start = micros(said.start_ms, wire.NAME, "$.start_ms")
    return start, micros(said.end_ms, wire.NAME, "$.end_ms")


def _fragment(
    said: wire.InputTranscriptDelta | wire.OutputTranscriptDelta,
    speaker: Literal["user", "assistant"],
    at: int,
) -> events.TranscriptFragment:
    start, end = _interval(said)
    return events.TranscriptFragment(
        speaker=speaker, delta=said.delta, start=start, end=end, event_id=said.event_id, at=at
    )


def _acknowledged(command: str, said: _Acknowledgement, at: int) -> events.CommandAcknowledged:
    return events.CommandAcknowledged(
        command=command, client_event_id=said.client_event_id, event_id=said.event_id, at=at
    )


def _append(event: events.ContextAppend) -> wire.FromClient:
    options = openai_options(event.provider_options)
    try:
        chosen = msgspec.convert(options, _AppendOptions).channel
    except msgspec.ValidationError as error:
        raise Unsayable(wire.NAME, f"does not know these options: {error}") from error
    if event.delegation_id == "":
        raise Unsayable(wire.NAME, "has no delegation without a name")
    return _APPENDS[chosen](
        content=event.content, delegation_id=event.delegation_id, event_id=event.event_id
    )
