"""Runs the tools that a model calls.

Calls run side by side. Whatever happens to one, the model gets an answer to it, and
one response is asked for when all calls of a response are answered.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import anyio
from anyio import CancelScope
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import ToolDefinition
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Emit, Frame, Frames, Interrupt
from antiphon.pipeline.clock import now
from antiphon.processors.tool import LATER, Tool, ToolError, as_tool

ANSWERED = 1024
"""How many answered calls are known by id, so that none is answered twice."""

__all__ = ["LATER", "Tool", "ToolError", "Tools"]


class Call:
    """A tool call under way."""

    def __init__(self, event: events.FunctionCallArgumentsDone, *, finishes: bool) -> None:
        self.event = event
        self.finishes = finishes
        self.scope = CancelScope()


class Turn:
    """The calls of one response: what is still open, and whether to ask for another."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.done = False
        self.wanted = True


class Tools:
    """Calls the functions that the model asks for and sends it what they return.

    *timeout* is in seconds and may be set for each Tool. When the user interrupts, calls
    are cancelled, unless their tool is marked `finish=True`. A tool that returns LATER, or
    is only a ToolDefinition, is answered by `answer`.
    """

    def __init__(
        self, *tools: "Tool | ToolDefinition | Callable[..., Any]", timeout: float = 30.0
    ) -> None:
        self._tools: dict[str, Tool] = {}
        self._definitions: list[ToolDefinition] = []
        for given in tools:
            if isinstance(given, ToolDefinition):
                definition = given
            else:
                tool = as_tool(given)
                definition = tool.definition
                self._tools[definition.name] = tool
            if any(definition.name == other.name for other in self._definitions):
                raise ToolError(f"there are two tools named {definition.name!r}")
            self._definitions.append(definition)
        self._timeout = timeout
        self._running: dict[str, Call] = {}
        self._turns: dict[str, Turn] = {}
        self._of: dict[str, str] = {}
        self._settled: dict[str, None] = {}
        self._responses: set[str] = set()
        self._emit: Emit | None = None

    @property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """What the model is told of the tools."""
        return tuple(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    def answer(self, call_id: str, output: object, *, failed: bool = False) -> None:
        """Answer a call whose tool returned LATER or runs elsewhere.

        *output* is text or anything that msgspec can write as JSON. Raises ToolError when
        no such call is open.
        """
        if call_id not in self._of:
            raise ToolError(f"no call {call_id!r} waits for an answer")
        self._settle(call_id, Tool.written(output), failed=failed)

    async def run(self, frames: Frames, emit: Emit) -> None:
        self._emit = emit
        try:
            async with anyio.create_task_group() as group:
                async for frame in frames:
                    for passed in self._hear(frame, group):
                        await emit(passed)
        finally:
            self._emit = None

    def _hear(self, frame: Frame, group: TaskGroup) -> Iterator[Frame]:
        match frame:
            case Interrupt():
                self._cancel(frame, [c for c in self._running.values() if not c.finishes])
            case events.FunctionCallCancelled():
                self._cancel(
                    frame, [c for i in frame.call_ids if (c := self._running.get(i)) is not None]
                )
            case events.ResponseCreated():
                self._responses.add(frame.response_id)
            case events.FunctionCallArgumentsDone():
                self._begin(frame, group)
            case events.ResponseDone():
                self._responses.discard(frame.response_id)
                turn = self._turns.get(frame.response_id)
                if turn is not None:
                    turn.done = True
                    turn.wanted = turn.wanted and frame.status != "cancelled"
                self._ask()
            case _:
                pass
        yield frame

    def _begin(self, call: events.FunctionCallArgumentsDone, group: TaskGroup) -> None:
        if call.call_id in self._of or call.call_id in self._settled:
            return  # said twice, as some providers do
        if call.expects_output:
            self._turns.setdefault(call.response_id, Turn()).open.add(call.call_id)
            self._of[call.call_id] = call.response_id
        tool = self._tools.get(call.name)
        if tool is None:
            if not any(call.name == definition.name for definition in self._definitions):
                known = ", ".join(d.name for d in self._definitions) or "none"
                self._settle(
                    call.call_id, f"there is no tool {call.name!r}; there are: {known}", failed=True
                )
            return
        running = Call(call, finishes=tool.finish)
        self._running[call.call_id] = running
        group.start_soon(self._work, tool, running, name=f"antiphon: tool {call.name}")

    async def _work(self, tool: Tool, call: Call) -> None:
        seconds = self._timeout if tool.timeout is None else tool.timeout
        call_id = call.event.call_id
        with call.scope:
            failed, output = True, ""
            with anyio.move_on_after(seconds if seconds < math.inf else None) as limit:
                try:
                    result = await tool.call(call.event.arguments)
                    if result is LATER:
                        self._running.pop(call_id, None)
                        return
                    failed, output = False, tool.written(result)
                except ToolError as error:
                    output = str(error)
                except Exception as error:
                    output = f"{tool.definition.name} failed: {type(error).__name__}: {error}"
            if limit.cancelled_caught:
                output = f"{tool.definition.name} did not answer within {seconds:g} s"
            self._settle(call_id, output, failed=failed)
        self._running.pop(call_id, None)

    def _cancel(self, why: Frame, calls: Sequence[Call]) -> None:
        for call in calls:
            call.scope.cancel()
            if (response_id := self._of.get(call.event.call_id)) is not None:
                self._turns[response_id].wanted = False
            reason = (
                "cancelled: the user interrupted"
                if isinstance(why, Interrupt)
                else "cancelled by the model"
            )
            self._running.pop(call.event.call_id, None)
            self._settle(call.event.call_id, reason, failed=True)

    def _settle(self, call_id: str, output: str, *, failed: bool) -> None:
        """Send the one answer to a call; later ones come to nothing."""
        response_id = self._of.pop(call_id, None)
        if response_id is None or self._emit is None:
            return
        self._settled[call_id] = None
        if len(self._settled) > ANSWERED:
            self._settled.pop(next(iter(self._settled)))
        turn = self._turns[response_id]
        turn.open.discard(call_id)
        item = FunctionCallOutput(call_id=call_id, output=output, failed=failed)
        self._emit.back(events.ConversationItemCreate(item=item, at=now()))
        self._ask()

    def _ask(self) -> None:
        """Ask for a response if some turn's calls are all answered and none is running."""
        ready = [i for i, turn in self._turns.items() if turn.done and not turn.open]
        wanted = any(self._turns[i].wanted for i in ready)
        if wanted and self._responses:
            return
        for response_id in ready:
            del self._turns[response_id]
        if wanted and self._emit is not None:
            self._emit.back(events.ResponseCreate(at=now()))
