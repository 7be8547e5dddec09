"""Holds a recorded session again, with the present code, under a clock that jumps."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import anyio

from antiphon.pipeline import Frame, Member, Pipeline, clock
from antiphon.pipeline.members import Tee, as_line, is_stage
from antiphon.processors.player import PacedSink
from antiphon.processors.remote import Remote
from antiphon.processors.tool import ToolError
from antiphon.processors.tools import INTERRUPTED, Tools
from antiphon.recording.answers import Answers, by_others, remember
from antiphon.recording.conduct import Notes, conduct, end_in_time, held, keep_pace
from antiphon.recording.ends import Ear, Network, Voice, settled
from antiphon.recording.reader import Record, Recording
from antiphon.recording.records import (
    AUDIO_IN,
    AUDIO_OUT,
    TOOLS,
    Called,
    Connected,
    Said,
    Sound,
    Wired,
    frame_of,
)
from antiphon.recording.surroundings import surroundings
from antiphon.recording.wire import reach

Bot = Pipeline | Member | Sequence[Member]
"""What stands between source and sink; a Pipeline has both, and they are replaced."""

SPOKEN = 24_000
"""Hz at which a bot is played when the recording has no speech."""


class Replayed(NamedTuple):
    """What came out."""

    records: list[Record]
    problem: str
    """What ended it, if that was an error."""


def replay(
    recording: Recording,
    build: Callable[[], Bot],
    *,
    live_tools: bool = False,
    live_sink: bool = False,
    until: float | None = None,
    speed: float | None = None,
    observers: Sequence[object] = (),
) -> Replayed:
    """Let what *build* gives hear what the recorded bot heard.

    Tools answer what they answered then, unless *live_tools*, and a provider's model says what
    it said. The sink reports what it reported; with *live_sink*, for a bot that says something
    else, what a loudspeaker would. *until* is in seconds of the session, *speed* 1 for real time
    and None for as fast as it goes.
    """
    return _Replay(recording, live_tools, live_sink, until, speed).run(build, observers)


class _Replay:
    def __init__(
        self,
        recording: Recording,
        live_tools: bool,
        live_sink: bool,
        limit: float | None,
        speed: float | None,
    ) -> None:
        self._recording = recording
        self._live_tools = live_tools
        self._live_sink = live_sink
        self._limit = limit
        self._speed = speed
        self._answers = Answers(recording.of(TOOLS))
        self._voice = Voice(
            recording.header.get("source", "source"), rate_of(recording.of(AUDIO_IN))
        )
        rate = rate_of(recording.of(AUDIO_OUT))
        sink = recording.header.get("sink", "sink")
        self._ear = Ear(sink, rate)
        self._sink: Member = self._ear
        if live_sink:
            self._sink = PacedSink(lambda pcm, at: None, rate=rate or SPOKEN)
        self._notes = Notes(self._voice.name, "PacedSink" if live_sink else sink)
        self._network = Network(self._notes.take)

    def run(self, build: Callable[[], Bot], observers: Sequence[object]) -> Replayed:
        began = int(self._recording.header.get("began", "0"))
        with surroundings(began):
            pipeline = self._pipeline(build(), observers)
            problem = held(self._run, pipeline)
        return Replayed(self._notes.records, problem)

    def _pipeline(self, bot: Bot, observers: Sequence[object]) -> Pipeline:
        if isinstance(bot, Pipeline):
            members = bot.members
            inner = members[1:-1]
            if len(members) < 2 or not (is_stage(members[0]) and is_stage(members[-1])):
                raise ValueError(f"{bot!r} has no source and sink that could be replaced")
            observers = (*bot.observers, *observers)
        else:
            inner = as_line(bot)
        pipeline = self._notes.watch(
            Pipeline(self._voice, *inner, self._sink, fit="auto", observers=observers)
        )
        for member in _all(pipeline.members):
            if isinstance(member, Remote):
                reach(member, self._network.open)
        self._tools = [] if self._live_tools else remember(pipeline.members, self._answers)
        return pipeline

    async def _run(self, pipeline: Pipeline) -> None:
        clock.begin(anyio.current_time())
        async with anyio.create_task_group() as group:
            group.start_soon(conduct, self._recording, self._let_in, self._voice.hang_up)
            group.start_soon(end_in_time, self._recording, self._limit, group)
            if self._speed is not None:
                group.start_soon(keep_pace, self._speed)
            await pipeline.run()
            group.cancel_scope.cancel()

    async def _let_in(self, record: Record) -> None:
        body = record.body
        if isinstance(body, Wired | Connected):
            self._network.hear(body)
        elif isinstance(body, Called):
            await self._answer(body)
        elif (frame := _frame(record)) is None:
            pass  # of a class that is not there any more
        elif isinstance(body, Said) and body.member != self._voice.name:
            self._ear.report(frame)
        else:
            await self._voice.say(frame)

    async def _answer(self, answer: Called) -> None:
        if answer.failed and answer.output == INTERRUPTED:
            return  # not from outside: the interruption says it again
        self._answers.give(answer)
        for tools in self._tools:
            if by_others(tools) and not _answered(tools, answer):
                await settled()  # the call may be made at this very moment
                _answered(tools, answer)


def _answered(tools: Tools, answer: Called) -> bool:
    """Whether it was waited for: a function's call answers itself, and some are not made now."""
    try:
        tools.answer(answer.call_id, answer.output or "", failed=answer.failed)
    except ToolError:
        return False
    return True


def rate_of(records: Iterable[Record]) -> int | None:
    """Hz of the first sound among *records*."""
    return next((r.body.rate for r in records if isinstance(r.body, Sound)), None)


def _frame(record: Record) -> Frame | None:
    return frame_of(record.body) if isinstance(record.body, Sound | Said) else None


def _all(members: Sequence[Member]) -> list[Any]:
    found: list[Any] = []
    for member in members:
        if isinstance(member, Tee):
            for branch in member.branches:
                found += _all(branch)
        else:
            found.append(member)
    return found
