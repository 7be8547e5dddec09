"""Stages: what they read, what they emit, and how long they wait."""

import anyio
import anyio.lowlevel
import pytest

from antiphon.pipeline import Emit, Frame, Frames, LaneFull, Pipeline, now
from antiphon.pipeline.lane import TURN
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import (
    Result,
    Script,
    Shout,
    Sink,
    Slow,
    Suffix,
    Text,
    Urgent,
    carried,
    texts,
    words,
)


async def test_frames_pass_stages_and_processors_in_order() -> None:
    pipeline = Pipeline(Slow(0), Shout(), Slow(0), Suffix("!"), lane=2)

    frames = await carried(pipeline, texts("abcdefghij"))

    assert words(frames) == [f"{letter}!" for letter in "ABCDEFGHIJ"]


async def test_a_source_ignores_its_frames_and_a_sink_gives_none() -> None:
    sink = Sink()

    await Pipeline(Script(*texts("abc")), Shout(), sink).run()

    assert words(sink.frames) == ["A", "B", "C"]


def test_stages_work_side_by_side(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*texts("abc")), Slow(1), Slow(1), sink).run)

    assert sink.heard == [(2_000, "a"), (3_000, "b"), (4_000, "c")]


def test_processors_behind_a_stage_take_no_time(timed: Timed) -> None:
    sink = Sink()
    letters = (Text(text=letter, at=i * 20_000) for i, letter in enumerate("abc"))

    timed(Pipeline(Script(*letters), *(Suffix("!") for _ in range(20)), sink).run)

    assert [time for time, _ in sink.heard] == [0, 20, 40]


def test_a_stage_that_emits_waits_for_room(timed: Timed) -> None:
    emitted: list[int] = []

    class Source:
        async def run(self, frames: Frames, emit: Emit) -> None:
            for frame in texts("abcdef"):
                await emit(frame)
                emitted.append(now() // 1_000)

    timed(Pipeline(Source(), Slow(1), Sink(), lane=2).run)

    assert emitted == [0, 0, 1_000, 2_000, 3_000, 4_000]


def test_a_stage_that_does_not_wait_is_not_held_up() -> None:
    emitted: list[int] = []

    class Source:
        async def run(self, frames: Frames, emit: Emit) -> None:
            for frame in texts("abcdef"):
                emit.nowait(frame)
            emitted.append(now())

    sink = Sink()

    run_virtual(Pipeline(Source(), Slow(1), sink, lane=1).run)

    assert emitted == [0]
    assert words(sink.frames) == list("abcdef")


def test_frames_that_pile_up_without_end_are_an_error_that_names_the_stage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("antiphon.pipeline.lane.EXCESS", 10)

    class Flood:
        async def run(self, frames: Frames, emit: Emit) -> None:
            while True:
                emit.nowait(Text(text="drop"))

    with pytest.raises(LaneFull, match="15 frames wait in front of Slow, which does not take them"):
        run_virtual(Pipeline(Flood(), Slow(1), lane=4).run)


def test_control_that_piles_up_without_end_is_an_error_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("antiphon.pipeline.lane.EXCESS", 10)

    class Flood:
        async def run(self, frames: Frames, emit: Emit) -> None:
            while True:
                await emit(Urgent(text="now"))

    with pytest.raises(LaneFull, match="11 frames wait in front of Sink"):
        run_virtual(Pipeline(Flood(), Sink()).run)


def test_a_control_frame_overtakes_the_data_that_waits(timed: Timed) -> None:
    sink = Sink()
    urgent = Urgent(text="now", at=500_000)

    timed(Pipeline(Script(*texts("abc"), urgent), Slow(1), sink).run)

    # It overtakes b and c in front of Slow, and a, which has just been let go, behind it.
    assert sink.heard == [(1_000, "now"), (1_000, "a"), (2_000, "b"), (3_000, "c")]


async def test_a_stage_that_ends_early_ends_what_comes_behind_it() -> None:
    class First:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await emit(await anext(frames))

    sink = Sink()

    await Pipeline(Script(*texts("abc")), First(), sink).run()

    assert words(sink.frames) == ["a"]


def test_what_is_sent_to_a_stage_that_has_ended_keeps_nobody_waiting() -> None:
    class Deaf:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await emit(Text(text="bye"))

    sink, source = Sink(), Script(*texts("abcdefghij"))

    run_virtual(Pipeline(source, Deaf(), Slow(5), sink, lane=1).run)

    assert sink.heard == [(5_000, "bye")]


def test_a_stage_may_have_tasks_of_its_own(timed: Timed) -> None:
    class Parallel:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async with anyio.create_task_group() as group:
                async for frame in frames:
                    group.start_soon(self._work, frame, emit)

        async def _work(self, frame: Frame, emit: Emit) -> None:
            await anyio.sleep(int(words([frame])[0]))
            await emit(frame)

    sink = Sink()

    timed(Pipeline(Script(*texts("312")), Parallel(), sink).run)

    assert sink.heard == [(1_000, "1"), (2_000, "2"), (3_000, "3")]


async def test_a_source_that_never_waits_lets_others_have_their_turn() -> None:
    log: list[str] = []

    class Busy:
        async def run(self, frames: Frames, emit: Emit) -> None:
            for i in range(1_000):
                await emit(Result(text=str(i)))
            log.append("said all")

    class First:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for _ in frames:
                log.append("heard first")
                return

    await Pipeline(Busy(), First(), lane=10_000).run()

    assert log[0] == "heard first"


async def test_a_reader_of_a_backlog_lets_others_have_their_turn() -> None:
    read = 0
    at_turn: list[int] = []

    class Greedy:
        async def run(self, frames: Frames, emit: Emit) -> None:
            nonlocal read
            async for _ in frames:
                read += 1

    async with Pipeline(Greedy(), lane=10_000).open() as run:
        for frame in texts("x" * 1_000):
            run.send_nowait(frame)
        while read < 1_000:
            await anyio.lowlevel.checkpoint()
            at_turn.append(read)

    assert max(later - now for now, later in zip([0, *at_turn], at_turn, strict=False)) <= 2 * TURN
