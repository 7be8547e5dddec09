"""Leaving a run: by draining it, cancelling it, or with an exception."""

import asyncio
import subprocess
import sys
from textwrap import dedent

import anyio
import anyio.lowlevel
import pytest

from antiphon.pipeline import (
    DrainTimeout,
    NotRunning,
    Pipeline,
)
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import (
    Endless,
    Last,
    Script,
    Sink,
    Slow,
    Text,
    carried,
    send,
    texts,
    words,
)


async def test_leaving_a_run_ends_its_input_and_waits_for_the_rest() -> None:
    sink = Sink()

    async with Pipeline(Slow(0), Last(), sink).open() as run:
        await send(run, "ab")

    assert words(sink.frames) == ["a", "b", "last"]


async def test_what_nobody_reads_holds_nobody_up() -> None:
    async with Pipeline(Slow(0), lane=1).open() as run:
        for frame in texts("abcdefgh"):
            run.send_nowait(frame)
        assert words([await anext(run)]) == ["a"]


async def test_the_output_can_be_left_early() -> None:
    async with Pipeline(Script(*texts("abcdefgh")), lane=1).open() as run:
        async for frame in run:
            assert words([frame]) == ["a"]
            break


def test_draining_takes_no_longer_than_it_may(timed: Timed) -> None:
    stuck = Endless()

    async def main() -> float:
        began = anyio.current_time()
        with pytest.raises(DrainTimeout) as caught:
            async with Pipeline(Slow(1), stuck, Sink()).open(drain=2.5) as run:
                await send(run, "ab")
        assert caught.value.members == ("Endless", "Sink")
        assert str(caught.value) == (
            "Endless, Sink did not end within 2.5 s of the input's end and had to be cancelled;"
            " a stage ends when its frames end"
        )
        return anyio.current_time() - began

    assert timed(main) == 2.5
    assert stuck.ended == 1


def test_draining_in_time_is_no_error(timed: Timed) -> None:
    async def main() -> None:
        async with Pipeline(Slow(1)).open(drain=2) as run:
            await send(run, "a")

    timed(main)


def test_cancel_ends_a_run_at_once(timed: Timed) -> None:
    stage, sink = Endless(), Sink()

    async def main() -> float:
        began = anyio.current_time()
        async with Pipeline(Slow(1), stage, Last(), sink).open() as run:
            await send(run, "abc")
            run.cancel()
            with pytest.raises(NotRunning):
                run.send_nowait(Text(text="late"))
            assert [frame async for frame in run] == []
        return anyio.current_time() - began

    assert timed(main) == 0
    assert words(sink.frames) == []


def test_cancel_frees_a_sender_that_waits(timed: Timed) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group, Pipeline(lane=1).open() as run:
            group.start_soon(run.send, Text(text="a"))
            await anyio.sleep(1)
            run.cancel()

    timed(main)


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3)])
async def test_an_exception_of_the_body_passes_as_it_is(error: BaseException) -> None:
    stage = Endless()

    with pytest.raises(type(error)) as caught:
        async with Pipeline(Slow(0), stage).open() as run:
            await send(run, "a")
            await anyio.lowlevel.checkpoint()
            raise error

    assert caught.value is error
    assert stage.begun == stage.ended


async def test_a_group_of_the_body_passes_as_it_is() -> None:
    group = ExceptionGroup("mine", [ValueError(), KeyError()])

    with pytest.raises(ExceptionGroup) as caught:
        async with Pipeline(Endless()).open():
            raise group

    assert caught.value is group


def test_a_cancellation_from_outside_passes(timed: Timed) -> None:
    stage = Endless()

    async def main() -> float:
        with anyio.move_on_after(1.5) as scope:
            await Pipeline(stage, Sink()).run()
        assert scope.cancelled_caught
        return anyio.current_time()

    timed(main)
    assert (stage.begun, stage.ended) == (1, 1)


def test_a_cancellation_from_outside_does_not_wait_for_the_drain(timed: Timed) -> None:
    async def main() -> float:
        began = anyio.current_time()
        with anyio.move_on_after(1):
            async with Pipeline(Slow(5)).open() as run:
                await send(run, "ab")
        return anyio.current_time() - began

    assert timed(main) == 1


def test_a_task_can_be_cancelled_the_way_of_asyncio() -> None:
    stage = Endless()

    async def main() -> None:
        task = asyncio.create_task(Pipeline(stage).run())
        await asyncio.sleep(1)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main)
    assert (stage.begun, stage.ended) == (1, 1)


def test_a_timeout_of_asyncio_is_a_timeout() -> None:
    async def main() -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await Pipeline(Endless()).run()
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert run_virtual(main) == 0


async def test_a_pipeline_runs_again_after_it_has_failed_or_was_cancelled() -> None:
    pipeline = Pipeline(Slow(0))

    with pytest.raises(ValueError):
        async with pipeline.open():
            raise ValueError
    with anyio.move_on_after(0):
        await pipeline.run()

    assert words(await carried(pipeline, texts("a"))) == ["a"]


async def test_many_runs_leave_no_task_behind() -> None:
    before = len(anyio.get_running_tasks())

    for _ in range(20):
        async with Pipeline(Endless(), Slow(0), Sink()).open() as run:
            run.cancel()
        with anyio.move_on_after(0):
            await Pipeline(Slow(0), Endless()).run()
        await carried(Pipeline(Slow(0)), texts("a"))

    assert len(anyio.get_running_tasks()) == before


@pytest.mark.parametrize(
    "leave",
    [
        "return",
        "raise SystemExit(0)",
        "task.cancel()",
    ],
)
def test_a_loop_that_ends_with_a_live_run_does_not_hang(leave: str) -> None:
    program = f"""
        import asyncio
        from antiphon.pipeline import Pipeline
        from tests.pipeline.parts import Endless, Sink, Slow

        async def main():
            pipeline = Pipeline(Endless(), Slow(), Sink())
            task = asyncio.create_task(pipeline.run())
            run = await Pipeline(Endless()).open().__aenter__()
            await asyncio.sleep(0.01)
            {leave}

        asyncio.run(main())
    """

    done = subprocess.run(
        [sys.executable, "-c", dedent(program)],
        timeout=20,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0
