"""Tools that answer what they answered then, so that a replay does nothing in the world."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import anyio

from antiphon.pipeline import Member, Tee
from antiphon.processors.tool import Tool, ToolError, running_call
from antiphon.processors.tools import INTERRUPTED, Tools
from antiphon.recording.reader import Record
from antiphon.recording.records import Called


class Answers:
    """The recorded answers, by the ids of the calls; each is there once it is `give`n."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._by_id: dict[str, Called] = {}
        self._called: dict[str, int] = {}
        self._given: dict[str, anyio.Event] = {}
        self._at_once: set[str] = set()
        for record in records:
            if not isinstance(called := record.body, Called):
                continue
            if called.output is None:
                self._called.setdefault(called.call_id, record.time)
            # An interruption answers for itself: the call is cancelled again.
            elif not (called.failed and called.output == INTERRUPTED):
                self._by_id.setdefault(called.call_id, called)
                if self._called.get(called.call_id) == record.time:
                    self._at_once.add(called.call_id)

    def give(self, answer: Called) -> None:
        self._event(answer.call_id).set()

    def is_at_once(self, call_id: str) -> bool:
        """No time went by between the call and its answer."""
        return call_id in self._at_once

    async def of(self, call_id: str) -> Called:
        """The answer to a call, when it is given; never, if it was not."""
        await self._event(call_id).wait()
        return self.known(call_id)

    def known(self, call_id: str) -> Called:
        return self._by_id[call_id]

    def _event(self, call_id: str) -> anyio.Event:
        return self._given.setdefault(call_id, anyio.Event())


class Remembering(Tool):
    """*tool*, as the model knows it, with recorded answers."""

    def __init__(self, tool: Tool, answers: Answers) -> None:
        function = tool.function
        super().__init__(
            function,
            name=tool.definition.name,
            description=tool.definition.description,
            timeout=tool.timeout,
            finish=tool.finish,
        )
        self.definition = tool.definition
        self._answers = answers
        self._threaded = not inspect.iscoroutinefunction(function)

    async def call(self, arguments: str) -> object:
        call_id = running_call.get()
        if not self._threaded and self._answers.is_at_once(call_id):
            answer = self._answers.known(call_id)  # nothing could come in between
        else:
            answer = await self._answers.of(call_id)
        if answer.failed:
            raise ToolError(answer.output or "")
        return answer.output


def remember(members: Iterable[Member], answers: Answers) -> list[Tools]:
    """Let all tools among *members* answer from the recording; the stages that run them."""
    found: list[Tools] = []
    for member in members:
        if isinstance(member, Tee):
            for branch in member.branches:
                found += remember(branch, answers)
        elif isinstance(member, Tools):
            tools = _tools_of(member)
            for name, tool in tools.items():
                tools[name] = Remembering(tool, answers)
            found.append(member)
    return found


def by_others(tools: Tools) -> bool:
    """Whether it has tools that somebody else answers."""
    known: Mapping[str, Tool] = _tools_of(tools)
    return any(definition.name not in known for definition in tools.definitions)


def _tools_of(tools: Any) -> dict[str, Tool]:
    return getattr(tools, "_tools")  # noqa: B009 - of another package, which has no word for it
