"""What xAI says beside OpenAI's messages, or otherwise, with xAI's names.

https://docs.x.ai/developers/rest-api-reference/inference/voice describes it.
"""

import msgspec
from msgspec.json import Decoder

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Count, Reader, Writer

NAME = "xai"


class Said(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="type"):
    event_id: str | None = None


class Conversation(msgspec.Struct, kw_only=True, omit_defaults=True):
    id: str | None = None
    object: str | None = None


class ConversationCreated(Said, tag="conversation.created", kw_only=True):
    conversation: Conversation | None = None


class TranscriptionUpdated(
    Said, tag="conversation.item.input_audio_transcription.updated", kw_only=True
):
    """*transcript* is all that was understood so far, perhaps otherwise than before."""

    item_id: str | None = None
    content_index: Count | None = None
    transcript: str | None = None


class Ping(Said, tag="ping", kw_only=True):
    timestamp: int | None = None


class TimeoutTriggered(Said, tag="input_audio_buffer.timeout_triggered", kw_only=True):
    """Between which moments the user was silent is not always known."""

    item_id: str | None = None
    audio_start_ms: int | None = None
    audio_end_ms: int | None = None


class DtmfReceived(Said, tag="input_audio_buffer.dtmf_event_received", kw_only=True):
    """xAI's pages have the key in *event*, some of its clients look for it in *digit*."""

    event: str | None = None
    digit: str | None = None
    received_at: float | None = None


FromServer = ConversationCreated | TranscriptionUpdated

_from_server: Decoder[FromServer] = Decoder(FromServer)

read_server = Reader(NAME, _from_server)
write = Writer(NAME)

dtmf: Decoder[DtmfReceived] = Decoder(DtmfReceived)


# Tickets.


class ExpiresAfter(msgspec.Struct, kw_only=True, omit_defaults=True):
    seconds: Count | None = None


class SecretRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    session: JsonObject | None = None
    expires_after: ExpiresAfter | None = None


class Secret(msgspec.Struct, kw_only=True, omit_defaults=True):
    value: str | None = None
    expires_at: float | None = None


class Minted(Secret, kw_only=True, omit_defaults=True):
    client_secret: Secret | None = None
    """The same once more, where xAI's other clients look for it."""
    session: JsonObject | None = None


secret_request: Decoder[SecretRequest] = Decoder(SecretRequest)
minted: Decoder[Minted] = Decoder(Minted)
