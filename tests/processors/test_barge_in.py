"""Whole conversations in which the user interrupts: what is heard, and what the model is told of it."""

import struct

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.pipeline import Frame, Interrupt, Pipeline, Speech, now, sleep_until
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.realtime import Downlink
from tests.pipeline.parts import Sink, Slow
from tests.processors.listening import RATE, Speaker, converse, says, speaks
from tests.processors.parts import (
    MS,
    SECOND,
    ScriptedModel,
    answer,
    asked,
    audio_done,
    called,
    created,
    delta,
    done,
    of,
    silence,
)

FIVE_SECONDS_AT_ONCE = (created("r1"), *says(1, 5 * SECOND, 0, every=10 * MS, deltas=50))
"""Much faster than it is heard."""


@pytest.mark.parametrize("shuffle", [None, *range(8)])
def test_the_model_is_told_to_the_microsecond_what_was_heard(shuffle: int | None) -> None:
    model = ScriptedModel(
        *FIVE_SECONDS_AT_ONCE,
        speaks(2_013 * MS),
        *says(1, SECOND, 2_013 * MS),
        done("r1", 2_014 * MS, status="cancelled"),
        created("r2", 3 * SECOND),
        *says(2, SECOND, 3 * SECOND),
        audio_done(response="r2", item="i2", at=3 * SECOND),
        done("r2", 3 * SECOND),
    )
    speaker = Speaker()

    run_virtual(converse, model, speaker, shuffle=shuffle)

    heard = speaker.heard(1)
    assert heard * SECOND // RATE in (2_013 * MS, 2_014 * MS)
    assert of(events.ConversationItemTruncate, model.told) == [
        events.ConversationItemTruncate(
            item_id="i1", audio_end=heard * SECOND // RATE, at=2_013 * MS
        )
    ]
    assert speaker.heard(1, since=2_014 * MS) == 0
    assert speaker.heard(2) == RATE
    assert speaker.order == [1, 2]


def test_the_model_is_told_of_playback_in_the_order_in_which_it_was_heard() -> None:
    model = ScriptedModel(
        created("r1"),
        *says(1, SECOND, 0),
        *says(2, SECOND, 0),
        *says(3, SECOND, 0),
        speaks(1_500 * MS),
    )

    run_virtual(converse, model, Speaker())

    reports = of(events.Playback, model.told)
    assert [(type(report).__name__, report.item_id, report.at) for report in reports] == [
        ("OutputPlaybackStarted", "i1", 0),
        ("OutputPlaybackStopped", "i1", SECOND),
        ("OutputPlaybackStarted", "i2", SECOND),
        ("OutputPlaybackCleared", "i2", 1_500 * MS),
        ("OutputPlaybackCleared", "i3", 1_500 * MS),
    ]
    truncations = of(events.ConversationItemTruncate, model.told)
    assert [t.item_id for t in truncations] == ["i2", "i3"]
    assert truncations[0].audio_end in (499 * MS, 500 * MS, 501 * MS)
    assert truncations[1].audio_end == 0


def test_nothing_is_truncated_when_all_was_heard_before_the_user_speaks() -> None:
    model = ScriptedModel(
        *(created("r1"), *says(1, SECOND, 0)),
        *(audio_done(response="r1", item="i1"), done("r1"), speaks(2 * SECOND)),
    )

    run_virtual(converse, model, Speaker())

    assert of(events.ConversationItemTruncate, model.told) == []


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_nothing_is_truncated_beyond_its_end_at_whatever_rate_it_is_played(rate: int) -> None:
    # Lengths that are no whole number of samples at the speaker's rate.
    model = ScriptedModel(
        created("r1"),
        delta(bytes(2 * 23), response="r1", item="i1"),
        delta(bytes(2 * 2_399), response="r1", item="i2"),
        delta(bytes(2 * 23), response="r1", item="i3"),
        speaks(2 * SECOND),
    )
    speaker = Speaker(rate)

    run_virtual(lambda: converse(model, speaker, fit="auto"))

    (truncation,) = of(events.ConversationItemTruncate, model.told)
    assert truncation.item_id == "i3"
    assert truncation.audio_end <= 23 * SECOND // RATE


@pytest.mark.parametrize("shuffle", [None, *range(8)])
def test_no_stale_speech_comes_to_the_sink_after_the_interruption_however_busy_it_is(
    shuffle: int | None,
) -> None:
    said = [
        created("r1"),
        *says(1, 4 * SECOND, 0, deltas=200),
        speaks(30 * MS),
        *says(1, 4 * SECOND, 30 * MS, deltas=200),
        created("r2", 40 * MS),
        *says(2, SECOND, 40 * MS, deltas=10),
    ]
    sink = Sink()
    pipeline = Pipeline(ScriptedModel(*said), Downlink(RATE), Slow(0.001), sink, lane=1_000)

    run_virtual(pipeline.run, shuffle=shuffle)

    at = next(i for i, frame in enumerate(sink.frames) if isinstance(frame, Interrupt))
    assert 20 <= len(of(Speech, sink.frames[:at])) <= 40
    assert {speech.response_id for speech in of(Speech, sink.frames[at:])} == {"r2"}
    assert len(of(Speech, sink.frames[at:])) == 10


def test_a_model_without_items_is_heard_again_after_it_was_interrupted() -> None:
    def chunk(value: int, at: int) -> Frame:
        return events.AudioChunk(delta=struct.pack("<h", value) * RATE, at=at)

    model = ScriptedModel(chunk(1, 0), speaks(500 * MS), chunk(2, 2 * SECOND))
    speaker = Speaker()

    run_virtual(converse, model, speaker)

    assert speaker.heard(1) in range(RATE // 2 - 24, RATE // 2 + 25)
    assert speaker.heard(2) == RATE
    assert of(events.ConversationItemTruncate, model.told) == []


def test_a_turn_that_the_client_detects_interrupts_too() -> None:
    disabled = SessionConfig(turn_detection=TurnDetection(type="disabled"))
    model = ScriptedModel(*FIVE_SECONDS_AT_ONCE, *says(1, SECOND, 1_200 * MS))
    speaker = Speaker()
    user = (
        events.SpeechStarted(at=1_100 * MS),
        silence(20 * MS, at=1_120 * MS),
        events.SpeechStopped(at=1_700 * MS),
    )

    run_virtual(lambda: converse(model, speaker, *user, config=disabled))

    truncations = of(events.ConversationItemTruncate, model.told)
    reports = (*truncations, *of(events.Playback, model.told))
    assert [frame for frame in model.told if frame not in reports] == [
        events.SessionUpdate(config=disabled),
        Interrupt(reason="the user speaks", at=1_100 * MS),
        user[0],
        events.ResponseCancel(at=1_100 * MS),
        events.InputActivityStart(at=1_100 * MS),
        events.InputAudioAppend(audio=bytes(640), at=1_120 * MS),
        user[2],
        events.InputAudioCommit(at=1_700 * MS),
        events.ResponseCreate(at=1_700 * MS),
        events.InputAudioAppend(audio=bytes(640), at=2_200 * MS),
    ]
    assert [truncation.audio_end for truncation in truncations] == [
        speaker.heard(1) * SECOND // RATE
    ]
    assert speaker.heard(1, since=1_101 * MS) == 0


@pytest.mark.parametrize("shuffle", [None, *range(4)])
def test_an_interruption_in_a_call_leaves_the_next_turn_as_it_should_be(
    shuffle: int | None,
) -> None:
    async def weather() -> str:
        await sleep_until(now() + 700 * MS)
        return "rain"

    model = ScriptedModel(
        *(created("r1"), *says(1, SECOND, 0)),
        called("c", "weather", response="r1"),
        *(done("r1"), speaks(500 * MS)),
        *(created("r2", SECOND), *says(2, SECOND, SECOND)),
        called("d", "weather", response="r2", at=SECOND),
        done("r2", SECOND),
    )
    speaker = Speaker()

    run_virtual(lambda: converse(model, speaker, tools=[weather]), shuffle=shuffle)

    assert of(events.ConversationItemCreate | events.ResponseCreate, model.told) == [
        answer("c", "cancelled: the user interrupted", 500 * MS, failed=True),
        answer("d", "rain", 1_700 * MS),
        asked(1_700 * MS),
    ]
    assert speaker.order == [1, 2]
    assert speaker.heard(2) == RATE
