"""Audio files as the ends of a pipeline."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from antiphon.pipeline.clock import now, sleep_until
from antiphon.pipeline.frames import SAMPLE_WIDTH, Audio
from antiphon.pipeline.members import Emit, Frames
from antiphon.processors.audiofile import AudioFileError, AudioReader, open_audio
from antiphon.processors.player import PacedSink, Player
from antiphon.processors.playout import Playout
from antiphon.processors.wavefile import WaveWriter

Pace = Literal["clock", "fast"]
"""As a microphone or loudspeaker would, by the session's clock; or as fast as the pipeline can."""


class FileSource:
    """Says what is in an audio file, at the file's own rate.

    Each block of *block* microseconds is emitted when its last sample has been spoken, as
    by a microphone, and `at` is when its first was; the last one is as long as it is. After
    the end comes *tail* microseconds of silence, in which a turn can be heard to end.
    `duration` is None where the file does not say. AudioFileError at once if it has no audio.
    """

    gives = (Audio,)

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        pace: Pace = "clock",
        block: int = 20_000,
        tail: int = 0,
    ) -> None:
        with open_audio(path) as file:
            self.gives_rate = file.rate
            self.duration = file.duration
        if block * self.gives_rate < 1_000_000:
            raise ValueError(f"a block of {block} us has no samples at {self.gives_rate} Hz")
        self._path = path
        self._pace = pace
        self._block = block
        self._tail = tail

    async def run(self, frames: Frames, emit: Emit) -> None:
        rate = self.gives_rate
        start = now()
        spoken = 0
        with open_audio(self._path) as file:
            for pcm in self._blocks(file):
                audio = Audio(pcm=pcm, rate=rate, at=start + spoken * 1_000_000 // rate)
                spoken += audio.samples
                if self._pace == "clock":
                    # From the start, not from the block before: lateness does not add up.
                    await sleep_until(start + spoken * 1_000_000 // rate)
                await emit(audio)

    def _blocks(self, file: AudioReader) -> Iterator[bytes]:
        """Of the file and of the silence behind it, cut so that rounding does not add up."""
        index = 0
        while pcm := file.read(self._samples(index + 1) - self._samples(index)):
            yield pcm
            index += 1
        silence = self._tail * self.gives_rate // 1_000_000
        while silence:
            block = min(silence, self._samples(1))
            yield bytes(block * SAMPLE_WIDTH)
            silence -= block

    def _samples(self, blocks: int) -> int:
        return blocks * self._block * self.gives_rate // 1_000_000


class FileSink:
    """Writes what it hears to a WAV file at *rate*.

    Paced by the clock it is a loudspeaker that writes: what comes too fast waits and can be
    interrupted, and the file keeps the session's time line unless *silence* is false. At a
    fast pace all is written, and reported as heard, as it comes.

    However the run ends, the file is whole. AudioFileError at once if there is no folder for
    it, and from the run if it cannot be written further.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        rate: int = 24_000,
        pace: Pace = "clock",
        silence: bool = True,
    ) -> None:
        if not Path(path).parent.is_dir():
            raise AudioFileError(path, "there is no folder for it; make it first")
        if Path(path).is_dir():
            raise AudioFileError(path, "it is a directory; name a file in it")
        self.rate = rate
        self.takes_rates = frozenset({rate})
        self._path = path
        self._pace = pace
        self._silence = silence

    async def run(self, frames: Frames, emit: Emit) -> None:
        with WaveWriter(self._path, self.rate) as file:
            if self._pace == "fast":
                await self._write_all(file, frames, emit)
            else:
                paced = PacedSink(
                    lambda pcm, _: file.write(pcm), rate=self.rate, silence=self._silence
                )
                await paced.run(frames, emit)

    async def _write_all(self, file: WaveWriter, frames: Frames, emit: Emit) -> None:
        playout = Playout(self.rate)
        player = Player(playout, frames, emit, lambda _: now())
        async for frame in frames:
            player.accept(frame)
            if playout.waiting:
                file.write(playout.take(playout.waiting))
                player.report()
        player.end()
