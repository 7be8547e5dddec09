"""What becomes of calls when the user interrupts, or the model takes them back."""

import threading

import anyio
import pytest

from antiphon.codecs import events
from antiphon.pipeline import Emit, Frame, Frames, Pipeline
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.tools import ToolError, Tools
from tests.processors.offers import Work
from tests.processors.parts import (
    SECOND,
    ScriptedModel,
    answered,
    asked,
    broken_off,
    called,
    created,
    done,
    interrupt,
    run_mocked,
    talk,
    turn,
    works,
)


def speaks(seconds: int) -> Frame:
    return events.SpeechStarted(at=seconds * SECOND)


def test_an_interruption_cancels_the_calls_and_says_so() -> None:
    work = Work()

    told = talk(work.tools(), *turn(works("a", 5), works("b", 1)), interrupt(2 * SECOND))

    assert told == [answered("b", 1), broken_off("a", 2)]
    assert sorted(work.log) == ["begun", "begun", "cancelled", "ended"]


def test_an_interruption_does_not_wait_for_a_thread() -> None:
    gate = threading.Event()

    def stuck() -> None:
        gate.wait(timeout=5)

    said = *turn(called("a", "stuck")), interrupt(2 * SECOND)

    assert talk(Tools(stuck), *said, run=run_mocked) == [broken_off("a", 2)]
    gate.set()


def test_a_call_that_must_finish_survives_an_interruption_and_is_answered() -> None:
    said = *turn(works("a", 5, name="book")), interrupt(2 * SECOND)

    assert talk(Work().tools(), *said) == [answered("a", 5), asked(5 * SECOND)]


def test_after_a_cancelled_call_nothing_is_asked_for_even_if_another_finishes() -> None:
    said = *turn(works("a", 5, name="book"), works("b", 5)), interrupt(2 * SECOND)

    assert talk(Work().tools(), *said) == [broken_off("b", 2), answered("a", 5)]


def test_after_a_cancelled_call_nothing_is_asked_for_even_if_another_is_made() -> None:
    said = created("r"), works("a", 5), interrupt(SECOND), works("b", 1, at=2 * SECOND)

    told = talk(Work().tools(), *said, done("r", 2 * SECOND))

    assert told == [broken_off("a", 1), answered("b", 3)]


def test_a_call_to_be_answered_later_survives_an_interruption() -> None:
    tools = Work().tools()
    said = *turn(called("a", "later")), interrupt(SECOND)

    told = talk(tools, *said, acts={9 * SECOND: lambda: tools.answer("a", "worked")})

    assert told == [answered("a", 9), asked(9 * SECOND)]


def test_the_users_speaking_alone_cancels_nothing() -> None:
    said = *turn(works("a", 2)), speaks(1), *turn(at=3 * SECOND)

    assert talk(Work().tools(), *said) == [answered("a", 2), asked(3 * SECOND)]


def test_calls_after_an_interruption_are_run_as_ever() -> None:
    said = (
        *turn(works("a", 5)),
        interrupt(SECOND),
        *(created("s", 2 * SECOND), works("b", 1, at=2 * SECOND, response="s")),
        done("s", 2 * SECOND),
    )

    assert talk(Work().tools(), *said) == [broken_off("a", 1), answered("b", 3), asked(3 * SECOND)]


def test_a_call_that_bears_no_time_is_not_taken_for_one_that_was_overtaken() -> None:
    assert talk(Work().tools(), interrupt(SECOND), called("a", "later"), works("b", 1)) == [
        answered("b", 2)
    ]


@pytest.mark.parametrize(
    ("name", "told", "log"),
    [
        ("work", [broken_off("a", 5)], []),
        ("book", [answered("a", 6), asked(6 * SECOND)], ["begun", "ended"]),
    ],
)
def test_a_call_that_the_interruption_overtook_is_not_begun_unless_it_must_finish(
    name: str, told: list[Frame], log: list[str]
) -> None:
    work = Work()
    fillers = [events.RateLimits(limits=())] * 4  # so many fit before Tools has to wait
    said = created("r"), works("a", 1, at=SECOND, name=name), interrupt(2 * SECOND), done("r")
    model = ScriptedModel(*fillers, *said, until=9 * SECOND)

    class Slow:
        """Takes nothing in for five seconds."""

        async def run(self, frames: Frames, emit: Emit) -> None:
            await anyio.sleep(5)
            async for _ in frames:
                pass

    run_virtual(Pipeline(model, work.tools(), Slow(), lane=4).run)

    assert model.told == told
    assert work.log == log


@pytest.mark.parametrize(
    ("name", "log"), [("work", ["begun", "cancelled"]), ("book", ["begun", "ended"])]
)
def test_a_call_that_the_model_takes_back_is_cancelled_and_not_answered(
    name: str, log: list[str]
) -> None:
    work = Work()
    said = *turn(works("a", 5, name=name)), events.FunctionCallCancelled(call_ids=("a",), at=SECOND)

    assert talk(work.tools(), *said) == []
    assert work.log == log


def test_a_call_to_be_answered_later_can_be_taken_back() -> None:
    tools = Work().tools()
    said = *turn(called("a", "later")), events.FunctionCallCancelled(call_ids=("a", "x"), at=SECOND)

    def answered_in_vain() -> None:
        with pytest.raises(ToolError, match="no call 'a' waits for an answer"):
            tools.answer("a", "worked")

    assert talk(tools, *said, acts={2 * SECOND: answered_in_vain}) == []


def test_calls_that_the_model_does_not_take_back_go_on_and_it_is_not_asked() -> None:
    taken_back = events.FunctionCallCancelled(call_ids=("a",), at=SECOND)

    told = talk(Work().tools(), *turn(works("a", 5), works("b", 5)), taken_back)

    assert told == [answered("b", 5)]


def test_a_thousand_turns_are_as_good_as_one() -> None:
    work = Work()
    said: list[Frame] = []
    for n in range(1_000):
        at = n * 10 * SECOND
        response, seconds = f"r{n}", 1 if n % 2 else 6
        said += created(response, at), works(f"c{n}", seconds, at=at, response=response)
        said += done(response, at), interrupt(at + 5 * SECOND)

    told = talk(work.tools(), *said, until=10_000 * SECOND)

    assert len(told) == 500 * 2 + 500
    assert work.log.count("ended") == work.log.count("cancelled") == 500
