"""A store whose server goes away, is slow, and comes back."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import anyio
import pytest
from anyio.abc import TaskGroup

from antiphon.gateway.store import Store, StoreAway
from antiphon.gateway.store.valkey import CONNECTIONS
from tests.antiphon.gateway.store.conftest import Start, Stores, on_servers, opened
from tests.antiphon.gateway.store.servers import free_port, relayed, spoken_to

pytestmark = pytest.mark.anyio

OPERATIONS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "keep_ticket": lambda store: store.keep_ticket("d1", b"grant", uses=1, lifetime=60),
    "redeem": lambda store: store.redeem("d1"),
    "drop_ticket": lambda store: store.drop_ticket("d1"),
    "enter": lambda store: store.enter("key", "s1", most=1),
    "stay": lambda store: store.stay({"key": ["s1"]}),
    "leave": lambda store: store.leave("key", "s1"),
    "allow": lambda store: store.allow("mint", most=1, window=60),
    "spent": lambda store: store.spent("key"),
    "money": lambda store: store.money("key"),
}

each_operation = pytest.mark.parametrize("operation", OPERATIONS)


@each_operation
async def test_where_nobody_listens_the_store_is_away(operation: str) -> None:
    port = free_port()
    async with opened(f"redis://:secret@127.0.0.1:{port}/3") as store:
        with pytest.raises(StoreAway, match=f"redis://127.0.0.1:{port}/3 cannot be") as raised:
            await OPERATIONS[operation](store)

        assert raised.value.retryable
        assert not raised.value.answered
        assert not await store.ready()


@each_operation
async def test_a_server_that_does_not_answer_is_away_after_the_timeout(
    operation: str, start: Start
) -> None:
    server = start()
    async with opened(server.url, timeout=0.1) as store:
        await store.ready()
        server.freeze()
        began = time.monotonic()

        with pytest.raises(StoreAway, match=r"no answer within 0\.1 s"):
            await OPERATIONS[operation](store)
        took = time.monotonic() - began
        ready = await store.ready()
        server.thaw()

        assert 0.1 <= took < 10
        assert not ready


async def test_readiness_is_known_within_a_second(start: Start) -> None:
    server = start()
    async with opened(server.url) as store:
        server.freeze()
        began = time.monotonic()

        assert not await store.ready()
        assert time.monotonic() - began < 2
        server.thaw()


async def test_it_is_back_when_the_server_is(start: Start) -> None:
    server = start()
    async with opened(server.url) as store:
        await store.keep_ticket("d1", b"grant", uses=1, lifetime=60)
        server.kill()
        with pytest.raises(StoreAway):
            await store.redeem("d1")
        assert not await store.ready()

        server.start()

        assert await store.ready()
        assert await store.redeem("d1") is None  # that server had kept it in memory
        await store.keep_ticket("d2", b"grant", uses=1, lifetime=60)
        assert await store.redeem("d2") == b"grant"


async def test_a_server_that_was_started_anew_is_not_noticed(start: Start) -> None:
    server = start()
    async with opened(server.url) as store:
        assert await store.enter("key", "s1", most=1)
        server.kill()
        server.start()  # the old connection is broken, and the scripts are unknown

        assert await store.enter("key", "s1", most=1)
        await store.stay({"key": ["s1"]})


@on_servers
async def test_scripts_that_the_server_forgot_are_told_again(stores: Stores) -> None:
    assert stores.url is not None
    store = stores.open()
    await store.keep_ticket("d1", b"grant", uses=0, lifetime=60)
    async with spoken_to(stores.url) as redis:
        for operation in OPERATIONS.values():
            await redis.script_flush()
            await operation(store)


async def test_who_leaves_while_the_server_is_told_of_all_has_left(start: Start) -> None:
    server = start()
    async with relayed(server.port) as relay, opened(f"redis://127.0.0.1:{relay.port}") as store:
        await store.enter("key", "s1", most=1)
        relay.holds = b"EVALSHA"
        async with anyio.create_task_group() as group:
            group.start_soon(store.stay, {"key": ["s1"]})
            await relay.held.wait()
            await store.leave("key", "s1")
            relay.released.set()

        assert await store.enter("key", "s2", most=1)


async def test_who_is_cancelled_can_still_leave(stores: Stores) -> None:
    store = stores.open()
    await store.enter("key", "s1", most=1)

    with anyio.CancelScope() as scope:
        try:
            scope.cancel()
            await anyio.sleep_forever()
        finally:
            await store.leave("key", "s1")

    assert await store.enter("key", "s2", most=1)


async def test_no_connection_is_lost_by_timeouts_or_cancellation(start: Start) -> None:
    server = start()
    results: list[str] = []
    async with opened(server.url, timeout=0.5) as store:

        async def ask() -> None:
            try:
                await store.redeem("d1")
            except StoreAway:
                results.append("away")
            else:
                results.append("answered")

        server.freeze()
        async with anyio.create_task_group() as group:
            for _ in range(2 * CONNECTIONS):
                group.start_soon(ask)
            group.start_soon(cancel_soon, group)
        tasks = [asyncio.create_task(ask()) for _ in range(2 * CONNECTIONS)]
        await asyncio.sleep(0.05)  # so that they are at it
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.thaw()

        async with anyio.create_task_group() as group:
            for _ in range(2 * CONNECTIONS):
                group.start_soon(ask)
        assert results == 2 * CONNECTIONS * ["away"] + 2 * CONNECTIONS * ["answered"]


async def cancel_soon(group: TaskGroup) -> None:
    await anyio.sleep(0.05)
    group.cancel_scope.cancel()
