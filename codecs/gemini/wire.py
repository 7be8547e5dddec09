"""What goes over the wire of Gemini Live, in the provider's own words.

https://ai.google.dev/api/live

Messages are JSON of protocol buffers: they are told apart by which field is there, a server's
may have several, a null is as good as nothing, and each field has two spellings. One is written,
`camelCase`; both are read.
"""

from typing import Annotated, Any

import msgspec

from antiphon.codecs.gemini.spelling import NAME, respelled, shaped, spelled
from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Message, WireError, Writer, read

Count = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
Index = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
IndexText = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,18}$")]
"""How JSON of protocol buffers has numbers of 64 bits."""


class _Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A message or a part of one; a field that is None is not there."""


class Blob(_Wire, frozen=True, kw_only=True):
    mime_type: str | None = None
    data: str | None = None


class FunctionCall(_Wire, frozen=True, kw_only=True):
    id: str | None = None
    name: str | None = None
    args: JsonObject | None = None


class FunctionResponse(_Wire, frozen=True, kw_only=True):
    id: str | None = None
    name: str | None = None
    response: JsonObject | None = None
    scheduling: str | None = None
    """`SILENT`, `WHEN_IDLE` or `INTERRUPT`."""
    will_continue: bool | None = None


class Part(_Wire, frozen=True, kw_only=True):
    """One of several things; of those without a word here nothing is set."""

    text: str | None = None
    thought: bool | None = None
    inline_data: Blob | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None


class Content(_Wire, frozen=True, kw_only=True):
    role: str | None = None
    """`user` or `model`."""
    parts: tuple[Part, ...] | None = None


# From the client.


class Activity(_Wire, frozen=True, kw_only=True):
    """It is there, and has nothing to say."""


class RealtimeInput(_Wire, frozen=True, kw_only=True):
    audio: Blob | None = None
    video: Blob | None = None
    text: str | None = None
    audio_stream_end: bool | None = None
    activity_start: Activity | None = None
    activity_end: Activity | None = None
    media_chunks: tuple[Blob, ...] | None = None


class ClientContent(_Wire, frozen=True, kw_only=True):
    turns: tuple[Content, ...] | None = None
    turn_complete: bool | None = None


class ToolResponse(_Wire, frozen=True, kw_only=True):
    function_responses: tuple[FunctionResponse, ...] | None = None


class Tools(_Wire, frozen=True, kw_only=True):
    tools: tuple[JsonObject, ...] | None = None


class ContextUpdate(_Wire, frozen=True, kw_only=True):
    system_instruction: JsonObject | None = None
    tools: Tools | None = None


class FromClient(_Wire, frozen=True, kw_only=True):
    """Exactly one of these."""

    setup: JsonObject | None = None
    realtime_input: RealtimeInput | None = None
    client_content: ClientContent | None = None
    tool_response: ToolResponse | None = None
    context_update: ContextUpdate | None = None


# From the server.


class SetupComplete(_Wire, frozen=True, kw_only=True):
    session_id: str | None = None


class Transcription(_Wire, frozen=True, kw_only=True):
    text: str | None = None
    finished: bool | None = None
    language_code: str | None = None


class ServerContent(_Wire, frozen=True, kw_only=True):
    model_turn: Content | None = None
    interrupted: bool | None = None
    generation_complete: bool | None = None
    turn_complete: bool | None = None
    turn_complete_reason: str | None = None
    input_transcription: Transcription | None = None
    interim_input_transcription: Transcription | None = None
    output_transcription: Transcription | None = None
    interaction_status: str | None = None
    waiting_for_input: bool | None = None
    grounding_metadata: JsonObject | None = None
    url_context_metadata: JsonObject | None = None


class ToolCall(_Wire, frozen=True, kw_only=True):
    function_calls: tuple[FunctionCall, ...] | None = None


class ToolCallCancellation(_Wire, frozen=True, kw_only=True):
    ids: tuple[str, ...] | None = None


class ModalityTokenCount(_Wire, frozen=True, kw_only=True):
    modality: str | None = None
    token_count: Count | None = None


Details = tuple[ModalityTokenCount, ...]


class UsageMetadata(_Wire, frozen=True, kw_only=True):
    prompt_token_count: Count | None = None
    cached_content_token_count: Count | None = None
    response_token_count: Count | None = None
    tool_use_prompt_token_count: Count | None = None
    thoughts_token_count: Count | None = None
    total_token_count: Count | None = None
    prompt_tokens_details: Details | None = None
    cache_tokens_details: Details | None = None
    response_tokens_details: Details | None = None


class GoAway(_Wire, frozen=True, kw_only=True):
    time_left: str | None = None


class SessionResumptionUpdate(_Wire, frozen=True, kw_only=True):
    new_handle: str | None = None
    resumable: bool | None = None
    last_consumed_client_message_index: Index | IndexText | None = None


class VoiceActivity(_Wire, frozen=True, kw_only=True):
    voice_activity_type: str | None = None
    """`ACTIVITY_START` or `ACTIVITY_END`."""
    type: str | None = None
    """The same, as the provider's own package for Python reads it."""
    audio_offset: str | None = None


class VoiceActivityDetectionSignal(_Wire, frozen=True, kw_only=True):
    vad_signal_type: str | None = None
    """`VAD_SIGNAL_TYPE_SOS` or `VAD_SIGNAL_TYPE_EOS`: start or end of speech."""


class FromServer(_Wire, frozen=True, kw_only=True):
    """One of these or several."""

    setup_complete: SetupComplete | None = None
    server_content: ServerContent | None = None
    tool_call: ToolCall | None = None
    tool_call_cancellation: ToolCallCancellation | None = None
    usage_metadata: UsageMetadata | None = None
    go_away: GoAway | None = None
    session_resumption_update: SessionResumptionUpdate | None = None
    voice_activity: VoiceActivity | None = None
    voice_activity_detection_signal: VoiceActivityDetectionSignal | None = None
    input_transcription: Transcription | None = None


FAILURES = frozenset(
    (
        "MALFORMED_FUNCTION_CALL",
        "RESPONSE_REJECTED",
        "PROHIBITED_INPUT_CONTENT",
        "IMAGE_PROHIBITED_INPUT_CONTENT",
        "INPUT_TEXT_CONTAIN_PROMINENT_PERSON_PROHIBITED",
        "INPUT_IMAGE_CELEBRITY",
        "INPUT_IMAGE_PHOTO_REALISTIC_CHILD_PROHIBITED",
        "INPUT_TEXT_NCII_PROHIBITED",
        "INPUT_OTHER",
        "INPUT_IP_PROHIBITED",
        "BLOCKLIST",
        "UNSAFE_PROMPT_FOR_IMAGE_GENERATION",
        "GENERATED_IMAGE_SAFETY",
        "GENERATED_CONTENT_SAFETY",
        "GENERATED_AUDIO_SAFETY",
        "GENERATED_VIDEO_SAFETY",
        "GENERATED_CONTENT_PROHIBITED",
        "GENERATED_CONTENT_BLOCKLIST",
        "GENERATED_IMAGE_PROHIBITED",
        "GENERATED_IMAGE_CELEBRITY",
        "GENERATED_IMAGE_PROMINENT_PEOPLE_DETECTED_BY_REWRITER",
        "GENERATED_IMAGE_IDENTIFIABLE_PEOPLE",
        "GENERATED_IMAGE_MINORS",
        "OUTPUT_IMAGE_IP_PROHIBITED",
        "GENERATED_OTHER",
        "MAX_REGENERATION_REACHED",
    )
)
"""Why a turn was completed, if it failed."""


# Reading and writing.

write = Writer(NAME)

_client_decoder: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)
_server_decoder: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)
_tree_decoder: msgspec.json.Decoder[JsonObject] = msgspec.json.Decoder(JsonObject)


def from_client(message: Message) -> FromClient:
    if _may_be_snake(message):
        return shaped(tree(message, FromClient), FromClient)
    return read(NAME, _client_decoder, message)


def from_server(message: Message) -> FromServer:
    if _may_be_snake(message):
        return shaped(tree(message, FromServer), FromServer)
    return read(NAME, _server_decoder, message)


def _may_be_snake(message: Message) -> bool:
    """Whether it is worth looking for the second spelling: speech mostly goes without."""
    return "_" in message if isinstance(message, str) else b"_" in message


def tree(message: Message, kind: type[msgspec.Struct]) -> JsonObject:
    """All of a message, with the fields that *kind* knows in the first spelling."""
    return respelled(read(NAME, _tree_decoder, message), kind)


def raw(value: Any) -> msgspec.Raw:
    """A piece of a message, to be written as it was read."""
    try:
        return msgspec.Raw(msgspec.json.encode(value))
    except (RecursionError, OverflowError, UnicodeError) as error:
        raise WireError(NAME, "$", "Expected no such nesting") from error


_Heads = dict[str, msgspec.Raw]
_heads_decoder: msgspec.json.Decoder[_Heads] = msgspec.json.Decoder(_Heads)


def first_field(message: Message, kind: type[msgspec.Struct]) -> str:
    """What a message is called that has no word here."""
    name = next(iter(read(NAME, _heads_decoder, message)), "unknown")
    return spelled(name, kind)


def verbatim(message: Message) -> msgspec.Raw:
    return msgspec.Raw(message.encode() if isinstance(message, str) else bytes(message))


def text_of(message: msgspec.Raw) -> str:
    """A message that is passed on as it came."""
    try:
        return bytes(message).decode()
    except UnicodeDecodeError as error:
        raise WireError(NAME, "$", "Expected UTF-8") from error
