"""The moments of a turn are found in what passes, and its parts add up."""

from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Frame, Pipeline, Speech
from antiphon.pipeline.testing import play, run_virtual
from antiphon.processors.latency import Latency, TurnTimes
from antiphon.processors.realtime import Realtime
from tests.processors.listening import Speaker, says
from tests.processors.parts import MS, SECOND, ScriptedModel, called, created, done


def speaks(at: int, item: str | None = "u", start: int | None = None) -> Frame:
    return events.SpeechStarted(item_id=item, at=at, audio_start=start)


def pauses(at: int, item: str = "u", end: int | None = None) -> Frame:
    return events.SpeechStopped(item_id=item, at=at, audio_end=end)


def understood(at: int, item: str = "u") -> Frame:
    return events.InputTranscriptionCompleted(item_id=item, transcript="?", at=at)


def sound(at: int, response: str = "r") -> Frame:
    return Speech(pcm=b"", response_id=response, item_id="i", at=at)


def returned(at: int, call: str = "c") -> Frame:
    item = FunctionCallOutput(call_id=call, output="")
    return events.ConversationItemAdded(item_id=f"output of {call}", item=item, at=at)


def started(at: int, response: str = "r") -> Frame:
    return events.OutputPlaybackStarted(response_id=response, item_id="i", at=at)


def stopped(at: int, response: str = "r") -> Frame:
    return events.OutputPlaybackStopped(response_id=response, item_id="i", at=at)


def cleared(at: int, response: str = "r") -> Frame:
    return events.OutputPlaybackCleared(response_id=response, item_id="i", at=at)


def times(*frames: Frame, reports: tuple[Frame, ...] = (), **options: Any) -> list[TurnTimes]:
    latency = Latency(**options)
    played = play(latency, frames, returned=reports)
    assert (played, played.back) == (list(frames), list(reports))
    return latency.turns


TURN = (
    speaks(100, start=70),
    pauses(900, end=400),
    created("r", 910),
    understood(950),
    sound(1_200),
    sound(1_300),
)


def test_each_moment_of_a_turn_is_kept() -> None:
    reports = (started(1_250), stopped(3_000))

    assert times(*TURN, reports=reports) == [
        TurnTimes(
            item_id="u",
            began=70,
            ended=400,
            detected=900,
            understood=950,
            created=910,
            received=1_200,
            heard=1_250,
            finished=3_000,
        )
    ]


def test_the_parts_of_the_response_time_add_up() -> None:
    (turn,) = times(*TURN, reports=(started(1_250),))

    assert (turn.response_time, turn.tools) == (850, None)
    assert (turn.detection, turn.thinking, turn.playout) == (500, 300, 50)


def test_what_did_not_occur_has_no_time() -> None:
    empty = TurnTimes(item_id="u")

    assert (empty.response_time, empty.detection, empty.thinking) == (None, None, None)
    assert (empty.tools, empty.playout) == (None, None)


def test_without_a_position_in_the_audio_the_moment_of_the_news_is_taken() -> None:
    (turn,) = times(speaks(100), pauses(900))

    assert (turn.began, turn.ended, turn.detected) == (100, 900, 900)


def test_positions_in_the_audio_count_from_its_origin() -> None:
    (turn,) = times(*TURN, origin=1_000)

    assert (turn.began, turn.ended) == (1_070, 1_400)


def test_the_time_of_tools_is_told_apart_from_that_of_the_model() -> None:
    said = (
        *(speaks(0), pauses(900, end=400), created("r", 910)),
        *(called("c", "f", at=1_000), called("d", "f", at=1_010), done("r", 1_010)),
        *(returned(1_500, "d"), returned(1_800, "c"), created("s", 1_810), sound(2_000, "s")),
    )

    (turn,) = times(*said, reports=(started(2_000, "s"),))

    assert (turn.created, turn.called, turn.returned, turn.tools) == (910, 1_000, 1_800, 800)
    assert turn.thinking == 2_000 - 900 - 800
    assert turn.response_time == 1_600


def test_tools_that_run_while_the_model_already_speaks_take_nothing_from_its_thinking() -> None:
    said = (speaks(0), pauses(900), created("r", 910), sound(1_000))

    (turn,) = times(*said, called("c", "f", at=1_100), returned(5_000))
    assert (turn.tools, turn.thinking) == (3_900, 100)

    (turn,) = times(*said[:3], called("c", "f", at=950), sound(1_000), returned(5_000))
    assert (turn.tools, turn.thinking) == (4_050, 50)


def test_a_call_that_ends_in_the_next_turn_belongs_to_its_own() -> None:
    first, second = times(
        *(speaks(0), pauses(900), created("r", 910), called("c", "f", at=950)),
        *(speaks(2_000, "v"), returned(2_000), pauses(2_900, "v"), created("s", 2_910)),
        called("d", "f", at=3_000, response="s"),
    )

    assert (first.called, first.returned) == (950, 2_000)
    assert (second.called, second.returned, second.tools) == (3_000, None, None)


def test_a_call_that_is_made_in_the_next_turn_belongs_to_that_of_its_response() -> None:
    first, second = times(
        *(speaks(0), pauses(900), created("r", 910), speaks(2_000, "v")),
        called("c", "f", at=2_001),
    )

    assert (first.called, second.called) == (2_001, None)


def test_an_output_that_belongs_to_no_call_is_nobodys() -> None:
    (turn,) = times(*TURN, returned(2_000, "unknown"))

    assert turn.returned is None


def test_what_is_understood_late_belongs_to_the_turn_in_which_it_was_said() -> None:
    first, second = times(speaks(0), pauses(900), speaks(2_000, "v"), understood(2_100))

    assert (first.understood, second.understood) == (2_100, None)


def test_a_model_that_speaks_first_begins_a_turn_of_its_own() -> None:
    first, second = times(
        created("greeting", 0),
        *(sound(200, "greeting"), speaks(2_000), created("r", 2_500), sound(2_600)),
        reports=(started(200, "greeting"), started(2_600)),
    )

    assert (first.item_id, first.created, first.received, first.heard) == ("", 0, 200, 200)
    assert (first.began, first.response_time, first.thinking) == (None, None, None)
    assert (second.created, second.received, second.heard) == (2_500, 2_600, 2_600)


def test_a_response_that_began_at_zero_has_begun() -> None:
    (turn,) = times(created("r", 0), created("s", 500), called("c", "f"), called("d", "f", at=5))

    assert (turn.created, turn.called) == (0, 0)


@pytest.mark.parametrize(("last", "interrupted"), [(stopped, False), (cleared, True)])
def test_an_answer_of_several_items_has_finished_with_the_last(
    last: Any, interrupted: bool
) -> None:
    reports = (started(1_200), stopped(1_500), started(1_500), last(2_000))

    (turn,) = times(*TURN, reports=reports)

    assert (turn.heard, turn.finished, turn.interrupted) == (1_200, 2_000, interrupted)


def test_reports_of_an_unknown_response_are_nobodys() -> None:
    (turn,) = times(*TURN, reports=(started(1, "?"), cleared(2, "?")))

    assert (turn.heard, turn.finished, turn.interrupted) == (None, None, False)


def test_whoever_wants_to_know_is_told_once_a_turn_is_answered() -> None:
    answered: list[int | None] = []
    reports = (started(1_200), stopped(1_500), started(1_500), stopped(2_000))

    def measured(turn: TurnTimes) -> None:
        answered.append(turn.response_time)

    times(*TURN, reports=reports, measured=measured)

    assert answered == [800]


def test_a_turn_is_measured_in_a_whole_pipeline() -> None:
    model = ScriptedModel(
        *(speaks(100 * MS, start=50 * MS), pauses(900 * MS, end=400 * MS)),
        *(created("r1", 910 * MS), *says(1, SECOND, 1_199 * MS + 500)),
        speaks(2_000 * MS, "v"),
    )
    latency, speaker = Latency(), Speaker()

    run_virtual(Pipeline(model, *Realtime(model).members[2:], latency, speaker.sink).run)

    first, second = latency.turns
    assert (first.response_time, first.thinking, first.playout) == (800 * MS, 299_500, 500)
    assert (first.interrupted, first.finished, second.began) == (True, 2 * SECOND, 2 * SECOND)
