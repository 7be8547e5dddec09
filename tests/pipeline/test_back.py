"""Frames on their way to the source."""

from collections.abc import Iterator

import anyio
import pytest

from antiphon.pipeline import Back, Emit, Forth, Frame, Frames, Pipeline, Tee, now
from antiphon.pipeline.testing import play, run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import Result, Shout, Suffix, Text, carried, texts, words


class Answer:
    """Sends a Result back for each text, and lets the text by."""

    def process(self, frame: Text) -> Iterator[Frame]:
        yield Back(frame=Result(text=f"got {frame.text}"))
        yield frame


class Log:
    """Notes what passes it on the way back."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        self.heard.extend(words([frame]))
        yield frame


class Takes:
    """A stage that takes Results sent back, until it has *count*."""

    takes_back = (Result,)

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            if isinstance(frame, Result):
                self.heard.append(frame.text)
            else:
                await emit(frame)


async def test_a_frame_sent_back_passes_earlier_members_from_the_last_to_the_first() -> None:
    order: list[str] = []

    class Named(Log):
        def __init__(self, name: str) -> None:
            super().__init__()
            self._name = name

        def process_back(self, frame: Frame) -> Iterator[Frame]:
            order.append(self._name)
            yield frame

    await carried(Pipeline(Named("first"), Shout(), Named("second"), Answer()), texts("a"))

    assert order == ["second", "first"]


async def test_a_frame_sent_back_does_not_reach_later_members() -> None:
    before, behind = Log(), Log()

    await carried(Pipeline(before, Answer(), behind), texts("ab"))

    assert before.heard == ["got a", "got b"]
    assert behind.heard == []


async def test_the_nearest_stage_that_takes_a_type_gets_it() -> None:
    far, near, other = Takes(), Takes(), Log()

    await carried(Pipeline(far, Suffix("!"), near, other, Answer()), texts("ab"))

    assert near.heard == ["got a!", "got b!"]
    assert other.heard == near.heard
    assert far.heard == []


def test_a_frame_that_nobody_takes_is_lost_at_the_source() -> None:
    played = play([Shout(), Answer()], texts("a"))

    assert words(played) == ["A"]
    assert words(played.back) == ["got A"]


def test_what_a_processor_does_not_yield_on_the_way_back_is_gone() -> None:
    class Swallow(Log):
        def process_back(self, frame: Frame) -> Iterator[Frame]:
            self.heard.extend(words([frame]))
            yield from ()

    first, second = Log(), Swallow()

    play([first, second, Answer()], texts("a"))

    assert (first.heard, second.heard) == ([], ["got a"])


def test_the_annotation_decides_which_frames_a_processor_gets_on_their_way_back() -> None:
    class Picky(Shout):
        def __init__(self) -> None:
            self.heard: list[str] = []

        def process_back(self, frame: Result) -> Iterator[Frame]:
            self.heard.append(frame.text)
            yield frame

    picky = Picky()

    played = play(picky, (), returned=[Text(text="a"), Result(text="b")])

    assert picky.heard == ["b"]
    assert words(played.back) == ["a", "b"]


def test_a_processor_may_turn_a_frame_round() -> None:
    class Turn(Log):
        def process_back(self, frame: Frame) -> Iterator[Frame]:
            yield Forth(frame=Text(text="round"))
            yield Back(frame=Text(text="on"))

    played = play([Turn(), Shout()], (), returned=texts("x"))

    assert words(played) == ["ROUND"]
    assert words(played.back) == ["on"]


def test_a_stage_gets_what_was_sent_back_ahead_of_what_waits() -> None:
    log: list[str] = []

    class Busy:
        takes_back = (Result,)

        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                log.extend(words([frame]))
                await emit(frame)

    async def main() -> None:
        async with Pipeline(Busy(), Answer()).open() as run:
            for frame in texts("abc"):
                run.send_nowait(frame)

    run_virtual(main)

    assert log[0] == "a"
    assert log.index("got a") == 1


def test_a_stage_sends_back_without_waiting() -> None:
    class Reports:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                emit.back(Result(text=f"played {words([frame])[0]}"))

    log = Log()

    run_virtual(carried, Pipeline(log, Reports()), texts("ab"))

    assert log.heard == ["played a", "played b"]


def test_a_stage_can_wait_for_frames_sent_back_after_its_input_has_ended() -> None:
    class Waits(Takes):
        async def run(self, frames: Frames, emit: Emit) -> None:
            await super().run(frames, emit)
            self.heard.append("input ended")
            await emit(Text(text="last"))
            self.heard.extend(words([await frames.returned()]))

    stage = Waits()

    run_virtual(carried, Pipeline(stage, Answer()), texts("a"))

    assert stage.heard == ["got a", "input ended", "got last"]


@pytest.mark.parametrize("taker", [Takes, Log])
def test_a_frame_sent_back_enters_the_branches_that_hear_it(taker: type[Takes | Log]) -> None:
    inside, before = taker(), Log()

    run_virtual(carried, Pipeline(before, Tee(inside, Shout()), Answer()), texts("a"))

    assert sorted(inside.heard) == ["got A", "got a"]
    assert sorted(before.heard) == ([] if taker is Takes else ["got A", "got a"])


def test_a_frame_sent_back_passes_by_branches_that_do_not_hear_it() -> None:
    before = Log()

    run_virtual(carried, Pipeline(before, Tee([], Shout()), Answer()), texts("a"))

    assert sorted(before.heard) == ["got A", "got a"]


def test_what_a_branch_sends_back_leaves_it_towards_the_source() -> None:
    before, beside = Log(), Log()

    run_virtual(carried, Pipeline(before, Tee(Answer(), beside)), texts("a"))

    assert before.heard == ["got a"]
    assert beside.heard == []


def test_a_frame_sent_back_finds_its_taker_in_a_branch_of_a_branch() -> None:
    inside, before = Takes(), Log()

    run_virtual(carried, Pipeline(before, Tee(Tee([], inside)), Answer()), texts("a"))

    assert inside.heard == ["got a", "got a"]
    assert before.heard == []


def test_a_stage_is_woken_by_what_is_sent_back_long_after_its_input_has_ended(
    timed: Timed,
) -> None:
    times: list[int] = []

    class Waits:
        takes_back = (Result,)

        async def run(self, frames: Frames, emit: Emit) -> None:
            await emit(Text(text="a"))
            await frames.returned()
            times.append(now())

    class Late:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for _ in frames:
                await anyio.sleep(2)
                emit.back(Result(text="b"))

    timed(Pipeline(Waits(), Late()).run)

    assert times == [2_000_000]
