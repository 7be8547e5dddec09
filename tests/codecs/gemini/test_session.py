"""A session's configuration as a setup, and back."""

import json
from typing import Any

import pytest
from hypothesis import given

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.gemini import DIALECT, Client, Server
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import session_configs

Json = dict[str, Any]


def setup_of(config: SessionConfig, model: str = "gemini-3.8-live") -> Json:
    [said] = Client(model).encode(events.SessionUpdate(config=config))
    return json.loads(said)["setup"]


def config_of(setup: Json) -> SessionConfig:
    [update] = Server().decode(json.dumps({"setup": setup}))
    assert isinstance(update, events.SessionUpdate)
    return update.config


TOOL = ToolDefinition(
    name="f",
    description="does",
    parameters={"type": "object", "properties": {"snake_case": {"type": "string"}}},
    provider_options={"behavior": "NON_BLOCKING", "responseJsonSchema": {"type": "string"}},
)

FULL = SessionConfig(
    model="gemini-3.8-live",
    instructions="Be brief.",
    voice="Puck",
    output_modalities=("text",),
    input_audio_transcription=Transcription(keywords=("Oslo",)),
    output_audio_transcription=Transcription(),
    turn_detection=TurnDetection(
        type="server-vad",
        threshold=0.3,
        silence_duration=500_000,
        prefix_padding=20_000,
        eagerness="low",
        interrupt_response=False,
    ),
    input_languages=("de", "en"),
    output_language="en-US",
    translation_target="pl",
    tools=(TOOL,),
    reasoning_effort="high",
    temperature=0.5,
    max_output_tokens=100,
    resumption=True,
    resumption_handle="h",
    provider_options={
        "contextWindowCompression": {"slidingWindow": {}},
        "google": {
            "generationConfig": {"topP": 0.5, "speechConfig": {"voiceConfig": {"other": 1}}},
            "thinkingConfig": {"includeThoughts": True},
            "translationConfig": {"echoTargetLanguage": False},
            "realtimeInputConfig": {"turnCoverage": "TURN_INCLUDES_ALL_INPUT"},
            "inputAudioTranscription": {"diarization": True},
            "outputAudioTranscription": {"wordTimestamp": True},
            "sessionResumption": {"transparent": True},
            "tools": [{"googleSearch": {}}],
        },
    },
)

SETUP: Json = {
    "model": "models/gemini-3.8-live",
    "generationConfig": {
        "responseModalities": ["TEXT"],
        "temperature": 0.5,
        "maxOutputTokens": 100,
        "topP": 0.5,
        "speechConfig": {
            "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}, "other": 1},
            "languageCode": "en-US",
        },
        "thinkingConfig": {"thinkingLevel": "high", "includeThoughts": True},
        "translationConfig": {"targetLanguageCode": "pl", "echoTargetLanguage": False},
    },
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "does",
                    "parametersJsonSchema": TOOL.parameters,
                    "behavior": "NON_BLOCKING",
                    "responseJsonSchema": {"type": "string"},
                }
            ]
        },
        {"googleSearch": {}},
    ],
    "inputAudioTranscription": {
        "languageCodes": ["de", "en"],
        "customVocabulary": ["Oslo"],
        "diarization": True,
    },
    "outputAudioTranscription": {"wordTimestamp": True},
    "realtimeInputConfig": {
        "automaticActivityDetection": {
            "startOfSpeechSensitivity": "START_SENSITIVITY_HIGH",
            "endOfSpeechSensitivity": "END_SENSITIVITY_LOW",
            "prefixPaddingMs": 20,
            "silenceDurationMs": 500,
        },
        "activityHandling": "NO_INTERRUPTION",
        "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
    },
    "sessionResumption": {"handle": "h", "transparent": True},
    "contextWindowCompression": {"slidingWindow": {}},
}


def test_all_that_can_be_configured_is_written() -> None:
    assert setup_of(FULL) == SETUP


def test_all_that_is_written_is_read() -> None:
    assert config_of(SETUP) == FULL


@given(session_configs)
def test_what_was_read_once_is_read_again(config: SessionConfig) -> None:
    client = Client("gemini-3.8-live")
    try:
        [said] = client.encode(events.SessionUpdate(config=config))
        [first] = Server().decode(said)
    except (Unsayable, WireError):
        return
    assert isinstance(first, events.SessionUpdate)

    [again] = Client().encode(first)
    [second] = Server().decode(again)

    assert second == first


@pytest.mark.parametrize(
    ("config", "generation"),
    [
        (SessionConfig(reasoning_effort="minimal"), {"thinkingLevel": "minimal"}),
        (SessionConfig(reasoning_effort="xhigh"), {"thinkingLevel": "high"}),
        (SessionConfig(reasoning_effort="none"), {"thinkingBudget": 0}),
    ],
)
def test_how_much_to_think(config: SessionConfig, generation: Json) -> None:
    setup = setup_of(config)

    assert setup["generationConfig"]["thinkingConfig"] == generation


@pytest.mark.parametrize(
    ("thinking", "effort", "left"),
    [
        ({"thinkingLevel": "HIGH"}, "high", None),
        ({"thinkingBudget": 0}, "none", None),
        ({"thinkingBudget": 100}, None, {"thinkingBudget": 100}),
    ],
)
def test_how_much_thinking_is_asked_for(
    thinking: Json, effort: str | None, left: Json | None
) -> None:
    config = config_of({"generationConfig": {"thinkingConfig": thinking}})

    assert config.reasoning_effort == effort
    assert config.provider_options == (left and {"google": {"thinkingConfig": left}})


def test_models_that_think_do_so_a_little_unless_told() -> None:
    assert config_of({"model": "models/gemini-3.8-live-thinking"}).reasoning_effort == "low"


@pytest.mark.parametrize(
    ("turns", "wired"),
    [
        (TurnDetection(type="server-vad"), None),
        (TurnDetection(type="semantic-vad", eagerness="auto", idle_timeout=1), None),
        (TurnDetection(type="server-vad", threshold=0.5), None),
        (None, {"automaticActivityDetection": {"disabled": True}}),
        (
            TurnDetection(type="disabled", interrupt_response=True),
            {
                "automaticActivityDetection": {"disabled": True},
                "activityHandling": "START_OF_ACTIVITY_INTERRUPTS",
            },
        ),
        (
            TurnDetection(type="server-vad", threshold=0.9, eagerness="high"),
            {
                "automaticActivityDetection": {
                    "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                    "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
                }
            },
        ),
    ],
)
def test_how_turns_are_detected(turns: TurnDetection | None, wired: Json | None) -> None:
    assert setup_of(SessionConfig(turn_detection=turns)).get("realtimeInputConfig") == wired


@pytest.mark.parametrize(
    ("wired", "turns"),
    [
        ({"automaticActivityDetection": {"disabled": False}}, None),
        (
            {"automaticActivityDetection": {"startOfSpeechSensitivity": "START_SENSITIVITY_LOW"}},
            TurnDetection(type="server-vad", threshold=0.7),
        ),
        (
            {
                "automaticActivityDetection": {"disabled": True},
                "activityHandling": "NO_INTERRUPTION",
            },
            TurnDetection(type="disabled", interrupt_response=False),
        ),
    ],
)
def test_how_turns_are_read(wired: Json, turns: TurnDetection | None) -> None:
    config = config_of({"realtimeInputConfig": wired})

    assert (config.turn_detection or None) == turns
    assert setup_of(config).get("realtimeInputConfig", {}) == (wired if turns else {})


def test_settings_of_a_detection_that_is_off_are_kept() -> None:
    wired: Json = {"automaticActivityDetection": {"disabled": True, "silenceDurationMs": 5}}

    config = config_of({"realtimeInputConfig": wired})

    assert config.turn_detection is None
    assert setup_of(config)["realtimeInputConfig"] == wired


def test_other_modalities_are_kept_as_they_are() -> None:
    config = config_of({"generationConfig": {"responseModalities": ["IMAGE", "AUDIO"]}})

    assert config.output_modalities is None
    assert setup_of(config)["generationConfig"]["responseModalities"] == ["IMAGE", "AUDIO"]


def test_both_spellings_of_a_setup_are_one() -> None:
    snake: Json = {
        "generation_config": {
            "response_modalities": ["TEXT"],
            "max_output_tokens": 3,
            "speech_config": {
                "voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}},
                "language_code": "en",
            },
        },
        "system_instruction": {"parts": [{"text": "a"}, {"text": "b"}]},
        "tools": [
            {
                "function_declarations": [
                    {
                        "name": "f",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {
                                "type": {"any_of": [{"type": "STRING"}, {"type": ["x"]}]},
                                "list": {
                                    "type": "ARRAY",
                                    "items": {"type": "NUMBER", "items": True},
                                },
                            },
                            "required": ["type"],
                        },
                    },
                    {"name": "g"},
                ]
            }
        ],
        "input_audio_transcription": {"language_hints": {"language_codes": ["de"]}},
        "realtime_input_config": {"automatic_activity_detection": {"prefix_padding_ms": 5}},
        "session_resumption": {},
    }

    config = config_of(snake)

    assert config == SessionConfig(
        instructions="a\n\nb",
        output_modalities=("text",),
        max_output_tokens=3,
        voice="Puck",
        output_language="en",
        input_languages=("de",),
        input_audio_transcription=Transcription(),
        turn_detection=TurnDetection(type="server-vad", prefix_padding=5000),
        resumption=True,
        tools=(
            ToolDefinition(
                name="f",
                parameters={
                    "type": "object",
                    "properties": {
                        "type": {"anyOf": [{"type": "string"}, {"type": ["x"]}]},
                        "list": {"type": "array", "items": {"type": "number", "items": True}},
                    },
                    "required": ["type"],
                },
            ),
            ToolDefinition(name="g", parameters={"type": "object", "properties": {}}),
        ),
    )


def test_instructions_that_are_more_than_text_are_kept() -> None:
    instruction = {"parts": [{"text": "a"}, {"fileData": {"fileUri": "x"}}]}

    config = config_of({"systemInstruction": instruction})

    assert config.instructions == "a"
    assert setup_of(config)["systemInstruction"] == instruction


def test_no_instructions_are_none() -> None:
    assert config_of({"systemInstruction": {}}).instructions is None


def test_a_schema_without_end_is_left_as_it_is() -> None:
    schema: Json = {"type": "STRING"}
    for _ in range(100):
        schema = {"items": schema}

    tool = {"functionDeclarations": [{"name": "f", "parameters": schema}]}

    assert config_of({"tools": [tool]}).tools is not None


def test_the_context_can_change() -> None:
    update: Json = {
        "systemInstruction": {"role": "user", "parts": [{"text": "b"}, {"inlineData": {}}]},
        "tools": {"tools": [{"functionDeclarations": [{"name": "g"}]}, {"codeExecution": {}}]},
    }

    [heard] = Server().decode(json.dumps({"contextUpdate": update}))

    assert isinstance(heard, events.SessionUpdate)
    assert heard.config == SessionConfig(
        instructions="b",
        tools=(ToolDefinition(name="g", parameters={"type": "object", "properties": {}}),),
        provider_options={
            "systemInstruction": update["systemInstruction"],
            "google": {"tools": [{"codeExecution": {}}]},
        },
    )


@pytest.mark.parametrize(
    ("setup", "path"),
    [
        ({"model": 1}, "$.setup.model"),
        ({"generationConfig": []}, "$.setup.generationConfig"),
        ({"generationConfig": {"temperature": "hot"}}, "$.setup.generationConfig.temperature"),
        ({"generationConfig": {"speechConfig": 1}}, "$.setup.generationConfig.speechConfig"),
        (
            {"generationConfig": {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": "x"}}}},
            "$.setup.generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig",
        ),
        (
            {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": 1}}},
            "$.setup.realtimeInputConfig.automaticActivityDetection.disabled",
        ),
        (
            {"realtimeInputConfig": {"automaticActivityDetection": {"silenceDurationMs": 2**61}}},
            "$.setup.realtimeInputConfig.automaticActivityDetection",
        ),
        ({"systemInstruction": "Be brief."}, "$.setup.systemInstruction"),
        ({"systemInstruction": {"parts": ["x"]}}, "$.setup.systemInstruction.parts[0]"),
        ({"tools": {}}, "$.setup.tools"),
        (
            {"tools": [{}, {"functionDeclarations": [{"description": "x"}]}]},
            "$.setup.tools[1].functionDeclarations[0]",
        ),
        ({"sessionResumption": {"handle": 1}}, "$.setup.sessionResumption.handle"),
        ({"inputAudioTranscription": True}, "$.setup.inputAudioTranscription"),
    ],
)
def test_a_wrong_type_is_named_by_its_path(setup: Json, path: str) -> None:
    with pytest.raises(WireError) as error:
        config_of(setup)

    assert error.value.path == path


def test_nulls_are_as_good_as_nothing() -> None:
    names = (*SETUP, "generationConfig", "proactivity")
    assert config_of(dict.fromkeys(names)) == SessionConfig()
    assert config_of({name: {} for name in SETUP if name not in ("model", "tools")}) == (
        SessionConfig(
            input_audio_transcription=Transcription(),
            output_audio_transcription=Transcription(),
            resumption=True,
            provider_options={"contextWindowCompression": {}},
        )
    )


def test_the_rates_of_a_session() -> None:
    at_8k = SessionConfig(input_audio_format=AudioFormat(type="audio/pcma"))

    assert DIALECT.rates(SessionConfig()) == (16_000, 24_000)
    assert DIALECT.rates(at_8k) == (8_000, 24_000)
