"""What the AI SDK writes to the service is what our client writes, but where we mean to differ."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.gemini import Client
from antiphon.codecs.items import AudioPart, FunctionCallOutput, Item, Message, text_message
from antiphon.codecs.wire import Message as Wire

Json = dict[str, Any]

VECTORS: Json = json.loads(
    (Path(__file__).parents[2] / "data" / "aisdk" / "google.json").read_text()
)
SERIALIZE: list[Json] = VECTORS["serialize"]
SESSION_CONFIG: list[Json] = VECTORS["sessionConfig"]

OFF = {"automaticActivityDetection": {"disabled": True}}

SAID_OTHERWISE: dict[str, list[Json]] = {
    # Speech as an item is a content of the conversation.
    "item audio": [
        {
            "clientContent": {
                "turns": [
                    {
                        "role": "user",
                        "parts": [
                            {
                                "inlineData": {
                                    "mimeType": "audio/pcm;rate=16000",
                                    "data": "AAECAwQF",
                                }
                            }
                        ],
                    }
                ],
                "turnComplete": False,
            }
        }
    ],
    # With nothing to answer, instructions for a response are a turn.
    "response-create full": [
        {
            "clientContent": {
                "turns": [{"role": "user", "parts": [{"text": "Say hi"}]}],
                "turnComplete": True,
            }
        }
    ],
}

SET_UP_OTHERWISE: dict[str, Json] = {
    # Turn detection is obeyed.
    "vad disabled": {"realtimeInputConfig": OFF},
    "vad null": {"realtimeInputConfig": OFF},
    "everything": {
        "realtimeInputConfig": {
            "automaticActivityDetection": {"silenceDurationMs": 400, "prefixPaddingMs": 200}
        },
        # The user's language helps the transcriber.
        "inputAudioTranscription": {"languageCodes": ["de"]},
    },
}


def event_of(given: Json) -> events.ClientEvent | None:
    match given:
        case {"type": "session-update", "config": config}:
            return events.SessionUpdate(config=config_of(config))
        case {"type": "input-audio-append", "audio": audio}:
            return events.InputAudioAppend(
                audio=base64.b64decode(audio), event_id=given.get("eventId")
            )
        case {"type": "conversation-item-create", "item": item}:
            return events.ConversationItemCreate(item=item_of(item))
        case {"type": "conversation-item-truncate"}:
            return events.ConversationItemTruncate(
                item_id=given["itemId"], audio_end=given["audioEndMs"] * 1000
            )
        case {"type": "response-create"}:
            options: Json = given.get("options") or {}
            return events.ResponseCreate(
                options=ResponseOptions(
                    modalities=_tuple(options.get("modalities")),
                    instructions=options.get("instructions"),
                    metadata=options.get("metadata"),
                )
            )
        case {"type": "context-append"}:
            return events.ContextAppend(content=given["content"], delegation_id=None)
        case {"type": "session-start", "config": config}:
            return events.SessionStart(config=config_of(config))
        case {"type": kind} if kind in PLAIN:
            return PLAIN[kind]
        case _:
            return None


PLAIN: dict[str, events.ClientEvent] = {
    "input-audio-commit": events.InputAudioCommit(),
    "input-audio-clear": events.InputAudioClear(),
    "input-audio-mute": events.InputAudioMute(),
    "input-audio-unmute": events.InputAudioUnmute(),
    "response-cancel": events.ResponseCancel(),
    "session-close": events.SessionClose(),
}


def item_of(given: Json) -> Item:
    match given:
        case {"type": "text-message", "text": text}:
            return text_message(text)
        case {"type": "audio-message", "audio": audio}:
            return Message(role="user", content=(AudioPart(audio=base64.b64decode(audio)),))
        case _:
            return FunctionCallOutput(
                call_id=given["callId"], name=given.get("name"), output=given["output"]
            )


def config_of(given: Json) -> SessionConfig:
    known: Json = {
        "instructions": given.get("instructions"),
        "voice": given.get("voice"),
        "output_modalities": _tuple(given.get("outputModalities")),
        "provider_options": given.get("providerOptions"),
    }
    for name in ("input", "output"):
        if (audio := given.get(f"{name}AudioFormat")) is not None:
            known[f"{name}_audio_format"] = AudioFormat(**audio)
        if (transcription := given.get(f"{name}AudioTranscription")) is not None:
            known[f"{name}_audio_transcription"] = Transcription(**transcription)
    if "turnDetection" in given:
        known["turn_detection"] = turns_of(given["turnDetection"])
    if "tools" in given:
        known["tools"] = tuple(
            ToolDefinition(
                name=tool["name"],
                description=tool.get("description"),
                parameters=tool["parameters"],
            )
            for tool in given["tools"]
        )
    return SessionConfig(**known)


def turns_of(given: Json | None) -> TurnDetection | None:
    if given is None:
        return None
    known: Json = {"type": given["type"], "threshold": given.get("threshold")}
    if "silenceDurationMs" in given:
        known["silence_duration"] = given["silenceDurationMs"] * 1000
    if "prefixPaddingMs" in given:
        known["prefix_padding"] = given["prefixPaddingMs"] * 1000
    return TurnDetection(**known)


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def read(messages: list[Wire]) -> list[Json]:
    return [json.loads(message) for message in messages]


@pytest.mark.parametrize("vector", SERIALIZE, ids=[one["name"] for one in SERIALIZE])
def test_the_client_writes_what_the_sdk_writes(vector: Json) -> None:
    client = Client(VECTORS["modelId"])
    given = [event for one in vector["events"] if (event := event_of(one)) is not None]

    said = read([message for event in given for message in client.encode(event)])

    expected = [one for one in vector["expected"] if one is not None]
    if vector["name"] in SAID_OTHERWISE:
        assert said != expected
        expected = SAID_OTHERWISE[vector["name"]]
    assert said == expected


@pytest.mark.parametrize("vector", SESSION_CONFIG, ids=[one["name"] for one in SESSION_CONFIG])
def test_the_client_sets_up_what_the_sdk_sets_up(vector: Json) -> None:
    client = Client(vector.get("modelId", VECTORS["modelId"]))
    update = events.SessionUpdate(config=config_of(vector["config"]))

    [said] = read(list(client.encode(update)))

    expected = vector["expected"]
    if vector["name"] in SET_UP_OTHERWISE:
        assert said != {"setup": expected}
        expected = expected | SET_UP_OTHERWISE[vector["name"]]
    assert said == {"setup": expected}
