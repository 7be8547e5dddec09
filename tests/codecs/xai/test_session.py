"""A session is asked for and shown as xAI has it: flat, and with its own tools beside functions."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    NamedTool,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.items import text_message
from antiphon.codecs.wire import Unsayable, WireError
from antiphon.codecs.xai import DIALECT, Client, Server

Json = dict[str, Any]

WEATHER = ToolDefinition(name="weather", parameters={"type": "object"})


def asked(**config: Any) -> Json:
    """The session of session.update."""
    [message] = Client("grok-voice-latest").encode(
        events.SessionUpdate(config=SessionConfig(**config))
    )
    return json.loads(message)["session"]


def read(session: Json) -> SessionConfig:
    [event] = Server().decode(json.dumps({"type": "session.update", "session": session}))
    assert isinstance(event, events.SessionUpdate)
    return event.config


def shown(config: SessionConfig, *before: str) -> Json:
    server = Server("grok-voice-latest")
    for message in before:
        list(server.decode(message))
    [message, _] = server.encode(events.SessionCreated(session_id="sess_1", config=config))
    return json.loads(message)["session"]


def test_voice_and_turn_detection_are_at_the_top() -> None:
    session = asked(
        model="grok-voice-3.0",
        voice="eve",
        instructions="Be brief.",
        turn_detection=TurnDetection(
            type="semantic-vad",
            threshold=0.7,
            silence_duration=500_000,
            prefix_padding=333_000,
            idle_timeout=15_000_000,
            eagerness="low",
            create_response=True,
        ),
    )

    assert session == {
        "voice": "eve",
        "instructions": "Be brief.",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.7,
            "silence_duration_ms": 500,
            "prefix_padding_ms": 333,
            "idle_timeout_ms": 15000,
        },
    }


@pytest.mark.parametrize("off", [None, TurnDetection(type="disabled")])
def test_turns_are_not_detected_where_that_is_switched_off(off: TurnDetection | None) -> None:
    assert asked(turn_detection=off) == {"turn_detection": None}


@pytest.mark.parametrize("said", [None, {"type": None}, {}])
def test_detection_without_a_type_is_none(said: Json | None) -> None:
    assert read({"turn_detection": said}).turn_detection is None


def test_all_that_xai_documents_can_be_asked_for() -> None:
    session = asked(
        speed=1.1,
        reasoning_effort="none",
        resumption=True,
        temperature=0.5,
        max_output_tokens=100,
        tool_choice=NamedTool(name="weather"),
        input_audio_format=AudioFormat(type="audio/pcm", rate=16_000),
        output_audio_format=AudioFormat(type="audio/pcmu"),
    )

    assert session == {
        "audio": {
            "input": {"format": {"type": "audio/pcm", "rate": 16000}},
            "output": {"format": {"type": "audio/pcmu"}, "speed": 1.1},
        },
        "reasoning": {"effort": "none"},
        "resumption": {"enabled": True},
        "temperature": 0.5,
        "max_response_output_tokens": 100,
        "tool_choice": {"type": "function", "name": "weather"},
    }


@pytest.mark.parametrize(
    ("config", "transcription"),
    [
        (
            {"input_audio_transcription": Transcription()},
            {"model": "grok-transcribe"},
        ),
        (
            {"input_audio_transcription": Transcription(model="m", language="de", prompt="p")},
            {"model": "m", "language_hint": "de"},
        ),
        (
            {"input_audio_transcription": Transcription(keywords=("Grok", "xAI"))},
            {"keyterms": ["Grok", "xAI"]},
        ),
        (
            {"input_audio_transcription": Transcription(), "input_languages": ("ja", "en")},
            {"model": "grok-transcribe", "language_hint": "ja"},
        ),
        ({"input_languages": ("es-MX",)}, {"language_hint": "es-MX"}),
        ({"input_audio_transcription": None}, None),
    ],
)
def test_a_transcript_of_the_user_is_asked_for(config: Json, transcription: Json | None) -> None:
    assert asked(**config) == {"audio": {"input": {"transcription": transcription}}}


def test_a_transcription_is_read_as_it_was_asked_for() -> None:
    said = {"model": "grok-transcribe", "language_hint": "de", "keyterms": ["Grok"]}

    config = read({"audio": {"input": {"transcription": said}}})

    assert config == SessionConfig(
        input_audio_transcription=Transcription(
            model="grok-transcribe", language="de", keywords=("Grok",)
        )
    )


def test_what_xai_has_no_setting_for_is_left_out() -> None:
    session = asked(
        model="m",
        output_modalities=("text", "audio"),
        output_audio_transcription=Transcription(),
        parallel_tool_calls=False,
        tools=(),
    )

    assert session == {}


def test_tools_of_xai_stand_behind_the_functions() -> None:
    session = asked(
        tools=(WEATHER,),
        provider_options={"tools": [{"type": "web_search"}], "replace": {"a": "b"}},
    )

    assert session == {
        "tools": [
            {"type": "function", "name": "weather", "parameters": {"type": "object"}},
            {"type": "web_search"},
        ],
        "replace": {"a": "b"},
    }
    assert read(session) == SessionConfig(
        tools=(WEATHER,),
        provider_options={"replace": {"a": "b"}, "tools": [{"type": "web_search"}]},
    )


def test_tools_that_are_no_list_are_not_sent() -> None:
    assert asked(provider_options={"tools": "all"}) == {}


def test_other_options_of_the_provider_replace_what_is_there() -> None:
    session = asked(voice="eve", provider_options={"voice": "rex", "tool_choice": "required"})

    assert session == {"voice": "rex", "tool_choice": "required"}


def test_tools_that_were_there_can_be_taken_away() -> None:
    client = Client()
    list(client.encode(events.SessionUpdate(config=SessionConfig(tools=(WEATHER,)))))

    [message] = client.encode(events.SessionUpdate(config=SessionConfig(tools=())))

    assert json.loads(message)["session"] == {"tools": []}


@pytest.mark.parametrize(
    "config",
    [
        {"input_audio_format": AudioFormat(type="audio/opus")},
        {"output_audio_format": AudioFormat(type="audio/opus")},
        {"input_audio_format": AudioFormat(type="audio/pcm", rate=7_999)},
        {"output_audio_format": AudioFormat(type="audio/pcm", rate=48_001)},
        {"provider_options": {"audio": {"input": {"format": {"type": "audio/opus"}}}}},
        {"turn_detection": TurnDetection(type="server-vad", create_response=False)},
        {"turn_detection": TurnDetection(type="semantic-vad", interrupt_response=False)},
    ],
)
def test_what_xai_would_do_otherwise_is_refused(config: Json) -> None:
    client = Client()

    with pytest.raises(Unsayable, match="^xai "):
        list(client.encode(events.SessionUpdate(config=SessionConfig(**config))))

    assert (client.input_rate, client.output_rate) == (24_000, 24_000)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
def test_both_ends_follow_the_rates_of_the_session(rate: int) -> None:
    spoken = AudioFormat(type="audio/pcm", rate=rate)
    config = SessionConfig(
        input_audio_format=spoken, output_audio_format=AudioFormat(type="audio/pcma")
    )
    client, server = Client(), Server()

    [message] = client.encode(events.SessionUpdate(config=config))
    list(server.decode(message))

    assert (client.input_rate, client.output_rate) == (rate, 8_000)
    assert (server.input_rate, server.output_rate) == (rate, 8_000)
    assert DIALECT.rates(config) == (rate, 8_000)


def test_a_client_follows_what_the_server_settles_on() -> None:
    client = Client()
    spoken = {"format": {"type": "audio/pcm", "rate": 8000}}
    session = {"audio": {"input": {"format": {"type": "audio/pcmu"}}, "output": spoken}}

    list(client.decode(json.dumps({"type": "session.updated", "session": session})))

    assert (client.input_rate, client.output_rate) == (8_000, 8_000)


@pytest.mark.parametrize(
    ("session", "config"),
    [
        (
            {"audio": {"output": {"voice": "rex"}, "input": {"turn_detection": None}}},
            SessionConfig(voice="rex", turn_detection=None),
        ),
        ({"voice": {"id": "v"}}, SessionConfig(voice="v")),
        ({"modalities": ["text"]}, SessionConfig(output_modalities=("text",))),
        ({"output_modalities": ["audio"]}, SessionConfig(output_modalities=("audio",))),
        ({"max_output_tokens": "inf"}, SessionConfig(max_output_tokens="inf")),
        ({"max_response_output_tokens": 9}, SessionConfig(max_output_tokens=9)),
        (
            {"input_audio_transcription": {"model": "grok-stt"}},
            SessionConfig(input_audio_transcription=Transcription(model="grok-stt")),
        ),
        ({"type": "realtime", "expires_at": 1, "object": "realtime.session"}, SessionConfig()),
        (
            {"tool_choice": {"type": "mcp", "server_label": "s"}},
            SessionConfig(provider_options={"tool_choice": {"type": "mcp", "server_label": "s"}}),
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "endian": "big"}}}},
            SessionConfig(
                input_audio_format=AudioFormat(type="audio/pcm"),
                provider_options={
                    "audio": {"input": {"format": {"type": "audio/pcm", "endian": "big"}}}
                },
            ),
        ),
    ],
)
def test_the_names_of_other_clients_are_understood(session: Json, config: SessionConfig) -> None:
    assert read(session) == config


@pytest.mark.parametrize(
    ("session", "path"),
    [
        ({"voice": 1}, "$.session.voice"),
        ({"turn_detection": "server_vad"}, "$.session.turn_detection"),
        ({"turn_detection": {"type": "server_vad", "silence_duration_ms": 1e300}}, "$.session"),
        ({"audio": {"input": {"format": {"type": 1}}}}, "$.session.audio.input.format.type"),
        (
            {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 1}}}},
            "$.session.audio.output.format.rate",
        ),
        ({"audio": {"input": {"transport": "pigeon"}}}, "$.session.audio.input.transport"),
        ({"audio": {"input": {"format": {"type": "audio/opus"}}}}, "$"),
        ({"tools": ["x"]}, "$.session.tools[0]"),
        ({"tools": {}}, "$.session.tools"),
        ({"resumption": True}, "$.session.resumption"),
        ({"reasoning": {"effort": 1}}, "$.session.reasoning.effort"),
        ({"modalities": ["smell"]}, "$.session.modalities[0]"),
        ({"max_output_tokens": "some"}, "$.session.max_output_tokens"),
    ],
)
def test_a_wrong_setting_is_named_by_its_place(session: Json, path: str) -> None:
    with pytest.raises(WireError) as raised:
        read(session)

    assert raised.value.dialect == "xai"
    assert raised.value.path.startswith(path)


def test_a_server_shows_the_whole_session() -> None:
    config = SessionConfig(
        voice="eve",
        instructions="Be brief.",
        turn_detection=TurnDetection(type="server-vad"),
        tools=(WEATHER,),
        reasoning_effort="high",
        resumption=True,
        provider_options={
            "tools": [{"type": "x_search"}, "junk"],
            "replace": {"a": "b"},
            "tracing": "auto",
        },
    )

    assert shown(config) == {
        "id": "sess_1",
        "object": "realtime.session",
        "model": "grok-voice-latest",
        "voice": "eve",
        "instructions": "Be brief.",
        "turn_detection": {"type": "server_vad"},
        "tools": [
            {
                "type": "function",
                "name": "weather",
                "description": "",
                "parameters": {"type": "object"},
            },
            {"type": "x_search"},
        ],
        "reasoning": {"effort": "high"},
        "resumption": {"enabled": True},
        "replace": {"a": "b"},
        "audio": {
            "input": {"format": {"type": "audio/pcm", "rate": 24000}},
            "output": {"format": {"type": "audio/pcm", "rate": 24000}},
        },
    }


def test_what_was_settled_before_is_still_shown() -> None:
    update = {"type": "session.update", "session": {"voice": "rex"}}

    session = shown(SessionConfig(model="grok-voice-2.0"), json.dumps(update))

    assert (session["voice"], session["model"], session["tools"]) == ("rex", "grok-voice-2.0", [])


def test_what_a_server_may_be_told_elsewhere_does_not_keep_it_from_showing() -> None:
    detection = TurnDetection(type="server-vad", create_response=False)

    session = shown(SessionConfig(turn_detection=detection, provider_options={"tools": 1}))

    assert session["turn_detection"] == {"type": "server_vad"}
    assert session["tools"] == []


@pytest.mark.parametrize(
    ("options", "response"),
    [
        (ResponseOptions(), {}),
        (
            ResponseOptions(modalities=("text",), instructions="One word.", metadata={"k": "v"}),
            {"modalities": ["text"], "instructions": "One word."},
        ),
        (ResponseOptions(provider_options={"x": 1}), {"x": 1}),
    ],
)
def test_a_response_has_the_options_that_xai_knows(
    options: ResponseOptions, response: Json
) -> None:
    [message] = Client().encode(events.ResponseCreate(options=options))

    assert json.loads(message) == {"type": "response.create", "response": response}


@pytest.mark.parametrize(
    "options",
    [ResponseOptions(conversation="none"), ResponseOptions(input=(text_message("Hi."),))],
)
def test_a_response_beside_the_conversation_is_refused_at_once(options: ResponseOptions) -> None:
    client = Client()
    list(client.decode('{"type":"response.created","response":{"id":"r1"}}'))

    with pytest.raises(Unsayable, match="beside the conversation"):
        list(client.encode(events.ResponseCreate(options=options)))

    list(client.decode('{"type":"response.done","response":{"id":"r1"}}'))
    assert list(client.due()) == []


def test_settings_are_read_back_as_they_are_shown() -> None:
    config = SessionConfig(
        voice="eve",
        speed=1.2,
        input_audio_format=AudioFormat(type="audio/pcmu"),
        output_audio_format=AudioFormat(type="audio/pcm", rate=16_000),
        turn_detection=TurnDetection(type="server-vad", idle_timeout=1_000_000),
        input_audio_transcription=Transcription(model="grok-transcribe"),
        tool_choice="auto",
        resumption=False,
    )
    server, client = Server("m"), Client()

    [created] = [
        event
        for message in server.encode(events.SessionUpdated(config=config))
        for event in client.decode(message)
    ]

    assert isinstance(created, events.SessionUpdated)
    assert created.config == msgspec.structs.replace(config, model="m", tools=())
