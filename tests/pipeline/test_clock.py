"""Session time begins with the run, and belongs to its tasks."""

import anyio

from antiphon.pipeline import Emit, Frames, Pipeline, now, sleep_until
from tests.pipeline.conftest import Timed


class Clocked:
    """Notes the time when it begins, and once it has slept until *until*."""

    def __init__(self, until: int) -> None:
        self._until = until
        self.times: list[int] = []

    async def run(self, frames: Frames, emit: Emit) -> None:
        self.times.append(now())
        await sleep_until(self._until)
        self.times.append(now())


def test_session_time_begins_with_the_run(timed: Timed) -> None:
    stage = Clocked(1_500_001)

    async def main() -> None:
        await anyio.sleep(3.3)
        await Pipeline(stage).run()

    timed(main)
    assert stage.times == [0, 1_500_001]


def test_to_sleep_until_a_time_that_is_past_takes_no_time(timed: Timed) -> None:
    stage = Clocked(-1)

    timed(Pipeline(stage).run)

    assert stage.times == [0, 0]


def test_the_tasks_of_a_stage_share_its_time(timed: Timed) -> None:
    times: list[int] = []

    class Parallel:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async with anyio.create_task_group() as group:
                for seconds in (1, 2):
                    group.start_soon(self._note, seconds)

        async def _note(self, seconds: int) -> None:
            await sleep_until(seconds * 1_000_000)
            times.append(now())

    async def main() -> None:
        await anyio.sleep(0.7)
        await Pipeline(Parallel()).run()

    timed(main)
    assert times == [1_000_000, 2_000_000]


def test_a_pipeline_inside_a_stage_has_the_time_of_the_session(timed: Timed) -> None:
    inner = Clocked(6_000_000)

    class Outer:
        async def run(self, frames: Frames, emit: Emit) -> None:
            await sleep_until(5_000_000)
            await Pipeline(inner).run()

    for begin in (0, 2.5):

        async def main(begin: float = begin) -> None:
            await anyio.sleep(begin)
            await Pipeline(Outer()).run()

        inner.times.clear()
        timed(main)
        assert inner.times == [5_000_000, 6_000_000]


def test_two_runs_side_by_side_have_times_of_their_own(timed: Timed) -> None:
    first, second = Clocked(2_000_000), Clocked(2_000_000)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(Pipeline(first).run)
            await anyio.sleep(1)
            group.start_soon(Pipeline(second).run)

    timed(main)
    assert first.times == second.times == [0, 2_000_000]


def test_without_a_session_it_is_the_loops_time(timed: Timed) -> None:
    async def main() -> tuple[int, int]:
        at = now()
        await sleep_until(at + 1_000_000)
        return at, now()

    before, after = timed(main)
    assert after - before == 1_000_000
