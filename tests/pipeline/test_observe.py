"""Observers see what happens, and cost nothing where they do not look."""

from collections.abc import Iterator, Sequence

import pytest

from antiphon.pipeline import (
    Back,
    Emit,
    Frame,
    Frames,
    Interrupt,
    Observer,
    Pipeline,
    ProcessorError,
    Tee,
)
from antiphon.pipeline.observe import Hooks
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import Script, Shout, Sink, Slow, Text, carried, texts, words


class Everything:
    """Writes down every call."""

    def __init__(self) -> None:
        self.log: list[object] = []

    def started(self, members: Sequence[str], at: int) -> None:
        self.log.append(("started", tuple(members), at))

    def passed(self, member: str, frame: Frame) -> None:
        self.log.append((member, *words([frame])))

    def returned(self, member: str, frame: Frame) -> None:
        self.log.append((member, "back", *words([frame])))

    def interrupted(self, member: str, forgotten: int) -> None:
        self.log.append((member, "forgot", forgotten))

    def ended(self, failure: BaseException | None) -> None:
        self.log.append(("ended", failure))


class Count(Observer):
    """Inherits what it does not need."""

    def __init__(self) -> None:
        self.frames = 0

    def passed(self, member: str, frame: Frame) -> None:
        self.frames += 1


def answer(frame: Text) -> Iterator[Frame]:
    yield Back(frame=Text(text="answer"))
    yield frame


def test_an_observer_sees_every_frame_at_every_member() -> None:
    seen = Everything()

    run_virtual(Pipeline(Script(*texts("a")), Shout(), answer, Sink(), observers=[seen]).run)

    assert seen.log == [
        ("started", ("Script", "Shout", "answer", "Sink"), 0),
        ("Script", "a"),
        ("Shout", "A"),
        ("answer", "back", "answer"),
        ("answer", "A"),
        ("ended", None),
    ]


def test_an_observer_sees_which_stages_were_interrupted(timed: Timed) -> None:
    seen = Everything()

    async def main() -> None:
        async with Pipeline(Slow(1), Slow(1), observers=[seen]).open() as run:
            for frame in texts("abc"):
                run.send_nowait(frame)
            run.send_nowait(Interrupt())

    timed(main)
    assert seen.log[1:-1] == [
        ("Slow", "forgot", 3),
        ("Slow", "Interrupt"),
        ("Slow 2", "forgot", 0),
        ("Slow 2", "Interrupt"),
    ]


def test_an_observer_sees_into_branches() -> None:
    seen = Everything()

    run_virtual(carried, Pipeline(Tee(Shout(), Slow(0)), observers=[seen]), texts("a"))

    assert ("Shout", "A") in seen.log
    assert ("Slow", "a") in seen.log


def test_an_observer_learns_why_a_run_ended() -> None:
    def fail(frame: Frame) -> Frame:
        raise ValueError("no")

    seen = Everything()
    pipeline = Pipeline(Script(*texts("a")), fail, observers=[seen])

    with pytest.raises(ProcessorError) as caught:
        run_virtual(pipeline.run)

    assert seen.log[-1] == ("ended", caught.value)


async def test_an_observer_learns_of_an_exception_of_the_body() -> None:
    seen = Everything()
    error = ValueError("mine")

    with pytest.raises(ValueError):
        async with Pipeline(observers=[seen]).open():
            raise error

    assert seen.log[-1] == ("ended", error)


async def test_several_observers_see_the_same() -> None:
    first, second, count = Everything(), Everything(), Count()

    await carried(Pipeline(Shout(), Slow(0), observers=[first, second, count]), texts("ab"))

    assert first.log == second.log
    assert count.frames == 4


def test_hooks_are_bound_only_where_they_are_implemented() -> None:
    nobody, counted, seen = Hooks([object()]), Hooks([Count()]), Hooks([Everything(), Count()])

    names = ("started", "passed", "returned", "interrupted", "ended")
    assert [getattr(nobody, name) for name in names] == [None] * 5
    assert [name for name in names if getattr(counted, name)] == ["passed"]
    assert all(getattr(seen, name) for name in names)


def test_a_hook_of_one_observer_is_called_directly() -> None:
    count = Count()

    assert Hooks([count, object()]).passed == count.passed


def test_an_observer_sees_what_a_stage_sends_back() -> None:
    class Reports:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                emit.back(frame)

    seen = Everything()

    run_virtual(Pipeline(Script(*texts("a")), Reports(), observers=[seen]).run)

    assert ("Reports", "back", "a") in seen.log
