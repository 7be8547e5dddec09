"""Tee and Merge: lines that part and join."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.pipeline import Emit, FitError, Frame, Frames, Merge, Pipeline, Tee
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import (
    Script,
    Shout,
    Sink,
    Slow,
    Suffix,
    Text,
    carried,
    texts,
    words,
)


class Bye:
    """Says bye at its end."""

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame

    def finish(self) -> Iterator[Frame]:
        yield Text(text="bye")


async def test_each_branch_gets_every_frame() -> None:
    frames = await carried(Pipeline(Tee(Shout(), [Suffix("!"), Suffix("?")])), texts("ab"))

    assert words(frames) == ["A", "a!?", "B", "b!?"]


async def test_a_branch_may_wait_while_another_does_not() -> None:
    frames = await carried(Pipeline(Tee(Slow(0), Shout())), texts("abc"))

    assert [word for word in words(frames) if word.islower()] == ["a", "b", "c"]
    assert [word for word in words(frames) if word.isupper()] == ["A", "B", "C"]


def test_a_slow_branch_does_not_hold_up_the_others_until_its_lane_is_full(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*texts("abc")), Tee(Slow(1), Shout()), sink, lane=2).run)

    assert sink.heard == [
        (0, "A"),
        (0, "B"),
        (0, "C"),
        (1_000, "a"),
        (2_000, "b"),
        (3_000, "c"),
    ]


def test_the_senders_of_a_tee_wait_for_its_slowest_branch(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*texts("abcd")), Tee(Slow(1), Shout()), sink, lane=1).run)

    assert [time for time, word in sink.heard if word.isupper()] == [0, 0, 1_000, 2_000]


async def test_what_follows_ends_when_all_branches_have_ended() -> None:
    class Long:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                await emit(frame)
            for word in ("one", "more"):
                await emit(Text(text=word))

    frames = await carried(Pipeline(Tee(Long(), []), Shout(), Bye()), texts("a"))

    assert sorted(words(frames)[:-1]) == ["A", "A", "MORE", "ONE"]
    assert words(frames)[-1] == "bye"


async def test_a_branch_may_end_in_a_sink() -> None:
    sink = Sink()

    frames = await carried(Pipeline(Tee([Shout(), sink], [])), texts("abc"))

    assert words(frames) == ["a", "b", "c"]
    assert words(sink.frames) == ["A", "B", "C"]


async def test_each_branch_finishes_once() -> None:
    frames = await carried(Pipeline(Tee(Bye(), Bye()), Bye()), ())

    assert words(frames) == ["bye", "bye", "bye"]


async def test_branches_may_have_branches() -> None:
    inner = Tee(Suffix("1"), Suffix("2"))

    frames = await carried(Pipeline(Tee(inner, Suffix("3")), Shout()), texts("a"))

    assert words(frames) == ["A1", "A2", "A3"]


def test_merge_lets_frames_by_and_adds_what_its_branches_say(timed: Timed) -> None:
    sink = Sink()
    main = Script(Text(text="a"), Text(text="b", at=2_000_000))
    beside = Script(Text(text="x", at=1_000_000), Text(text="y", at=3_000_000))

    timed(Pipeline(main, Merge([beside, Shout()]), Suffix("!"), sink).run)

    assert sink.heard == [(0, "a!"), (1_000, "X!"), (2_000, "b!"), (3_000, "Y!")]


def test_merge_ends_when_its_input_and_its_branches_have_ended(timed: Timed) -> None:
    sink = Sink()
    short = Script(Text(text="x", at=1_000_000))

    timed(Pipeline(Script(Text(text="a", at=2_000_000)), Merge(short, Script()), sink).run)

    assert sink.heard == [(1_000, "x"), (2_000, "a")]


def test_frames_do_not_enter_the_branches_of_a_merge() -> None:
    sink = Sink()

    frames = run_virtual(carried, Pipeline(Merge([Script(*texts("x")), sink])), texts("ab"))

    assert words(frames) == ["a", "b"]
    assert words(sink.frames) == ["x"]


@pytest.mark.parametrize("kind", [Tee, Merge])
def test_a_line_does_not_part_into_nothing(kind: type[Tee]) -> None:
    with pytest.raises(FitError, match=f"a {kind.__name__} needs a branch"):
        kind()


@settings(max_examples=100, deadline=None)
@given(
    speeds=st.lists(st.lists(st.integers(0, 3), min_size=0, max_size=2), min_size=1, max_size=4),
    count=st.integers(0, 12),
    lane=st.integers(1, 4),
    seed=st.integers(0, 2**16),
)
def test_every_branch_keeps_its_order_and_loses_nothing(
    speeds: Sequence[Sequence[int]], count: int, lane: int, seed: int
) -> None:
    branches = [
        [*(Slow(speed / 1_000) for speed in branch), Suffix(f" in {name}")]
        for name, branch in enumerate(speeds)
    ]
    sent = texts(str(i) for i in range(count))

    frames = run_virtual(carried, Pipeline(Tee(*branches), lane=lane), sent, shuffle=seed)

    for name in range(len(speeds)):
        ended = [word.split()[0] for word in words(frames) if word.endswith(f" in {name}")]
        assert ended == words(sent)
    assert len(frames) == count * len(speeds)
