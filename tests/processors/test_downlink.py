"""What the model says becomes speech and interruptions; what was not heard is truncated."""

from collections.abc import Iterable
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.pipeline import Audio, Frame, Interrupt, Speech
from antiphon.pipeline.testing import play
from antiphon.processors.realtime import REMEMBERED, Downlink, Realtime
from tests.processors.parts import (
    MS,
    ScriptedModel,
    audio_done,
    created,
    delta,
    done,
    interrupt,
    of,
)


def heard(frames: Iterable[Frame], **options: bool) -> list[Frame]:
    return list(play(Downlink(24_000, **options), frames))


def speaks(at: int) -> events.SpeechStarted:
    return events.SpeechStarted(item_id="user", at=at)


def barge_in(at: int) -> list[Frame]:
    return [interrupt(at), speaks(at)]


def speech(
    pcm: bytes, *, response: str = "r", item: str = "i", part: int = 0, at: int = 0
) -> Speech:
    return Speech(
        pcm=pcm, rate=24_000, response_id=response, item_id=item, content_index=part, at=at
    )


def test_audio_becomes_speech_at_the_models_rate_that_knows_what_it_belongs_to() -> None:
    said = delta(b"\x01\x02", response="r1", item="i1", part=2, at=5)

    assert play(Downlink(16_000), [said]) == [
        Speech(pcm=b"\x01\x02", rate=16_000, response_id="r1", item_id="i1", content_index=2, at=5)
    ]


def test_audio_of_a_model_without_items_belongs_to_none() -> None:
    said = events.AudioChunk(delta=b"\x01\x02", at=5)

    assert heard([said]) == [Audio(pcm=b"\x01\x02", rate=24_000, at=5)]


def test_all_else_that_the_model_says_goes_on() -> None:
    said: list[Frame] = [
        events.SessionCreated(session_id="s"),
        created("r"),
        events.AudioTranscriptDelta(response_id="r", item_id="i", delta="Hello"),
        audio_done(),
        done("r"),
        events.Error(message="?"),
    ]

    assert heard(said) == said


def test_the_users_speech_interrupts_before_it_is_heard_of() -> None:
    assert heard([speaks(7)]) == barge_in(7)


def test_late_audio_of_an_interrupted_response_is_dropped_and_that_of_the_next_is_not() -> None:
    assert heard(
        [
            created("r1"),
            delta(b"11", response="r1"),
            speaks(1),
            delta(b"22", response="r1"),
            done("r1", status="cancelled"),
            delta(b"33", response="r1"),
            created("r2"),
            delta(b"44", response="r2"),
            delta(b"55", response="r1"),
        ]
    ) == [
        created("r1"),
        speech(b"11", response="r1"),
        *barge_in(1),
        done("r1", status="cancelled"),
        created("r2"),
        speech(b"44", response="r2"),
    ]


def test_late_audio_of_a_response_that_was_cancelled_before_the_user_is_heard_is_dropped() -> None:
    cancelled = done("r", status="cancelled")

    assert heard([created("r"), cancelled, delta(b"11"), speaks(1), delta(b"22")]) == [
        created("r"),
        cancelled,
        *barge_in(1),
    ]


def test_late_audio_of_a_response_that_the_bot_itself_interrupted_is_dropped() -> None:
    assert heard([created("r"), interrupt(1), delta(b"11")]) == [created("r"), interrupt(1)]


def test_speech_that_the_server_stopped_is_stopped_here() -> None:
    stopped = events.ResponseInterrupted(response_id="r", at=3)

    assert heard([created("r"), stopped, delta(b"11")], interrupts=False) == [
        created("r"),
        Interrupt(reason="the model was interrupted", at=3),
        stopped,
    ]


def test_a_user_who_may_not_interrupt_does_not() -> None:
    detection = TurnDetection(type="server-vad", interrupt_response=False)
    bot = Realtime(ScriptedModel(), config=SessionConfig(turn_detection=detection))

    assert play(bot.members[2], [created("r"), speaks(1), delta(b"11")]) == [
        created("r"),
        speaks(1),
        speech(b"11"),
    ]


def test_a_thousand_interruptions_are_as_good_as_one() -> None:
    downlink = Downlink(24_000)
    said: list[Frame] = []
    for n in range(1_000):
        response = f"r{n}"
        said += created(response), delta(b"11", response=response), speaks(n)
        said += (delta(b"22", response=response),)

    assert [frame.pcm for frame in of(Speech, play(downlink, said))] == [b"11"] * 1_000


def test_of_a_thousand_responses_the_one_that_runs_is_silenced() -> None:
    said: list[Frame] = []
    for n in range(1_000):
        said += created(f"r{n}"), done(f"r{n}")

    assert heard([*said, created("r"), speaks(1), delta(b"11")])[-2:] == barge_in(1)


def cleared(item: str | None, played: int | None, part: int = 0, at: int = 9) -> Frame:
    return events.OutputPlaybackCleared(
        response_id="r", item_id=item, content_index=part, played=played, at=at
    )


def told(report: Frame, *said: Frame) -> list[Frame]:
    return play(Downlink(24_000), said, returned=[report]).back


def truncation(item: str, audio_end: int, part: int = 0, at: int = 9) -> Frame:
    return events.ConversationItemTruncate(
        item_id=item, content_index=part, audio_end=audio_end, at=at
    )


def seconds(count: float, **where: Any) -> Frame:
    return delta(bytes(2 * round(count * 24_000)), **where)


def test_what_was_cut_off_is_truncated_to_what_was_heard() -> None:
    report = cleared("i", 1_234_567, part=1)

    assert told(report, seconds(3, part=1)) == [report, truncation("i", 1_234_567, part=1)]


@pytest.mark.parametrize("played", [0, None])
def test_what_was_not_heard_at_all_is_truncated_to_nothing(played: int | None) -> None:
    report = cleared("i", played)

    assert told(report, seconds(1)) == [report, truncation("i", 0)]


def test_nothing_is_truncated_beyond_what_the_model_said_of_it() -> None:
    report = cleared("i", 9_100_000)
    said = seconds(1), seconds(1.65), seconds(5, part=1), seconds(5, item="other")

    assert told(report, *said) == [report, truncation("i", 2_650_000)]


def test_an_item_has_its_length_also_when_the_next_response_has_begun() -> None:
    assert told(cleared("i", 9_100_000), seconds(2.65), created("next"))[1:] == [
        truncation("i", 2_650_000)
    ]


def test_an_item_that_the_model_did_not_say_is_truncated_as_reported() -> None:
    assert told(cleared("another's", 5))[1:] == [truncation("another's", 5)]


@pytest.mark.parametrize("item", [None, ""])
def test_what_belongs_to_no_item_is_not_truncated(item: str | None) -> None:
    report = cleared(item, 5)

    assert told(report) == [report]


def test_what_was_heard_to_its_end_is_not_truncated() -> None:
    for report in (
        events.OutputPlaybackStarted(response_id="r", item_id="i"),
        events.OutputPlaybackStopped(response_id="r", item_id="i", played=5),
    ):
        assert told(report) == [report]


def test_the_lengths_of_the_latest_items_are_known() -> None:
    said: list[Frame] = []
    for n in range(10 * REMEMBERED):
        said += created(f"r{n}"), seconds(0.001, response=f"r{n}", item=f"i{n}")

    latest = f"i{10 * REMEMBERED - 1}"

    assert told(cleared(latest, 5 * MS), *said)[1:] == [truncation(latest, MS)]
