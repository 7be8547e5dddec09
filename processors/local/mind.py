"""Answers what was understood: with words, or by calling a tool."""

import random
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from antiphon.codecs.config import ToolDefinition
from antiphon.processors.local import calls, results
from antiphon.processors.local.grammar import Grammar, placeholders
from antiphon.processors.local.numerals import duration, listed
from antiphon.processors.local.patterns import Value
from antiphon.processors.local.replies import APOLOGY, Scene, spoken, told
from antiphon.processors.local.schema import Intent
from antiphon.processors.local.understanding import Heard

_DIRECT_CALL = re.compile(r"\s*call\s+([\w.-]+)\s*(\{.*)?", re.IGNORECASE | re.DOTALL)


class ToolCall(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, Any]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Words to say, or tools to call first."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


class _Request(msgspec.Struct, frozen=True):
    intent: Intent
    slots: dict[str, Value]


class Mind:
    """One conversation. The same seed and the same turns give the same answers."""

    def __init__(self, grammar: Grammar, *, seed: int = 0) -> None:
        self._grammar = grammar
        self._rng = random.Random(seed)
        self._remembered: dict[str, Value] = {}
        self._before: _Request | None = None
        """The last request that has slots, or lacks some: another turn may go on with it."""
        self._called: dict[str, _Request] = {}
        """By the name of the tool that was called for it."""
        self._last = ""

    def answer(
        self,
        heard: Heard,
        *,
        tools: Sequence[ToolDefinition] = (),
        now: datetime | None = None,
        instructions: str = "",
    ) -> Reply:
        """*now* is the wall clock's, for those who ask the time; without it there is none.

        Of the session's *instructions*, `You are called NAME` is understood.
        """
        direct = _DIRECT_CALL.fullmatch(heard.text.rstrip())
        if direct and (direct[2] or any(tool.name == direct[1] for tool in tools)):
            return self._call_directly(direct[1], direct[2] or "{}", tools)
        request = self._requested(heard)
        scene = Scene(
            self._grammar,
            self._rng,
            slots=self._remembered | (request.slots if request else {}),
            now=now,
            last=self._last,
            instructions=instructions,
            nearest=heard.nearest,
        )
        if request is None:
            return self._say(scene.choose(self._grammar.apologies) or APOLOGY)
        filled = self._tool_for(request, tools)
        if filled is not None and not filled.missing:
            self._called[filled.tool.name] = request
            return Reply(calls=(ToolCall(filled.tool.name, filled.arguments),))
        # What is known here, as the time is, is told rather than asked back for a tool's sake.
        replies = [r for r in request.intent.replies if filled is None or placeholders(r)]
        said = scene.choose(replies)
        if said is None and filled is not None:
            said = self._question(filled.missing[0], request)
        return self._say(said or scene.choose(request.intent.otherwise) or APOLOGY)

    def after_tool(
        self, name: str, arguments: dict[str, Any], output: str, *, failed: bool = False
    ) -> Reply:
        """Tells the result of a call: JSON of any shape, or text."""
        request = self._called.pop(name, None)
        result = results.decode(output)
        problem = results.failure(result)
        if problem is None and failed:
            problem = result if isinstance(result, str) else ""
        if problem is not None:
            sorry = "Sorry, that did not work"
            return self._say(results.sentence(f"{sorry}: {problem}" if problem else sorry))
        if isinstance(result, str) and len(result.split()) > 2:
            return self._say(results.sentence(result))
        own = self._told_by_grammar(request, arguments, result) if request else None
        return self._say(own or results.describe(result, known=arguments))

    def _say(self, text: str) -> Reply:
        self._last = text
        return Reply(text=text)

    def _requested(self, heard: Heard) -> _Request | None:
        if heard.intent is None:
            return None
        request = _Request(self._grammar.intents[heard.intent], dict(heard.slots))
        if request.intent.goes_on:
            request = self._going_on(request)
        kept = set(request.intent.remember)
        self._remembered |= {name: slot for name, slot in request.slots.items() if name in kept}
        if self._grammar.held(request.intent.name):
            self._before = request
        return request

    def _going_on(self, more: _Request) -> _Request:
        """The request before with the slots of *more*, or one that they alone make."""
        before = self._before
        if (
            before is not None
            and more.slots.keys() <= self._grammar.held(before.intent.name).keys()
        ):
            kept = before.slots
            if calls.UNITS.keys() & more.slots.keys():  # A new duration, not an addition to it.
                kept = {name: slot for name, slot in kept.items() if name not in calls.UNITS}
            return _Request(before.intent, kept | more.slots)
        for intent in self._grammar.intents.values():
            slots = self._grammar.held(intent.name).keys()
            if intent.tool is not None and not intent.goes_on and more.slots.keys() <= slots:
                return _Request(intent, more.slots)
        return more

    def _tool_for(self, request: _Request, tools: Sequence[ToolDefinition]) -> calls.Filled | None:
        if request.intent.tool is None:
            return None
        specs = self._grammar.held(request.intent.name)
        return calls.choose(request.intent.tool, tools, request.slots, specs)

    def _question(self, parameter: str, request: _Request) -> str:
        spec = calls.slot_for(parameter, self._grammar.held(request.intent.name))
        if spec is not None and spec.ask:
            return spec.ask
        return f"What is the {' '.join(sorted(calls.parts(parameter)))}?"

    def _call_directly(self, name: str, written: str, tools: Sequence[ToolDefinition]) -> Reply:
        if all(tool.name != name for tool in tools):
            known = listed([tool.name for tool in tools] or ["none"])
            return self._say(f"I have no tool called {name}. There is {known}.")
        try:
            arguments = msgspec.json.decode(written, type=dict[str, Any])
        except msgspec.DecodeError as error:
            return self._say(f"The arguments for {name} are no JSON object: {error}.")
        return Reply(calls=(ToolCall(name, arguments),))

    def _told_by_grammar(
        self, request: _Request, arguments: dict[str, Any], result: results.Json
    ) -> str | None:
        """By the intent's own sentence that tells most of the result."""
        named = results.fields(result)
        seconds = calls.total(request.slots)

        def known(name: str) -> str | None:
            if name in request.slots:
                return spoken(request.slots[name])
            if name == "duration" and seconds is not None:
                return duration(seconds)
            found = results.find(named, name)
            return str(arguments[name]) if found is None and name in arguments else found

        hint = request.intent.tool
        candidates = [
            (sum(results.find(named, name) is not None for name in placeholders(template)), text)
            for template, text in told(hint.result if hint else (), known)
        ]
        most = max((count for count, _ in candidates), default=0)
        best = [text for count, text in candidates if count == most]
        return self._rng.choice(best) if best else None
