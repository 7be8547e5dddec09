"""What the strictest clients of OpenAI Realtime accept.

`conforms` is OpenAI's own package with unknown fields forbidden, `agreeable` what its agents
library for JavaScript checks before it acts on a message.
"""

import functools
import json
from typing import Any, cast, get_args

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

from antiphon.codecs.wire import Message

Json = dict[str, Any]

READ_ONLY = frozenset({"id", "object", "expires_at"})
"""Fields of a session that servers show and clients never send, so that the types lack them."""


def from_server(message: Message) -> Json:
    """*message*, once it is found to be one that every client understands."""
    said: Json = json.loads(message)
    conforms(said, "server")
    agreeable(said)
    return said


def from_client(message: Message) -> Json:
    said: Json = json.loads(message)
    conforms(said, "client")
    return said


@functools.cache
def _adapter(side: str, kind: str) -> TypeAdapter[Any]:
    """Of the one type of message, whose complaints can be read."""
    annotated: Any = RealtimeServerEvent if side == "server" else RealtimeClientEvent
    for model in get_args(get_args(annotated)[0]):
        if kind in get_args(model.model_fields["type"].annotation):
            return TypeAdapter(model)
    raise AssertionError(f"there is no {kind}")


def conforms(said: Json, side: str) -> None:
    if side == "server" and isinstance(said.get("session"), dict):
        session: Json = said["session"]
        shown = {key: value for key, value in session.items() if key not in READ_ONLY}
        said = said | {"session": shown}
    _adapter(side, said["type"]).validate_python(said, extra="forbid")


# @openai/agents-realtime 0.20, which takes a message that fails any of this for none of its own.

UNNAMED = frozenset({"error", "input_audio_buffer.dtmf_event_received"})

OF_PART = frozenset(
    f"response.{kind}.{end}"
    for kind in ("output_audio", "output_audio_transcript", "output_text", "content_part")
    for end in ("delta", "done", "added")
)
OF_CALL = frozenset(f"response.function_call_arguments.{end}" for end in ("delta", "done"))
WITH_ITEM = frozenset(
    {
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.retrieved",
        "response.output_item.added",
        "response.output_item.done",
    }
)
CONTENT = frozenset(
    {"input_text", "input_audio", "item_reference", "output_text", "audio", "output_audio"}
)
ITEM_STATUSES = frozenset({"in_progress", "completed", "incomplete"})
STATUSES = frozenset({"completed", "incomplete", "failed", "cancelled", "in_progress"})


def agreeable(said: Json) -> None:
    kind: str = said["type"]
    if kind not in UNNAMED:
        _has(said, event_id=str)
    if kind in OF_PART:
        _has(said, item_id=str, response_id=str, output_index=int, content_index=int)
    if kind.startswith("response.content_part."):
        assert said["part"]["type"] in ("text", "audio")
    if kind in OF_CALL:
        _has(said, item_id=str, call_id=str, output_index=int, response_id=str)
    if kind in WITH_ITEM:
        _item(said["item"])
    if kind.startswith("response.output_item."):
        _has(said, output_index=int, response_id=str)
        call = said["item"]["type"] == "function_call"
        assert not (call and kind.endswith("added")) or said["item"]["status"] == "in_progress"
        assert not (call and kind.endswith("done")) or "status" in said["item"]
    match kind:
        case "session.created" | "session.updated":
            _session(said["session"])
        case "input_audio_buffer.speech_started":
            _has(said, item_id=str, audio_start_ms=int)
        case "input_audio_buffer.speech_stopped":
            _has(said, audio_end_ms=int)
        case "conversation.item.input_audio_transcription.completed":
            _has(said, item_id=str, content_index=int, transcript=str)
            _transcription_usage(said["usage"])
        case "conversation.item.truncated":
            _has(said, item_id=str, content_index=int, audio_end_ms=int)
        case "response.created" | "response.done":
            response = said["response"]
            assert response["status"] in STATUSES
            assert (response["status"] == "in_progress") == (kind == "response.created")
            assert response["object"] == "realtime.response"
            for item in response["output"]:
                _item(item)
        case _:
            pass


def _has(said: Json, **fields: type) -> None:
    for name, kind in fields.items():
        assert type(said[name]) is kind, name


def _item(item: Json) -> None:
    assert item["type"]
    if item["type"] not in ("message", "function_call", "function_call_output"):
        return
    assert item.get("status", "completed") in ITEM_STATUSES
    for part in cast("list[Json]", item.get("content", [])):
        # A user's picture is in OpenAI's own types, and so it is shown; that library takes the
        # message for one that it does not know.
        pictured = part["type"] == "input_image" and item["role"] == "user"
        assert pictured or part["type"] in CONTENT
        # Without the key it ends the whole process.
        assert part["type"] != "input_audio" or "transcript" in part


def _session(session: Json) -> None:
    """It replaces what the client knew, so nothing may be missing."""
    if session["type"] == "transcription":
        return
    assert session["output_modalities"]
    assert isinstance(session["tools"], list)
    assert session["tool_choice"]
    heard, spoken = session["audio"]["input"], session["audio"]["output"]
    assert heard["format"]["type"]
    assert spoken["format"]["type"]


def _transcription_usage(usage: Json) -> None:
    if usage["type"] == "duration":
        assert isinstance(usage["seconds"], int | float)
    else:
        assert usage["type"] == "tokens"
        _has(usage, total_tokens=int, input_tokens=int, output_tokens=int)
        _has(usage["input_token_details"], text_tokens=int, audio_tokens=int)
