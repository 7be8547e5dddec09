"""Whatever a tool does, the model gets an answer to its call."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import anyio
import pytest

from antiphon.codecs import events
from antiphon.pipeline import Frame, Pipeline
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.tools import Tool, ToolError, Tools
from tests.processors.offers import (
    OSLO,
    Opaque,
    Place,
    hang,
    sleepy,
    slow_weather,
    weather,
)
from tests.processors.parts import (
    HOUR,
    SECOND,
    ScriptedModel,
    answer,
    asked,
    called,
    of,
    run_mocked,
    talk,
    turn,
)


def failing(error: BaseException) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail


def failing_later(error: BaseException) -> Callable[[], Any]:
    async def fail() -> NoReturn:
        await anyio.sleep(1)
        raise error

    return fail


@pytest.mark.parametrize(
    ("tool", "result"), [(weather, "Oslo in 1: rain"), (slow_weather, "Oslo: rain")]
)
def test_the_model_is_told_what_the_tool_returns_and_asked_to_go_on(
    tool: Callable[..., Any], result: str
) -> None:
    said = turn(called("c", tool.__name__, OSLO, at=SECOND), at=SECOND)

    assert talk(Tools(tool), *said) == [answer("c", result, SECOND), asked(SECOND)]


def test_what_the_model_says_passes_by() -> None:
    passed: list[Frame] = []
    said = turn(called("c", "weather", OSLO))

    run_virtual(Pipeline(ScriptedModel(*said), Tools(weather), passed.append).run)

    assert passed == list(said)


def test_calls_run_side_by_side_and_each_is_answered_when_it_is_ready() -> None:
    said = turn(*(called(f"c{n}", "sleepy", f'{{"seconds": {n}}}') for n in (3, 1, 2)))

    assert talk(Tools(sleepy), *said) == [
        answer("c1", "slept 1", 1 * SECOND),
        answer("c2", "slept 2", 2 * SECOND),
        answer("c3", "slept 3", 3 * SECOND),
        asked(3 * SECOND),
    ]


def test_plain_functions_run_side_by_side_too() -> None:
    both = threading.Barrier(2, timeout=5)
    model = ScriptedModel(*turn(called("a", "meet"), called("b", "meet")), enough=3, until=HOUR)

    def meet() -> str:
        both.wait()
        return "met"

    anyio.run(Pipeline(model, Tools(meet)).run)

    assert {item.call_id: item.output for item in outputs(model.told)} == {"a": "met", "b": "met"}


def outputs(told: list[Frame]) -> list[Any]:
    return [create.item for create in of(events.ConversationItemCreate, told)]


@pytest.mark.parametrize(
    ("tools", "known"), [((weather, slow_weather), "weather, slow_weather"), ((), "none")]
)
def test_a_call_of_an_unknown_tool_is_answered_with_those_there_are(
    tools: tuple[Callable[..., Any], ...], known: str
) -> None:
    text = f"there is no tool 'wether'; there are: {known}"

    assert talk(Tools(*tools), *turn(called("c", "wether", OSLO))) == [
        answer("c", text, 0, failed=True),
        asked(0),
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{", "Input data was truncated"),
        ('{"town": "Oslo"}', "Object contains unknown field `town`"),
        ("{}", "Object missing required field `city`"),
        ('{"city": null}', "Expected `str`, got `null` - at `$.city`"),
    ],
)
def test_bad_arguments_are_told_to_the_model_which_may_try_again(
    arguments: str, problem: str
) -> None:
    text = f"bad arguments for weather: {problem}"

    told = talk(
        Tools(weather),
        *turn(called("a", "weather", arguments)),
        *turn(called("b", "weather", OSLO, at=SECOND), at=SECOND),
    )

    assert told == [
        answer("a", text, 0, failed=True),
        asked(0),
        answer("b", "Oslo in 1: rain", SECOND),
        asked(SECOND),
    ]


class Nameless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("even its text cannot be had")


@pytest.mark.parametrize("fails", [failing, failing_later])
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no rain"), "fail failed: ValueError: no rain"),
        (KeyError(), "fail failed: KeyError"),
        (ToolError("ask for a city in Norway"), "ask for a city in Norway"),
        (TimeoutError("the service"), "fail failed: TimeoutError: the service"),
        (Nameless(), f"fail failed: {__name__}.Nameless: <exception str() failed>"),
        (FileNotFoundError("caf\udce9.txt"), "fail failed: FileNotFoundError: caf?.txt"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_tool_raises_is_told_to_the_model_and_ends_nothing(
    fails: Callable[[BaseException], Callable[[], Any]], error: Exception, text: str
) -> None:
    told = talk(Tools(fails(error)), *turn(called("c", "fail")))

    assert outputs(told) == outputs([answer("c", text, 0, failed=True)])
    assert len(of(events.ResponseCreate, told)) == 1


def test_an_iterator_that_has_no_more_is_a_failure_too() -> None:
    def first() -> Any:
        return next(iter(()))

    (output,) = outputs(talk(Tools(first), *turn(called("c", "first"))))

    assert output.failed
    assert "StopIteration" in output.output


def test_a_tool_that_waits_for_something_cancelled_has_failed() -> None:
    async def waits() -> None:
        other = asyncio.ensure_future(asyncio.sleep(10))
        asyncio.get_running_loop().call_later(1, other.cancel)
        await other

    text = "waits failed: what it waited for was cancelled"

    assert talk(Tools(waits), *turn(called("c", "waits"))) == [
        answer("c", text, SECOND, failed=True),
        asked(SECOND),
    ]


def test_errors_tell_nothing_of_what_the_model_did_not_write() -> None:
    def pay(amount: int) -> None:
        password = "hunter2"
        raise PermissionError(f"refused, with a password of {len(password)} letters")

    told = talk(
        Tools(pay),
        *turn(called("a", "pay", '{"amount": 7}'), called("b", "pay", '{"amount": "hunter2"}')),
    )

    assert {item.call_id: item.output for item in outputs(told)} == {
        "a": "pay failed: PermissionError: refused, with a password of 7 letters",
        "b": "bad arguments for pay: Expected `int`, got `str` - at `$.amount`",
    }


@pytest.mark.parametrize(
    ("result", "written"), [(None, "null"), (Place("Oslo"), '{"city":"Oslo","country":"NO"}')]
)
def test_a_result_that_is_no_text_is_written_as_json(result: object, written: str) -> None:
    def find() -> object:
        return result

    assert outputs(talk(Tools(find), *turn(called("c", "find")))) == outputs(
        [answer("c", written, 0)]
    )


def test_a_result_that_is_not_json_is_a_failure() -> None:
    def find() -> object:
        return [Opaque()]

    (output,) = outputs(talk(Tools(find), *turn(called("c", "find"))))

    assert output.failed
    assert output.output.startswith("the result, a list, cannot be written as JSON: ")


def test_text_that_no_wire_carries_is_mended() -> None:
    def listing() -> str:
        return "caf\udce9.txt"

    (output,) = outputs(talk(Tools(listing), *turn(called("c", "listing"))))

    assert output.output == "caf?.txt"


@pytest.mark.parametrize(
    ("tools", "after"),
    [
        (Tools(hang), 30),
        (Tools(hang, timeout=2.5), 2.5),
        (Tools(Tool(hang, timeout=0.02)), 0.02),
        (Tools(Tool(hang, timeout=45), timeout=1), 45),
    ],
)
def test_a_tool_that_hangs_has_failed_after_exactly_its_time(tools: Tools, after: float) -> None:
    at = round(after * SECOND)

    assert talk(tools, *turn(called("c", "hang"))) == [
        answer("c", f"hang did not answer within {after:g} s", at, failed=True),
        asked(at),
    ]


def test_a_timeout_may_be_endless() -> None:
    told = talk(
        Tools(Tool(sleepy, timeout=float("inf")), timeout=1),
        *turn(called("c", "sleepy", '{"seconds": 3000}')),
    )

    assert told == [answer("c", "slept 3000", 3000 * SECOND), asked(3000 * SECOND)]


def test_a_thread_that_hangs_is_given_up_after_its_time() -> None:
    gate = threading.Event()

    def stuck() -> None:
        gate.wait(timeout=5)

    told = talk(Tools(stuck, timeout=7), *turn(called("c", "stuck")), run=run_mocked)
    gate.set()

    assert told == [
        answer("c", "stuck did not answer within 7 s", 7 * SECOND, failed=True),
        asked(7 * SECOND),
    ]


def test_a_tool_that_shields_itself_from_its_timeout_is_heard_out() -> None:
    async def pay() -> str:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(5)
        return "paid"

    told = talk(Tools(pay, timeout=1), *turn(called("c", "pay")))

    assert told == [answer("c", "paid", 5 * SECOND), asked(5 * SECOND)]
