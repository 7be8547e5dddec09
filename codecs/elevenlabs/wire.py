"""The messages of an agent's WebSocket, with ElevenLabs' names.

https://elevenlabs.io/docs/agents-platform/api-reference/agents-platform/websocket describes them.
Whatever may be missing or null is read so; what is written is whole.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Message, Reader, Unknown, WireError, Writer, read

NAME = "elevenlabs"

Number = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""An event_id: it names a turn, or an event within one, and never goes down."""


class Said(msgspec.Struct, kw_only=True, tag_field="type"):
    """What either side says."""


class Carried(Said, kw_only=True):
    """What there are no words for elsewhere: it is carried as it is, whatever is in it."""


class Part(msgspec.Struct, kw_only=True):
    """What a message holds."""


# The client.


class UserAudio(Part, kw_only=True, gc=False):
    """The one message without a type."""

    user_audio_chunk: str | UnsetType = UNSET


class Prompt(Part, kw_only=True):
    prompt: str | None = None


class AgentOverride(Part, kw_only=True):
    prompt: Prompt | None = None
    first_message: str | None = None
    language: str | None = None


class TtsOverride(Part, kw_only=True):
    voice_id: str | None = None
    speed: float | None = None


class AsrOverride(Part, kw_only=True):
    keywords: list[str] | None = None


class ConversationOverride(Part, kw_only=True):
    text_only: bool | None = None
    client_events: list[str] | None = None


class ConfigOverride(Part, kw_only=True):
    agent: AgentOverride | None = None
    tts: TtsOverride | None = None
    asr: AsrOverride | None = None
    conversation: ConversationOverride | None = None
    text_only: bool | None = None
    """Where the Python SDK puts it for a conversation without sound."""


class ConversationInitiation(Said, tag="conversation_initiation_client_data", kw_only=True):
    """Of it only what has a word elsewhere; the rest is read freely."""

    conversation_config_override: ConfigOverride | None = None


class Pong(Said, tag="pong", kw_only=True):
    event_id: Number | None = None


class UserMessage(Said, tag="user_message", kw_only=True):
    text: str | None = None


class ContextualUpdate(Said, tag="contextual_update", kw_only=True):
    text: str | None = None
    context_id: str | None | UnsetType = UNSET


class ClientToolResult(Said, tag="client_tool_result", kw_only=True):
    tool_call_id: str
    result: Raw = Raw(b"null")
    """A string, unless the SDK passed on what a tool returned."""
    is_error: bool | None = None


class ToolResult(Said, tag="client_tool_result", kw_only=True):
    """The same as it is written."""

    tool_call_id: str
    result: str
    is_error: bool


class UserActivity(Carried, tag="user_activity", kw_only=True):
    """The user types, for instance: for a moment the agent shall not speak up."""


class UserFeedback(Carried, tag="feedback", kw_only=True):
    pass


class McpToolApprovalResult(Carried, tag="mcp_tool_approval_result", kw_only=True):
    pass


class MultimodalMessage(Carried, tag="multimodal_message", kw_only=True):
    """Text with files, which only the provider has."""


FromClient = (
    ConversationInitiation
    | Pong
    | UserMessage
    | ContextualUpdate
    | ClientToolResult
    | UserActivity
    | UserFeedback
    | McpToolApprovalResult
    | MultimodalMessage
)


# The server.


class InitiationMetadata(Part, kw_only=True):
    conversation_id: str | None = None
    agent_output_audio_format: str | None = None
    user_input_audio_format: str | None = None


class ConversationMetadata(Said, tag="conversation_initiation_metadata", kw_only=True):
    conversation_initiation_metadata_event: InitiationMetadata


class AudioEvent(Part, kw_only=True, gc=False):
    audio_base_64: str | None = None
    event_id: Number | None = None


class Audio(Said, tag="audio", kw_only=True, gc=False):
    audio_event: AudioEvent


class AgentResponseEvent(Part, kw_only=True):
    agent_response: str | None = None
    event_id: Number | None = None


class AgentResponse(Said, tag="agent_response", kw_only=True):
    """All words of a response, early."""

    agent_response_event: AgentResponseEvent


class CorrectionEvent(Part, kw_only=True):
    original_agent_response: str | None = None
    corrected_agent_response: str | None = None
    event_id: Number | None = None


class AgentResponseCorrection(Said, tag="agent_response_correction", kw_only=True):
    """The words that were heard before the interruption."""

    agent_response_correction_event: CorrectionEvent


class TextResponsePart(Part, kw_only=True):
    type: str = "delta"
    """`start`, `delta` or `stop`."""
    text: str | None = None
    event_id: Number | None = None


class AgentChatResponsePart(Said, tag="agent_chat_response_part", kw_only=True):
    text_response_part: TextResponsePart


class AgentResponseCompleteEvent(Part, kw_only=True):
    event_id: Number | None = None


class AgentResponseComplete(Said, tag="agent_response_complete", kw_only=True):
    """Nothing more comes of a response; said to clients that list it among their events."""

    agent_response_complete_event: AgentResponseCompleteEvent | None = None


class TranscriptionEvent(Part, kw_only=True):
    user_transcript: str | None = None
    event_id: Number | None = None


class UserTranscript(Said, tag="user_transcript", kw_only=True):
    user_transcription_event: TranscriptionEvent


class TentativeUserTranscript(Said, tag="tentative_user_transcript", kw_only=True):
    """All that was understood so far of what the user says."""

    tentative_user_transcription_event: TranscriptionEvent


class InterruptionEvent(Part, kw_only=True):
    event_id: Number | None = None


class Interruption(Said, tag="interruption", kw_only=True):
    """What is numbered up to this shall not be heard any further."""

    interruption_event: InterruptionEvent


class PingEvent(Part, kw_only=True):
    event_id: Number | None = None
    ping_ms: float | None = None
    """The latency, as the server estimates it. The Python SDK does not do without the field."""


class Ping(Said, tag="ping", kw_only=True):
    ping_event: PingEvent


class ToolCall(Part, kw_only=True):
    tool_name: str
    tool_call_id: str
    parameters: Raw = Raw(b"{}")
    event_id: Number | None = None


class ClientToolCall(Said, tag="client_tool_call", kw_only=True):
    """The agent calls a tool that runs at the client."""

    client_tool_call: ToolCall


class ContextUsageEvent(Part, kw_only=True):
    context_tokens: Number | None = None


class ContextUsage(Said, tag="context_usage", kw_only=True):
    context_usage_event: ContextUsageEvent


class ErrorEvent(Part, kw_only=True, omit_defaults=True):
    code: Number | None = None
    message: str | None = None
    error_type: str | None = None
    reason: str | None = None
    details: JsonObject | None = None


class Error(Said, tag="error", kw_only=True):
    error_event: ErrorEvent


class ReasoningPart(Carried, tag="agent_reasoning_response_part", kw_only=True):
    pass


class AgentToolRequest(Carried, tag="agent_tool_request", kw_only=True):
    """The agent calls a tool that is none of the client's, as in the four below."""


class AgentToolResponse(Carried, tag="agent_tool_response", kw_only=True):
    pass


class AgentToolResponseFullPayload(Carried, tag="agent_tool_response_full_payload", kw_only=True):
    pass


class McpToolCall(Carried, tag="mcp_tool_call", kw_only=True):
    pass


class McpConnectionStatus(Carried, tag="mcp_connection_status", kw_only=True):
    pass


class VadScore(Carried, tag="vad_score", kw_only=True):
    pass


class AsrInitiationMetadata(Carried, tag="asr_initiation_metadata", kw_only=True):
    pass


class GuardrailTriggered(Carried, tag="guardrail_triggered", kw_only=True):
    pass


class InternalTurnProbability(Carried, tag="internal_turn_probability", kw_only=True):
    pass


class TentativeAgentResponse(Carried, tag="internal_tentative_agent_response", kw_only=True):
    pass


class AgentTyping(Carried, tag="agent_typing", kw_only=True):
    pass


class RichContent(Carried, tag="rich_content", kw_only=True):
    pass


class ExternalAgentConnected(Carried, tag="external_agent_connected", kw_only=True):
    pass


class ExternalAgentDisconnected(Carried, tag="external_agent_disconnected", kw_only=True):
    pass


FromServer = (
    ConversationMetadata
    | Audio
    | AgentResponse
    | AgentResponseCorrection
    | AgentChatResponsePart
    | AgentResponseComplete
    | UserTranscript
    | TentativeUserTranscript
    | Interruption
    | Ping
    | ClientToolCall
    | ContextUsage
    | Error
    | ReasoningPart
    | AgentToolRequest
    | AgentToolResponse
    | AgentToolResponseFullPayload
    | McpToolCall
    | McpConnectionStatus
    | VadScore
    | AsrInitiationMetadata
    | GuardrailTriggered
    | InternalTurnProbability
    | TentativeAgentResponse
    | AgentTyping
    | RichContent
    | ExternalAgentConnected
    | ExternalAgentDisconnected
)

from_client: Decoder[FromClient] = Decoder(FromClient)
from_server: Decoder[FromServer] = Decoder(FromServer)
_from_microphone: Decoder[UserAudio] = Decoder(UserAudio)
_from_anyone: Decoder[dict[str, Any]] = Decoder(dict[str, Any])

hear_server: Reader[FromServer] = Reader(NAME, from_server)
write = Writer(NAME)

_hear_client: Reader[FromClient] = Reader(NAME, from_client)

_CHUNK = "user_audio_chunk"
_HEAD = 48
"""Characters within which it is, in a message with little else."""


def hear_client(message: Message) -> FromClient | UserAudio | Unknown:
    """Nearly all messages are audio, so these are tried first, where they look like it."""
    if _mentions_chunk(message[:_HEAD]) and (audio := _audio(message)) is not None:
        return audio
    try:
        return _hear_client(message)
    except WireError:
        if _mentions_chunk(message) and (audio := _audio(message)) is not None:
            return audio
        raise


def _mentions_chunk(text: Message) -> bool:
    return _CHUNK in text if isinstance(text, str) else _CHUNK.encode() in text


def _audio(message: Message) -> UserAudio | None:
    audio = read(NAME, _from_microphone, message)
    return None if audio.user_audio_chunk is UNSET else audio


def freely(message: Message) -> JsonObject:
    return read(NAME, _from_anyone, message)


def write_freely(message: JsonObject) -> str:
    try:
        return msgspec.json.encode(message).decode()
    except (OverflowError, RecursionError, UnicodeError) as error:
        raise WireError(NAME, "$", "Expected what JSON can say") from error


def as_is(message: Message) -> Raw:
    return Raw(message.encode() if isinstance(message, str) else bytes(message))
