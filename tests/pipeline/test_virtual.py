"""The loop whose clock jumps."""

import asyncio
import threading
import time

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread

from antiphon.pipeline import Pipeline
from antiphon.pipeline.testing import Standstill, VirtualLoop, run_virtual
from tests.pipeline.parts import Script, Sink, Slow, Text


async def loop_time() -> float:
    return asyncio.get_running_loop().time()


def test_time_begins_at_zero_and_passes_only_in_sleep() -> None:
    async def main() -> list[float]:
        times = [await loop_time()]
        for _ in range(1_000):
            await anyio.lowlevel.checkpoint()
        times.append(await loop_time())
        await anyio.sleep(86_400)
        times.append(await loop_time())
        return times

    assert run_virtual(main) == [0, 0, 86_400]


def test_timers_fire_at_exactly_their_time() -> None:
    async def main() -> list[float]:
        loop, times = asyncio.get_running_loop(), list[float]()
        for when in (0.3, 0.1, 0.7 - 0.2, 1e-6, 1_000.1):
            loop.call_at(when, lambda: times.append(loop.time()))
        await asyncio.sleep(2_000)
        return times

    assert run_virtual(main) == [1e-6, 0.1, 0.3, 0.7 - 0.2, 1_000.1]


def test_an_hour_of_frames_goes_by() -> None:
    frames = (Text(text="a", at=minute * 60_000_000) for minute in range(61))
    sink = Sink()

    run_virtual(Pipeline(Script(*frames), Slow(0.02), sink).run)

    assert sink.times[-1] == 3_600_020_000


def test_it_returns_what_the_work_returns_and_raises_what_it_raises() -> None:
    async def add(a: int, b: int) -> int:
        return a + b

    async def fail() -> None:
        raise LookupError("no")

    assert run_virtual(add, 1, 2) == 3
    with pytest.raises(LookupError, match="no"):
        run_virtual(fail)


@pytest.mark.leaves_tasks
def test_it_says_so_when_nothing_can_ever_happen_again() -> None:
    async def main() -> None:
        await anyio.Event().wait()

    with pytest.raises(Standstill, match="nothing can ever happen again"):
        run_virtual(main)


def test_threads_take_none_of_the_loops_time() -> None:
    def compute() -> str:
        time.sleep(0.01)
        return threading.current_thread().name

    async def main() -> tuple[str, float]:
        return await to_thread.run_sync(compute), await loop_time()

    name, when = run_virtual(main)
    assert name != threading.current_thread().name
    assert when == 0


def test_a_timer_does_not_overtake_a_thread() -> None:
    async def main() -> list[str]:
        log: list[str] = []

        async def compute() -> None:
            await to_thread.run_sync(time.sleep, 0.01)
            log.append("thread")

        async def wait() -> None:
            await anyio.sleep(0.001)
            log.append("timer")

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(compute)
        return log

    assert run_virtual(main) == ["thread", "timer"]


def test_the_order_of_threads_does_not_depend_on_how_fast_they_are() -> None:
    async def main(pauses: tuple[float, ...]) -> list[int]:
        done: list[int] = []

        async def compute(which: int) -> None:
            await to_thread.run_sync(time.sleep, pauses[which])
            done.append(which)

        async with anyio.create_task_group() as group:
            for which in range(3):
                group.start_soon(compute, which)
        return done

    assert run_virtual(main, (0.01, 0, 0)) == run_virtual(main, (0, 0, 0.01)) == [0, 1, 2]


async def order() -> list[int]:
    """In which order ten tasks ran that were ready at the same moment, twice."""
    done: list[int] = []

    async def note(which: int) -> None:
        done.append(which)
        await anyio.sleep(1)
        done.append(which)

    async with anyio.create_task_group() as group:
        for which in range(10):
            group.start_soon(note, which)
    return done


def test_without_a_seed_tasks_run_first_come_first_served() -> None:
    assert run_virtual(order)[:10] == list(range(10))


def test_a_seed_shuffles_the_tasks_that_are_ready_and_repeats_itself() -> None:
    orders = {tuple(run_virtual(order, shuffle=seed)) for seed in range(10)}

    assert len(orders) == 10
    assert all(sorted(one[:10]) == sorted(one[10:]) == list(range(10)) for one in orders)
    assert run_virtual(order, shuffle=3) == run_virtual(order, shuffle=3)


def test_callbacks_keep_their_order_when_tasks_are_shuffled() -> None:
    async def main() -> list[int]:
        done: list[int] = []
        for which in range(20):
            asyncio.get_running_loop().call_soon(done.append, which)
        await order()
        return done

    for seed in range(10):
        assert run_virtual(main, shuffle=seed) == list(range(20))


def test_two_runs_of_the_same_work_go_the_same_way() -> None:
    async def main() -> list[tuple[int, str]]:
        sink = Sink()
        frames = (Text(text=str(i), at=i * 7_000) for i in range(50))
        await Pipeline(Script(*frames), Slow(0.01), Slow(0.003), sink, lane=3).run()
        return sink.heard

    assert run_virtual(main, shuffle=5) == run_virtual(main, shuffle=5)


def test_it_is_a_loop_of_asyncio() -> None:
    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    loop = run_virtual(main)
    assert isinstance(loop, VirtualLoop)
    assert loop.is_closed()


def test_a_loop_may_call_itself_as_from_a_thread() -> None:
    async def main() -> list[str]:
        log: list[str] = []
        asyncio.get_running_loop().call_soon_threadsafe(log.append, "called")
        await anyio.lowlevel.checkpoint()
        return log

    assert run_virtual(main) == ["called"]
