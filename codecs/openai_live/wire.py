"""OpenAI Live on the wire.

https://developers.openai.com/api/docs/guides/live-conversations
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Message, Reader, Writer, read

NAME = "openai_live"

Channel = Literal["instructions", "thinking", "commentary"]
"""How what is appended reaches the user: obeyed, known, or told."""

Id = Annotated[str, Meta(min_length=1)]
Amount = Annotated[float, Meta(ge=0)]
Ratio = Annotated[float, Meta(ge=0, le=1)]


class _Object(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of a message."""


class _Message(_Object, frozen=True, kw_only=True, tag_field="type"):
    event_id: str | None = None


# The session, as a client asks for it.


class Format(_Object, frozen=True, kw_only=True):
    type: str
    rate: int | None = None


class Voice(_Object, frozen=True, kw_only=True):
    """A voice of the account's own."""

    id: Id


class Output(_Object, frozen=True, kw_only=True):
    voice: str | Voice | None = None


class Audio(_Object, frozen=True, kw_only=True):
    format: Format | None = None
    output: Output | None = None


class ResponseEvents(_Object, frozen=True, kw_only=True):
    type: str
    response_event: str | None = None


class DataChannel(_Object, frozen=True, kw_only=True):
    allowed_client_events: Literal["all"] | tuple[str, ...] | UnsetType = UNSET
    allowed_server_events: Literal["all"] | tuple[ResponseEvents, ...] | UnsetType = UNSET


class Permissions(_Object, frozen=True, kw_only=True):
    data_channel: DataChannel | None = None


class Session(_Object, frozen=True, kw_only=True):
    model: str | None = None
    instructions: str | None = None
    audio: Audio | None = None
    delegation: JsonObject | None | UnsetType = UNSET
    client: Permissions | None = None
    input: tuple[JsonObject, ...] | None = None
    store: bool | None = None


# The client.


class SessionStart(_Message, frozen=True, kw_only=True, tag="session.start"):
    session: Session


class SessionClose(_Message, frozen=True, kw_only=True, tag="session.close"):
    pass


class InputAudioAppend(_Message, frozen=True, kw_only=True, tag="session.input_audio.append"):
    audio: str


class InputAudioMute(_Message, frozen=True, kw_only=True, tag="session.input_audio.mute"):
    pass


class InputAudioUnmute(_Message, frozen=True, kw_only=True, tag="session.input_audio.unmute"):
    pass


class _Append(_Message, frozen=True, kw_only=True):
    content: str
    delegation_id: str | None | UnsetType = UNSET


class InstructionsAppend(_Append, frozen=True, kw_only=True, tag="session.instructions.append"):
    pass


class ThinkingAppend(_Append, frozen=True, kw_only=True, tag="session.thinking.append"):
    pass


class CommentaryAppend(_Append, frozen=True, kw_only=True, tag="session.commentary.append"):
    pass


# The server.


class Snapshot(_Object, frozen=True, kw_only=True):
    id: Id


class Mode(_Object, frozen=True, kw_only=True):
    type: Literal["client", "responses"]


class Started(_Object, frozen=True, kw_only=True):
    id: Id
    delegation: Mode | None = None


class Usage(_Object, frozen=True, kw_only=True):
    seconds: Amount


class ContextWindow(_Object, frozen=True, kw_only=True):
    usage_ratio: Ratio


class Delegation(_Object, frozen=True, kw_only=True):
    id: Id
    target: Literal["client", "responses"] | None = None
    response_id: Id | None = None


class Failure(_Object, frozen=True, kw_only=True):
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    client_event_id: str | None = None


class SessionStarted(_Message, frozen=True, kw_only=True, tag="session.started"):
    session: Started


class SessionClosed(_Message, frozen=True, kw_only=True, tag="session.closed"):
    usage: Usage
    reason: str
    session: Snapshot | None = None


class UsageUpdated(_Message, frozen=True, kw_only=True, tag="session.usage.updated"):
    usage: Usage
    context_window: ContextWindow | None = None


class OutputAudioDelta(_Message, frozen=True, kw_only=True, tag="session.output_audio.delta"):
    delta: str
    start_ms: float | None = None
    end_ms: float | None = None


class _TranscriptDelta(_Message, frozen=True, kw_only=True):
    delta: str
    start_ms: Amount
    end_ms: Amount


class InputTranscriptDelta(
    _TranscriptDelta, frozen=True, kw_only=True, tag="session.input_transcript.delta"
):
    pass


class OutputTranscriptDelta(
    _TranscriptDelta, frozen=True, kw_only=True, tag="session.output_transcript.delta"
):
    pass


class DelegationCreated(_Message, frozen=True, kw_only=True, tag="session.delegation.created"):
    delegation: Delegation
    offset_ms: Amount | None = None


class _Acknowledgement(_Message, frozen=True, kw_only=True):
    client_event_id: str | None = None


class SessionUpdated(_Acknowledgement, frozen=True, kw_only=True, tag="session.updated"):
    session: Snapshot


class InputAudioMuted(_Acknowledgement, frozen=True, kw_only=True, tag="session.input_audio.muted"):
    pass


class InputAudioUnmuted(
    _Acknowledgement, frozen=True, kw_only=True, tag="session.input_audio.unmuted"
):
    pass


class _Appended(_Acknowledgement, frozen=True, kw_only=True):
    """Since when, and until when, the model knows it."""

    start_ms: Amount
    end_ms: Amount


class InstructionsAppended(
    _Appended, frozen=True, kw_only=True, tag="session.instructions.appended"
):
    pass


class ThinkingAppended(_Appended, frozen=True, kw_only=True, tag="session.thinking.appended"):
    pass


class CommentaryAppended(_Appended, frozen=True, kw_only=True, tag="session.commentary.appended"):
    pass


class Error(_Message, frozen=True, kw_only=True, tag="error"):
    error: Failure


FromClient = (
    SessionStart
    | SessionClose
    | InputAudioAppend
    | InputAudioMute
    | InputAudioUnmute
    | InstructionsAppend
    | ThinkingAppend
    | CommentaryAppend
)

FromServer = (
    OutputAudioDelta
    | SessionStarted
    | SessionClosed
    | UsageUpdated
    | InputTranscriptDelta
    | OutputTranscriptDelta
    | DelegationCreated
    | SessionUpdated
    | InputAudioMuted
    | InputAudioUnmuted
    | InstructionsAppended
    | ThinkingAppended
    | CommentaryAppended
    | Error
)

_from_client: Decoder[FromClient] = Decoder(FromClient)
_from_server: Decoder[FromServer] = Decoder(FromServer)
_anything: Decoder[object] = Decoder(object)

read_client = Reader(NAME, _from_client)
read_server = Reader(NAME, _from_server)
write = Writer(NAME)


def require_json(message: Message) -> None:
    """Raises WireError unless *message* is JSON, of whatever kind."""
    read(NAME, _anything, message)
