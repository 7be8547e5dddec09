"""How the failure of a member ends the run, and reaches who runs it."""

import anyio
import anyio.lowlevel
import pytest

from antiphon.pipeline import (
    Emit,
    Frame,
    Frames,
    Pipeline,
    ProcessorError,
    Run,
    Tee,
)
from tests.pipeline.parts import Endless, Faulty, Shout, Sink, Slow, Text


async def test_a_processor_is_named_whichever_task_of_a_stage_calls_it() -> None:
    class Parallel:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async with anyio.create_task_group() as outer, anyio.create_task_group() as inner:
                outer.start_soon(anyio.sleep_forever)
                inner.start_soon(emit, Text(text="a"))

    with pytest.raises(ProcessorError, match="^Faulty failed") as caught:
        await Pipeline(Parallel(), Shout(), Faulty("process"), Sink()).run()

    assert isinstance(caught.value.__cause__, KeyError)


async def test_the_errors_of_a_stages_own_tasks_are_its_own() -> None:
    class Parallel:
        def __init__(self, count: int) -> None:
            self._count = count

        async def run(self, frames: Frames, emit: Emit) -> None:
            async with anyio.create_task_group() as group:
                for _ in range(self._count):
                    group.start_soon(self._fail)

        async def _fail(self) -> None:
            try:
                await anyio.lowlevel.checkpoint()
            finally:
                raise OSError("no device")

    with pytest.raises(ProcessorError, match="^Parallel failed.*OSError: no device") as one:
        await Pipeline(Parallel(1), Sink()).run()
    with pytest.raises(ProcessorError, match="^Parallel failed.*ExceptionGroup") as several:
        await Pipeline(Parallel(2), Sink()).run()

    assert isinstance(one.value.__cause__, OSError)
    assert isinstance(several.value.__cause__, ExceptionGroup)


async def test_a_failure_reaches_a_body_that_waits() -> None:
    class Raises:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await anext(frames)
            raise OSError("no device")

    with pytest.raises(ProcessorError, match="Raises failed"):
        async with Pipeline(Raises()).open() as run:
            await run.send(Text(text="a"))
            await anyio.sleep_forever()


async def test_a_failure_reaches_a_body_that_reads() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with Pipeline(Slow(0), Faulty("process")).open() as run:
            await run.send(Text(text="a"))
            async for _ in run:
                pass


async def test_a_failure_reaches_a_body_that_sends_on() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with Pipeline(Slow(0), Faulty("process")).open() as run:
            while True:
                await run.send(Text(text="a"))


async def test_a_failure_reaches_a_body_that_has_left() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with Pipeline(Slow(0), Faulty("finish")).open() as run:
            await run.send(Text(text="a"))


async def test_a_failure_that_the_sender_meets_ends_the_run_though_it_is_caught() -> None:
    stage = Endless()

    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with Pipeline(Faulty("process"), stage).open() as run:
            with pytest.raises(ProcessorError):
                run.send_nowait(Text(text="a"))
            await anyio.sleep_forever()

    assert stage.begun == stage.ended


async def test_a_failure_at_the_end_of_the_input_ends_the_run_though_it_is_caught() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with Pipeline(Faulty("finish"), Slow(0)).open() as run:
            with pytest.raises(ProcessorError):
                run.end()


async def test_a_reader_in_another_task_comes_to_an_end_when_the_run_fails() -> None:
    read: list[Frame] = []

    async def reader(run: Run) -> None:
        read.extend([frame async for frame in run])

    async with anyio.create_task_group() as group:
        with pytest.raises(ProcessorError):
            async with Pipeline(Slow(0), Faulty("process")).open() as run:
                group.start_soon(reader, run)
                await run.send(Text(text="a"))

    assert read == []


async def test_the_first_of_two_failures_is_raised() -> None:
    class Twice:
        """Fails, and again while it is cancelled for the failure of another."""

        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self, frames: Frames, emit: Emit) -> None:
            try:
                await anext(frames)
            finally:
                raise OSError(self.name)

    with pytest.raises(ProcessorError, match="first failed"):
        async with Pipeline(Tee(Twice("first"), [Slow(0), Twice("second")])).open() as run:
            await run.send(Text(text="a"))


async def test_a_failure_while_the_body_fails_does_not_hide_the_bodys_own() -> None:
    class Fails:
        async def run(self, frames: Frames, emit: Emit) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                raise OSError("cannot clean up")

    with pytest.raises(ValueError, match="mine"):
        async with Pipeline(Fails()).open():
            await anyio.lowlevel.checkpoint()
            raise ValueError("mine")


async def test_a_body_that_sends_after_a_failure_learns_of_the_failure() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed") as caught:
        async with Pipeline(Faulty("finish")).open() as run:
            with pytest.raises(ProcessorError):
                run.end()
            run.send_nowait(Text(text="a"))

    assert isinstance(caught.value.__cause__, KeyError)
