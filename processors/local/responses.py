"""What a local model answers, and when: one response at a time, each a task."""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVarTuple

import anyio
from anyio import CancelScope, Event
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import AudioPart, JsonObject, Message
from antiphon.pipeline import Emit, now
from antiphon.processors.local.brain import Brain, Input, Part, Say, Turn, Utterance
from antiphon.processors.local.conversation import Conversation
from antiphon.processors.local.hearing import RATE
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.response import Response

Arguments = TypeVarTuple("Arguments")

LINGER = 30.0
"""Seconds that tool calls may stay open after the user has gone."""

SOON = 1.0
"""Seconds in which the client asks for the response that follows a tool's output."""


class Responses:
    """The speaking half of a session.

    `busy` counts what ends by itself; `calls` are those of tools that wait for an output,
    and with `continues` the client is about to ask for the response that follows.
    """

    def __init__(
        self,
        brain: Brain,
        emit: Emit,
        conversation: Conversation,
        pace: Pace,
        chance: random.Random,
        rate: int,
        group: TaskGroup,
    ) -> None:
        self.calls: set[str] = set()
        self.continues = False
        self.new: dict[str, Input | None] = {}
        """What came since the last response, by item; None for what is not understood yet."""
        self.ended: Callable[[Response], None] = _nothing
        """Called with a response that is done, unless it was the last."""
        self.idle = CancelScope()
        """Of what waits for the user; the next response ends it."""
        self._brain = brain
        self._emit = emit
        self._conversation = conversation
        self._pace = pace
        self._chance = chance
        self._rate = rate
        self._group = group
        self._heard = 0
        self._understanding: list[Event] = []
        self._running: Response | None = None
        self._scope = CancelScope()
        self._over = Event()
        self._why = ""
        self._busy = 0
        self._changed = Event()

    @property
    def running(self) -> Response | None:
        return self._running

    def understand(self, item_id: str, pcm: bytes) -> None:
        """Find out what the user said in *item_id*; the next response waits for it."""
        self._heard += len(pcm) * 500_000 // RATE
        self.new[item_id] = None
        self._understanding.append(Event())
        self.begin(self._understand, item_id, pcm, self._understanding[-1])

    def respond(
        self, config: SessionConfig, *, say: str | None = None, metadata: JsonObject | None = None
    ) -> None:
        """Begin a response to what is new, or one that says just *say*; none may be running."""
        self.continues = False
        self.idle.cancel()
        response = self._running = Response(
            self._conversation.new_id("resp"),
            self._emit,
            self._conversation,
            self.calls,
            self._pace,
            self._chance,
            rate=self._rate,
            spoken="audio" in (config.output_modalities or ("audio",)),
            heard=self._heard,
            metadata=metadata,
        )
        self._scope, self._over = CancelScope(), Event()
        response.begin()
        self.begin(self._run, response, config, say)

    async def interrupt(self, why: str) -> None:
        """Stop the response that runs, if one does, and wait until it has said so."""
        if self._running is not None:
            self._why = why
            self._scope.cancel()
            await self._over.wait()

    def cuts_in(self) -> float | None:
        """Seconds after which the model talks over a user who has begun; None for not."""
        return self._brain.cuts_in()

    def begin(self, work: Callable[[*Arguments], Awaitable[None]], *args: *Arguments) -> None:
        """Run *work*, which ends by itself, as a task of the session."""

        async def counted() -> None:
            try:
                await work(*args)
            finally:
                self._busy -= 1
                self.changed()

        self._busy += 1
        self._group.start_soon(counted)

    def changed(self) -> None:
        """Something happened for which `settled` may be waiting."""
        self._changed.set()

    async def settled(self) -> None:
        """Wait until all is said, as long as it takes, and all tool calls are answered."""
        while self._busy or self.calls or self.continues:
            self._changed = Event()
            patience = None if self._busy else LINGER if self.calls else SOON
            with anyio.move_on_after(patience) as limit:
                await self._changed.wait()
            if limit.cancelled_caught:
                return

    async def _understand(self, item_id: str, pcm: bytes, done: Event) -> None:
        try:
            text = await self._brain.hear(pcm)
        finally:
            self._understanding.remove(done)
            done.set()
        if item_id in self.new:
            self.new[item_id] = Utterance(item_id, pcm, text)
        part = AudioPart(transcript=text)
        self._conversation.replace(
            Message(role="user", id=item_id, content=(part,), status="completed")
        )
        if text:
            await self._emit(events.InputTranscriptionDelta(item_id=item_id, delta=text, at=now()))
        await self._emit(
            events.InputTranscriptionCompleted(item_id=item_id, transcript=text, at=now())
        )

    async def _run(self, response: Response, config: SessionConfig, say: str | None) -> None:
        new: dict[str, Input] = {}
        try:
            with self._scope as scope:
                for understood in tuple(self._understanding):
                    await understood.wait()
                if say is None:
                    new = self._take()
                    turn = Turn(tuple(new.values()), self._conversation, config)
                    parts = self._brain.respond(turn)
                else:
                    parts = _only(Say(say))
                await response.run(self._brain, parts)
            if scope.cancelled_caught:
                if response.empty:  # it answered nothing: the next one shall
                    self.new = {
                        one: new[one] for one in new if one in self._conversation
                    } | self.new
                response.cancelled(self._why)
        finally:
            self._running = None
            self._over.set()
        if response.hung_up:
            await self._emit(events.SessionClosed(reason="hung up", at=now()))
            self._group.cancel_scope.cancel()
        else:
            self.ended(response)

    def _take(self) -> dict[str, Input]:
        """What is new and understood; the rest is for a later response."""
        taken = {one: said for one, said in self.new.items() if said is not None}
        self.new = {one: said for one, said in self.new.items() if said is None}
        return taken


async def _only(part: Part) -> AsyncGenerator[Part]:
    yield part


def _nothing(response: Response) -> None:
    pass
