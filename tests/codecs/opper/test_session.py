import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.opper import DIALECT, Client, Server, rates
from antiphon.codecs.opper.session import to_wire
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import session_configs

WHOLE = SessionConfig(
    model="openai/gpt-realtime-2",
    voice="marin",
    instructions="Be brief.",
    output_modalities=("audio", "text"),
    tools=(
        ToolDefinition(name="hang_up", parameters={}),
        ToolDefinition(name="look", description="Looks.", parameters={"type": "object"}),
    ),
    turn_detection=TurnDetection(
        type="semantic-vad", threshold=0.5, prefix_padding=300_000, silence_duration=500_000
    ),
    input_audio_format=AudioFormat(type="audio/pcm"),
    output_audio_format=AudioFormat(type="audio/pcm"),
    input_audio_transcription=Transcription(model="whisper-1"),
    output_audio_transcription=Transcription(),
    reasoning_effort="low",
    temperature=0.7,
    translation_target="fr",
)
ON_THE_WIRE: dict[str, Any] = {
    "model": "openai/gpt-realtime-2",
    "voice": "marin",
    "instructions": "Be brief.",
    "modalities": ["audio", "text"],
    "tools": [
        {"name": "hang_up", "parameters": {}},
        {"name": "look", "description": "Looks.", "parameters": {"type": "object"}},
    ],
    "turn_detection": {
        "type": "semantic_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
    },
    "input_audio_format": "pcm16",
    "output_audio_format": "pcm16",
    "input_transcription": True,
    "input_transcription_model": "whisper-1",
    "output_transcription": True,
    "reasoning_effort": "low",
    "temperature": 0.7,
    "translation_target_language": "fr",
}


def heard(config: object) -> SessionConfig:
    [update] = Server().decode(json.dumps({"type": "session.start", "config": config}))
    assert isinstance(update, events.SessionUpdate)
    return update.config


def test_every_field_is_told_in_both_directions() -> None:
    assert to_wire(WHOLE) == ON_THE_WIRE
    assert heard(ON_THE_WIRE) == WHOLE


@pytest.mark.parametrize(
    ("config", "wire"),
    [
        (SessionConfig(), {}),
        (SessionConfig(turn_detection=None), {"turn_detection": {"type": "none"}}),
        (
            SessionConfig(turn_detection=TurnDetection(type="disabled")),
            {"turn_detection": {"type": "none"}},
        ),
        (SessionConfig(input_audio_transcription=None), {"input_transcription": False}),
        (SessionConfig(output_audio_transcription=None), {"output_transcription": False}),
        (SessionConfig(input_audio_transcription=Transcription()), {"input_transcription": True}),
        (SessionConfig(tools=()), {"tools": []}),
        (SessionConfig(temperature=0.0), {"temperature": 0.0}),
        (SessionConfig(input_audio_format=AudioFormat(type="audio/pcm", rate=8000)), {"input_audio_format": "pcm16"}),
    ],
)  # fmt: skip
def test_what_is_not_said_is_not_written_and_what_is_switched_off_is(
    config: SessionConfig, wire: dict[str, Any]
) -> None:
    assert to_wire(config) == wire


def test_the_providers_own_words_are_assigned_over() -> None:
    tool = ToolDefinition(name="f", parameters={}, provider_options={"strict": True})
    config = SessionConfig(
        voice="marin", tools=(tool,), provider_options={"voice": "eve", "new_field": [1]}
    )

    assert to_wire(config, "xai/x") == {
        "model": "xai/x",
        "voice": "eve",
        "tools": [{"name": "f", "parameters": {}, "strict": True}],
        "new_field": [1],
    }


@pytest.mark.parametrize(
    ("said", "config"),
    [
        (None, SessionConfig()),
        ({name: None for name in ON_THE_WIRE}, SessionConfig()),
        ({"model": "", "voice": "", "instructions": "", "reasoning_effort": ""}, SessionConfig()),
        ({"modalities": []}, SessionConfig()),
        ({"tools": [{"name": "f"}]}, SessionConfig(tools=(ToolDefinition(name="f", parameters={}),))),
        ({"input_transcription": False}, SessionConfig(input_audio_transcription=None)),
        ({"turn_detection": {"type": "none"}}, SessionConfig(turn_detection=TurnDetection(type="disabled"))),
        ({"turn_detection": {"type": "server_vad", "silence_duration_ms": 0.5}}, SessionConfig(turn_detection=TurnDetection(type="server-vad", silence_duration=500))),
    ],
)  # fmt: skip
def test_configurations_are_read_leniently(said: object, config: SessionConfig) -> None:
    assert heard(said) == config


@pytest.mark.parametrize(
    "said",
    [
        {"new_field": {"a": 1}},
        {"modalities": ["video"]},
        {"turn_detection": {"type": "push_to_talk"}},
        {"turn_detection": {"threshold": 0.5}},
        {"input_audio_format": "g711_ulaw", "output_audio_format": "opus"},
        {"input_transcription": False, "input_transcription_model": "whisper-1"},
        {"input_transcription_model": "whisper-1"},
    ],
)
def test_what_has_no_word_here_goes_along_as_it_is(said: dict[str, Any]) -> None:
    config = heard(said)

    assert config.provider_options is not None
    assert to_wire(config) == said


@pytest.mark.parametrize(
    ("model", "turns", "problem"),
    [
        ("xai/grok", None, "cannot switch turn detection off for models of xai"),
        ("gemini/x", TurnDetection(type="disabled"), "cannot switch turn detection off"),
        ("gemini/x", TurnDetection(type="semantic-vad"), "by their meaning for models of gemini"),
    ],
)
def test_turn_detection_that_a_model_does_not_have_is_refused(
    model: str, turns: TurnDetection | None, problem: str
) -> None:
    for named, client in ((None, Client(model)), (model, Client())):
        update = events.SessionUpdate(config=SessionConfig(model=named, turn_detection=turns))
        with pytest.raises(Unsayable, match=problem):
            list(client.encode(update))


def test_it_is_refused_later_as_well_as_at_first() -> None:
    client = Client("xai/grok")
    list(client.encode(events.SessionUpdate(config=SessionConfig())))

    with pytest.raises(Unsayable):
        list(client.encode(events.SessionUpdate(config=SessionConfig(turn_detection=None))))


@pytest.mark.parametrize("model", ["", "openai/x", "azure/x", "xai", "function/f"])
def test_where_it_is_not_known_to_be_missing_it_is_asked_for(model: str) -> None:
    config = SessionConfig(turn_detection=None)

    assert to_wire(config, model)["turn_detection"] == {"type": "none"}


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig(input_audio_format=AudioFormat(type="audio/pcmu")),
        SessionConfig(output_audio_format=AudioFormat(type="audio/pcma")),
        SessionConfig(resumption_handle="abc"),
    ],
)
def test_a_start_that_would_not_be_what_was_asked_for_is_refused(config: SessionConfig) -> None:
    client = Client("openai/x")

    with pytest.raises(Unsayable):
        list(client.encode(events.SessionUpdate(config=config)))

    [start] = client.encode(events.SessionUpdate(config=SessionConfig()))
    assert json.loads(start)["type"] == "session.start"


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"voice": 1}, "$.config.voice"),
        ({"tools": [{"description": "nameless"}]}, "$.config.tools[0]"),
        ({"tools": {}}, "$.config.tools"),
        ({"turn_detection": "server_vad"}, "$.config.turn_detection"),
        (
            {"turn_detection": {"type": "none", "prefix_padding_ms": 1e300}},
            "$.config.turn_detection.prefix_padding_ms",
        ),
        ({"input_transcription": "yes"}, "$.config.input_transcription"),
        ({"temperature": "hot"}, "$.config.temperature"),
        ([], "$.config"),
    ],
)
def test_a_wrong_type_is_a_wire_error_that_says_where(config: object, path: str) -> None:
    with pytest.raises(WireError) as caught:
        heard(config)

    assert caught.value.path == path


def test_rates_are_known_before_the_session_is() -> None:
    assert rates(SessionConfig()) == (24_000, 24_000)
    assert rates(SessionConfig(model="gemini/x")) == (16_000, 24_000)
    assert DIALECT.rates is rates


@given(session_configs)
def test_any_configuration_is_told_so_that_it_can_be_told_on(config: SessionConfig) -> None:
    pcm = AudioFormat(type="audio/pcm")
    config = msgspec.structs.replace(
        config, input_audio_format=pcm, output_audio_format=None, resumption_handle=None
    )

    once = heard(to_wire(config))
    twice = heard(to_wire(once))

    assert once == twice
    assert (once.temperature, once.tools is None) == (config.temperature, config.tools is None)
    assert (once.turn_detection is UNSET) == (config.turn_detection is UNSET)
