"""Lines of pipecat-ai's processors, as its own documentation assembles and runs them."""

# pyright: basic, reportMissingImports=false
# The package is no dependency: where it is missing, all that comes from it is unknown.

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Literal

from loguru import logger
from pipecat.frames.frames import (
    AudioRawFrame,
    Frame,
    InputAudioRawFrame,
    OutputAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from benchmarks.lines import PCM, RATE, AudioKind, Line, Open

logger.remove()  # it would write a line for each link to standard error

Variant = Literal["default", "lean"]
"""What PipelineWorker does unless told otherwise; without its observers and idle timeout."""

START_TIMEOUT = 20.0


class Passes(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Hears(Passes):
    """Lets frames by and shows each to *hear* first."""

    def __init__(self, hear: Callable[[Frame], None]) -> None:
        super().__init__()
        self._hear = hear

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        self._hear(frame)
        await super().process_frame(frame, direction)


def audio(kind: AudioKind, at: int = 0, pcm: bytes = PCM) -> AudioRawFrame:
    create = InputAudioRawFrame if kind == "microphone" else OutputAudioRawFrame
    frame = create(audio=pcm, sample_rate=RATE, num_channels=1)
    frame.pts = at
    return frame


@asynccontextmanager
async def running(
    processors: Sequence[FrameProcessor], variant: Variant
) -> AsyncGenerator[PipelineWorker, None]:
    """The processors in a pipeline that has started."""
    pipeline = Pipeline(list(processors))
    if variant == "default":
        worker = PipelineWorker(pipeline)
    else:
        worker = PipelineWorker(
            pipeline, enable_rtvi=False, enable_turn_tracking=False, idle_timeout_secs=None
        )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_pipeline_started(worker: PipelineWorker, frame: Frame) -> None:
        started.set()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    over = asyncio.create_task(runner.run())
    await asyncio.wait_for(started.wait(), START_TIMEOUT)
    try:
        yield worker
    finally:
        await worker.cancel()
        await over


class _Line:
    def __init__(self, worker: PipelineWorker, kind: AudioKind, out: asyncio.Queue[Frame]) -> None:
        self._queue_frame = worker.queue_frame
        self._create = partial(audio, kind)
        self._out = out

    async def send(self) -> None:
        await self._queue_frame(self._create())

    async def receive(self) -> None:
        await self._out.get()


def processors(variant: Variant, kind: AudioKind) -> Open:
    """Lines of pass-through processors for audio of *kind*."""

    @asynccontextmanager
    async def line(count: int) -> AsyncGenerator[Line, None]:
        out = asyncio.Queue[Frame]()

        def hear(frame: Frame) -> None:
            if isinstance(frame, AudioRawFrame):
                out.put_nowait(frame)

        passing = [Passes() for _ in range(count - 1)]
        async with running([*passing, Hears(hear)], variant) as worker:
            yield _Line(worker, kind, out)

    return line


@asynccontextmanager
async def session(
    variant: Variant, count: int, hear: Callable[[int], None]
) -> AsyncGenerator[Callable[[int, AudioKind], Awaitable[None]], None]:
    """A line whose last processor tells *hear* each frame's time; how to send one."""

    def hear_audio(frame: Frame) -> None:
        if isinstance(frame, AudioRawFrame):
            hear(frame.pts or 0)

    passing = [Passes() for _ in range(count - 1)]
    async with running([*passing, Hears(hear_audio)], variant) as worker:

        async def send(at: int, kind: AudioKind) -> None:
            await worker.queue_frame(audio(kind, at))

        yield send


@asynccontextmanager
async def idle(variant: Variant, count: int, pipelines: int) -> AsyncGenerator[None, None]:
    """So many *pipelines* of *count* processors, to which nothing comes."""
    async with AsyncExitStack() as stack:
        for _ in range(pipelines):
            await stack.enter_async_context(running([Passes() for _ in range(count)], variant))
        yield
