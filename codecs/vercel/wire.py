"""The AI SDK's realtime events as JSON, which is all that Vercel's AI Gateway speaks.

https://ai-sdk.dev/docs/ai-sdk-core/realtime describes them. What is read leniently may be UNSET or
null; what is written is what the AI SDK documents, and UNSET leaves a field out.
"""

import re
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.config import ResponseOptions, SessionConfig
from antiphon.codecs.items import JsonObject, Role
from antiphon.codecs.wire import Count, Message, Reader, WireError, Writer

NAME = "vercel"

OptionalText = str | None | UnsetType
OptionalCount = Count | None | UnsetType
OptionalNumber = float | None | UnsetType


def _kebab(name: str) -> str:
    """AudioDelta is `audio-delta`."""
    return re.sub(r"\B(?=[A-Z])", "-", name).lower()


class _Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Part of a message."""


class _Event(_Object, frozen=True, kw_only=True, tag_field="type", tag=_kebab):
    """A message; its type is the name of its class."""


class Usage(_Object, frozen=True, kw_only=True):
    input_tokens: OptionalCount = UNSET
    output_tokens: OptionalCount = UNSET
    cached_input_tokens: OptionalCount = UNSET
    input_text_tokens: OptionalCount = UNSET
    input_audio_tokens: OptionalCount = UNSET
    output_text_tokens: OptionalCount = UNSET
    output_audio_tokens: OptionalCount = UNSET
    cached_input_text_tokens: OptionalCount = UNSET
    cached_input_audio_tokens: OptionalCount = UNSET
    seconds: OptionalNumber = UNSET


OptionalUsage = Usage | None | UnsetType


# The configuration, as it is written.


class Format(_Object, frozen=True, kw_only=True):
    type: str
    rate: int | UnsetType = UNSET


class Transcription(_Object, frozen=True, kw_only=True):
    model: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    prompt: str | UnsetType = UNSET


class TurnDetection(_Object, frozen=True, kw_only=True):
    type: str
    threshold: float | UnsetType = UNSET
    silence_duration_ms: float | UnsetType = UNSET
    prefix_padding_ms: float | UnsetType = UNSET


class Tool(_Object, frozen=True, kw_only=True, tag_field="type", tag="function"):
    name: str
    description: str | UnsetType = UNSET
    parameters: JsonObject


class Config(_Object, frozen=True, kw_only=True):
    instructions: str | UnsetType = UNSET
    voice: str | UnsetType = UNSET
    output_modalities: tuple[str, ...] | UnsetType = UNSET
    input_audio_format: Format | UnsetType = UNSET
    output_audio_format: Format | UnsetType = UNSET
    input_audio_transcription: Transcription | UnsetType = UNSET
    output_audio_transcription: Transcription | UnsetType = UNSET
    turn_detection: TurnDetection | None | UnsetType = UNSET
    tools: tuple[Tool, ...] | UnsetType = UNSET
    provider_options: JsonObject | UnsetType = UNSET


class Durations(_Object, frozen=True, kw_only=True):
    """What the wire says of turn detection in milliseconds."""

    silence_duration_ms: OptionalNumber = UNSET
    prefix_padding_ms: OptionalNumber = UNSET


class WithDurations(_Object, frozen=True, kw_only=True):
    """A configuration, read for them alone."""

    turn_detection: Durations | None | UnsetType = UNSET


class Options(_Object, frozen=True, kw_only=True):
    """What is otherwise for one response, as it is written."""

    modalities: tuple[str, ...] | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET


# Items, as a client sends them.


class TextMessage(_Event, frozen=True, kw_only=True):
    role: Role = "user"
    """The AI SDK has no other."""
    text: str


class AudioMessage(_Event, frozen=True, kw_only=True):
    role: Role = "user"
    audio: str


class FunctionCallOutput(_Event, frozen=True, kw_only=True):
    call_id: str
    name: OptionalText = UNSET
    output: OptionalText = UNSET
    """Missing where a tool returned `undefined`."""


SdkItem = TextMessage | AudioMessage | FunctionCallOutput


# Items, as a server shows them: to the AI SDK they are its provider's own, and OpenAI's names for
# them are those that its users know.


class ShownPart(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    text: OptionalText = UNSET
    audio: OptionalText = UNSET
    transcript: OptionalText = UNSET
    image_url: OptionalText = UNSET
    detail: OptionalText = UNSET


class ShownItem(msgspec.Struct, frozen=True, kw_only=True):
    id: OptionalText = UNSET
    type: OptionalText = UNSET
    status: OptionalText = UNSET
    role: OptionalText = UNSET
    content: tuple[ShownPart, ...] | None | UnsetType = UNSET
    call_id: OptionalText = UNSET
    name: OptionalText = UNSET
    arguments: OptionalText = UNSET
    output: OptionalText = UNSET


# The client.


class SessionUpdate(_Event, frozen=True, kw_only=True):
    config: Raw
    event_id: OptionalText = UNSET


class SessionStart(_Event, frozen=True, kw_only=True):
    config: Raw
    event_id: OptionalText = UNSET


class SessionClose(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET


class InputAudioMute(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET


class InputAudioUnmute(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET


class ContextAppend(_Event, frozen=True, kw_only=True):
    content: str
    delegation_id: str | None = None
    """Written even where it is null."""
    event_id: OptionalText = UNSET
    provider_options: JsonObject | None | UnsetType = UNSET


class InputAudioAppend(_Event, frozen=True, kw_only=True, gc=False):
    audio: str
    event_id: OptionalText = UNSET


class InputAudioCommit(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET


class InputAudioClear(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET


class ConversationItemCreate(_Event, frozen=True, kw_only=True):
    item: Raw
    event_id: OptionalText = UNSET
    previous_item_id: OptionalText = UNSET


class ConversationItemTruncate(_Event, frozen=True, kw_only=True):
    item_id: str
    content_index: Count = 0
    audio_end_ms: float
    event_id: OptionalText = UNSET


class ResponseCreate(_Event, frozen=True, kw_only=True):
    options: Raw | UnsetType = UNSET
    event_id: OptionalText = UNSET


class ResponseCancel(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET
    response_id: OptionalText = UNSET


# What only our own tools say; the gateway does not know it, so that no client writes it.


class ConversationItemRetrieve(_Event, frozen=True, kw_only=True):
    item_id: str
    event_id: OptionalText = UNSET


class ConversationItemDelete(_Event, frozen=True, kw_only=True):
    item_id: str
    event_id: OptionalText = UNSET


class OutputAudioClear(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET


class InputActivityStart(_Event, frozen=True, kw_only=True):
    event_id: OptionalText = UNSET


class InputDtmf(_Event, frozen=True, kw_only=True):
    digit: str
    event_id: OptionalText = UNSET


FromClient = (
    InputAudioAppend
    | SessionUpdate
    | SessionStart
    | SessionClose
    | InputAudioMute
    | InputAudioUnmute
    | ContextAppend
    | InputAudioCommit
    | InputAudioClear
    | ConversationItemCreate
    | ConversationItemTruncate
    | ResponseCreate
    | ResponseCancel
    | ConversationItemRetrieve
    | ConversationItemDelete
    | OutputAudioClear
    | InputActivityStart
    | InputDtmf
)

# The server. Each event may also have a `raw`, the provider's own message, which only of
# `custom` says anything.


class SessionCreated(_Event, frozen=True, kw_only=True):
    session_id: OptionalText = UNSET


class SessionUpdated(_Event, frozen=True, kw_only=True):
    pass


class SpeechStarted(_Event, frozen=True, kw_only=True):
    item_id: OptionalText = UNSET


class SpeechStopped(_Event, frozen=True, kw_only=True):
    item_id: OptionalText = UNSET


class AudioCommitted(_Event, frozen=True, kw_only=True):
    item_id: OptionalText = UNSET
    previous_item_id: OptionalText = UNSET


class ConversationItemAdded(_Event, frozen=True, kw_only=True):
    item_id: OptionalText = UNSET
    item: Raw | UnsetType = UNSET


class InputTranscriptionCompleted(_Event, frozen=True, kw_only=True):
    item_id: OptionalText = UNSET
    transcript: OptionalText = UNSET
    usage: OptionalUsage = UNSET


class ResponseCreated(_Event, frozen=True, kw_only=True):
    response_id: OptionalText = UNSET


class ResponseDone(_Event, frozen=True, kw_only=True):
    response_id: OptionalText = UNSET
    status: OptionalText = UNSET
    usage: OptionalUsage = UNSET


class OfItem(_Event, frozen=True, kw_only=True, gc=False):
    response_id: OptionalText = UNSET
    item_id: OptionalText = UNSET


class OutputItemAdded(OfItem, frozen=True, kw_only=True):
    pass


class OutputItemDone(OfItem, frozen=True, kw_only=True):
    pass


class ContentPartAdded(OfItem, frozen=True, kw_only=True):
    pass


class ContentPartDone(OfItem, frozen=True, kw_only=True):
    pass


class AudioDelta(OfItem, frozen=True, kw_only=True, gc=False):
    delta: str


class AudioDone(OfItem, frozen=True, kw_only=True):
    pass


class AudioTranscriptDelta(OfItem, frozen=True, kw_only=True, gc=False):
    delta: str


class AudioTranscriptDone(OfItem, frozen=True, kw_only=True):
    transcript: OptionalText = UNSET


class TextDelta(OfItem, frozen=True, kw_only=True, gc=False):
    delta: str


class TextDone(OfItem, frozen=True, kw_only=True):
    text: OptionalText = UNSET


class FunctionCallArgumentsDelta(OfItem, frozen=True, kw_only=True, gc=False):
    call_id: OptionalText = UNSET
    delta: str


class FunctionCallArgumentsDone(OfItem, frozen=True, kw_only=True):
    call_id: OptionalText = UNSET
    name: OptionalText = UNSET
    arguments: OptionalText = UNSET


class Error(_Event, frozen=True, kw_only=True):
    message: OptionalText = UNSET
    code: OptionalText = UNSET
    client_event_id: OptionalText = UNSET


class Custom(_Event, frozen=True, kw_only=True):
    raw_type: OptionalText = UNSET
    usage: OptionalUsage = UNSET
    raw: Raw | UnsetType = UNSET


# The server: continuous models.


class SessionStarted(_Event, frozen=True, kw_only=True):
    session_id: OptionalText = UNSET
    delegation_mode: Literal["client", "provider"] | None | UnsetType = UNSET


class SessionClosed(_Event, frozen=True, kw_only=True):
    session_id: OptionalText = UNSET
    usage: OptionalUsage = UNSET
    reason: OptionalText = UNSET


class SessionUsage(_Event, frozen=True, kw_only=True):
    usage: OptionalUsage = UNSET
    context_window_usage_ratio: OptionalNumber = UNSET


class AudioChunk(_Event, frozen=True, kw_only=True, gc=False):
    delta: str


class TranscriptFragment(_Event, frozen=True, kw_only=True):
    speaker: Literal["user", "assistant"]
    delta: str
    start_ms: float
    end_ms: float


class DelegationCreated(_Event, frozen=True, kw_only=True):
    delegation_id: OptionalText = UNSET
    target: Literal["client", "provider"] | None | UnsetType = UNSET
    offset_ms: OptionalNumber = UNSET
    response_id: OptionalText = UNSET


class CommandAcknowledged(_Event, frozen=True, kw_only=True):
    command: str
    client_event_id: OptionalText = UNSET


FromServer = (
    AudioDelta
    | AudioTranscriptDelta
    | TextDelta
    | FunctionCallArgumentsDelta
    | AudioChunk
    | TranscriptFragment
    | SessionCreated
    | SessionUpdated
    | SpeechStarted
    | SpeechStopped
    | AudioCommitted
    | ConversationItemAdded
    | InputTranscriptionCompleted
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | ContentPartAdded
    | ContentPartDone
    | AudioDone
    | AudioTranscriptDone
    | TextDone
    | FunctionCallArgumentsDone
    | Error
    | Custom
    | SessionStarted
    | SessionClosed
    | SessionUsage
    | DelegationCreated
    | CommandAcknowledged
)

_from_client: Decoder[FromClient] = Decoder(FromClient)
_from_server: Decoder[FromServer] = Decoder(FromServer)
_sdk_item: Decoder[SdkItem] = Decoder(SdkItem)

read_client = Reader(NAME, _from_client)
read_server = Reader(NAME, _from_server)
read_item = Reader(NAME, _sdk_item)
write = Writer(NAME)

frames: Decoder[list[Raw]] = Decoder(list[Raw])
"""A frame that is an array has several events."""

ours: Decoder[SessionConfig] = Decoder(SessionConfig)
"""A configuration in our own JSON, whose names are the AI SDK's wherever it has the field."""

our_options: Decoder[ResponseOptions] = Decoder(ResponseOptions)
durations: Decoder[WithDurations] = Decoder(WithDurations)


shown_item: Decoder[ShownItem] = Decoder(ShownItem)


class _Head(msgspec.Struct):
    type: str | UnsetType = UNSET
    id: OptionalText = UNSET


_head: Decoder[_Head] = Decoder(_Head)


def head(message: Message | Raw) -> tuple[str | None, str | None]:
    """The type and the id of an object: empty if it has none, None of what is no such object."""
    try:
        read = _head.decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None, None
    return read.type or "", read.id or None


def text_of(message: Message | Raw) -> str:
    """A frame as text: JSON may also come as a binary frame, and then be no UTF-8."""
    if isinstance(message, str):
        return message
    try:
        return bytes(message).decode()
    except UnicodeDecodeError as error:
        raise WireError(NAME, "$", "Expected UTF-8") from error
