"""A call is run once and answered once: by its tool, by hand, or not at all."""

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import ToolDefinition
from antiphon.pipeline import Pipeline
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.tool import LATER, running_call
from antiphon.processors.tools import REMEMBERED, Tool, ToolError, Tools
from tests.processors.offers import OSLO, Opaque, Place, hang, later, sleepy, slow_weather, weather
from tests.processors.parts import (
    HOUR,
    SECOND,
    ScriptedModel,
    answer,
    asked,
    called,
    talk,
    turn,
)

EXTERNAL = ToolDefinition(name="transfer", parameters={"type": "object", "properties": {}})


@pytest.mark.parametrize("expects_output", [True, False])
def test_a_call_that_is_said_twice_is_run_once(expects_output: bool) -> None:
    runs: list[str] = []

    async def book(city: str) -> str:
        await anyio.sleep(1)
        runs.append(city)
        return "booked"

    call = called("c", "book", OSLO, expects_output=expects_output)
    again = called("c", "book", OSLO, at=5 * SECOND, expects_output=expects_output)

    told = talk(Tools(book), *turn(call, call), again)

    assert runs == ["Oslo"]
    assert told == [answer("c", "booked", SECOND), asked(SECOND)] * expects_output


def test_of_many_calls_the_latest_are_still_run_once() -> None:
    runs: list[int] = []

    async def note(number: int) -> None:
        runs.append(number)

    calls = [
        called(f"c{n}", "note", f'{{"number": {n}}}', expects_output=False)
        for n in range(REMEMBERED + 1)
    ]

    talk(Tools(note), *turn(*calls, *calls[1:]))

    assert runs == list(range(REMEMBERED + 1))


def test_a_call_that_expects_no_output_gets_none_and_no_response() -> None:
    runs: list[str] = []

    async def note(city: str) -> None:
        runs.append(city)

    silent = called("c", "note", OSLO, expects_output=False)

    assert talk(Tools(note), *turn(silent)) == []
    assert talk(Tools(), *turn(silent)) == []
    assert runs == ["Oslo"]


def test_a_tool_that_answers_later_is_answered_by_hand() -> None:
    tools = Tools(later)

    told = talk(
        tools,
        *turn(called("a", "later"), called("b", "later")),
        acts={
            40 * SECOND: lambda: tools.answer("b", Place("Oslo")),
            50 * SECOND: lambda: tools.answer("a", "no", failed=True),
        },
    )

    assert told == [
        answer("b", '{"city":"Oslo","country":"NO"}', 40 * SECOND),
        answer("a", "no", 50 * SECOND, failed=True),
        asked(50 * SECOND),
    ]


def test_a_tool_without_function_is_told_to_the_model_and_answered_by_hand() -> None:
    tools = Tools(weather, EXTERNAL)

    told = talk(
        tools,
        *turn(called("c", "transfer")),
        acts={SECOND: lambda: tools.answer("c", {"to": "desk"})},
    )

    assert tools.definitions == (Tool(weather).definition, EXTERNAL)
    assert told == [answer("c", '{"to":"desk"}', SECOND), asked(SECOND)]


def test_a_call_can_be_answered_once_and_only_while_it_is_open() -> None:
    tools = Tools(later)

    def answered_twice() -> None:
        with pytest.raises(ToolError, match="no call 'unknown' waits for an answer"):
            tools.answer("unknown", "?")
        with pytest.raises(ToolError, match="the result, a Opaque, cannot be written as JSON"):
            tools.answer("c", Opaque())
        tools.answer("c", "first")
        with pytest.raises(ToolError, match="no call 'c' waits for an answer"):
            tools.answer("c", "second")

    told = talk(
        tools,
        *turn(called("c", "later"), called("never", "later")),
        acts={SECOND: answered_twice},
    )

    assert told == [answer("c", "first", SECOND)]
    with pytest.raises(ToolError, match="no call 'never' waits for an answer"):
        tools.answer("never", "the session is over")


def test_an_answer_by_hand_before_the_tool_returns_is_the_answer() -> None:
    tools = Tools(sleepy)

    told = talk(
        tools,
        *turn(called("c", "sleepy", '{"seconds": 2}')),
        acts={SECOND: lambda: tools.answer("c", "known already")},
    )

    assert told == [answer("c", "known already", SECOND), asked(SECOND)]


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ToolError, match="there are two tools named 'weather'"):
        Tools(weather, Tool(slow_weather, name="weather"))


def test_what_is_no_tool_is_refused() -> None:
    with pytest.raises(ToolError, match="'weather' is no tool"):
        Tools("weather")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_what_was_begun_is_finished_when_the_model_has_gone() -> None:
    ended: list[float] = []

    async def book() -> None:
        await anyio.sleep(5)
        ended.append(anyio.current_time())

    told = talk(
        Tools(book, hang, timeout=9), *turn(called("a", "book"), called("b", "hang")), until=1
    )

    assert ended == [5]
    assert told == []


def test_a_run_that_is_cancelled_cancels_its_tools() -> None:
    ended: list[str] = []

    async def book() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")

    async def main() -> None:
        model = ScriptedModel(*turn(called("c", "book")), until=HOUR)
        with anyio.move_on_after(3):
            await Pipeline(model, Tools(book)).run()

    run_virtual(main)

    assert ended == ["cancelled"]


def test_another_run_begins_anew() -> None:
    tools = Tools(later, weather)
    unfinished = (*turn(called("a", "later")), events.ResponseCreated(response_id="never done"))

    assert talk(tools, *unfinished, events.SpeechStarted()) == []
    assert talk(tools, *turn(called("a", "weather", OSLO))) == [
        answer("a", "Oslo in 1: rain", 0),
        asked(0),
    ]


@pytest.mark.parametrize("waits", [True, False])
def test_a_tool_knows_the_call_that_it_runs_for(waits: bool) -> None:
    calls: list[str] = []

    async def book() -> object:
        calls.append(running_call.get())
        return LATER

    def book_at_once() -> object:
        calls.append(running_call.get())
        return LATER

    talk(Tools(Tool(book if waits else book_at_once, name="book")), *turn(called("c7", "book")))

    assert calls == ["c7"]
