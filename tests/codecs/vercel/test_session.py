"""How a session is to be, both ways."""

import json
from typing import Any

import pytest
from msgspec import UNSET

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    NoiseReduction,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.items import JsonObject
from antiphon.codecs.vercel import DIALECT, Client, Server
from antiphon.codecs.wire import WireError


def written(config: SessionConfig) -> JsonObject:
    (message,) = Client().encode(events.SessionUpdate(config=config))
    return json.loads(message)["config"]


def read(config: Any) -> SessionConfig:
    (event,) = Server().decode(json.dumps({"type": "session-update", "config": config}))
    assert isinstance(event, events.SessionUpdate)
    return event.config


ALL: JsonObject = {
    "instructions": "Be brief.",
    "voice": "alloy",
    "outputModalities": ["text", "audio"],
    "inputAudioFormat": {"type": "audio/pcm", "rate": 16000},
    "outputAudioFormat": {"type": "audio/pcmu"},
    "inputAudioTranscription": {"model": "m", "language": "de", "prompt": "p"},
    "outputAudioTranscription": {},
    "turnDetection": {
        "type": "server-vad",
        "threshold": 0,
        "silenceDurationMs": 400,
        "prefixPaddingMs": 0,
    },
    "tools": [
        {
            "type": "function",
            "name": "clock",
            "description": "Tells the time.",
            "parameters": {"type": "object", "required": []},
        },
        {"type": "function", "name": "noop", "parameters": {}},
    ],
    "providerOptions": {"gateway": {"tags": ["a"], "n": None, "x": 1.5}},
}

AS_OURS = SessionConfig(
    instructions="Be brief.",
    voice="alloy",
    output_modalities=("text", "audio"),
    input_audio_format=AudioFormat(type="audio/pcm", rate=16_000),
    output_audio_format=AudioFormat(type="audio/pcmu"),
    input_audio_transcription=Transcription(model="m", language="de", prompt="p"),
    output_audio_transcription=Transcription(),
    turn_detection=TurnDetection(
        type="server-vad", threshold=0.0, silence_duration=400_000, prefix_padding=0
    ),
    tools=(
        ToolDefinition(
            name="clock",
            description="Tells the time.",
            parameters={"type": "object", "required": []},
        ),
        ToolDefinition(name="noop", parameters={}),
    ),
    provider_options={"gateway": {"tags": ["a"], "n": None, "x": 1.5}},
)


def test_a_configuration_is_read_and_written_whole() -> None:
    assert read(ALL) == AS_OURS
    assert written(AS_OURS) == ALL


@pytest.mark.parametrize("field", sorted(ALL))
def test_each_field_stands_alone(field: str) -> None:
    assert written(read({field: ALL[field]})) == {field: ALL[field]}


def test_no_choice_is_not_a_choice_of_none() -> None:
    assert read({}).turn_detection is UNSET
    assert read({"turnDetection": None}).turn_detection is None
    assert written(SessionConfig(turn_detection=None)) == {"turnDetection": None}
    assert written(SessionConfig()) == {}


def test_the_sdk_cannot_be_asked_for_no_transcript() -> None:
    assert written(SessionConfig(input_audio_transcription=None)) == {}


def test_what_the_sdk_has_no_place_for_is_not_said() -> None:
    config = SessionConfig(
        model="m",
        first_message="Hello",
        speed=1.2,
        noise_reduction=NoiseReduction(type="near-field"),
        turn_detection=TurnDetection(type="semantic-vad", eagerness="low", create_response=False),
        input_audio_transcription=Transcription(keywords=("a",), delay="low"),
        tools=(ToolDefinition(name="f", parameters={}, provider_options={"a": 1}),),
        reasoning_effort="low",
        resumption_handle="h",
    )

    assert written(config) == {
        "turnDetection": {"type": "semantic-vad"},
        "inputAudioTranscription": {},
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
    }


def test_tools_of_ours_are_heard_all_the_same() -> None:
    config = read(
        {
            "model": "m",
            "reasoningEffort": "low",
            "toolChoice": {"name": "f"},
            "turnDetection": {"type": "semantic-vad", "eagerness": "low", "idleTimeout": 5_000_000},
        }
    )

    assert (config.model, config.reasoning_effort) == ("m", "low")
    assert config.turn_detection == TurnDetection(
        type="semantic-vad", eagerness="low", idle_timeout=5_000_000
    )


MISTAKES: list[tuple[Any, str]] = [
    (None, "$.config"),
    ({"voice": 1}, "$.config.voice"),
    ({"outputModalities": ["smell"]}, "$.config.outputModalities[0]"),
    ({"turnDetection": {"type": "x"}}, "$.config.turnDetection.type"),
    ({"turnDetection": {}}, "$.config.turnDetection"),
    (
        {"turnDetection": {"type": "server-vad", "silenceDurationMs": "1"}},
        "$.config.turnDetection.silenceDurationMs",
    ),
    (
        {"turnDetection": {"type": "server-vad", "prefixPaddingMs": 1e300}},
        "$.config.turnDetection.prefixPaddingMs",
    ),
    ({"tools": [{"type": "x", "name": "f", "parameters": {}}]}, "$.config.tools[0].type"),
    ({"tools": [{"type": "function", "name": "f"}]}, "$.config.tools[0]"),
    ({"inputAudioFormat": {"type": "audio/opus"}}, "$.config.inputAudioFormat"),
    (
        {"inputAudioFormat": {"type": "audio/pcm", "rate": 10**9}},
        "$.config.inputAudioFormat",
    ),
    ({"providerOptions": []}, "$.config.providerOptions"),
]


@pytest.mark.parametrize(("config", "path"), MISTAKES)
def test_a_mistake_is_named_where_it_is(config: Any, path: str) -> None:
    with pytest.raises(WireError) as mistake:
        read(config)

    assert mistake.value.path == path


def test_a_response_may_be_otherwise() -> None:
    options = {"modalities": ["text"], "instructions": "Say hi", "metadata": {"k": "v"}}
    message = json.dumps({"type": "response-create", "options": options})
    (event,) = Server().decode(message)

    assert event == events.ResponseCreate(
        options=ResponseOptions(modalities=("text",), instructions="Say hi", metadata={"k": "v"})
    )
    assert [json.loads(one) for one in Client().encode(event)] == [json.loads(message)]


def test_rates_are_known_beforehand() -> None:
    assert DIALECT.rates(SessionConfig()) == (24_000, 24_000)
    assert DIALECT.rates(AS_OURS) == (16_000, 8_000)
