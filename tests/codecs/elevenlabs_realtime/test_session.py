"""A session of Eleven Realtime: OpenAI's, but for what ElevenLabs has otherwise."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    NamedTool,
    NoiseReduction,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.elevenlabs.realtime import Client, Server
from antiphon.codecs.wire import Unsayable, WireError

Json = dict[str, Any]

MODEL = "eleven_realtime_v1_mini"
WEATHER = ToolDefinition(name="weather", parameters={"type": "object"})


def asked(config: SessionConfig) -> Json:
    [message] = Client(MODEL).encode(events.SessionUpdate(config=config))
    return json.loads(message)["session"]


def read(session: Json) -> SessionConfig:
    [event] = Server().decode(json.dumps({"type": "session.update", "session": session}))
    assert isinstance(event, events.SessionUpdate)
    return event.config


def shown(config: SessionConfig) -> Json:
    [message] = Server(MODEL).encode(events.SessionCreated(session_id="s", config=config))
    return json.loads(message)["session"]


WHOLE = SessionConfig(
    model="eleven_realtime_v1_max",
    instructions="Be brief.",
    voice="voice_21m00",
    output_modalities=("audio",),
    input_audio_format=AudioFormat(type="audio/pcm", rate=24_000),
    output_audio_format=AudioFormat(type="audio/pcmu"),
    input_audio_transcription=Transcription(language="pt-br"),
    turn_detection=TurnDetection(
        type="server-vad", silence_duration=500_000, idle_timeout=7_500_000
    ),
    tools=(WEATHER,),
    tool_choice=NamedTool(name="weather"),
    parallel_tool_calls=False,
    temperature=0.5,
    max_output_tokens=100,
    provider_options={"max_duration_seconds": 60, "audio": {"input": {"pacing": "bursty"}}},
)

WRITTEN = {
    "type": "realtime",
    "model": "eleven_realtime_v1_max",
    "instructions": "Be brief.",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"language": "pt-br"},
            "turn_detection": {
                "type": "server_vad",
                "silence_duration_ms": 500,
                "turn_timeout": 7.5,
            },
            "pacing": "bursty",
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "voice_21m00"},
    },
    "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "temperature": 0.5,
    "max_response_output_tokens": 100,
    "max_duration_seconds": 60,
}


def test_a_session_is_asked_for_and_read() -> None:
    assert asked(WHOLE) == WRITTEN
    assert read(WRITTEN) == WHOLE


def test_what_elevenlabs_has_no_setting_for_is_left_out() -> None:
    config = SessionConfig(
        speed=1.2,
        noise_reduction=NoiseReduction(type="near-field"),
        input_audio_transcription=Transcription(model="m", prompt="p", keywords=("k",)),
    )

    assert asked(config) == {
        "type": "realtime",
        "model": MODEL,
        "audio": {"input": {"transcription": {}}},
    }


def test_nothing_chosen_is_nothing_said() -> None:
    assert asked(SessionConfig()) == {"type": "realtime", "model": MODEL}


@pytest.mark.parametrize(
    ("config", "language"),
    [
        (SessionConfig(output_language="de", input_languages=("en",)), "de"),
        (SessionConfig(input_languages=("en", "fr")), "en"),
    ],
)
def test_the_conversation_has_one_language(config: SessionConfig, language: str) -> None:
    config = msgspec.structs.replace(config, input_audio_transcription=Transcription())

    heard = asked(config)["audio"]["input"]

    assert heard == {"transcription": {"language": language}}


def test_a_transcript_can_be_switched_off() -> None:
    config = SessionConfig(input_audio_transcription=None)

    assert asked(config)["audio"] == {"input": {"transcription": None}}
    assert read(asked(config)).input_audio_transcription is None


@pytest.mark.parametrize("off", [None, TurnDetection(type="disabled")])
def test_turn_detection_can_be_switched_off(off: TurnDetection | None) -> None:
    session = asked(SessionConfig(turn_detection=off))

    assert session["audio"] == {"input": {"turn_detection": None}}
    assert read(session).turn_detection is None


def test_detection_by_meaning_waits_for_the_user_no_longer_either() -> None:
    detection = TurnDetection(type="semantic-vad", eagerness="low", idle_timeout=1_000_000)

    session = asked(SessionConfig(turn_detection=detection))

    assert session["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "low",
        "turn_timeout": 1.0,
    }
    assert read(session).turn_detection == detection


@pytest.mark.parametrize(
    ("session", "detection"),
    [
        ({"turn_detection": "server_vad"}, TurnDetection(type="server-vad")),
        ({"turn_detection": "semantic_vad"}, TurnDetection(type="semantic-vad")),
        ({"turn_detection": "none"}, None),
        ({"turn_detection": None}, None),
        (
            {"turn_detection": {"type": "server_vad", "turn_timeout": 2.5, "threshold": 0.5}},
            TurnDetection(type="server-vad", threshold=0.5, idle_timeout=2_500_000),
        ),
        (
            {"audio": {"input": {"turn_detection": "server_vad"}}},
            TurnDetection(type="server-vad"),
        ),
        (
            {"turn_detection": None, "audio": {"input": {"turn_detection": "server_vad"}}},
            None,
        ),
    ],
)
def test_turn_detection_is_read_wherever_it_is(
    session: Json, detection: TurnDetection | None
) -> None:
    assert read(session) == SessionConfig(turn_detection=detection)


def test_both_names_for_the_longest_answer_are_understood() -> None:
    assert read({"max_output_tokens": 5}) == SessionConfig(max_output_tokens=5)
    assert read({"max_response_output_tokens": "inf"}) == SessionConfig(max_output_tokens="inf")


def test_the_tool_can_be_chosen_as_openai_has_it() -> None:
    config = read({"tool_choice": {"type": "function", "name": "weather"}})

    assert config == SessionConfig(tool_choice=NamedTool(name="weather"))


def test_what_has_no_word_here_is_kept() -> None:
    assert read({"max_duration_seconds": 60, "tracing": "auto"}) == SessionConfig(
        provider_options={"max_duration_seconds": 60, "tracing": "auto"}
    )


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig(input_audio_format=AudioFormat(type="audio/pcm", rate=16_000)),
        SessionConfig(output_audio_format=AudioFormat(type="audio/pcm", rate=48_000)),
        SessionConfig(input_audio_format=AudioFormat(type="audio/opus")),
    ],
)
def test_other_audio_is_refused(config: SessionConfig) -> None:
    client = Client()

    with pytest.raises(Unsayable, match="^elevenlabs_realtime carries"):
        list(client.encode(events.SessionUpdate(config=config)))

    assert (client.input_rate, client.output_rate) == (24_000, 24_000)


@pytest.mark.parametrize("law", ["audio/pcmu", "audio/pcma"])
def test_telephones_are_spoken_to_in_their_own_coding(law: str) -> None:
    coded = AudioFormat(type=law)
    client, server = Client(), Server()

    [message] = client.encode(
        events.SessionUpdate(
            config=SessionConfig(input_audio_format=coded, output_audio_format=coded)
        )
    )
    list(server.decode(message))

    assert client.input_rate == client.output_rate == 8_000
    assert server.input_rate == server.output_rate == 8_000


def test_a_server_shows_the_whole_session() -> None:
    detection = TurnDetection(
        type="server-vad", idle_timeout=7_500_000, create_response=True, interrupt_response=True
    )

    session = shown(msgspec.structs.replace(WHOLE, turn_detection=detection))

    assert session == WRITTEN | {
        "id": "s",
        "object": "realtime.session",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"language": "pt-br"},
                "turn_detection": {
                    "type": "server_vad",
                    "turn_timeout": 7.5,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcmu"}, "voice": "voice_21m00"},
        },
    }


def test_what_was_not_settled_is_shown_as_it_is_by_itself() -> None:
    assert shown(SessionConfig(provider_options={"max_duration_seconds": "long"})) == {
        "id": "s",
        "object": "realtime.session",
        "type": "realtime",
        "model": MODEL,
        "output_modalities": ["audio"],
        "audio": {
            "input": {"format": {"type": "audio/pcm", "rate": 24000}},
            "output": {"format": {"type": "audio/pcm"}},
        },
        "tools": [],
        "tool_choice": "auto",
    }


@pytest.mark.parametrize(
    ("session", "path"),
    [
        ({"turn_detection": 1}, "$.session.turn_detection"),
        ({"turn_detection": {"turn_timeout": "soon"}}, "$.session.turn_detection.turn_timeout"),
        ({"turn_detection": {"type": "server_vad", "turn_timeout": 1e300}}, "$.session"),
        ({"audio": {"input": {"turn_detection": 1}}}, "$.session.turn_detection"),
        ({"audio": 1}, "$.session.audio"),
        ({"audio": {"output": {"voice": 1}}}, "$.session.audio.output.voice"),
        ({"audio": {"output": 1}}, "$.session.audio[...]"),
        ({"temperature": "hot"}, "$.session.temperature"),
        ({"max_response_output_tokens": "some"}, "$.session.max_output_tokens"),
        ({"instructions": 1}, "$.session.instructions"),
    ],
)
def test_a_wrong_setting_is_named_by_its_place(session: Json, path: str) -> None:
    with pytest.raises(WireError) as raised:
        read(session)

    assert raised.value.dialect == "elevenlabs_realtime"
    assert raised.value.path.startswith(path)


def test_options_of_the_provider_go_before_settings() -> None:
    config = SessionConfig(voice="a", provider_options={"audio": {"output": {"voice": "b"}}})

    assert asked(config)["audio"] == {"output": {"voice": "b"}}
