"""A session's configuration, from our words to OpenAI's and back."""

from typing import Any

import pytest
from hypothesis import given

from antiphon.codecs.config import (
    AudioFormat,
    NamedTool,
    NoiseReduction,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
    merge,
)
from antiphon.codecs.openai.session import (
    merged,
    read_options,
    read_session,
    write_options,
    write_session,
)
from antiphon.codecs.openai.shown import show_session
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import of, session_configs

Json = dict[str, Any]

EVERYTHING = SessionConfig(
    model="gpt-realtime-2",
    instructions="Be brief.",
    voice="marin",
    speed=1.25,
    output_modalities=("audio",),
    input_audio_format=AudioFormat(type="audio/pcm", rate=24_000),
    output_audio_format=AudioFormat(type="audio/pcmu"),
    input_audio_transcription=Transcription(
        model="gpt-4o-transcribe", language="de", prompt="p", keywords=("a",), delay="low"
    ),
    turn_detection=TurnDetection(
        type="server-vad",
        threshold=0.5,
        silence_duration=500_000,
        prefix_padding=300_000,
        create_response=True,
        interrupt_response=False,
        idle_timeout=6_000_000,
    ),
    noise_reduction=NoiseReduction(type="far-field", strength=0.5),
    tools=(ToolDefinition(name="f", description="d", parameters={"type": "object"}),),
    tool_choice=NamedTool(name="f"),
    parallel_tool_calls=False,
    reasoning_effort="low",
    max_output_tokens="inf",
    provider_options={"tracing": "auto"},
)

ON_THE_WIRE: Json = {
    "type": "realtime",
    "model": "gpt-realtime-2",
    "instructions": "Be brief.",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": {
                "model": "gpt-4o-transcribe",
                "language": "de",
                "prompt": "p",
                "keywords": ["a"],
                "delay": "low",
            },
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
                "idle_timeout_ms": 6000,
                "create_response": True,
                "interrupt_response": False,
            },
            "noise_reduction": {"type": "far_field", "strength": 0.5},
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.25},
    },
    "tools": [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
    ],
    "tool_choice": {"type": "function", "name": "f"},
    "parallel_tool_calls": False,
    "max_output_tokens": "inf",
    "reasoning": {"effort": "low"},
    "tracing": "auto",
}


def read(session: Json) -> SessionConfig:
    return read_session(session, "openai")


def heard(**fields: Any) -> SessionConfig:
    return read({"audio": {"input": fields}})


def test_everything_is_written_with_openais_names() -> None:
    assert write_session(EVERYTHING, "other") == ON_THE_WIRE


def test_everything_is_read_from_openais_names() -> None:
    assert read(ON_THE_WIRE) == EVERYTHING


def test_what_is_not_spoken_of_is_not_said() -> None:
    assert write_session(SessionConfig(), "") == {"type": "realtime"}
    assert read({"type": "realtime"}) == SessionConfig()


@pytest.mark.parametrize(
    ("config", "session"),
    [
        (
            SessionConfig(
                turn_detection=None, input_audio_transcription=None, noise_reduction=None
            ),
            {"turn_detection": None, "transcription": None, "noise_reduction": None},
        ),
        (
            SessionConfig(turn_detection=TurnDetection(type="disabled", threshold=0.5)),
            {"turn_detection": None},
        ),
        (
            SessionConfig(
                turn_detection=TurnDetection(type="server-vad", eagerness="low"),
            ),
            {"turn_detection": {"type": "server_vad"}},
        ),
        (
            SessionConfig(
                turn_detection=TurnDetection(
                    type="semantic-vad", eagerness="low", idle_timeout=1000
                )
            ),
            {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}},
        ),
        (
            SessionConfig(input_audio_transcription=Transcription()),
            {"transcription": {"model": "gpt-realtime-whisper"}},
        ),
        (
            SessionConfig(input_audio_transcription=Transcription(), input_languages=("de", "en")),
            {"transcription": {"model": "gpt-realtime-whisper", "languages": ["de", "en"]}},
        ),
        (
            SessionConfig(input_audio_transcription=Transcription(), input_languages=("de",)),
            {"transcription": {"model": "gpt-realtime-whisper", "language": "de"}},
        ),
        (
            SessionConfig(
                input_audio_transcription=Transcription(model="m", language="fr"),
                input_languages=("de", "en"),
            ),
            {"transcription": {"model": "m", "language": "fr"}},
        ),
    ],
)
def test_how_the_user_is_heard(config: SessionConfig, session: Json) -> None:
    assert write_session(config, "")["audio"]["input"] == session


@pytest.mark.parametrize("off", [None, {"type": None}, {"type": "none"}, {}])
def test_detection_is_off_in_all_spellings(off: Any) -> None:
    assert heard(turn_detection=off).turn_detection is None


def test_nulls_say_nothing() -> None:
    session = {
        "instructions": None,
        "tools": None,
        "audio": {"input": None, "output": {"format": None, "voice": None}},
    }

    assert read(session) == SessionConfig()


def test_a_voice_of_ones_own_goes_by_its_id() -> None:
    session = write_session(SessionConfig(voice="voice_123"), "")

    assert session["audio"] == {"output": {"voice": {"id": "voice_123"}}}
    assert read(session).voice == "voice_123"


def test_tools_of_the_providers_own_are_kept() -> None:
    mcp = {"type": "mcp", "server_label": "s"}
    function = {"type": "function", "name": "f"}
    session = {"tools": [mcp, function], "tool_choice": {"type": "mcp", "server_label": "s"}}

    config = read(session)

    assert config.tools == (
        ToolDefinition(name="f", parameters={"type": "object", "properties": {}}),
    )
    assert config.tool_choice is None
    assert config.provider_options == session
    assert write_session(config, "") | {"type": 0} == session | {"type": 0}


def test_options_of_the_provider_go_before_all_else() -> None:
    config = SessionConfig(voice="marin", provider_options={"audio": {}, "x": 1})

    assert write_session(config, "") == {"type": "realtime", "audio": {}, "x": 1}


# Sessions that only transcribe.

ONLY = {"type": "transcription"}


@pytest.mark.parametrize(
    ("config", "transcription"),
    [
        (SessionConfig(), {"model": "gpt-realtime"}),
        (SessionConfig(model="whisper-1"), {"model": "whisper-1"}),
        (
            SessionConfig(input_audio_transcription=Transcription(model="m", language="de")),
            {"model": "m", "language": "de"},
        ),
    ],
)
def test_a_session_that_only_transcribes_has_the_transcribers_model(
    config: SessionConfig, transcription: Json
) -> None:
    session = write_session(merge(config, SessionConfig(provider_options=ONLY)), "gpt-realtime")

    assert session == {
        "type": "transcription",
        "audio": {"input": {"transcription": transcription}},
    }


def test_a_session_that_transcribes_nothing_is_left_so() -> None:
    config = SessionConfig(input_audio_transcription=None, provider_options=ONLY)

    assert write_session(config, "m")["audio"] == {"input": {"transcription": None}}


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig(instructions="Sing."),
        SessionConfig(voice="marin"),
        SessionConfig(output_modalities=("text",)),
        SessionConfig(output_audio_format=AudioFormat(type="audio/pcmu")),
        SessionConfig(output_audio_transcription=Transcription()),
        SessionConfig(tools=(ToolDefinition(name="f", parameters={}),)),
    ],
)
def test_a_session_that_only_transcribes_says_nothing(config: SessionConfig) -> None:
    with pytest.raises(Unsayable):
        write_session(merge(config, SessionConfig(provider_options=ONLY)), "m")


def test_a_session_that_only_transcribes_is_read_back() -> None:
    config = SessionConfig(
        input_audio_transcription=Transcription(model="m"),
        turn_detection=TurnDetection(type="server-vad"),
        provider_options=ONLY,
    )

    assert read(write_session(config, "m")) == config


# Responses.


@given(of(ResponseOptions))
def test_options_are_read_as_they_are_written(options: ResponseOptions) -> None:
    once = read_options(write_options(options), "openai")
    twice = read_options(write_options(once), "openai")

    assert twice == once


# What others make of it.


@given(session_configs)
def test_what_is_shown_is_shown_again(config: SessionConfig) -> None:
    once = read(show_session(config, "m"))

    assert read(show_session(once, "m")) == once


@given(session_configs)
def test_what_is_written_is_read_and_written_again(config: SessionConfig) -> None:
    try:
        session = write_session(config, "m")
        once = read(session)
    except (Unsayable, WireError):
        return  # options of the provider's may be anything

    assert read(write_session(once, "m")) == once


def test_options_are_changed_one_by_one() -> None:
    one = SessionConfig(voice="a", provider_options={"a": 1, "b": 1})
    two = SessionConfig(speed=2.0, provider_options={"b": 2})

    assert merged(one, two) == SessionConfig(
        voice="a", speed=2.0, provider_options={"a": 1, "b": 2}
    )
    assert merged(SessionConfig(), SessionConfig()) == SessionConfig()
