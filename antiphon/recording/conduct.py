"""Lets a recorded session happen again: what came in then comes in now, in its order."""

import time as wall
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.abc import TaskGroup

from antiphon.pipeline import Audio, Frame, PipelineError, clock
from antiphon.pipeline.errors import leaf
from antiphon.pipeline.virtual import Standstill, run_virtual
from antiphon.recording.boundary import Boundary
from antiphon.recording.compare import OUTPUTS
from antiphon.recording.ends import settled, until
from antiphon.recording.reader import Record, Recording
from antiphon.recording.records import (
    AUDIO_IN,
    EVENTS_IN,
    WIRE_IN,
    WIRE_STATE,
    Body,
    Called,
    Topic,
    said_of,
    sound_of,
)
from antiphon.transports import TransportError

INPUTS: tuple[Topic, ...] = (AUDIO_IN, EVENTS_IN, WIRE_IN, WIRE_STATE)

PATIENCE = 60.0
"""Seconds of session time after the recording's end in which a replay may still come to its own."""

PACE = 0.0207
"""Seconds between two looks at the real clock; no other timer has this period."""


class Notes(Boundary):
    """Keeps what comes out."""

    def __init__(self, source: str | None = None, sink: str | None = None) -> None:
        super().__init__(source, sink)
        self.records: list[Record] = []

    def take(self, topic: Topic, body: Body | Frame, member: str = "") -> None:
        if topic in (AUDIO_IN, EVENTS_IN):
            return
        if isinstance(body, Audio):
            body = sound_of(body)
        elif isinstance(body, Frame):
            body = said_of(member, body)
        moment = anyio.current_time() - clock.epoch()
        self.records.append(Record(topic, round(moment * 1e9), body))


async def conduct(
    recording: Recording,
    let_in: Callable[[Record], Awaitable[None]],
    hang_up: Callable[[], None],
) -> None:
    """Let everything in when it came, and behind what had come out; then *hang_up*."""
    ended = recording.input_end
    came_out: int | None = None
    for record in recording.records:
        answer = isinstance(record.body, Called) and record.body.output is not None
        if record.topic in OUTPUTS and not answer:
            came_out = record.time
        elif record.topic in INPUTS or answer:
            if ended is not None and record.time > ended:
                await until(ended)
                hang_up()
                ended = None
            await until(record.time)
            if came_out == record.time:
                await settled()
                came_out = None
            await let_in(record)
    if ended is not None:
        await until(ended)
        hang_up()


async def end_in_time(recording: Recording, limit: float | None, group: TaskGroup) -> None:
    """Not later than the recorded session, if somebody ended that, or than *limit* seconds."""
    end = recording.duration / 1_000_000
    if recording.finished:
        end += PATIENCE
    await anyio.sleep_until(clock.epoch() + min(end, limit or end))
    group.cancel_scope.cancel()


async def keep_pace(speed: float) -> None:
    """Hold the loop until the real clock has come as far as its own."""
    began, here = wall.monotonic(), anyio.current_time()
    while True:
        await anyio.sleep(PACE)
        ahead = (anyio.current_time() - here) / speed - (wall.monotonic() - began)
        if ahead > 0:
            wall.sleep(ahead)  # noqa: ASYNC251 - nothing else may go on meanwhile


def held(work: Callable[..., Awaitable[None]], *arguments: Any) -> str:
    """Run it under a virtual clock; what ended it, if that was an error of the session's."""
    try:
        run_virtual(work, *arguments)
    except Standstill:
        return "all of it waits for something that will never happen"
    except (PipelineError, TransportError) as error:
        return str(error)
    except ExceptionGroup as group:
        if not isinstance(error := leaf(group), PipelineError | TransportError):
            raise
        return str(error)
    return ""
