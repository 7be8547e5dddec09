"""Knows what crosses a session's boundary: what its ends give, get and send back."""

from collections.abc import Callable, Sequence
from typing import Any

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Audio, Emit, Frame, Frames, Pipeline
from antiphon.pipeline.members import Stage, is_stage, name_of
from antiphon.recording.records import (
    AUDIO_IN,
    AUDIO_OUT,
    CONFIG,
    EVENTS_IN,
    EVENTS_OUT,
    SESSION,
    TOOLS,
    Body,
    Called,
    Happened,
    Topic,
)

CONFIGURING = (events.SessionUpdate, events.SessionStart)


class Boundary:
    """An observer for whom `take` is called with all that goes in and comes out.

    What the first member gives and what the last one sends back goes in, what the last one gets
    comes out; *source* and *sink* name other members. Only in a pipeline that it `watch`es does it
    see what the sink gets and when the source has ended; of another it is told what the member
    before the sink sent, and not what passed by that.
    """

    def __init__(self, source: str | None = None, sink: str | None = None) -> None:
        self.source = source
        self.sink = sink
        self._outlet: str | None = ""
        """The member before the sink; None when the sink itself is heard."""
        self._config: Frame | None = None
        self._answer: Frame | None = None

    def take(self, topic: Topic, body: Body | Frame, member: str = "") -> None:
        raise NotImplementedError

    def watch(self, pipeline: Pipeline) -> Pipeline:
        """Observe *pipeline*, whose first and last members are its source and sink."""
        first, *inner, last = pipeline.members if len(pipeline.members) > 1 else (None, None)
        if not is_stage(first) or not is_stage(last):
            raise ValueError(f"{pipeline!r} has no source and sink to be watched")
        ended = Happened("input-ended")
        source = _Source(first, lambda: self.take(SESSION, ended))
        pipeline.members = (source, *inner, _Sink(last, self._comes_out))
        pipeline.observers = (*pipeline.observers, self)
        self._outlet = None
        return pipeline

    def started(self, members: Sequence[str], at: int) -> None:
        self.source = self.source or members[0]
        self.sink = self.sink or members[-1]
        if self._outlet is not None:
            self._outlet = members[max(members.index(self.sink) - 1, 0)]

    def passed(self, member: str, frame: Frame) -> None:
        if member == self.source:
            self.take(AUDIO_IN if isinstance(frame, Audio) else EVENTS_IN, frame, member)
        if member == self._outlet:
            self._comes_out(frame)
        if isinstance(frame, CONFIGURING):
            if frame is not self._config:  # else it was seen at the member before
                self.take(CONFIG, frame, member)
            self._config = frame

    def returned(self, member: str, frame: Frame) -> None:
        if member == self.sink:
            self.take(EVENTS_IN, frame, member)
        elif isinstance(frame, events.ConversationItemCreate) and frame is not self._answer:
            self._answer = frame
            if isinstance(output := frame.item, FunctionCallOutput):
                answer = Called(output.call_id, output=output.output, failed=output.failed)
                self.take(TOOLS, answer, member)

    def _comes_out(self, frame: Frame) -> None:
        if isinstance(frame, Audio):
            self.take(AUDIO_OUT, frame)
            return
        self.take(EVENTS_OUT, frame)
        if isinstance(frame, events.FunctionCallArgumentsDone):
            self.take(TOOLS, Called(frame.call_id, frame.name, frame.arguments))


class _End:
    """A stage in its place, and under its name."""

    def __init__(self, stage: Stage) -> None:
        self.name = name_of(stage)
        self._stage = stage

    def __getattr__(self, name: str) -> Any:
        """What it declares of itself is the stage's."""
        return getattr(self._stage, name)


class _Source(_End):
    """Tells when it has ended by itself."""

    def __init__(self, stage: Stage, ended: Callable[[], None]) -> None:
        super().__init__(stage)
        self._ended = ended

    async def run(self, frames: Frames, emit: Emit) -> None:
        await self._stage.run(frames, emit)
        self._ended()


class _Sink(_End):
    """Tells what it hears."""

    def __init__(self, stage: Stage, heard: Callable[[Frame], None]) -> None:
        super().__init__(stage)
        self._heard = heard

    async def run(self, frames: Frames, emit: Emit) -> None:
        await self._stage.run(_Heard(frames, self._heard), emit)


class _Heard:
    """Frames, each of which is told when it is read."""

    def __init__(self, frames: Frames, heard: Callable[[Frame], None]) -> None:
        self._frames = frames
        self._heard = heard

    def __aiter__(self) -> "_Heard":
        return self

    async def __anext__(self) -> Frame:
        frame = await self._frames.__anext__()
        self._heard(frame)
        return frame

    async def returned(self) -> Frame:
        return await self._frames.returned()
