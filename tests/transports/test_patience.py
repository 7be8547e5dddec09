"""A timeout for what is done often: exact, cheap, and nobody's cancellation is lost."""

import asyncio
from typing import Any

import anyio
import pytest
import trio
import trio.testing

from antiphon.pipeline.testing import run_virtual
from antiphon.transports.patience import Patience


async def at_once() -> None:
    pass


def timers() -> list[Any]:
    """What the loop is still to do, later."""
    inner: Any = asyncio.get_running_loop()
    return [timer for timer in inner._scheduled if not timer.cancelled()]


async def outlast(patience: Patience) -> float:
    """When waiting in vain ended."""
    with pytest.raises(TimeoutError):
        await patience.wait(anyio.sleep_forever())
    return anyio.current_time()


def test_what_takes_too_long_ends_just_in_time() -> None:
    async def work() -> list[float]:
        patience = Patience(10)
        return [await outlast(patience), await outlast(patience)]

    assert run_virtual(work) == [10.0, 20.0]


def test_each_wait_has_all_of_the_time_whenever_the_timer_was_set() -> None:
    async def work() -> float:
        patience = Patience(10)
        await patience.wait(at_once())
        await anyio.sleep(7)
        await patience.wait(anyio.sleep(9))
        return await outlast(patience)

    assert run_virtual(work) == 26.0


def test_several_tasks_wait_each_for_its_own_time() -> None:
    async def work() -> list[float]:
        patience = Patience(10)
        ended: list[float] = []

        async def one(begins: float) -> None:
            await anyio.sleep(begins)
            ended.append(await outlast(patience))

        async with anyio.create_task_group() as group:
            for begins in (4, 0, 2):
                group.start_soon(one, begins)
        return ended

    assert run_virtual(work) == [10.0, 12.0, 14.0]


def test_a_task_that_was_late_is_as_good_as_any_other_afterwards() -> None:
    async def work() -> int:
        await outlast(Patience(1))
        await anyio.sleep(1)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert run_virtual(work) == 0


def test_any_number_of_waits_sets_one_timer_and_an_idle_time_none() -> None:
    async def work() -> tuple[int, int, int]:
        patience = Patience(10)
        for _ in range(100):
            await patience.wait(at_once())
        busy = len(timers())
        await anyio.sleep(10)
        idle = len(timers())
        await patience.wait(at_once())
        patience.close()
        return busy, idle, len(timers())

    assert run_virtual(work) == (1, 0, 0)


def test_closed_while_a_task_waits_it_still_ends_that() -> None:
    async def work() -> float:
        patience = Patience(10)
        async with anyio.create_task_group() as group:
            group.start_soon(outlast, patience)
            await anyio.sleep(1)
            patience.close()
        return anyio.current_time()

    assert run_virtual(work) == 10.0


def test_an_error_is_handed_on_as_it_is() -> None:
    async def fail() -> None:
        raise OSError("gone")

    async def work() -> None:
        with pytest.raises(OSError, match="gone"):
            await Patience(10).wait(fail())

    run_virtual(work)


def test_an_end_that_comes_after_all_is_no_timeout() -> None:
    async def stubborn() -> None:
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            raise OSError("torn") from None

    async def work() -> int:
        with pytest.raises(OSError, match="torn"):
            await Patience(1).wait(stubborn())
        await anyio.sleep(1)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert run_virtual(work) == 0


def test_a_scope_around_it_may_end_it_earlier() -> None:
    async def work() -> tuple[float, float]:
        patience = Patience(10)
        with anyio.move_on_after(3):
            await patience.wait(anyio.sleep_forever())
        return anyio.current_time(), await outlast(patience)

    assert run_virtual(work) == (3.0, 13.0)


@pytest.mark.parametrize("first", ["the scope", "the patience"])
def test_a_scope_that_ends_at_the_same_moment_ends_it_too(first: str) -> None:
    async def work() -> bool:
        patience = Patience(10)
        if first == "the patience":
            await patience.wait(at_once())
        with anyio.move_on_after(10) as scope:
            await patience.wait(anyio.sleep_forever())
        await anyio.sleep(1)
        return scope.cancelled_caught

    assert run_virtual(work) is True


@pytest.mark.parametrize("first", ["the other", "the patience"])
def test_a_task_that_is_cancelled_at_the_same_moment_is_cancelled(first: str) -> None:
    async def work() -> bool:
        patience = Patience(10)
        loop = asyncio.get_running_loop()
        if first == "the patience":
            await patience.wait(at_once())
        task = asyncio.create_task(patience.wait(anyio.sleep_forever()))
        loop.call_at(10, task.cancel)
        await asyncio.wait([task])
        return task.cancelled()

    assert run_virtual(work) is True


def test_on_trio_it_does_the_same() -> None:
    async def work() -> float:
        patience = Patience(10)
        await patience.wait(anyio.sleep(9))
        with pytest.raises(TimeoutError):
            await patience.wait(anyio.sleep_forever())
        patience.close()
        return trio.current_time()

    clock = trio.testing.MockClock(autojump_threshold=0)
    began = clock.current_time()
    assert trio.run(work, clock=clock) - began == pytest.approx(19)
