"""One run: how it begins, how it ends, and what leaving it does."""

from collections.abc import Iterator

import anyio
import pytest

from antiphon.pipeline import (
    Emit,
    Frame,
    Frames,
    NotRunning,
    Pipeline,
    Run,
    Tee,
)
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import (
    Endless,
    Last,
    Script,
    Shout,
    Sink,
    Slow,
    Text,
    carried,
    send,
    texts,
    words,
)


async def test_the_input_can_be_ended_before_leaving() -> None:
    async with Pipeline(Slow(0), Last()).open() as run:
        await send(run, "ab")
        run.end()
        run.end()

        assert words([frame async for frame in run]) == ["a", "b", "last"]


async def test_nothing_can_be_sent_once_the_input_has_ended() -> None:
    async with Pipeline(Shout()).open() as run:
        run.end()
        with pytest.raises(NotRunning):
            run.send_nowait(Text(text="late"))

    with pytest.raises(NotRunning):
        await run.send(Text(text="later"))


async def test_a_run_without_output_cannot_be_read() -> None:
    async with Pipeline(Shout()).open(output=False) as run:
        with pytest.raises(NotRunning, match="without output"):
            await anext(run)


def test_a_task_of_its_own_can_read_the_output_to_its_end(timed: Timed) -> None:
    async def main(pause: float) -> list[str]:
        read: list[Frame] = []

        async def reader(run: Run) -> None:
            async for frame in run:
                read.append(frame)
                await anyio.sleep(pause)

        async with anyio.create_task_group() as group, Pipeline(Slow(1), lane=1).open() as run:
            group.start_soon(reader, run)
            for frame in texts("abcdef"):
                run.send_nowait(frame)
        return words(read)

    for pause in (0, 0.5, 3):
        assert timed(main, pause) == list("abcdef")


def test_a_run_waits_for_its_source(timed: Timed) -> None:
    sink = Sink()

    async def main() -> float:
        began = anyio.current_time()
        await Pipeline(Script(Text(text="a", at=2_500_000)), sink).run()
        return anyio.current_time() - began

    assert timed(main) == 2.5
    assert sink.heard == [(2_500, "a")]


def test_a_run_is_over_when_its_last_member_is(timed: Timed) -> None:
    class First:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await anext(frames)

    source = Endless()

    timed(Pipeline(Tee(source, Script(*texts("a"))), First()).run)

    assert (source.begun, source.ended) == (1, 1)


async def test_a_pipeline_does_not_run_twice_at_once() -> None:
    pipeline = Pipeline(Shout())

    async with pipeline.open():
        with pytest.raises(NotRunning, match="build another one"):
            await pipeline.run()

    assert words(await carried(pipeline, texts("a"))) == ["A"]


async def test_a_pipeline_runs_again_after_it_has_ended() -> None:
    pipeline = Pipeline(Slow(0), Last())

    for letters in ("ab", "cd"):
        assert words(await carried(pipeline, texts(letters))) == [*letters, "last"]


async def test_a_run_that_is_never_entered_does_not_keep_others_out() -> None:
    pipeline = Pipeline(Shout())
    pipeline.open()

    assert words(await carried(pipeline, texts("a"))) == ["A"]


async def test_a_run_is_for_once() -> None:
    run = Pipeline(Shout()).open()
    async with run:
        pass

    with pytest.raises(NotRunning, match="this run is over"):
        async with run:
            pass


async def test_frames_said_at_the_start_come_first() -> None:
    class Hello(Last):
        def start(self) -> Iterator[Frame]:
            yield Text(text="hello")

    assert words(await carried(Pipeline(Slow(0), Hello()), texts("a"))) == ["hello", "a", "last"]


def test_a_run_knows_its_time(timed: Timed) -> None:
    async def main() -> list[int]:
        await anyio.sleep(7)
        times: list[int] = []
        async with Pipeline().open() as run:
            times.append(run.now())
            await anyio.sleep(1.25)
            times.append(run.now())
        return times

    assert timed(main) == [0, 1_250_000]
