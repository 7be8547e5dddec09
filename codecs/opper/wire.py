"""Opper's realtime protocol on the wire.

https://docs.opper.ai/v3-api-reference/realtime/protocol
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw
from msgspec.json import Decoder

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Reader, WireError, Writer, read, verbatim

NAME = "opper"

PCM = "pcm16"

Rate = Annotated[int, Meta(ge=0, le=192_000)]
"""In Hz; 0 is none."""


class _Object(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of a message."""


class _Message(_Object, frozen=True, kw_only=True, tag_field="type"):
    """A message; none has an id."""


# The session, as a client asks for it.


class TurnDetection(_Object, frozen=True, kw_only=True):
    type: str | None = None
    threshold: float | None = None
    prefix_padding_ms: float | None = None
    silence_duration_ms: float | None = None


class Tool(_Object, frozen=True, kw_only=True):
    name: str
    description: str | None = None
    parameters: JsonObject | None = None


class Config(_Object, frozen=True, kw_only=True):
    """What is null, empty text included, is not said."""

    model: str | None = None
    voice: str | None = None
    instructions: str | None = None
    modalities: tuple[str, ...] | None = None
    tools: tuple[Tool, ...] | None = None
    turn_detection: TurnDetection | None = None
    input_audio_format: str | None = None
    output_audio_format: str | None = None
    input_transcription: bool | None = None
    input_transcription_model: str | None = None
    output_transcription: bool | None = None
    reasoning_effort: str | None = None
    temperature: float | None = None
    translation_target_language: str | None = None


# The client.


class SessionStart(_Message, frozen=True, kw_only=True, tag="session.start"):
    config: JsonObject | None = None


class SessionUpdate(_Message, frozen=True, kw_only=True, tag="session.update"):
    config: JsonObject | None = None


class AudioAppend(_Message, frozen=True, kw_only=True, tag="audio.append", gc=False):
    audio: str


class AudioCommit(_Message, frozen=True, kw_only=True, tag="audio.commit"):
    pass


class AudioClear(_Message, frozen=True, kw_only=True, tag="audio.clear"):
    pass


class TextInput(_Message, frozen=True, kw_only=True, tag="text.input"):
    text: str


class ResponseCreate(_Message, frozen=True, kw_only=True, tag="response.create"):
    pass


class ResponseCancel(_Message, frozen=True, kw_only=True, tag="response.cancel"):
    pass


class ToolResult(_Message, frozen=True, kw_only=True, tag="tool.result"):
    tool_call_id: str
    tool_result: Raw = Raw(b"null")


class ImageInput(_Message, frozen=True, kw_only=True, tag="image.input"):
    image_url: str
    image_detail: str | None = None
    text: str | None = None
    """Sent along by Opper's own example, though documented nowhere."""


FromClient = (
    AudioAppend
    | SessionStart
    | SessionUpdate
    | AudioCommit
    | AudioClear
    | TextInput
    | ResponseCreate
    | ResponseCancel
    | ToolResult
    | ImageInput
)

# The server.


class Problem(_Object, frozen=True, kw_only=True):
    code: str | int | None = None
    message: str | None = None


class SessionStarted(_Message, frozen=True, kw_only=True, tag="session.started"):
    session_id: str | None = None
    input_sample_rate: Rate | None = None
    output_sample_rate: Rate | None = None
    audio_format: str | None = None
    sample_rate: Rate | None = None
    """Of both directions, from older servers."""


class AudioDelta(_Message, frozen=True, kw_only=True, tag="audio.delta", gc=False):
    audio: str


class TextDelta(_Message, frozen=True, kw_only=True, tag="text.delta"):
    """Words that the model writes, or those of its speech."""

    delta: str | None = None


class TranscriptCommitted(_Message, frozen=True, kw_only=True, tag="transcript.committed"):
    transcript: str | None = None


class SpeechStarted(_Message, frozen=True, kw_only=True, tag="speech.started"):
    pass


class SpeechStopped(_Message, frozen=True, kw_only=True, tag="speech.stopped"):
    pass


class ResponseStarted(_Message, frozen=True, kw_only=True, tag="response.started"):
    pass


class ResponseCompleted(_Message, frozen=True, kw_only=True, tag="response.completed"):
    pass


class ResponseDone(_Message, frozen=True, kw_only=True, tag="response.done"):
    """Another name of ResponseCompleted; both may come for one response."""


class ToolCall(_Message, frozen=True, kw_only=True, tag="tool.call"):
    tool_call_id: str | None = None
    tool_name: str
    tool_arguments: Raw = Raw(b"null")
    """A text that holds JSON, or the object itself."""


class SessionTerminating(_Message, frozen=True, kw_only=True, tag="session.terminating"):
    error: Problem | str | None = None


class SessionEnded(_Message, frozen=True, kw_only=True, tag="session.ended"):
    pass


class Error(_Message, frozen=True, kw_only=True, tag="error"):
    message: str | None = None
    error: Problem | str | None = None


FromServer = (
    AudioDelta
    | TextDelta
    | TranscriptCommitted
    | SpeechStarted
    | SpeechStopped
    | ResponseStarted
    | ResponseCompleted
    | ResponseDone
    | ToolCall
    | SessionStarted
    | SessionTerminating
    | SessionEnded
    | Error
)

# Tickets.


class Mint(_Object, frozen=True, kw_only=True):
    config: JsonObject | None = None
    locked_fields: tuple[str, ...] | None = None
    ttl_seconds: int | None = None


class Minted(_Object, frozen=True, kw_only=True):
    client_secret: str | None = None
    ticket: str | None = None
    """What some call the secret."""
    expires_at: str | None = None
    ws_url: str | None = None


# Reading and writing.


_client_decoder: Decoder[FromClient] = Decoder(FromClient)
_server_decoder: Decoder[FromServer] = Decoder(FromServer)
_text_decoder: Decoder[str] = Decoder(str)
_any_decoder: Decoder[object] = Decoder(object)
_encode = msgspec.json.Encoder().encode

read_client = Reader(NAME, _client_decoder)
read_server = Reader(NAME, _server_decoder)
write = Writer(NAME)


def text_or_json(raw: Raw, path: str) -> str:
    """A text's own words; anything else as the JSON that it is."""
    if not bytes(raw).startswith(b'"'):
        return verbatim(raw, NAME)
    return read(NAME, _text_decoder, raw, path)


def json_or_text(text: str) -> Raw:
    """*text* as the JSON that it is, or as a JSON string where it is none."""
    try:
        _any_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        pass
    else:
        return Raw(text.strip().encode())
    return text_as_json(text)


def text_as_json(text: str) -> Raw:
    try:
        return Raw(_encode(text))
    except UnicodeError as error:
        raise WireError(NAME, "$", "Expected text that UTF-8 can carry") from error
