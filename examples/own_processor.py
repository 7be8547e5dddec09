"""A processor and a stage of one's own: a telephone line's sound, and a log on disk."""

import sys
from collections.abc import Iterator

import anyio
import msgspec
import numpy as np

from antiphon.pipeline import Audio, Emit, Frames, Pipeline
from antiphon.processors import FileSink, FileSource, Resampler


class Quieter:
    """Halves what passes. The annotation says that it wants audio; the rest passes by."""

    def process(self, frame: Audio) -> Iterator[Audio]:
        samples = np.frombuffer(frame.pcm, "<i2") // 2
        yield msgspec.structs.replace(frame, pcm=samples.astype("<i2").tobytes())


class Log:
    """Writes down what passes, which takes time: so it is a stage, a task of its own."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        async with await anyio.open_file("log.txt", "w") as file:
            async for frame in frames:
                await file.write(f"{frame.at / 1_000_000:8.3f} s  {type(frame).__name__}\n")
                await emit(frame)


def pipeline(question: str, answer: str) -> Pipeline:
    return Pipeline(
        FileSource(question, pace="fast"),
        Resampler(8_000),
        Quieter(),
        Log(),
        Resampler(24_000),
        FileSink(answer, rate=24_000, pace="fast"),
    )


if __name__ == "__main__":
    line = pipeline(*sys.argv[1:3])
    print(line)
    anyio.run(line.run)
