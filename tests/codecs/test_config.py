"""The configuration of a session, its log form, and how an update changes it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET

from antiphon.codecs.config import (
    AudioFormat,
    SessionConfig,
    ToolDefinition,
    TurnDetection,
    merge,
)
from tests.codecs.strategies import session_configs

# What the AI SDK's session configuration may hold.
SDK_FIELDS = """
    instructions voice outputModalities inputAudioFormat outputAudioFormat inputAudioTranscription
    outputAudioTranscription turnDetection tools providerOptions
"""


def test_a_configuration_has_the_fields_of_the_sdk() -> None:
    assert set(SDK_FIELDS.split()) <= set(SessionConfig.__struct_encode_fields__)


@given(config=session_configs)
def test_a_configuration_survives_a_log(config: SessionConfig) -> None:
    assert msgspec.json.decode(msgspec.json.encode(config), type=SessionConfig) == config


def test_a_tool_is_written_as_the_sdk_writes_it() -> None:
    tool = ToolDefinition(name="clock", parameters={"type": "object"})

    assert msgspec.to_builtins(tool) == {
        "type": "function",
        "name": "clock",
        "parameters": {"type": "object"},
    }


def test_turn_detection_switched_off_differs_from_none_chosen() -> None:
    assert SessionConfig().turn_detection is UNSET
    assert msgspec.json.encode(SessionConfig()) == b"{}"
    assert msgspec.json.encode(SessionConfig(turn_detection=None)) == b'{"turnDetection":null}'


@given(config=session_configs)
def test_a_patch_that_says_nothing_changes_nothing(config: SessionConfig) -> None:
    assert merge(config, SessionConfig()) == config


@given(patch=session_configs)
def test_a_patch_is_all_that_is_known_of_nothing(patch: SessionConfig) -> None:
    assert merge(SessionConfig(), patch) == patch


@given(config=session_configs, patch=session_configs)
def test_what_a_patch_speaks_of_wins_and_the_rest_stays(
    config: SessionConfig, patch: SessionConfig
) -> None:
    merged = merge(config, patch)

    for name in SessionConfig.__struct_fields__:
        said = getattr(patch, name) != getattr(SessionConfig(), name)
        assert getattr(merged, name) == getattr(patch if said else config, name)


@pytest.mark.parametrize(
    ("field", "emptied"), [("instructions", ""), ("tools", ()), ("turn_detection", None)]
)
def test_a_patch_can_empty_a_field(field: str, emptied: Any) -> None:
    config = SessionConfig(
        instructions="Be brief.",
        tools=(ToolDefinition(name="clock", parameters={}),),
        turn_detection=TurnDetection(type="server-vad"),
    )

    merged = merge(config, msgspec.structs.replace(SessionConfig(), **{field: emptied}))

    assert getattr(merged, field) == emptied


def test_a_patch_takes_the_place_of_a_whole_field() -> None:
    config = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcm", rate=16_000), voice="alloy"
    )

    merged = merge(config, SessionConfig(input_audio_format=AudioFormat(type="audio/pcmu")))

    assert merged == SessionConfig(input_audio_format=AudioFormat(type="audio/pcmu"), voice="alloy")
