"""What is bound to a ticket, against what its holder sends."""

from typing import Any

import pytest

from antiphon.codecs.opper import effective
from antiphon.codecs.opper.lock import ZEROS, check, zeros
from antiphon.codecs.opper.wire import Config
from antiphon.codecs.wire import WireError

BOUND: dict[str, Any] = {"model": "openai/gpt-realtime-2", "voice": "marin"}

each_frame = pytest.mark.parametrize(
    "said",
    [
        pytest.param({"model": "openai/gpt-5", "voice": "eve", "instructions": "Hi."}, id="start"),
        pytest.param({"voice": "eve", "instructions": "Hi."}, id="update"),
    ],
)


@each_frame
def test_what_is_bound_wins_over_what_the_holder_sends(said: dict[str, Any]) -> None:
    assert effective(BOUND, None, said) == {**BOUND, "instructions": "Hi."}


@pytest.mark.parametrize("minted", [None, {}])
@each_frame
def test_what_is_not_bound_is_the_holders(
    minted: dict[str, Any] | None, said: dict[str, Any]
) -> None:
    assert effective(minted, (), said) == said


def test_with_a_bound_model_the_holder_may_say_nothing() -> None:
    assert effective(BOUND, None, {}) == BOUND


@pytest.mark.parametrize("zero", ["", [], {}, 0, 0.0, False, None])
def test_zero_values_are_not_bound(zero: object) -> None:
    assert effective({"voice": zero}, None, {"voice": "eve"}) == {"voice": "eve"}
    assert effective({"voice": zero}, None, {}) == {}


def test_a_lock_extends_what_is_bound_to_zero_values() -> None:
    minted: dict[str, Any] = {
        **BOUND,
        "tools": [],
        "temperature": 0.0,
        "input_transcription": False,
    }
    said = {"tools": [{"name": "rm"}], "temperature": 2, "input_transcription": True}

    locked = effective(minted, ["tools", "temperature"], said)

    assert locked == {**BOUND, "tools": [], "temperature": 0.0, "input_transcription": True}


def test_a_lock_of_a_bound_field_keeps_what_is_bound() -> None:
    assert effective(BOUND, ["voice"], {"voice": "eve"}) == BOUND


def test_a_lock_of_a_field_that_was_not_minted_forces_it_to_zero() -> None:
    assert effective(BOUND, ["output_transcription"], {"output_transcription": True}) == {
        **BOUND,
        "output_transcription": False,
    }


@pytest.mark.parametrize(
    ("name", "zero"),
    [
        ("model", ""),
        ("voice", ""),
        ("instructions", ""),
        ("modalities", []),
        ("tools", []),
        ("turn_detection", None),
        ("input_audio_format", ""),
        ("output_audio_format", ""),
        ("input_transcription", False),
        ("input_transcription_model", ""),
        ("output_transcription", False),
        ("reasoning_effort", ""),
        ("temperature", 0),
        ("translation_target_language", ""),
    ],
)
@pytest.mark.parametrize("minted", [None, {}])
def test_locks_without_a_configuration_force_each_field_to_its_zero(
    minted: dict[str, Any] | None, name: str, zero: object
) -> None:
    assert effective(minted, [name], {name: "something", "other": 1}) == {name: zero, "other": 1}
    assert effective(minted, [name], {}) == {name: zero}


def test_a_bound_object_is_taken_as_a_whole() -> None:
    minted = {"turn_detection": {"type": "server_vad"}}

    held = effective(minted, None, {"turn_detection": {"type": "none", "threshold": 1}})

    assert held == minted


@pytest.mark.parametrize("locked", [["tols"], ["tools", "", "voice"], ["provider_options"]])
def test_a_name_that_cannot_be_locked_is_an_error_that_names_it(locked: list[str]) -> None:
    wrong = next(name for name in locked if name not in ZEROS)

    with pytest.raises(WireError, match=f"got {wrong!r}") as caught:
        effective(BOUND, locked, {})

    assert caught.value.path == f"$.locked_fields[{locked.index(wrong)}]"


def test_nothing_that_goes_in_is_changed() -> None:
    minted: dict[str, Any] = {**BOUND, "tools": []}
    said = {"voice": "eve"}

    effective(minted, ["tools", "modalities"], said)["modalities"].append("text")

    assert minted == {**BOUND, "tools": []} and said == {"voice": "eve"}
    assert effective(None, ["modalities"], {}) == {"modalities": []}


def test_every_documented_field_can_be_locked() -> None:
    check(Config.__struct_fields__)

    assert set(ZEROS) == set(Config.__struct_fields__)


def test_zeros_of_a_configuration_are_those_that_only_a_lock_binds() -> None:
    config: dict[str, Any] = {"model": "openai/x", "tools": [], "temperature": 0.0, "unheard_of": 0}

    assert zeros(config) == ("tools", "temperature")
