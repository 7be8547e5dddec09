"""Runs the tools that a model calls.

Calls run side by side. Whatever happens to one, the model gets an answer to it, and
one response is asked for when all calls of a response are answered.
"""

import math
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import anyio
from anyio import CancelScope
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import ToolDefinition
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Emit, Frame, Frames, Interrupt
from antiphon.pipeline.clock import now
from antiphon.processors.tool import LATER, Tool, ToolError, as_tool, running_call

REMEMBERED = 1024
"""How many calls are known by id, so that none is run twice."""

INTERRUPTED = "cancelled: the user interrupted"

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
        self.wanted = True


class Tools:
    """Calls the functions that the model asks for and sends it what they return.

    *timeout* is in seconds and may be set for each Tool. When the user interrupts, calls
    are cancelled, unless their tool is marked `finish=True`. A tool that returns LATER, or
    is only a ToolDefinition, is answered by `answer`; `running_call` tells a tool its call's id. When the input ends, what was begun
    is finished.
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
        self.gives_rate: int | None = None
        """Hz of the speech that passes by; Realtime knows."""
        self._timeout = timeout
        self._emit: Emit | None = None
        self._forget()

    def _forget(self) -> None:
        """Be as if nothing had been said yet."""
        self._running: dict[str, Call] = {}
        self._known: dict[str, None] = {}
        self._of: dict[str, str] = {}
        """The response of each open call."""
        self._turns: dict[str, Turn] = {}
        self._responses: set[str] = set()
        self._asked = False
        """A response was asked for that has not yet begun."""
        self._speaking = False
        """The user speaks; a response to that will begin."""
        self._interrupted = 0
        """When the user interrupted last."""

    @property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """What the model is told of the tools."""
        return tuple(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    def answer(self, call_id: str, output: object, *, failed: bool = False) -> None:
        """Answer a call whose tool returned LATER or runs elsewhere; from the bot's event loop.

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
                    self._hear(frame, group)
                    await emit(frame)
        finally:
            self._emit = None
            self._forget()

    def _hear(self, frame: Frame, group: TaskGroup) -> None:
        match frame:
            case Interrupt():
                self._interrupted = frame.at
                self._cancel([call for call in self._running.values() if not call.finishes])
            case events.SpeechStarted():
                self._speaking = True
            case events.FunctionCallArgumentsDone():
                self._begin(frame, group)
            case events.FunctionCallCancelled():
                self._withdraw(frame.call_ids)
            case events.ResponseCreated():
                self._asked = self._speaking = False
                self._responses.add(frame.response_id)
            case events.ResponseDone():
                self._responses.discard(frame.response_id)
                if frame.status == "cancelled" and frame.response_id in self._turns:
                    self._turns[frame.response_id].wanted = False
                self._ask()
            case events.Reconnected():
                # Nothing more comes of what ran when the connection was lost.
                self._asked = self._speaking = False
                self._responses.clear()
                self._ask()
            case events.Error():
                self._asked = False
                self._ask()
            case _:
                pass

    def _begin(self, call: events.FunctionCallArgumentsDone, group: TaskGroup) -> None:
        if call.call_id in self._known:
            return  # said twice, as some providers do
        self._known[call.call_id] = None
        if len(self._known) > REMEMBERED:
            self._known.pop(next(iter(self._known)))
        if call.expects_output:
            self._of[call.call_id] = call.response_id
            self._turns.setdefault(call.response_id, Turn()).open.add(call.call_id)
        tool = self._tools.get(call.name)
        if tool is None:
            if not any(call.name == definition.name for definition in self._definitions):
                known = ", ".join(d.name for d in self._definitions) or "none"
                self._settle(
                    call.call_id, f"there is no tool {call.name!r}; there are: {known}", failed=True
                )
        elif 0 < call.at < self._interrupted and not tool.finish:  # the Interrupt overtook it
            self._settle(call.call_id, INTERRUPTED, failed=True, wanted=False)
        else:
            running = self._running[call.call_id] = Call(call, finishes=tool.finish)
            group.start_soon(self._work, tool, running, name=f"antiphon: tool {call.name}")

    async def _work(self, tool: Tool, call: Call) -> None:
        seconds = self._timeout if tool.timeout is None else tool.timeout
        name, call_id = call.event.name, call.event.call_id
        running_call.set(call_id)
        with call.scope:
            failed, output = True, ""
            with anyio.move_on_after(seconds) as limit:
                try:
                    result = await tool.call(call.event.arguments)
                    if result is LATER:
                        self._running.pop(call_id, None)
                        return
                    failed, output = False, tool.written(result)
                except ToolError as error:
                    output = str(error)
                except Exception as error:
                    output = f"{name} failed: {_described(error)}"
                except anyio.get_cancelled_exc_class():
                    if anyio.current_effective_deadline() == -math.inf:
                        raise
                    output = f"{name} failed: what it waited for was cancelled"  # not by us
            if limit.cancelled_caught:
                output = f"{name} did not answer within {seconds:g} s"
            self._settle(call_id, output, failed=failed)
        self._running.pop(call_id, None)

    def _cancel(self, calls: Iterable[Call]) -> None:
        for call in calls:
            call.scope.cancel()
            self._running.pop(call.event.call_id, None)
            self._settle(call.event.call_id, INTERRUPTED, failed=True, wanted=False)

    def _withdraw(self, call_ids: Iterable[str]) -> None:
        """The model wants no outputs of these calls; those that must finish do so unheard."""
        for call_id in call_ids:
            self._close(call_id, wanted=False)
            call = self._running.get(call_id)
            if call is not None and not call.finishes:
                call.scope.cancel()

    def _settle(self, call_id: str, output: str, *, failed: bool, wanted: bool = True) -> None:
        """Send the one answer to a call; later ones come to nothing."""
        if not self._close(call_id, wanted=wanted) or self._emit is None:
            return
        text = output.encode(errors="replace").decode()  # lone surrogates cannot be sent
        item = FunctionCallOutput(call_id=call_id, output=text, failed=failed)
        self._emit.back(events.ConversationItemCreate(item=item, at=now()))
        self._ask()

    def _close(self, call_id: str, *, wanted: bool) -> bool:
        """Whether the call was open; not *wanted*, its turn is not to be continued."""
        response_id = self._of.pop(call_id, None)
        if response_id is None:
            return False
        turn = self._turns[response_id]
        turn.open.discard(call_id)
        turn.wanted = turn.wanted and wanted
        return True

    def _ask(self) -> None:
        """Ask for a response if some turn's calls are all answered and nobody has the word."""
        done = self._turns.keys() - self._responses
        ready = [response_id for response_id in done if not self._turns[response_id].open]
        wanted = any(self._turns[response_id].wanted for response_id in ready)
        if wanted and (self._responses or self._asked or self._speaking):
            return
        for response_id in ready:
            del self._turns[response_id]
        if wanted and self._emit is not None:
            self._asked = True
            self._emit.back(events.ResponseCreate(at=now()))


def _described(error: Exception) -> str:
    """The exception's name and text, even if its text cannot be had."""
    return "".join(traceback.format_exception_only(error)).strip()
