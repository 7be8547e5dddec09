"""A loudspeaker that remembers, and speech whose samples say whose they are."""

import struct
from typing import Any

from antiphon.codecs import events
from antiphon.pipeline import Frame, Pipeline
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Realtime
from tests.pipeline.parts import Script
from tests.processors.parts import MS, SECOND, ScriptedModel, delta, silence

RATE = 24_000


class Speaker:
    """A loudspeaker that keeps each block with its time."""

    def __init__(self, rate: int = RATE, *, block: int = MS) -> None:
        self.blocks: list[tuple[int, tuple[int, ...]]] = []
        self.sink = PacedSink(self._write, rate=rate, block=block)

    def _write(self, pcm: bytes, at: int) -> None:
        self.blocks.append((at, struct.unpack(f"<{len(pcm) // 2}h", pcm)))

    def heard(self, value: int, since: int = 0) -> int:
        """Samples of *value*."""
        return sum(block.count(value) for at, block in self.blocks if at >= since)

    @property
    def order(self) -> list[int]:
        """The values that were heard, each for as long as it lasted."""
        values = [sample for _, block in self.blocks for sample in block if sample]
        return [v for i, v in enumerate(values) if not i or values[i - 1] != v]


def says(value: int, duration: int, at: int, *, every: int = 0, deltas: int = 1) -> list[Frame]:
    """Audio of item "i<value>" in response "r<value>", all of its samples being *value*."""
    pcm = struct.pack("<h", value) * (duration * RATE // SECOND // deltas)
    return [
        delta(pcm, at=at + n * every, response=f"r{value}", item=f"i{value}") for n in range(deltas)
    ]


def speaks(at: int) -> Frame:
    return events.SpeechStarted(item_id="user", at=at)


async def converse(
    model: ScriptedModel, speaker: Speaker, *user: Frame, fit: Any = "strict", **options: Any
) -> None:
    end = max(frame.at for frame in model.said) + SECOND
    source = Script(*user, silence(20 * MS, at=end))
    await Pipeline(source, Realtime(model, **options), speaker.sink, fit=fit).run()
