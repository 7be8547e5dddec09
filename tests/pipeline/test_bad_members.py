"""Members that fail: each is named, with the time and the cause, and nothing is left."""

from collections.abc import Callable, Iterator
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
    Processor,
    ProcessorError,
    Tee,
    Threaded,
    alone,
)
from antiphon.pipeline.testing import play, run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import Endless, Faulty, Result, Script, Sink, Text, carried, texts, words


def answer(frame: Text) -> Iterator[Frame]:
    yield Back(frame=Text(text="answer", at=frame.at + 7))
    yield frame


def fused(processor: Processor) -> Processor:
    return processor


METHODS = {
    "start": "failed: ",
    "process": "failed at 0.250 s: ",
    "process_back": "failed at 0.250 s: ",
    "expire": "failed at 0.500 s: ",
    "finish": "failed: ",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wrap", [fused, alone])
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
        run_virtual(Pipeline(Script(*texts("a")), member, answer).run)
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


async def test_members_of_one_name_are_told_apart() -> None:
    with pytest.raises(ProcessorError, match="^Faulty 2 failed"):
        await Pipeline(Script(*texts("a")), Faulty("none"), Faulty("process")).run()


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


@pytest.mark.parametrize("method", ["start", "process_back", "expire", "finish"])
def test_the_one_that_raises_is_named_not_the_one_that_brought_the_frame(method: str) -> None:
    class Brings:
        deadline: int | None = 0

        def process(self, frame: Result) -> Iterator[Frame]:
            yield frame

    def bring(*given: Frame | int) -> Iterator[Frame]:
        brings.deadline = None
        yield Forth(frame=Text(text="a"))

    brings = Brings()
    setattr(brings, method, bring)

    with pytest.raises(ProcessorError, match="^Faulty failed at 0.000 s"):
        play([brings, Faulty("process")], (), returned=texts("a"), until=0)
