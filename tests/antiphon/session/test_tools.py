"""Tool calls: each is answered once, whatever happens, and then the model is asked to go on."""

from typing import Any

import anyio
import pytest

from antiphon.pipeline.testing import run_virtual
from antiphon.session import NotConnected, SessionError, ToolCall, ToolFailed
from tests.antiphon.session.line import (
    Json,
    Line,
    call,
    connected,
    created,
    done,
    later,
    outputs,
    session_on,
    settle,
    sunny,
    tools,
)


def broken(call: ToolCall) -> Any:
    raise LookupError("no such city")


def unwritable(call: ToolCall) -> Any:
    return object()


@pytest.mark.parametrize(
    ("handler", "arguments", "problem"),
    [
        (None, "{}", "nothing here does look: the session has no on_tool_call"),
        (broken, "{}", "look failed: LookupError: no such city"),
        (sunny, '{"city"', "the arguments of look are no JSON"),
        (unwritable, "{}", "cannot be written as JSON"),
    ],
    ids=["no handler", "it raises", "bad arguments", "bad output"],
)
def test_a_failure_reaches_the_model_which_is_asked_to_go_on(
    handler: Any, arguments: str, problem: str
) -> None:
    async def main() -> None:
        line, errors = Line(), list[Exception]()
        async with connected(line, on_tool_call=handler, on_error=errors.append) as session:
            await line.tell(created(), call("c1", arguments=arguments), done())

            [(call_id, output)] = outputs(line)
            assert call_id == "c1"
            assert problem in output["error"]
            assert line.types() == ["conversation-item-create", "response-create"]
            [error] = errors
            assert isinstance(error, ToolFailed)
            assert (error.call_id, error.name) == ("c1", "look")
            assert [part.state for part in tools(session)] == ["output-error"]

    run_virtual(main)


def test_a_cancelled_response_is_not_continued() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=sunny):
            await line.tell(created(), call("c1"), done(status="cancelled"))

            assert line.types() == ["conversation-item-create"]

    run_virtual(main)


def test_nor_when_its_tool_answers_later() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=later) as session:
            await line.tell(created(), call("c1"), done(status="cancelled"))
            await session.add_tool_output("c1", "sunny")
            await line.tell()

            assert line.types() == ["conversation-item-create"]

    run_virtual(main)


def test_one_request_follows_when_all_calls_of_a_response_are_answered() -> None:
    async def slow(call: ToolCall) -> Any:
        await anyio.sleep(call.arguments["seconds"])
        return call.call_id

    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=slow):
            await line.tell(
                created(),
                call("c1", arguments='{"seconds": 2}'),
                call("c2", arguments='{"seconds": 1}'),
                done(),
            )
            await anyio.sleep(1.5)
            assert outputs(line) == [("c2", "c2")]
            await anyio.sleep(1)
            assert line.types() == [
                "conversation-item-create",
                "conversation-item-create",
                "response-create",
            ]

    run_virtual(main)


def test_a_request_does_not_come_while_another_response_runs() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=later) as session:
            await line.tell(created(), call("c1"), done(), created("r2"))
            await session.add_tool_output("c1", 1)
            await line.tell()
            assert line.types() == ["conversation-item-create"]

            await line.tell(done("r2"))
            assert line.types() == ["conversation-item-create", "response-create"]

    run_virtual(main)


def test_the_end_of_another_response_is_not_the_end_of_the_calls() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=sunny):
            await line.tell(created("r0"), created("r1"), call("c1"), done("r0"))
            assert line.types() == ["conversation-item-create"]
            await line.tell(call("c2"), done("r1"))
            assert line.types() == ["conversation-item-create"] * 2 + ["response-create"]

    run_virtual(main)


def test_a_call_that_the_model_withdraws_needs_no_output() -> None:
    async def main() -> None:
        line = Line()
        gemini: Json = {"toolCall": {"functionCalls": [{"id": "c1", "name": "look", "args": {}}]}}
        async with session_on(line, model="gemini/gemini-3.8-live", on_tool_call=later) as session:
            await session.connect(wait=False)
            await settle()
            await line.tell({"setupComplete": {}}, gemini)
            line.said.clear()
            await line.tell({"toolCallCancellation": {"ids": ["c1"]}})
            with pytest.raises(SessionError, match="needs no output"):
                await session.add_tool_output("c1", 1)
            assert line.said == []

    run_virtual(main)


def test_a_call_that_is_said_twice_runs_once() -> None:
    async def main() -> None:
        line, seen = Line(), list[ToolCall]()

        def look(call: ToolCall) -> str:
            seen.append(call)
            return "sunny"

        async with connected(line, on_tool_call=look):
            await line.tell(created(), call("c1"), call("c1"), done())

            assert len(seen) == 1
            assert outputs(line) == [("c1", "sunny")]

    run_virtual(main)


def test_arguments_are_what_the_json_says_whatever_that_is() -> None:
    async def main() -> None:
        line, seen = Line(), list[Any]()

        def look(call: ToolCall) -> None:
            seen.append(call.arguments)

        async with connected(line, on_tool_call=look):
            await line.tell(call("c1", arguments="[1]"), call("c2", arguments=""))

            assert seen == [[1], {}]

    run_virtual(main)


def test_a_call_is_answered_once() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=later) as session:
            await line.tell(call("c1"))
            await session.add_tool_output("c1", 1)

            with pytest.raises(SessionError, match="has one already"):
                await session.add_tool_output("c1", 2)
            with pytest.raises(SessionError, match="cannot be written as JSON"):
                await session.add_tool_output("c2", object())
            await line.tell()
            assert outputs(line) == [("c1", 1)]

    run_virtual(main)


def test_a_program_says_itself_that_a_call_has_failed() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=later) as session:
            await line.tell(created(), call("c1"), done())
            await session.add_tool_output("c1", "not allowed", failed=True)
            await line.tell()

            assert line.types() == ["conversation-item-create", "response-create"]
            assert [part.state for part in tools(session)] == ["output-error"]

    run_virtual(main)


def test_outputs_that_come_after_the_end_go_nowhere() -> None:
    async def slow(call: ToolCall) -> str:
        await anyio.sleep(1)
        return "late"

    async def main() -> None:
        line, errors = Line(), list[Exception]()
        async with connected(line, on_tool_call=slow, on_error=errors.append) as session:
            await line.tell(created(), call("c1"), done())
            await session.disconnect()
            await anyio.sleep(2)

            assert errors == []
            with pytest.raises(NotConnected):
                await session.add_tool_output("c1", 1)

    run_virtual(main)


def test_nor_do_they_go_to_the_next_connection() -> None:
    async def slow(call: ToolCall) -> str:
        await anyio.sleep(1)
        if call.call_id == "c2":
            raise LookupError
        return "late"

    async def main() -> None:
        line, errors = Line(), list[Exception]()
        async with connected(line, on_tool_call=slow, on_error=errors.append) as session:
            await line.tell(created(), call("c1"), call("c2"), done())
            await session.disconnect()
            await session.connect(wait=False)
            await settle()
            await line.tell({"type": "session-updated"})
            await anyio.sleep(2)

            assert line.types() == ["session-update"]
            assert errors == []

    run_virtual(main)


def test_a_tool_that_still_runs_is_cancelled_with_the_session() -> None:
    ended: list[str] = []

    async def forever(call: ToolCall) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(call.call_id)

    async def main() -> None:
        line = Line()
        async with connected(line, on_tool_call=forever):
            await line.tell(call("c1"))

    run_virtual(main)
    assert ended == ["c1"]
