"""What every store does, whichever it is."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from antiphon.gateway.store import Store
from tests.antiphon.gateway.store.conftest import Stores, on_servers

pytestmark = pytest.mark.anyio

SOON = 0.05
"""Seconds; long enough for nothing to be done within it by mistake."""

HERE = Path(__file__).parent


async def test_a_ticket_is_good_once(store: Store) -> None:
    await store.keep_ticket("d1", b"\x00grant\xff", uses=1, lifetime=60)

    assert await store.redeem("d1") == b"\x00grant\xff"
    assert await store.redeem("d1") is None


async def test_a_ticket_for_three_is_good_three_times(store: Store) -> None:
    await store.keep_ticket("d1", b"grant", uses=3, lifetime=60)

    assert [await store.redeem("d1") for _ in range(4)] == [b"grant"] * 3 + [None]


async def test_a_ticket_for_any_number_stays_good(store: Store) -> None:
    await store.keep_ticket("d1", b"grant", uses=0, lifetime=60)

    assert [await store.redeem("d1") for _ in range(20)] == [b"grant"] * 20


async def test_nobody_redeems_a_ticket_that_was_never_sold(store: Store) -> None:
    await store.keep_ticket("d1", b"grant", uses=1, lifetime=60)

    assert await store.redeem("d2") is None


@pytest.mark.parametrize("uses", [0, 1, 2])
async def test_a_ticket_expires(stores: Stores, uses: int) -> None:
    store = stores.open()
    await store.keep_ticket("d1", b"grant", uses=uses, lifetime=SOON)
    await store.keep_ticket("d2", b"grant", uses=uses, lifetime=60)

    await stores.passes(SOON)

    assert await store.redeem("d1") is None
    assert await store.redeem("d2") == b"grant"


async def test_redeeming_does_not_make_a_ticket_last_longer(stores: Stores) -> None:
    store = stores.open()
    await store.keep_ticket("d1", b"grant", uses=0, lifetime=10 * SOON)
    assert await store.redeem("d1") == b"grant"

    await stores.passes(10 * SOON)

    assert await store.redeem("d1") is None


async def test_a_dropped_ticket_is_good_for_nothing(store: Store) -> None:
    await store.keep_ticket("d1", b"grant", uses=0, lifetime=60)

    await store.drop_ticket("d1")
    await store.drop_ticket("never there")

    assert await store.redeem("d1") is None


async def test_a_ticket_kept_anew_is_the_new_one(store: Store) -> None:
    await store.keep_ticket("d1", b"old", uses=1, lifetime=60)
    await store.keep_ticket("d1", b"new", uses=0, lifetime=60)

    assert [await store.redeem("d1") for _ in range(2)] == [b"new"] * 2


@pytest.mark.parametrize(("uses", "lifetime"), [(-1, 60), (1, 0), (1, -1), (1, float("nan"))])
async def test_a_ticket_that_nobody_could_redeem_is_not_kept(
    store: Store, uses: int, lifetime: float
) -> None:
    with pytest.raises(ValueError, match="never be redeemed"):
        await store.keep_ticket("d1", b"grant", uses=uses, lifetime=lifetime)


async def test_of_two_hundred_who_redeem_a_ticket_at_once_one_is_let_in(stores: Stores) -> None:
    one, other = stores.open(), stores.open()
    await one.keep_ticket("d1", b"grant", uses=1, lifetime=60)
    results: list[bytes | None] = []

    async def redeem(store: Store) -> None:
        results.append(await store.redeem("d1"))

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(redeem, one)
            group.start_soon(redeem, other)

    assert len(results) == 200
    assert [result for result in results if result is not None] == [b"grant"]


@on_servers
async def test_of_many_in_two_processes_as_many_are_let_in_as_the_ticket_is_for(
    stores: Stores,
) -> None:
    assert stores.url is not None
    store = stores.open()
    await store.keep_ticket("d1", b"grant", uses=7, lifetime=60)

    command = [sys.executable, str(HERE / "redeeming.py"), stores.url, stores.prefix, "d1", "100"]
    with started(command) as one, started(command) as other:
        for process in (one, other):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        won = [int(process.communicate(timeout=60)[0]) for process in (one, other)]

    assert sum(won) == 7


@contextmanager
def started(command: list[str]) -> Generator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[3])}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


async def test_no_more_sessions_enter_than_may(store: Store) -> None:
    assert await store.enter("key", "s1", most=2)
    assert await store.enter("key", "s2", most=2)

    assert not await store.enter("key", "s3", most=2)
    assert await store.enter("another key", "s3", most=2)


async def test_of_many_who_enter_at_once_as_many_do_as_may(stores: Stores) -> None:
    one, other = stores.open(), stores.open()
    results: list[bool] = []

    async def enter(store: Store, session: str) -> None:
        results.append(await store.enter("key", session, most=10))

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(enter, one, f"a{number}")
            group.start_soon(enter, other, f"b{number}")

    assert (len(results), sum(results)) == (100, 10)


async def test_where_there_is_no_limit_all_enter_and_are_counted(store: Store) -> None:
    assert await store.enter("key", "s1", most=None)
    assert await store.enter("key", "s2", most=None)

    assert not await store.enter("key", "s3", most=2)


async def test_nobody_enters_where_none_may(store: Store) -> None:
    assert not await store.enter("key", "s1", most=0)


async def test_who_is_in_may_enter_again(store: Store) -> None:
    assert await store.enter("key", "s1", most=1)

    assert await store.enter("key", "s1", most=1)
    assert not await store.enter("key", "s2", most=1)


async def test_who_leaves_makes_room(store: Store) -> None:
    await store.enter("key", "s1", most=1)

    await store.leave("key", "s1")
    await store.leave("key", "was never there")

    assert await store.enter("key", "s2", most=1)


async def test_sessions_that_nobody_tells_of_are_given_up(stores: Stores) -> None:
    stores.give_up_after(6 * SOON)
    store = stores.open()
    await store.enter("key", "s1", most=1)
    assert not await store.enter("key", "s2", most=1)

    await stores.passes(6 * SOON)

    assert await store.enter("key", "s2", most=1)
    assert not await store.enter("key", "s1", most=1)


async def test_sessions_that_are_told_of_stay(stores: Stores) -> None:
    stores.give_up_after(20 * SOON)
    store, crashed = stores.open(), stores.open()
    await store.enter("key", "s1", most=2)
    await crashed.enter("key", "s2", most=2)

    ticks = 0
    while not await store.enter("key", "s3", most=2):  # until s2 is given up
        ticks += 1
        assert ticks < 200
        await store.stay({"key": ["s1"], "another key": [], "a third": {"s9"}})
        await stores.passes(SOON)

    assert ticks
    await store.stay({"key": ["s1"]})
    assert not await store.enter("key", "s4", most=2)  # s1 and s3 are there


async def test_sessions_that_the_store_had_lost_are_counted_again(store: Store) -> None:
    await store.stay({"key": ["s1", "s2"]})

    assert not await store.enter("key", "s3", most=2)


async def test_thousands_of_sessions_are_told_of_at_once(store: Store) -> None:
    many = {f"key {number}": [f"s{session}" for session in range(3)] for number in range(200)}
    many["crowd"] = [f"s{session}" for session in range(1200)]

    await store.stay(many)

    assert not await store.enter("crowd", "more", most=1200)
    assert await store.enter("crowd", "more", most=1201)
    assert not await store.enter("key 199", "more", most=3)


async def test_who_leaves_while_all_are_told_of_has_left(store: Store) -> None:
    many = {f"key {number}": [f"s{session}" for session in range(300)] for number in range(20)}

    async with anyio.create_task_group() as group:
        group.start_soon(store.stay, many)
        await anyio.lowlevel.checkpoint()
        for number in range(20):
            group.start_soon(store.leave, f"key {number}", "s0")

    for number in range(20):
        assert await store.enter(f"key {number}", "s0", most=300)


async def test_no_more_is_allowed_than_fits_in_the_window(stores: Stores) -> None:
    store = stores.open()

    assert [await store.allow("mint", most=3, window=60) for _ in range(3)] == [None] * 3
    wait = await store.allow("mint", most=3, window=60)

    assert wait is not None
    assert 0 < wait <= 60
    assert await store.allow("another", most=3, window=60) is None


async def test_who_waits_as_long_as_told_is_allowed(stores: Stores) -> None:
    store = stores.open()
    await store.allow("mint", most=1, window=10 * SOON)
    wait = await store.allow("mint", most=1, window=10 * SOON)
    assert wait is not None

    await stores.passes(wait)

    assert await store.allow("mint", most=1, window=10 * SOON) is None


async def test_who_is_refused_does_not_wait_the_longer_for_it(stores: Stores) -> None:
    store = stores.open()
    await store.allow("mint", most=1, window=60)
    first = await store.allow("mint", most=1, window=60)

    await stores.passes(SOON)
    later = await store.allow("mint", most=1, window=60)

    assert first is not None
    assert later is not None
    assert later <= first - SOON + 0.000_002


async def test_nothing_is_allowed_where_none_may(store: Store) -> None:
    assert await store.allow("mint", most=0, window=60) == 60


@pytest.mark.parametrize(("most", "window"), [(-1, 60.0), (1, 0.0), (1, -1.0)])
async def test_what_is_no_rate_is_a_mistake(store: Store, most: int, window: float) -> None:
    with pytest.raises(ValueError, match="not a rate"):
        await store.allow("mint", most=most, window=window)


async def test_of_many_at_once_as_many_are_allowed_as_may(stores: Stores) -> None:
    one, other = stores.open(), stores.open()
    results: list[float | None] = []

    async def allow(store: Store) -> None:
        results.append(await store.allow("mint", most=25, window=60))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(allow, one)
            group.start_soon(allow, other)

    assert (len(results), results.count(None)) == (100, 25)


async def test_what_is_spent_adds_up_by_model(stores: Stores) -> None:
    one, other = stores.open(), stores.open()

    await one.spend("key", "openai/gpt", {"money": 5, "audio tokens": 100})
    await other.spend("key", "openai/gpt", {"money": 7, "text tokens": 1})
    await other.spend("key", 'odd ["model"] é', {"ms": 0, "money": 2**53})
    await one.spend("another key", "openai/gpt", {"money": 1000})

    assert await one.spent("key") == {
        "openai/gpt": {"money": 12, "audio tokens": 100, "text tokens": 1},
        'odd ["model"] é': {"ms": 0, "money": 2**53},
    }
    assert await one.money("key") == 12 + 2**53


async def test_who_has_spent_nothing_owes_nothing(store: Store) -> None:
    await store.spend("key", "model", {})

    assert await store.spent("key") == {}
    assert await store.money("key") == 0


async def test_what_has_no_price_costs_nothing(store: Store) -> None:
    await store.spend("key", "model", {"ms": 12})

    assert await store.money("key") == 0
    assert await store.spent("key") == {"model": {"ms": 12}}


async def test_what_is_taken_back_is_taken_off(store: Store) -> None:
    await store.spend("key", "model", {"money": 12})
    await store.spend("key", "model", {"money": -5})

    assert await store.money("key") == 7


async def test_an_amount_that_nobody_can_spend_is_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="money"):
        await store.spend("key", "model", {"ms": 1, "money": 2**53 + 1})

    assert await store.spent("key") == {}


async def test_what_many_spend_at_once_adds_up(stores: Stores) -> None:
    one, other = stores.open(), stores.open()

    async with anyio.create_task_group() as group:
        for number in range(100):
            store = (one, other)[number % 2]
            group.start_soon(store.spend, "key", f"model {number % 3}", {"money": number})

    assert await one.money("key") == sum(range(100))


async def test_who_spends_may_change_the_amounts_afterwards(store: Store) -> None:
    amounts = {"money": 1}
    await store.spend("key", "model", amounts)
    amounts["money"] = 2

    assert await store.money("key") == 1


async def test_a_store_that_works_is_ready(store: Store) -> None:
    assert await store.ready()
