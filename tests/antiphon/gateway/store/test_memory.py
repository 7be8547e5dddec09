"""The store of one process: its time, its bounds."""

import pickle

import anyio
import pytest

from antiphon.gateway.store import StoreFull, open_store
from antiphon.gateway.store.memory import MemoryStore
from antiphon.pipeline.testing import run_virtual
from tests.antiphon.gateway.store.conftest import Time

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("url", [None, "memory://"])
def test_without_an_address_the_process_remembers(url: str | None) -> None:
    assert isinstance(open_store(url), MemoryStore)


def test_its_time_is_the_loop_s() -> None:
    async def work() -> list[object]:
        store = open_store()
        await store.keep_ticket("d1", b"grant", uses=0, lifetime=300)
        await store.enter("key", "s1", most=1)
        await store.allow("mint", most=1, window=60)
        early = await store.allow("mint", most=1, window=60)
        await anyio.sleep(59.5)
        then: list[object] = [
            await store.enter("key", "s2", most=1),
            await store.allow("mint", most=1, window=60),
        ]
        await anyio.sleep(0.5)
        then += [
            await store.enter("key", "s2", most=1),
            await store.allow("mint", most=1, window=60),
        ]
        await anyio.sleep(239)
        then.append(await store.redeem("d1"))
        await anyio.sleep(1)
        return [early, *then, await store.redeem("d1")]

    assert run_virtual(work) == [60.0, False, 0.5, True, None, b"grant", None]


async def test_tickets_beyond_its_room_are_refused_until_others_expire() -> None:
    time = Time()
    store = MemoryStore(room=2, clock=time)
    await store.keep_ticket("d1", b"1", uses=1, lifetime=10)
    await store.keep_ticket("d2", b"2", uses=1, lifetime=20)

    with pytest.raises(StoreFull, match="no room for more than 2 tickets") as raised:
        await store.keep_ticket("d3", b"3", uses=1, lifetime=10)
    assert raised.value.retryable
    await store.keep_ticket("d2", b"2 again", uses=1, lifetime=20)  # it has its place
    time.now += 10
    await store.keep_ticket("d3", b"3", uses=1, lifetime=10)

    assert [await store.redeem(f"d{n}") for n in (1, 2, 3)] == [None, b"2 again", b"3"]
    await store.keep_ticket("d4", b"4", uses=1, lifetime=10)


async def test_a_ticket_kept_anew_lasts_as_long_as_the_new_one() -> None:
    time = Time()
    store = MemoryStore(clock=time)
    await store.keep_ticket("d1", b"old", uses=1, lifetime=5)
    await store.keep_ticket("d1", b"new", uses=1, lifetime=60)

    time.now += 10
    await store.keep_ticket("d2", b"grant", uses=1, lifetime=60)

    assert await store.redeem("d1") == b"new"


async def test_rates_beyond_its_room_are_refused_until_others_are_over() -> None:
    time = Time()
    store = MemoryStore(room=2, clock=time)
    for name in ("a", "b"):
        await store.allow(name, most=5, window=60)

    with pytest.raises(StoreFull, match="rates"):
        await store.allow("c", most=5, window=60)
    time.now += 60

    assert await store.allow("c", most=5, window=60) is None


async def test_a_rate_is_that_of_any_window_wherever_it_begins() -> None:
    time = Time()
    store = MemoryStore(clock=time)

    answers: list[float | None] = []
    for seconds in (0, 30, 29, 1, 0, 30, 0):
        time.now += seconds
        answers.append(await store.allow("mint", most=2, window=60))

    assert answers == [None, None, 1.0, None, 30.0, None, 30.0]


async def test_nobody_else_changes_what_was_spent() -> None:
    store = MemoryStore()
    await store.spend("key", "model", {"money": 1})

    (await store.spent("key"))["model"]["money"] = 2

    assert await store.spent("key") == {"model": {"money": 1}}


async def test_what_is_over_takes_no_room() -> None:
    time = Time()
    store = MemoryStore(clock=time)

    for number in range(10_000):
        time.now += 1
        await store.keep_ticket(f"d{number}", b"grant", uses=1, lifetime=100_000)
        await store.redeem(f"d{number}")
        await store.keep_ticket(f"e{number}", b"grant", uses=1, lifetime=5)
        await store.allow(f"name {number}", most=5, window=10)
        await store.allow("always", most=100, window=10)
        await store.enter(f"key {number}", "s1", most=1)
        if number % 15 == 0:
            await store.stay({})

    assert len(pickle.dumps(store)) < 50_000  # bytes; with all of it, a million and more
