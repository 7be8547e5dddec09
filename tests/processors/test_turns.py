"""Turns, from likelihoods that are given."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.processors.turns import Started, Stopped, Turns

WINDOW = 10_000

SPEECH, UNSURE, SILENCE = 0.9, 0.4, 0.1


def heard(turns: Turns, likelihoods: Sequence[float], at: int = 0) -> list[Started | Stopped]:
    facts = [
        turns.hear(at + i * WINDOW, at + (i + 1) * WINDOW, likelihood)
        for i, likelihood in enumerate(likelihoods)
    ]
    return [fact for fact in facts if fact]


def test_a_turn_is_from_where_speech_began_to_where_it_ended() -> None:
    turns = Turns(onset=20_000, hangover=30_000, prefix=0)

    facts = heard(turns, [SILENCE, SPEECH, SPEECH, SPEECH, SILENCE, SILENCE, SILENCE])

    assert facts == [Started(at=10_000), Stopped(at=40_000)]


def test_the_prefix_belongs_to_the_turn() -> None:
    turns = Turns(onset=0, hangover=30_000, prefix=15_000)

    assert heard(turns, [SILENCE] * 5 + [SPEECH]) == [Started(at=35_000)]


def test_a_turn_does_not_begin_before_the_audio() -> None:
    turns = Turns(onset=0, prefix=50_000)
    turns.resume(100_000)

    assert heard(turns, [SILENCE, SPEECH], at=100_000) == [Started(at=100_000)]


def test_a_turn_does_not_begin_before_the_last_one_ended() -> None:
    turns = Turns(onset=0, hangover=20_000, prefix=500_000)

    facts = heard(turns, [SPEECH, SILENCE, SILENCE, SPEECH])

    assert facts == [Started(at=0), Stopped(at=10_000), Started(at=10_000)]


def test_speech_shorter_than_the_onset_is_a_click() -> None:
    turns = Turns(onset=20_000)

    assert heard(turns, [SPEECH, SILENCE] * 10) == []


def test_a_pause_shorter_than_the_hangover_is_part_of_the_turn() -> None:
    turns = Turns(onset=0, hangover=40_000, prefix=0)

    facts = heard(turns, [SPEECH, SILENCE, SILENCE, SILENCE, SPEECH] + [SILENCE] * 4)

    assert facts == [Started(at=0), Stopped(at=50_000)]


def test_what_could_be_speech_goes_on_with_a_turn_and_begins_none() -> None:
    turns = Turns(onset=0, hangover=20_000, prefix=0)

    facts = heard(turns, [UNSURE, UNSURE, SPEECH, UNSURE, UNSURE, SILENCE, SILENCE])

    assert facts == [Started(at=20_000), Stopped(at=50_000)]


def test_what_could_be_speech_counts_for_the_onset_once_speech_was_heard() -> None:
    turns = Turns(onset=30_000, prefix=0)

    assert heard(turns, [SPEECH, UNSURE, UNSURE]) == [Started(at=0)]


def test_audio_that_was_lost_for_less_than_the_hangover_is_part_of_the_turn() -> None:
    turns = Turns(onset=0, hangover=40_000, prefix=0)
    heard(turns, [SPEECH])

    assert turns.resume(40_000) is None
    assert heard(turns, [SPEECH] + [SILENCE] * 4, at=40_000) == [Stopped(at=50_000)]


def test_audio_that_was_lost_for_the_hangover_ends_the_turn() -> None:
    turns = Turns(onset=0, hangover=40_000, prefix=0)
    heard(turns, [SPEECH])

    assert turns.resume(50_000) == Stopped(at=10_000)


def test_time_that_runs_backwards_ends_the_turn() -> None:
    turns = Turns(onset=0, prefix=0)
    heard(turns, [SPEECH], at=500_000)

    assert turns.resume(0) == Stopped(at=510_000)
    assert heard(turns, [SPEECH]) == [Started(at=0)]


def test_audio_that_was_lost_does_not_count_for_the_onset() -> None:
    turns = Turns(onset=30_000, prefix=0)
    heard(turns, [SPEECH, SPEECH])
    turns.resume(20_000)

    assert heard(turns, [SPEECH, SPEECH], at=20_000) == []


def test_an_open_turn_can_be_closed_once() -> None:
    turns = Turns(onset=0, prefix=0)
    heard(turns, [SPEECH, SILENCE])

    assert turns.close() == Stopped(at=10_000)
    assert turns.close() is None


@given(st.lists(st.floats(0, 1), max_size=200), st.integers(0, 60_000), st.integers(0, 60_000))
def test_turns_alternate_and_do_not_overlap(
    likelihoods: list[float], onset: int, hangover: int
) -> None:
    turns = Turns(onset=onset, hangover=hangover, prefix=35_000)

    facts = heard(turns, likelihoods)

    assert all(isinstance(fact, Started) for fact in facts[::2])
    assert all(isinstance(fact, Stopped) for fact in facts[1::2])
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    assert turns.open == bool(len(facts) % 2)


@pytest.mark.parametrize("threshold", [-0.1, 0.0, 1.0, 50.0])
def test_a_threshold_is_a_likelihood(threshold: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Turns(threshold=threshold)


def test_times_are_not_below_zero() -> None:
    with pytest.raises(ValueError, match="not below 0"):
        Turns(hangover=-1)
