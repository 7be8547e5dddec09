"""Stages that an Interrupt cancels and begins anew."""

import anyio

from antiphon.pipeline import Emit, Frame, Frames, Interrupt, Pipeline, now
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import Result, Sink, Text, texts, words


class Speaker:
    """Works a second for each frame; begins anew when interrupted."""

    on_interrupt = "restart"

    def __init__(self) -> None:
        self.log: list[tuple[int, str]] = []

    async def run(self, frames: Frames, emit: Emit) -> None:
        self._note("begins")
        try:
            async for frame in frames:
                self._note(*words([frame]))
                await anyio.sleep(1)
                await emit(frame)
        except anyio.get_cancelled_exc_class():
            self._note("cancelled")
            raise

    def _note(self, what: str) -> None:
        self.log.append((now() // 1_000, what))


def test_it_is_cancelled_and_run_anew(timed: Timed) -> None:
    speaker, sink = Speaker(), Sink()

    async def main() -> None:
        async with Pipeline(speaker, sink).open(output=False) as run:
            for frame in texts("ab"):
                run.send_nowait(frame)
            await anyio.sleep(1.5)
            run.send_nowait(Interrupt())
            run.send_nowait(Text(text="x"))

    timed(main)
    assert speaker.log == [
        (0, "begins"),
        (0, "a"),
        (1_000, "b"),
        (1_500, "cancelled"),
        (1_500, "begins"),
        (1_500, "x"),
    ]
    assert sink.heard == [(1_000, "a"), (1_500, "Interrupt"), (2_500, "x")]


def test_it_does_not_get_the_interrupt_among_its_frames(timed: Timed) -> None:
    speaker = Speaker()

    async def main() -> None:
        async with Pipeline(speaker).open() as run:
            run.send_nowait(Interrupt(reason="before it has begun"))
            await anyio.sleep(1)
            run.send_nowait(Interrupt(reason="while it waits"))
            run.send_nowait(Interrupt(reason="and at once again"))
            await anyio.sleep(1)

    timed(main)
    assert "Interrupt" not in {what for _, what in speaker.log}
    assert speaker.log.count((1_000, "begins")) == 1


def test_what_it_still_emits_while_it_is_cancelled_is_dropped(timed: Timed) -> None:
    class Talkative:
        on_interrupt = "restart"

        async def run(self, frames: Frames, emit: Emit) -> None:
            try:
                async for frame in frames:
                    await emit(frame)
            finally:
                emit.nowait(Text(text="stale"))
                emit.nowait(Result(text="kept"))

    sink = Sink()

    async def main() -> None:
        async with Pipeline(Talkative(), sink).open(output=False) as run:
            await anyio.sleep(1)
            run.send_nowait(Interrupt())
            await anyio.sleep(1)
            run.send_nowait(Text(text="x"))

    timed(main)
    assert sink.heard == [
        (1_000, "Interrupt"),
        (1_000, "kept"),
        (2_000, "x"),
        (2_000, "stale"),  # this one at its own end
        (2_000, "kept"),
    ]


def test_frames_sent_behind_the_interrupt_are_for_the_run_to_come() -> None:
    """Also when the old run was woken, or about to be, as it was cancelled."""

    async def main(*before: Frame) -> list[Frame]:
        async with Pipeline(Speaker()).open() as run:
            await anyio.sleep(1)
            for frame in before:
                run.send_nowait(frame)
            run.send_nowait(Interrupt())
            for frame in texts("xy"):
                run.send_nowait(frame)
            run.end()
            return [frame async for frame in run]

    for seed in range(10):
        assert words(run_virtual(main, shuffle=seed)) == ["Interrupt", "x", "y"]
        assert words(run_virtual(main, Text(text="a"), shuffle=seed)) == ["Interrupt", "x", "y"]


def test_an_old_run_that_is_still_busy_gets_no_more_frames(timed: Timed) -> None:
    class Stubborn:
        """Cleans up for a second, and asks for more meanwhile."""

        on_interrupt = "restart"

        async def run(self, frames: Frames, emit: Emit) -> None:
            try:
                async for frame in frames:
                    await emit(frame)
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(1)

    sink = Sink()

    async def main() -> None:
        async with Pipeline(Stubborn(), sink).open(output=False) as run:
            await anyio.sleep(0.5)
            run.send_nowait(Interrupt())
            run.send_nowait(Text(text="x"))

    timed(main)
    assert sink.heard == [(500, "Interrupt"), (1_500, "x")]


def test_frames_that_are_not_interruptible_wait_for_the_run_to_come(timed: Timed) -> None:
    speaker, sink = Speaker(), Sink()

    async def main() -> None:
        async with Pipeline(speaker, sink).open(output=False) as run:
            for frame in (Text(text="a"), Result(text="1"), Text(text="b"), Result(text="2")):
                run.send_nowait(frame)
            await anyio.sleep(0.5)
            run.send_nowait(Interrupt())

    timed(main)
    assert sink.heard == [(500, "Interrupt"), (1_500, "1"), (2_500, "2")]
