"""When the model is asked to go on after its tools have answered, and what an interruption does."""

import threading

import anyio
import pytest

from antiphon.codecs import events
from antiphon.pipeline import Emit, Frame, Frames, Pipeline
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.tools import LATER, Tool, ToolError, Tools
from tests.processors.parts import (
    SECOND,
    ScriptedModel,
    answer,
    asked,
    called,
    created,
    done,
    interrupt,
    run_mocked,
    talk,
    turn,
)

INTERRUPTED = "cancelled: the user interrupted"


class Work:
    """Tools that take some seconds, and a log of what became of them."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def work(self, seconds: float) -> str:
        """Works."""
        self.log.append("begun")
        try:
            await anyio.sleep(seconds)
        except BaseException:
            self.log.append("cancelled")
            raise
        self.log.append("ended")
        return "worked"

    async def book(self, seconds: float) -> str:
        """Works, whatever the user says meanwhile."""
        return await self.work(seconds)

    def tools(self) -> Tools:
        return Tools(self.work, Tool(self.book, finish=True), later)


def later() -> object:
    return LATER


def works(
    call: str, seconds: float, *, at: int = 0, response: str = "r", name: str = "work"
) -> events.FunctionCallArgumentsDone:
    return called(call, name, f'{{"seconds": {seconds}}}', at=at, response=response)


def answered(call: str, seconds: float) -> Frame:
    return answer(call, "worked", round(seconds * SECOND))


def broken_off(call: str, seconds: float) -> Frame:
    return answer(call, INTERRUPTED, round(seconds * SECOND), failed=True)


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


def test_a_thousand_turns_leave_nothing_behind() -> None:
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
