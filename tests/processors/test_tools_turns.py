"""When the model is asked to go on after its tools have answered."""

import pytest

from antiphon.codecs import events
from antiphon.pipeline import Frame
from tests.processors.offers import Work
from tests.processors.parts import (
    SECOND,
    answered,
    asked,
    created,
    done,
    interrupt,
    talk,
    turn,
    works,
)


def speaks(seconds: int) -> Frame:
    return events.SpeechStarted(at=seconds * SECOND)


def test_it_is_asked_once_for_all_calls_of_a_response() -> None:
    said = turn(works("a", 1), works("b", 3), works("c", 2))

    assert talk(Work().tools(), *said)[-2:] == [answered("b", 3), asked(3 * SECOND)]


def test_it_is_not_asked_before_its_response_is_done() -> None:
    said = created("r"), works("a", 1), works("b", 1, at=4 * SECOND), done("r", 9 * SECOND)

    assert talk(Work().tools(), *said) == [answered("a", 1), answered("b", 5), asked(9 * SECOND)]


def test_it_is_not_asked_while_another_response_runs() -> None:
    said = *turn(works("a", 2)), created("other", SECOND), done("other", 5 * SECOND)

    assert talk(Work().tools(), *said) == [answered("a", 2), asked(5 * SECOND)]


def test_it_is_asked_for_each_of_two_responses_with_calls() -> None:
    said = (
        *turn(works("a", 1)),
        *(created("s", 2 * SECOND), works("b", 1, at=2 * SECOND, response="s")),
        done("s", 2 * SECOND),
    )

    assert talk(Work().tools(), *said) == [
        *(answered("a", 1), asked(1 * SECOND)),
        *(answered("b", 3), asked(3 * SECOND)),
    ]


def test_it_is_asked_once_for_two_responses_that_both_wait_for_a_third() -> None:
    said = (
        *turn(works("a", 2)),
        *(created("s", SECOND), works("b", 2, at=SECOND, response="s"), done("s", SECOND)),
        *(created("third", SECOND), done("third", 9 * SECOND)),
    )

    assert talk(Work().tools(), *said) == [answered("a", 2), answered("b", 3), asked(9 * SECOND)]


@pytest.mark.parametrize("end", ["it begins and ends", "it is refused"])
def test_it_is_not_asked_again_before_what_was_asked_for_has_begun(end: str) -> None:
    over = (
        events.Error(message="an active response", at=7 * SECOND)
        if end == "it is refused"
        else done("asked for", 7 * SECOND)
    )
    said = (
        *turn(works("a", 2)),
        *(created("s"), works("b", 3, response="s"), done("s")),
        *((created("asked for", 5 * SECOND),) if end != "it is refused" else ()),
        over,
    )

    assert talk(Work().tools(), *said) == [
        *(answered("a", 2), asked(2 * SECOND)),
        *(answered("b", 3), asked(7 * SECOND)),
    ]


def test_it_is_not_asked_while_the_user_speaks_but_after_the_answer_to_that() -> None:
    said = (
        *turn(works("a", 2, name="book")),
        *(speaks(1), interrupt(SECOND), events.SpeechStopped(at=4 * SECOND)),
        *(created("s", 5 * SECOND), done("s", 6 * SECOND)),
    )

    assert talk(Work().tools(), *said) == [answered("a", 2), asked(6 * SECOND)]


def test_it_is_not_asked_after_a_cancelled_response_though_its_call_is_answered() -> None:
    said = created("r"), works("a", 2), done("r", SECOND, status="cancelled")

    assert talk(Work().tools(), *said) == [answered("a", 2)]


@pytest.mark.parametrize("status", ["failed", "incomplete"])
def test_it_is_asked_after_a_response_that_ended_badly(status: str) -> None:
    said = created("r"), works("a", 2), done("r", SECOND, status=status)

    assert talk(Work().tools(), *said) == [answered("a", 2), asked(2 * SECOND)]


def test_it_is_asked_for_a_call_that_comes_after_its_response_is_done() -> None:
    said = created("r"), done("r"), works("a", 2)

    assert talk(Work().tools(), *said) == [answered("a", 2), asked(2 * SECOND)]


def test_it_is_not_asked_for_a_response_without_calls() -> None:
    assert talk(Work().tools(), created("r"), done("r", SECOND)) == []


@pytest.mark.parametrize("seconds", [2, 8])
def test_a_lost_connection_loses_neither_the_answer_nor_the_response_to_it(seconds: int) -> None:
    lost = events.Reconnecting(attempt=1, at=SECOND), events.Reconnected(at=5 * SECOND)
    said = created("r"), works("a", seconds), created("other"), *lost

    assert talk(Work().tools(), *said) == [
        answered("a", seconds),
        asked(max(seconds, 5) * SECOND),
    ]


def test_speech_that_a_lost_connection_cut_off_is_no_longer_waited_for() -> None:
    said = *turn(works("a", 2)), speaks(1), events.Reconnected(at=5 * SECOND)

    assert talk(Work().tools(), *said) == [answered("a", 2), asked(5 * SECOND)]
