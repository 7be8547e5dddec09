"""An Interrupt acts when it is sent."""

from collections.abc import Iterator

import anyio

from antiphon.pipeline import Emit, Frame, Frames, Interrupt, Pipeline, Tee, alone, now
from antiphon.pipeline.testing import play, run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import (
    Result,
    Shout,
    Sink,
    Slow,
    Suffix,
    Text,
    carried,
    interrupts,
    texts,
    words,
)


class Log:
    """A stage that notes what it gets, and works a second for each data frame."""

    def __init__(self, seconds: float = 1) -> None:
        self.heard: list[tuple[int, str]] = []
        self._seconds = seconds

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            self.heard.append((now() // 1_000, words([frame])[0]))
            if not frame.control:
                await anyio.sleep(self._seconds)
                await emit(frame)


def interrupted(pipeline: Pipeline, sink: Sink, timed: Timed, *, at: float) -> None:
    """Send a, b, c, then an Interrupt *at* seconds, then x and y."""

    async def main() -> None:
        async with pipeline.open(output=False) as run:
            for frame in texts("abc"):
                run.send_nowait(frame)
            await anyio.sleep(at)
            run.send_nowait(Interrupt())
            for frame in texts("xy"):
                run.send_nowait(frame)

    timed(main)
    assert words(sink.frames).count("Interrupt") == 1


def test_what_waits_is_forgotten_when_the_interrupt_is_sent(timed: Timed) -> None:
    sink = Sink()

    interrupted(Pipeline(Slow(1), sink), sink, timed, at=1.5)

    # It is told to the sink at once, though Slow is at work on b until 2 s.
    assert sink.heard == [(1_000, "a"), (1_500, "Interrupt"), (3_000, "x"), (4_000, "y")]


def test_what_a_busy_stage_emits_before_it_has_seen_the_interrupt_is_dropped(
    timed: Timed,
) -> None:
    sink, busy = Sink(), Log()

    interrupted(Pipeline(busy, sink), sink, timed, at=0.5)

    assert busy.heard == [(0, "a"), (1_000, "Interrupt"), (1_000, "x"), (2_000, "y")]
    assert sink.heard == [(500, "Interrupt"), (2_000, "x"), (3_000, "y")]


def test_what_a_busy_stage_emits_that_is_not_interruptible_arrives(timed: Timed) -> None:
    class Tool:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                if not frame.control:
                    await anyio.sleep(1)
                    await emit(Result(text=f"result of {words([frame])[0]}"))
                    await emit(Text(text="stale"))

    sink = Sink()

    async def main() -> None:
        async with Pipeline(Tool(), sink).open(output=False) as run:
            await run.send(Text(text="a"))
            await anyio.sleep(0.5)
            await run.send(Interrupt())

    timed(main)
    assert sink.heard == [(500, "Interrupt"), (1_000, "result of a")]


def test_frames_that_are_not_interruptible_stay_in_order(timed: Timed) -> None:
    sink = Sink()

    async def main() -> None:
        async with Pipeline(Slow(1), Slow(1), sink).open(output=False) as run:
            for i, letter in enumerate("abcdefgh"):
                kind = Result if i % 2 else Text
                run.send_nowait(kind(text=letter))
            await anyio.sleep(2.5)
            run.send_nowait(Interrupt())
            run.send_nowait(Text(text="x"))

    timed(main)
    assert words(sink.frames) == ["a", "Interrupt", "b", "d", "f", "h", "x"]


def test_a_blocked_senders_frames_are_forgotten_too(timed: Timed) -> None:
    sink = Sink()
    blocked: list[int] = []

    class Source:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                if isinstance(frame, Text):
                    for letter in "abcde":
                        await emit(Text(text=letter))
                        blocked.append(now() // 1_000)
                await emit(frame)

    async def main() -> None:
        async with Pipeline(Source(), Slow(1), sink, lane=1).open(output=False) as run:
            await run.send(Text(text="x"))
            await anyio.sleep(0.5)
            await run.send(Interrupt())
            await run.send(Text(text="y"))

    timed(main)
    # It waited behind b, and was let go at once; c, d and e it said in vain.
    assert blocked[:5] == [0, 500, 500, 500, 500]
    assert words(sink.frames)[0] == "Interrupt"
    assert words(sink.frames)[1:] == ["a", "b", "c", "d", "e", "y"]


def test_frames_before_the_sender_are_not_forgotten(timed: Timed) -> None:
    class Detector:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                if words([frame]) == ["stop"]:
                    await emit(Interrupt(reason="said stop"))
                else:
                    await emit(frame)
                await anyio.sleep(1)

    sink = Sink()

    async def main() -> None:
        async with Pipeline(Detector(), Slow(10), sink).open(output=False) as run:
            for word in ("a", "b", "stop", "c"):
                run.send_nowait(Text(text=word))

    timed(main)
    assert sink.heard == [(2_000, "Interrupt"), (20_000, "c")]


def test_an_interrupt_that_a_processor_yields_acts_behind_it(timed: Timed) -> None:
    class Detector:
        def process(self, frame: Text) -> Iterator[Frame]:
            if frame.text == "stop":
                yield Interrupt()
            else:
                yield frame

    sink = Sink()

    async def main() -> None:
        async with Pipeline(Detector(), Slow(1), sink).open(output=False) as run:
            for word in ("a", "b", "stop", "c"):
                await run.send(Text(text=word))
                await anyio.sleep(0.25)

    timed(main)
    assert sink.heard == [(500, "Interrupt"), (2_000, "c")]


def test_a_stage_need_not_forward_the_interrupt_and_may() -> None:
    class Quiet:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                if not isinstance(frame, Interrupt):
                    await emit(frame)

    frames = [Text(text="a"), Interrupt(reason="1"), Text(text="b")]

    for stage in (Quiet(), Slow(0)):
        got = run_virtual(carried, Pipeline(stage, Slow(0)), frames)
        assert interrupts(got) == ["1"]


def test_an_older_interrupt_that_a_stage_forwards_late_does_not_act_again(timed: Timed) -> None:
    class Late:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                await anyio.sleep(1)
                await emit(frame)

    async def main() -> list[Frame]:
        got: list[Frame] = []
        async with Pipeline(Late(), Slow(3)).open() as run:
            for reason in "123":
                run.send_nowait(Interrupt(reason=reason))
                await anyio.sleep(0.4)
            run.end()
            got.extend([frame async for frame in run])
        return got

    assert interrupts(timed(main)) == ["1", "2", "3"]


def test_an_equal_interrupt_is_another_one(timed: Timed) -> None:
    async def main() -> list[Frame]:
        async with Pipeline(Slow(1), Slow(1)).open() as run:
            for _ in range(2):
                run.send_nowait(Interrupt())
                await anyio.sleep(1)
            run.end()
            return [frame async for frame in run]

    assert words(timed(main)) == ["Interrupt", "Interrupt"]


def test_what_waits_at_the_output_is_forgotten_too() -> None:
    async def main() -> list[Frame]:
        async with Pipeline(Shout()).open() as run:
            for frame in (*texts("ab"), Result(text="c"), Interrupt(), Text(text="d")):
                run.send_nowait(frame)
            run.end()
            return [frame async for frame in run]

    assert words(run_virtual(main)) == ["Interrupt", "c", "D"]


def test_processors_see_the_interrupt_in_order() -> None:
    seen: list[str] = []

    class Buffer:
        """Holds one frame back, and forgets it when interrupted."""

        def __init__(self) -> None:
            self._held: Frame | None = None

        def process(self, frame: Frame) -> Iterator[Frame]:
            seen.extend(words([frame]))
            if isinstance(frame, Interrupt):
                self._held = None
                yield frame
            else:
                if self._held is not None:
                    yield self._held
                self._held = frame

        def finish(self) -> Iterator[Frame]:
            if self._held is not None:
                yield self._held

    frames = [*texts("ab"), Interrupt(), *texts("cd")]

    assert words(play(Buffer(), frames)) == ["a", "Interrupt", "c", "d"]
    assert seen == ["a", "b", "Interrupt", "c", "d"]


def test_branches_that_join_deliver_an_interrupt_once() -> None:
    met: list[str] = []

    def meet(frame: Interrupt) -> Interrupt:
        met.append(frame.reason)
        return frame

    sink = Sink()
    branches = Tee([], Shout(), alone(Suffix("!")), [Slow(1), Tee([], Slow(2))])

    async def main() -> None:
        async with Pipeline(branches, meet, sink).open(output=False) as run:
            for reason in "12":
                await run.send(Interrupt(reason=reason))
                await anyio.sleep(0.5)

    run_virtual(main)
    assert met == ["1", "2"]
    assert interrupts(sink.frames) == ["1", "2"]


def test_an_interrupt_forgets_what_waits_in_each_branch(timed: Timed) -> None:
    sink = Sink()

    interrupted(Pipeline(Tee(Slow(1), [Shout(), Slow(2)]), sink), sink, timed, at=1.5)

    assert sorted(sink.heard) == [
        (1_000, "a"),
        (1_500, "Interrupt"),
        (3_000, "x"),
        (4_000, "X"),
        (4_000, "y"),
        (6_000, "Y"),
    ]
