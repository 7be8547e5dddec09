"""The session that a client asks for, and how a server reads it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.openai_live import Client, Server, rates
from antiphon.codecs.wire import Unsayable, WireError

HISTORY: list[dict[str, Any]] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
    {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "."}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
    {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi again"}]},
]


def asked(config: SessionConfig, model: str = "gpt-live-1") -> dict[str, Any]:
    [message] = Client(model).encode(events.SessionStart(config=config))
    return json.loads(message)["session"]


def options(**given: object) -> SessionConfig:
    return SessionConfig(provider_options={"openai": given})


def test_the_model_is_that_of_the_configuration_else_the_clients_else_the_usual_one() -> None:
    named = asked(SessionConfig(model="gpt-live-2"))
    of_the_client = asked(SessionConfig(), "gpt-live-3")
    of_nobody = asked(SessionConfig(), "")

    assert [one["model"] for one in (named, of_the_client, of_nobody)] == [
        "gpt-live-2",
        "gpt-live-3",
        "gpt-live-1",
    ]


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig(turn_detection=TurnDetection(type="disabled")),
        SessionConfig(turn_detection=None),
        SessionConfig(tools=(ToolDefinition(name="f", parameters={}),)),
        SessionConfig(tools=()),
        SessionConfig(input_audio_transcription=Transcription()),
        SessionConfig(output_audio_transcription=None),
        SessionConfig(output_modalities=("text",)),
        SessionConfig(temperature=0.0),
        SessionConfig(first_message="Hello"),
        SessionConfig(resumption=True),
        options(foo=1),
        options(delegation={"type": "responses", "responses": {"model": "gpt-5.5"}}),
        options(delegation={"type": "client", "x": 1}),
        options(store=None),
        options(store="yes"),
        options(voice={"id": ""}),
        options(voice=None),
        options(client={"dataChannel": {}}),
        options(input=HISTORY * 33),
        options(input=[{**HISTORY[0], "content": ()}]),
        options(input=[{**HISTORY[0], "id": "m"}]),
        options(input=[{**HISTORY[2], "role": "user"}]),
        SessionConfig(provider_options={"openai": [1]}),
        SessionConfig(voice="marin", provider_options={"openai": {"voice": {"id": "v"}}}),
        SessionConfig(input_audio_format=AudioFormat(type="audio/pcm")),
        SessionConfig(input_audio_format=AudioFormat(type="audio/pcm", rate=8_000)),
        SessionConfig(output_audio_format=AudioFormat(type="audio/opus", rate=24_000)),
        SessionConfig(output_audio_format=AudioFormat(type="audio/pcma", rate=16_000)),
        SessionConfig(
            input_audio_format=AudioFormat(type="audio/pcmu", rate=8_000),
            output_audio_format=AudioFormat(type="audio/pcma", rate=8_000),
        ),
    ],
    ids=str,
)
def test_what_the_provider_has_no_setting_for_is_refused(config: SessionConfig) -> None:
    with pytest.raises(Unsayable):
        asked(config)


def test_a_refused_session_leaves_the_rates_as_they_were() -> None:
    client = Client()
    refused = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcm", rate=16_000), temperature=1.0
    )

    with pytest.raises(Unsayable):
        list(client.encode(events.SessionStart(config=refused)))

    assert (client.input_rate, client.output_rate) == (24_000, 24_000)


@pytest.mark.parametrize(
    ("type", "rate"),
    [("audio/pcm", 24_000), ("audio/pcm", 16_000), ("audio/pcmu", 8_000), ("audio/pcma", 8_000)],
)
def test_the_format_of_either_direction_is_that_of_both_on_both_sides(type: str, rate: int) -> None:
    spoken = AudioFormat(type=type, rate=rate)
    client, server = Client(), Server()
    config = SessionConfig(output_audio_format=spoken)

    [message] = client.encode(events.SessionStart(config=config))
    [start] = server.decode(message)

    assert isinstance(start, events.SessionStart)
    assert start.config.input_audio_format == start.config.output_audio_format == spoken
    assert {client.input_rate, client.output_rate, server.input_rate, server.output_rate} == {rate}
    assert rates(config) == (rate, rate)


def test_rates_of_a_format_that_will_be_refused_are_the_usual_ones() -> None:
    refused = SessionConfig(input_audio_format=AudioFormat(type="audio/opus"))

    assert rates(refused) == rates(SessionConfig()) == (24_000, 24_000)


def test_g711_is_expanded_and_compressed() -> None:
    client, server = Client(), Server()
    spoken = AudioFormat(type="audio/pcmu", rate=8_000)
    [message] = client.encode(events.SessionStart(config=SessionConfig(input_audio_format=spoken)))
    list(server.decode(message))

    [appended] = client.encode(events.InputAudioAppend(audio=bytes(320)))
    [heard] = server.decode(appended)

    assert len(json.loads(appended)["audio"]) == 216  # 160 bytes of mu-law
    assert isinstance(heard, events.InputAudioAppend)
    assert heard.audio == bytes(320)


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig(),
        SessionConfig(model="gpt-live-9", instructions="", voice="quartz"),
        options(delegation=None, store=True, voice={"id": "v"}, input=HISTORY),
        options(delegation={"type": "client"}, store=False, input=[]),
    ],
    ids=str,
)
def test_a_session_that_was_read_is_asked_for_in_the_same_words(config: SessionConfig) -> None:
    [first] = Client("gpt-live-1").encode(events.SessionStart(config=config, event_id="e1"))

    [start] = Server().decode(first)
    assert isinstance(start, events.SessionStart)
    [second] = Client().encode(start)

    assert json.loads(second) == json.loads(first)


def test_a_server_reads_more_than_a_client_of_ours_may_say() -> None:
    delegation = {"type": "responses", "responses": {"model": "gpt-5.5"}}
    message = {"type": "session.start", "session": {"delegation": delegation, "new": 1}}

    [start] = Server("gpt-live-1").decode(json.dumps(message))

    assert start == events.SessionStart(
        config=SessionConfig(
            model="gpt-live-1", provider_options={"openai": {"delegation": delegation}}
        )
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"type": "audio/pcm"}, AudioFormat(type="audio/pcm", rate=24_000)),
        ({"type": "audio/pcma", "rate": None}, AudioFormat(type="audio/pcma", rate=8_000)),
    ],
)
def test_a_format_without_a_rate_has_the_usual_one(
    said: dict[str, Any], expected: AudioFormat
) -> None:
    server = Server()

    [start] = server.decode(
        json.dumps({"type": "session.start", "session": {"audio": {"format": said}}})
    )

    assert isinstance(start, events.SessionStart)
    assert start.config.input_audio_format == expected
    assert server.input_rate == server.output_rate == expected.rate


@pytest.mark.parametrize("said", [{"type": "audio/opus"}, {"type": "audio/pcm", "rate": 0}])
def test_a_format_that_no_session_has_is_malformed_and_changes_nothing(
    said: dict[str, Any],
) -> None:
    server = Server()

    with pytest.raises(WireError) as error:
        list(
            server.decode(
                json.dumps({"type": "session.start", "session": {"audio": {"format": said}}})
            )
        )

    assert error.value.path == "$.session.audio.format"
    assert server.input_rate == 24_000


@given(st.text())
def test_instructions_arrive_as_they_are(instructions: str) -> None:
    [message] = Client().encode(
        events.SessionStart(config=SessionConfig(instructions=instructions))
    )

    [start] = Server().decode(message)

    assert isinstance(start, events.SessionStart)
    assert start.config.instructions == instructions
