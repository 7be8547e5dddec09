"""Members that fail: each is named, with the time and the cause, and nothing is left."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from antiphon.pipeline import (
    Back,
    Emit,
    Forth,
    Frame,
    Frames,
    Pipeline,
    ProcessorError,
    Run,
    Tee,
    Threaded,
    alone,
)
from antiphon.pipeline.testing import play, run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import Endless, Script, Shout, Sink, Slow, Text, carried, texts, words


class Faulty:
    """Raises in one of its methods."""

    def __init__(self, method: str) -> None:
        self._method = method
        self.deadline: int | None = 500_000

    def start(self) -> Iterator[Frame]:
        yield from self._do("start")

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield from self._do("process")
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        yield from self._do("process_back")
        yield frame

    def expire(self, at: int) -> Iterator[Frame]:
        self.deadline = None
        yield from self._do("expire")

    def finish(self) -> Iterator[Frame]:
        yield from self._do("finish")

    def _do(self, method: str) -> Iterator[Frame]:
        if method == self._method:
            raise KeyError("its own mistake")
        yield from ()


def answer(frame: Text) -> Iterator[Frame]:
    yield Back(frame=Text(text="answer", at=frame.at + 7))
    yield frame


METHODS = {
    "start": "failed: ",
    "process": "failed at 0.250 s: ",
    "process_back": "failed at 0.250 s: ",
    "expire": "failed at 0.500 s: ",
    "finish": "failed: ",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wrap", [lambda p: p, alone], ids=["fused", "alone"])
def test_a_processor_that_raises_is_named_with_the_time_and_its_cause(
    method: str, wrap: Callable[[Any], Any], timed: Timed
) -> None:
    stage = Endless()
    source = Script(Text(text="a", at=250_000), Text(text="b", at=1_000_000))
    pipeline = Pipeline(Tee(source, stage), wrap(Faulty(method)), answer, Sink())
    if method == "finish":
        pipeline = Pipeline(source, wrap(Faulty(method)), answer, Sink())

    with pytest.raises(ProcessorError) as caught:
        timed(pipeline.run)

    assert caught.value.member == "Faulty"
    assert str(caught.value) == f"Faulty {METHODS[method]}KeyError: 'its own mistake'"
    assert isinstance(caught.value.__cause__, KeyError)
    assert stage.begun == stage.ended


@pytest.mark.parametrize("method", METHODS)
def test_a_processor_that_raises_is_named_by_play_too(method: str) -> None:
    with pytest.raises(ProcessorError, match="Faulty failed") as caught:
        play([Faulty(method), answer], [Text(text="a")], until=500_000)

    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("method", ["start", "process", "finish"])
async def test_a_processor_in_a_thread_that_raises_is_named(method: str) -> None:
    with pytest.raises(ProcessorError, match=r"Threaded\(Faulty\) failed at .*own mistake"):
        await Pipeline(Script(*texts("a")), Threaded(Faulty(method)), Sink()).run()


def test_a_deadline_that_raises_is_named(timed: Timed) -> None:
    class Faulty:
        def process(self, frame: Frame) -> Iterator[Frame]:
            yield frame

        def expire(self, at: int) -> Iterator[Frame]:
            yield from ()

        @property
        def deadline(self) -> int:
            raise KeyError("no deadline")

    with pytest.raises(ProcessorError, match="Faulty failed: KeyError: 'no deadline'"):
        timed(Pipeline(Script(*texts("a")), Faulty(), Sink()).run)


WRONG: tuple[object, ...] = (
    "text",
    b"audio",
    None,
    3,
    Text,
    Back(frame="text"),  # pyright: ignore[reportArgumentType]
    Forth(frame=None),  # pyright: ignore[reportArgumentType]
)


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("method", ["start", "process", "process_back", "finish"])
def test_a_processor_that_yields_what_is_no_frame_is_named(method: str, wrong: Any) -> None:
    class Wrong:
        def process(self, frame: Frame) -> Iterator[Frame]:
            yield frame

    def give(*frame: Frame) -> Iterator[Frame]:
        yield wrong

    member = Wrong()
    setattr(member, method, give)

    with pytest.raises(ProcessorError, match="Wrong failed.* which is not a Frame") as caught:
        run_virtual(carried, Pipeline(member, answer), texts("a"))
    assert isinstance(caught.value.__cause__, TypeError)


@pytest.mark.parametrize("wrong", [3, "text", Text, [Text(text="a"), 3]], ids=repr)
def test_a_function_that_returns_what_is_no_frame_is_named(wrong: Any) -> None:
    def give(frame: Frame) -> Frame:
        return wrong

    with pytest.raises(ProcessorError, match="give failed at 0.000 s: TypeError"):
        play(give, texts("a"))


def test_a_process_that_returns_nothing_is_named() -> None:
    class Forgets:
        def process(self, frame: Frame) -> None:
            pass

    with pytest.raises(ProcessorError, match="Forgets failed at 0.000 s: TypeError"):
        play(Forgets(), texts("a"))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("wrong", [*WRONG, Back(frame=Text(text="a"))], ids=repr)
@pytest.mark.parametrize("how", ["emit", "nowait", "back"])
async def test_a_stage_that_emits_what_is_no_frame_is_named(how: str, wrong: Any) -> None:
    class Wrong:
        async def run(self, frames: Frames, emit: Emit) -> None:
            match how:
                case "emit":
                    await emit(wrong)
                case "nowait":
                    emit.nowait(wrong)
                case _:
                    emit.back(wrong)

    with pytest.raises(ProcessorError, match="Wrong failed.* which is not a Frame that goes on"):
        await Pipeline(Wrong(), Sink()).run()


def test_a_stage_that_raises_is_named_with_the_time(timed: Timed) -> None:
    class Raises:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await anyio.sleep(1.25)
            raise OSError("no device")

    stage, sink = Endless(), Sink()

    with pytest.raises(ProcessorError) as caught:
        timed(Pipeline(stage, Raises(), sink).run)

    assert str(caught.value) == "Raises failed at 1.250 s: OSError: no device"
    assert (caught.value.member, caught.value.at) == ("Raises", 1_250_000)
    assert isinstance(caught.value.__cause__, OSError)
    assert stage.ended == 1


async def test_a_run_that_is_no_coroutine_is_named() -> None:
    class Plain:
        def run(self, frames: Frames, emit: Emit) -> None:
            pass

    with pytest.raises(ProcessorError, match="Plain failed.*TypeError"):
        await Pipeline(Plain(), Sink()).run()  # pyright: ignore[reportArgumentType]


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
        async def run(self, frames: Frames, emit: Emit) -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(self._fail)

        async def _fail(self) -> None:
            raise OSError("no device")

    with pytest.raises(ProcessorError, match="^Parallel failed.*ExceptionGroup") as caught:
        await Pipeline(Parallel(), Sink()).run()

    assert isinstance(caught.value.__cause__, ExceptionGroup)


async def test_members_of_one_name_are_told_apart() -> None:
    with pytest.raises(ProcessorError, match="^Faulty 2 failed"):
        await carried(Pipeline(Faulty("none"), Faulty("process")), texts("a"))


@asynccontextmanager
async def opened(pipeline: Pipeline) -> AsyncIterator[Run]:
    async with pipeline.open() as run:
        yield run


async def test_a_failure_reaches_a_body_that_waits() -> None:
    class Raises:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await anext(frames)
            raise OSError("no device")

    with pytest.raises(ProcessorError, match="Raises failed"):
        async with opened(Pipeline(Raises())) as run:
            await run.send(Text(text="a"))
            await anyio.sleep_forever()


async def test_a_failure_reaches_a_body_that_reads() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with opened(Pipeline(Slow(0), Faulty("process"))) as run:
            await run.send(Text(text="a"))
            async for _ in run:
                pass


async def test_a_failure_reaches_a_body_that_sends_on() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with opened(Pipeline(Slow(0), Faulty("process"))) as run:
            while True:
                await run.send(Text(text="a"))


async def test_a_failure_reaches_a_body_that_has_left() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with opened(Pipeline(Slow(0), Faulty("finish"))) as run:
            await run.send(Text(text="a"))


async def test_a_failure_that_the_sender_meets_ends_the_run_though_it_is_caught() -> None:
    stage = Endless()

    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with opened(Pipeline(Faulty("process"), stage)) as run:
            with pytest.raises(ProcessorError):
                run.send_nowait(Text(text="a"))
            await anyio.sleep_forever()

    assert stage.begun == stage.ended


async def test_a_failure_at_the_end_of_the_input_ends_the_run_though_it_is_caught() -> None:
    with pytest.raises(ProcessorError, match="Faulty failed"):
        async with opened(Pipeline(Faulty("finish"), Slow(0))) as run:
            with pytest.raises(ProcessorError):
                run.end()


async def test_a_reader_in_another_task_comes_to_an_end_when_the_run_fails() -> None:
    read: list[Frame] = []

    async def reader(run: Run) -> None:
        read.extend([frame async for frame in run])

    async with anyio.create_task_group() as group:
        with pytest.raises(ProcessorError):
            async with opened(Pipeline(Slow(0), Faulty("process"))) as run:
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
                raise OSError(self.name)  # noqa: B012

    with pytest.raises(ProcessorError, match="first failed"):
        async with opened(Pipeline(Tee(Twice("first"), [Slow(0), Twice("second")]))) as run:
            await run.send(Text(text="a"))


async def test_a_failure_while_the_body_fails_does_not_hide_the_bodys_own() -> None:
    class Fails:
        async def run(self, frames: Frames, emit: Emit) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                raise OSError("cannot clean up")  # noqa: B012

    with pytest.raises(ValueError, match="mine"):
        async with opened(Pipeline(Fails())):
            await anyio.lowlevel.checkpoint()
            raise ValueError("mine")


async def test_a_processor_that_computes_for_long_does_so_in_a_thread() -> None:
    class Computes:
        gives_rate = 8_000
        takes_rates = frozenset({8_000})

        def start(self) -> Iterator[Frame]:
            yield Text(text="ready")

        def process(self, frame: Text) -> Iterator[Frame]:
            yield Back(frame=frame)
            yield Forth(frame=Text(text=frame.text * 2))

        def finish(self) -> None:
            pass

    class Heard:
        def __init__(self) -> None:
            self.words: list[str] = []

        def process(self, frame: Frame) -> Iterator[Frame]:
            yield frame

        def process_back(self, frame: Frame) -> Iterator[Frame]:
            self.words.extend(words([frame]))
            yield from ()

    heard = Heard()

    frames = await carried(Pipeline(heard, Threaded(Computes())), [*texts("ab"), Frame()])

    assert words(frames) == ["ready", "aa", "bb", "Frame"]
    assert heard.words == ["a", "b"]


def test_a_stage_that_blocks_for_good_is_named_by_the_drain(timed: Timed) -> None:
    class Blocks:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for _ in frames:
                await anyio.Event().wait()

    async def main() -> None:
        async with Pipeline(Blocks(), Sink()).open(drain=1) as run:
            await run.send(Text(text="a"))

    with pytest.raises(Exception, match="Blocks, Sink did not end within 1 s"):
        timed(main)
