"""OpenAI Realtime's messages, with OpenAI's names.

https://platform.openai.com/docs/api-reference/realtime describes them. One set of structs serves
both ends: servers that speak this protocol leave fields out or send nulls, so nearly all may be
None; what a strict client needs is filled by the server's end.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Count, Reader

NULL = Raw(b"null")


class Said(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="type"):
    event_id: str | None = None


# The client.


class SessionUpdate(Said, tag="session.update", kw_only=True):
    session: JsonObject


class InputAudioBufferAppend(Said, tag="input_audio_buffer.append", kw_only=True, gc=False):
    audio: str


class InputAudioBufferCommit(Said, tag="input_audio_buffer.commit", kw_only=True):
    pass


class InputAudioBufferClear(Said, tag="input_audio_buffer.clear", kw_only=True):
    pass


class OutputAudioBufferClear(Said, tag="output_audio_buffer.clear", kw_only=True):
    pass


class ConversationItemCreate(Said, tag="conversation.item.create", kw_only=True):
    item: Raw
    previous_item_id: str | None = None


class ConversationItemRetrieve(Said, tag="conversation.item.retrieve", kw_only=True):
    item_id: str


class ConversationItemTruncate(Said, tag="conversation.item.truncate", kw_only=True):
    item_id: str
    content_index: Count
    audio_end_ms: float


class ConversationItemDelete(Said, tag="conversation.item.delete", kw_only=True):
    item_id: str


class ResponseCreate(Said, tag="response.create", kw_only=True):
    response: JsonObject | None = None


class ResponseCancel(Said, tag="response.cancel", kw_only=True):
    response_id: str | None = None


FromClient = (
    InputAudioBufferAppend
    | SessionUpdate
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | OutputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemTruncate
    | ConversationItemDelete
    | ResponseCreate
    | ResponseCancel
)

# Parts of what the server says.


class InputTokenDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    text_tokens: Count | None = None
    audio_tokens: Count | None = None
    image_tokens: Count | None = None
    cached_tokens: Count | None = None
    cached_tokens_details: "InputTokenDetails | None" = None


class OutputTokenDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    text_tokens: Count | None = None
    audio_tokens: Count | None = None


class Usage(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str | None = None
    total_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_token_details: InputTokenDetails | None = None
    output_token_details: OutputTokenDetails | None = None
    seconds: float | None = None


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str | None = None
    code: str | Count | None = None
    message: str | None = None
    param: str | None = None
    event_id: str | None = None


class StatusDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str | None = None
    reason: str | None = None
    error: Problem | None = None


class Response(msgspec.Struct, kw_only=True, omit_defaults=True):
    object: str | None = None
    id: str | None = None
    status: str | None = None
    status_details: StatusDetails | None | UnsetType = UNSET
    output: list[Raw] | None = None
    conversation_id: str | None | UnsetType = UNSET
    output_modalities: list[str] | None = None
    max_output_tokens: Count | str | None = None
    audio: JsonObject | None = None
    metadata: JsonObject | None | UnsetType = UNSET
    usage: Usage | None | UnsetType = UNSET


class Part(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A part of content: of an item, where *type* says whose, or of a response."""

    type: str | None = None
    text: str | None = None
    audio: str | None = None
    transcript: str | None | UnsetType = UNSET
    image_url: str | JsonObject | None = None
    detail: str | None = None


class Item(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of any kind: which fields are there depends on *type*."""

    id: str | None = None
    object: str | None = None
    type: str | None = None
    status: str | None = None
    role: str | None = None
    content: list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: Any = UNSET


class Limit(msgspec.Struct, kw_only=True, omit_defaults=True):
    name: str | None = None
    limit: Count | None = None
    remaining: Count | None = None
    reset_seconds: float | None = None


# The server. Of two names for one event the first is the present one, the other that of the beta.


class SessionCreated(Said, tag="session.created", kw_only=True):
    session: JsonObject | None = None


class SessionUpdated(Said, tag="session.updated", kw_only=True):
    session: JsonObject | None = None


class OfItem(Said, kw_only=True):
    item_id: str | None = None


class AboutItem(OfItem, kw_only=True):
    """*item* as the provider has it; some servers tell its id alone, in *item_id*."""

    item: Raw = NULL
    previous_item_id: str | None | UnsetType = UNSET


class ConversationItemAdded(AboutItem, tag="conversation.item.added", kw_only=True):
    pass


class ConversationItemCreated(AboutItem, tag="conversation.item.created", kw_only=True):
    """Before 2025, and from servers that kept to it."""


class ConversationItemDone(AboutItem, tag="conversation.item.done", kw_only=True):
    pass


class ConversationItemRetrieved(AboutItem, tag="conversation.item.retrieved", kw_only=True):
    pass


class ConversationItemTruncated(OfItem, tag="conversation.item.truncated", kw_only=True):
    content_index: Count | None = None
    audio_end_ms: float | None = None


class ConversationItemDeleted(OfItem, tag="conversation.item.deleted", kw_only=True):
    pass


class TranscriptionDelta(
    OfItem, tag="conversation.item.input_audio_transcription.delta", kw_only=True
):
    content_index: Count | None = None
    delta: str | None = None


class TranscriptionCompleted(
    OfItem, tag="conversation.item.input_audio_transcription.completed", kw_only=True
):
    content_index: Count | None = None
    transcript: str | None = None
    usage: Usage | None = None
    languages: list[Any] | None = None


class TranscriptionFailed(
    OfItem, tag="conversation.item.input_audio_transcription.failed", kw_only=True
):
    content_index: Count | None = None
    error: Problem | None = None


class SpeechStarted(OfItem, tag="input_audio_buffer.speech_started", kw_only=True):
    audio_start_ms: float | None = None


class SpeechStopped(OfItem, tag="input_audio_buffer.speech_stopped", kw_only=True):
    audio_end_ms: float | None = None


class Committed(OfItem, tag="input_audio_buffer.committed", kw_only=True):
    previous_item_id: str | None | UnsetType = UNSET


class Cleared(Said, tag="input_audio_buffer.cleared", kw_only=True):
    pass


class TimeoutTriggered(OfItem, tag="input_audio_buffer.timeout_triggered", kw_only=True):
    audio_start_ms: float | None = None
    audio_end_ms: float | None = None


class DtmfReceived(Said, tag="input_audio_buffer.dtmf_event_received", kw_only=True):
    event: str | None = None
    received_at: float | None = None


class PlaybackStarted(Said, tag="output_audio_buffer.started", kw_only=True):
    response_id: str | None = None


class PlaybackStopped(Said, tag="output_audio_buffer.stopped", kw_only=True):
    response_id: str | None = None


class PlaybackCleared(Said, tag="output_audio_buffer.cleared", kw_only=True):
    response_id: str | None = None


class ResponseCreated(Said, tag="response.created", kw_only=True):
    response: Response | None = None
    response_id: str | None = None


class ResponseDone(Said, tag="response.done", kw_only=True):
    response: Response | None = None
    response_id: str | None = None
    usage: Usage | None = None
    """Some servers count here instead of in the response."""


class OfOutput(Said, kw_only=True, gc=False):
    response_id: str | None = None
    item_id: str | None = None
    output_index: Count | None = None


class AboutOutputItem(OfOutput, kw_only=True):
    item: Raw = NULL


class OutputItemAdded(AboutOutputItem, tag="response.output_item.added", kw_only=True):
    pass


class OutputItemDone(AboutOutputItem, tag="response.output_item.done", kw_only=True):
    pass


class OfContent(OfOutput, kw_only=True, gc=False):
    content_index: Count | None = None


class ContentPartAdded(OfContent, tag="response.content_part.added", kw_only=True):
    part: Part | None = None


class ContentPartDone(OfContent, tag="response.content_part.done", kw_only=True):
    part: Part | None = None


class AudioDelta(OfContent, tag="response.output_audio.delta", kw_only=True, gc=False):
    delta: str


class BetaAudioDelta(OfContent, tag="response.audio.delta", kw_only=True, gc=False):
    delta: str


class AudioDone(OfContent, tag="response.output_audio.done", kw_only=True):
    pass


class BetaAudioDone(OfContent, tag="response.audio.done", kw_only=True):
    pass


class TranscriptDelta(
    OfContent, tag="response.output_audio_transcript.delta", kw_only=True, gc=False
):
    delta: str


class BetaTranscriptDelta(OfContent, tag="response.audio_transcript.delta", kw_only=True, gc=False):
    delta: str


class TranscriptDone(OfContent, tag="response.output_audio_transcript.done", kw_only=True):
    transcript: str | None = None


class BetaTranscriptDone(OfContent, tag="response.audio_transcript.done", kw_only=True):
    transcript: str | None = None


class TextDelta(OfContent, tag="response.output_text.delta", kw_only=True, gc=False):
    delta: str


class BetaTextDelta(OfContent, tag="response.text.delta", kw_only=True, gc=False):
    delta: str


class TextDone(OfContent, tag="response.output_text.done", kw_only=True):
    text: str | None = None


class BetaTextDone(OfContent, tag="response.text.done", kw_only=True):
    text: str | None = None


class ArgumentsDelta(
    OfOutput, tag="response.function_call_arguments.delta", kw_only=True, gc=False
):
    call_id: str | None = None
    delta: str


class ArgumentsDone(OfOutput, tag="response.function_call_arguments.done", kw_only=True):
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class RateLimitsUpdated(Said, tag="rate_limits.updated", kw_only=True):
    rate_limits: list[Limit] | None = None


class Error(Said, tag="error", kw_only=True):
    error: Problem | None = None
    message: str | None = None
    code: str | Count | None = None


FromServer = (
    AudioDelta
    | BetaAudioDelta
    | TranscriptDelta
    | BetaTranscriptDelta
    | TextDelta
    | BetaTextDelta
    | ArgumentsDelta
    | ArgumentsDone
    | SpeechStarted
    | SpeechStopped
    | Committed
    | ConversationItemAdded
    | ConversationItemCreated
    | ConversationItemDone
    | TranscriptionDelta
    | TranscriptionCompleted
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | ContentPartAdded
    | ContentPartDone
    | AudioDone
    | BetaAudioDone
    | TranscriptDone
    | BetaTranscriptDone
    | TextDone
    | BetaTextDone
    | RateLimitsUpdated
    | SessionCreated
    | SessionUpdated
    | ConversationItemRetrieved
    | ConversationItemTruncated
    | ConversationItemDeleted
    | TranscriptionFailed
    | Cleared
    | TimeoutTriggered
    | DtmfReceived
    | PlaybackStarted
    | PlaybackStopped
    | PlaybackCleared
    | Error
)

from_client: Decoder[FromClient] = Decoder(FromClient)
from_server: Decoder[FromServer] = Decoder(FromServer)
from_item: Decoder[Item] = Decoder(Item)


def client_reader(dialect: str) -> Reader[FromClient]:
    return Reader(dialect, from_client)


def server_reader(dialect: str) -> Reader[FromServer]:
    return Reader(dialect, from_server)


# Tickets.


class ExpiresAfter(msgspec.Struct, kw_only=True, omit_defaults=True):
    anchor: str | None = None
    seconds: Count | None = None


class SecretRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    session: JsonObject | None = None
    expires_after: ExpiresAfter | None = None


class Secret(msgspec.Struct, kw_only=True, omit_defaults=True):
    value: str
    expires_at: float | None = None
    session: JsonObject | None = None
