"""The turns of a fixed think time with pipecat-ai's processors, in process."""

# pyright: basic, reportMissingImports=false
# The package is no dependency: where it is missing, all that comes from it is unknown.

import asyncio

import anyio
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from antiphon.codecs.events import SpeechStopped
from benchmarks.peers.answering import (
    ANSWER,
    FRAME,
    LOUD,
    MODEL_RATE,
    TURN,
    USER_RATE,
    Ears,
    Notes,
    onset,
    user_pcm,
)
from benchmarks.peers.pipecat import Hears, running
from benchmarks.peers.stamps import moment


class _Answers(FrameProcessor):
    def __init__(self, think: float, notes: Notes) -> None:
        super().__init__()
        self._think = think
        self._notes = notes
        self._ears = Ears(USER_RATE)
        self._heard = -1
        self._answering: set[asyncio.Task[None]] = set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)
            return
        self._heard += 1
        if isinstance(self._ears.hear(frame.audio), SpeechStopped):
            self._notes.ended.append((self._heard, moment()))
            answering = asyncio.create_task(self._answer())
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)

    async def _answer(self) -> None:
        await asyncio.sleep(self._think)
        self._notes.spoke.append(moment())
        sound = LOUD.to_bytes(2, "little") * round(MODEL_RATE * FRAME)
        for number in range(ANSWER):
            frame = OutputAudioRawFrame(audio=sound, sample_rate=MODEL_RATE, num_channels=1)
            frame.pts = number
            await self.push_frame(frame)


async def in_process(turns: int, think: float, notes: Notes) -> None:
    def hear(frame: Frame) -> None:
        if not isinstance(frame, OutputAudioRawFrame) or frame.pts != 0:
            return
        if (heard := onset(frame.audio, frame.sample_rate)) is not None:
            notes.heard.append(heard)

    async with running([_Answers(think, notes), Hears(hear)], "default") as worker:
        start = anyio.current_time()
        for number in range(turns * TURN):
            due = start + (number + 1) * FRAME
            await anyio.sleep_until(due)
            notes.due.append(due)
            notes.sent.append(moment())
            pcm = user_pcm(number)
            await worker.queue_frame(
                InputAudioRawFrame(audio=pcm, sample_rate=USER_RATE, num_channels=1)
            )
