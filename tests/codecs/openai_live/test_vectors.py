"""What the AI SDK makes of Live messages and events, recorded, is what this dialect makes of them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.json import Decoder

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import AudioPart, FunctionCallOutput, Item, Message, text_message
from antiphon.codecs.openai_live import Client
from antiphon.codecs.wire import Unsayable, from_base64, to_base64

Json = dict[str, Any]

VECTORS = Path(__file__).parents[2] / "data" / "aisdk" / "openai-live.json"
recorded: Json = json.loads(VECTORS.read_text())


def named(kind: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in recorded[kind]]


@pytest.mark.parametrize("vector", named("parse"))
def test_a_server_event_says_what_the_sdk_says(vector: Json) -> None:
    client = Client(recorded["modelId"])

    heard = [
        [as_the_sdk(event) for event in client.decode(json.dumps(message))]
        for message in vector["wire"]
    ]

    assert heard == [
        [{key: value for key, value in event.items() if key != "raw"} for event in expected]
        for expected in vector["expected"]
    ]


@pytest.mark.parametrize("vector", named("serialize"))
def test_a_client_event_becomes_what_the_sdk_sends_or_is_refused(vector: Json) -> None:
    client = Client(recorded["modelId"])

    for said, expected in zip(vector["events"], vector["expected"], strict=True):
        event = from_the_sdk(said)
        if event is None:
            continue  # there is no such event to encode
        if "$error" in expected:
            with pytest.raises(Unsayable):
                list(client.encode(event))
        else:
            assert [json.loads(message) for message in client.encode(event)] == [expected]


@pytest.mark.parametrize("vector", named("sessionConfig"))
def test_a_session_is_asked_for_as_the_sdk_does_or_is_refused(vector: Json) -> None:
    client = Client(recorded["modelId"])
    start = events.SessionStart(config=msgspec.convert(vector["config"], SessionConfig))

    if "$error" in vector["expected"]:
        with pytest.raises(Unsayable):
            list(client.encode(start))
    else:
        [message] = client.encode(start)
        assert json.loads(message)["session"] == vector["expected"]


def as_the_sdk(event: events.ServerEvent) -> Json:
    """An event with the SDK's fields."""
    said: Json = {}
    match event:
        case events.SessionStarted():
            said = {"sessionId": event.session_id, "delegationMode": event.delegation_mode}
        case events.SessionClosed(usage=usage) if usage is not None:
            said = {
                "sessionId": event.session_id,
                "usage": {"seconds": usage.seconds},
                "reason": event.reason,
            }
        case events.SessionUsage():
            said = {
                "usage": {"seconds": event.usage.seconds},
                "contextWindowUsageRatio": event.context_window_usage_ratio,
            }
        case events.AudioChunk():
            said = {"delta": to_base64(event.delta)}
        case events.TranscriptFragment():
            said = {
                "speaker": event.speaker,
                "delta": event.delta,
                "startMs": event.start / 1000,
                "endMs": event.end / 1000,
            }
        case events.DelegationCreated():
            said = {
                "delegationId": event.delegation_id,
                "target": event.target,
                "offsetMs": None if event.offset is None else event.offset / 1000,
                "responseId": event.response_id,
            }
        case events.CommandAcknowledged():
            said = {"command": event.command, "clientEventId": event.client_event_id}
        case events.Error():
            said = {
                "message": event.message,
                "code": event.code,
                "clientEventId": event.client_event_id,
            }
        case events.Custom():
            said = {"rawType": event.raw_type}
        case _:
            pytest.fail(f"the SDK never says {event}")
    tag: str = json.loads(msgspec.json.encode(event))["type"]
    return {"type": tag, **{key: value for key, value in said.items() if value is not None}}


_event: Decoder[events.ClientEvent] = Decoder(events.ClientEvent)


def from_the_sdk(said: Json) -> events.ClientEvent | None:
    match said["type"]:
        case "conversation-item-create":
            item = _item(said["item"])
            return None if item is None else events.ConversationItemCreate(item=item)
        case "conversation-item-truncate":
            return events.ConversationItemTruncate(
                item_id=said["itemId"],
                content_index=said["contentIndex"],
                audio_end=said["audioEndMs"] * 1000,
            )
        case "no-such-event":
            return None
        case _:
            return _event.decode(json.dumps(said))


def _item(said: Json) -> Item | None:
    match said["type"]:
        case "text-message":
            return text_message(said["text"])
        case "audio-message":
            audio = from_base64(said["audio"], "test", "$")
            return Message(role="user", content=(AudioPart(audio=audio),))
        case "function-call-output":
            return FunctionCallOutput(call_id=said["callId"], output=said["output"])
        case _:
            return None
