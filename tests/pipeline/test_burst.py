"""Interrupts in the middle of a burst, and of a stage's work."""

import anyio
import anyio.lowlevel
import pytest

from antiphon.pipeline import Emit, Frames, Interrupt, Pipeline
from antiphon.pipeline.lane import TURN
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.parts import (
    Sink,
    Slow,
    Text,
    words,
)


def test_a_burst_and_an_interrupt_in_the_same_moment_leave_nothing_stale() -> None:
    stages = [Slow(0) for _ in range(6)]
    sink = Sink()

    async def main() -> None:
        async with Pipeline(*stages, sink).open(output=False) as run:
            for i in range(200):
                run.send_nowait(Text(text=str(i)))
            run.send_nowait(Interrupt())
            run.send_nowait(Text(text="fresh"))

    run_virtual(main)
    assert words(sink.frames) == ["Interrupt", "fresh"]


@pytest.mark.parametrize("pause", range(0, 30, 3))
def test_a_burst_under_way_is_forgotten_in_every_stage_and_lane(pause: int) -> None:
    sink = Sink()
    heard_before: list[str] = []

    async def main() -> None:
        stages = [Slow(0.001 * i) for i in range(6)]
        async with Pipeline(*stages, sink).open(output=False) as run:
            for i in range(200):
                run.send_nowait(Text(text=str(i)))
            await anyio.sleep(pause / 1_000)
            run.send_nowait(Interrupt())
            heard_before.extend(words(sink.frames))
            run.send_nowait(Text(text="fresh"))

    run_virtual(main)
    heard = words(sink.frames)
    assert heard[: len(heard_before)] == heard_before
    assert heard[len(heard_before) :] == ["Interrupt", "fresh"]


def test_a_stage_that_computes_for_each_frame_hears_of_it_before_its_backlog() -> None:
    """It never waits, so others run only when it gives them their turn."""
    computed: list[str] = []
    sent: list[int] = []

    class Computes:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                computed.extend(words([frame]))
                await emit(frame)

    sink = Sink()

    async def main() -> None:
        async with Pipeline(Computes(), sink, lane=1_000).open(output=False) as run:
            for i in range(500):
                run.send_nowait(Text(text=str(i)))
            while len(computed) < 40:
                await anyio.lowlevel.checkpoint()
            sent.append(len(computed))
            run.send_nowait(Interrupt())

    run_virtual(main)
    assert computed[sent[0] :] == ["Interrupt"]
    assert sent[0] < 40 + TURN
