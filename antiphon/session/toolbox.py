"""Runs a session's tool calls through its one handler."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, cast

import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.session.calls import Calls, ToolCall
from antiphon.session.errors import SessionError, ToolFailed
from antiphon.session.messages import Messages

OnToolCall = Callable[[ToolCall], Any]
"""Gives what the model is to know, perhaps asynchronously, or None: `add_tool_output` will."""


class Toolbox:
    """The calls of one connection; whatever happens to one, the model gets an answer to it.

    *say* sends and raises nothing; *changed* is called when the messages have changed, *reported*
    with what went wrong.
    """

    def __init__(
        self,
        handler: OnToolCall | None,
        messages: Messages,
        *,
        group: TaskGroup,
        say: Callable[[events.ClientEvent], None],
        changed: Callable[[], None],
        reported: Callable[[Exception], None],
    ) -> None:
        self._handler = handler
        self._messages = messages
        self._group = group
        self._changed = changed
        self._reported = reported
        self._calls = Calls(say)
        self._open = True

    def hear(self, event: events.ServerEvent) -> None:
        if isinstance(event, events.FunctionCallArgumentsDone):
            self._begin(event)
        else:
            self._calls.hear(event)

    def close(self) -> None:
        """The connection is over: nobody waits for outputs any more."""
        self._open = False

    def answer(self, call_id: str, output: object, *, failed: bool = False) -> None:
        """Raises SessionError if the call has an output, or this one cannot be written as JSON."""
        if self._calls.settled(call_id):
            raise SessionError(f"the call {call_id!r} needs no output, or has one already")
        try:
            written = msgspec.json.encode(output).decode()
        except (TypeError, ValueError, RecursionError) as error:
            raise SessionError(
                f"the output, a {type(output).__name__}, cannot be written as JSON: {error}"
            ) from error
        if failed:
            known = self._messages.failed(call_id, str(output))
        else:
            known = self._messages.answered(call_id, output)
        if known:
            self._changed()
        self._calls.answer(call_id, written, failed=failed)

    def _begin(self, done: events.FunctionCallArgumentsDone) -> None:
        if not self._calls.begin(done):
            return
        problem = None
        try:
            arguments: Any = msgspec.json.decode(done.arguments or "{}")
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            arguments, problem = {}, error
        self._messages.called(done.call_id, done.name, arguments)
        self._changed()
        call = ToolCall(call_id=done.call_id, name=done.name, arguments=arguments)
        if problem is not None:
            self._fail(call, f"the arguments of {call.name} are no JSON: {problem}", problem)
        elif self._handler is None:
            self._fail(call, f"nothing here does {call.name}: the session has no on_tool_call")
        else:
            self._work(call, self._handler)

    def _work(self, call: ToolCall, handler: OnToolCall) -> None:
        try:
            result = handler(call)
        except Exception as error:
            self._fail(call, _described(call, error), error)
            return
        if isawaitable(result):
            name = f"antiphon: tool {call.name}"
            self._group.start_soon(self._finish, call, cast("Awaitable[object]", result), name=name)
        else:
            self._settle(call, result)

    async def _finish(self, call: ToolCall, working: Awaitable[object]) -> None:
        try:
            result = await working
        except Exception as error:
            self._fail(call, _described(call, error), error)
        else:
            self._settle(call, result)

    def _settle(self, call: ToolCall, result: object) -> None:
        if result is None or not self._open or self._calls.settled(call.call_id):
            return
        try:
            self.answer(call.call_id, result)
        except SessionError as error:
            self._fail(call, str(error), error)

    def _fail(self, call: ToolCall, problem: str, cause: Exception | None = None) -> None:
        if not self._open:
            return
        failure = ToolFailed(call.call_id, call.name, problem)
        failure.__cause__ = cause
        self._reported(failure)
        if self._messages.failed(call.call_id, problem):
            self._changed()
        if not self._calls.settled(call.call_id):
            text = problem.encode(errors="replace").decode()  # lone surrogates cannot be sent
            output = msgspec.json.encode({"error": text}).decode()
            self._calls.answer(call.call_id, output, failed=True)


def _described(call: ToolCall, error: Exception) -> str:
    """An exception's text may itself raise."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{call.name} failed: {type(error).__name__}{f': {text}' if text else ''}"
