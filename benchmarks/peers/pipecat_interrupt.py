"""A line of pipecat-ai's processors that can be interrupted, as a transport does it."""

# pyright: basic, reportMissingImports=false
# The package is no dependency: where it is missing, all that comes from it is unknown.

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from pipecat.frames.frames import AudioRawFrame, Frame, InterruptionFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from benchmarks.interruption import FRAME, MEMBERS, PCM, Line, Player, compute
from benchmarks.peers.pipecat import Passes, Variant, audio, running


class _Works(Passes):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, AudioRawFrame):
            compute(self._seconds)
        await super().process_frame(frame, direction)


class _Plays(FrameProcessor):
    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)  # this cancels what waits below
        if isinstance(frame, InterruptionFrame):
            self._player.stop()
        elif isinstance(frame, AudioRawFrame):
            self._player.hear(frame.pts or 0)
            if self._player.paced:
                await asyncio.sleep(FRAME)
        await self.push_frame(frame, direction)


class _Line:
    def __init__(self, source: FrameProcessor) -> None:
        self._source = source

    async def send(self, number: int) -> None:
        await self._source.push_frame(audio("speaker", number, PCM))

    async def send_at_once(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            await self.send(number)

    async def interrupt(self) -> None:
        await self._source.broadcast_interruption()


@asynccontextmanager
async def line(variant: Variant, player: Player, work: float) -> AsyncGenerator[Line, None]:
    source = Passes()
    members = [_Works(work) for _ in range(MEMBERS)]
    async with running([source, *members, _Plays(player)], variant):
        yield _Line(source)
