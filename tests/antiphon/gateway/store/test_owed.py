"""What is spent while the server is away is neither lost nor counted twice."""

import logging
import time

import anyio
import pytest

from antiphon.gateway.store import StoreAway
from antiphon.gateway.store.owed import Owed
from tests.antiphon.gateway.store.conftest import Start, Stores, opened
from tests.antiphon.gateway.store.servers import relayed, spoken_to

pytestmark = pytest.mark.anyio


async def test_what_is_spent_while_it_is_away_is_handed_over_afterwards(start: Start) -> None:
    server = start()
    async with opened(server.url) as store:
        await store.spend("key", "model", {"money": 1})
        server.kill()
        for _ in range(1000):
            await store.spend("key", "model", {"money": 2, "ms": 20})
            await store.spend("another", "model", {"money": 3})
        with pytest.raises(StoreAway):
            await store.money("key")

        server.start()  # and has forgotten the first
        await store.stay({})
        assert not vars(store)["_turns"]

        assert await store.spent("key") == {"model": {"money": 2000, "ms": 20_000}}
        assert await store.money("key") == 2000
        assert await store.money("another") == 3000


async def test_spending_does_not_wait_for_a_server_that_hangs(start: Start) -> None:
    server = start()
    async with opened(server.url, timeout=0.1) as store:
        server.freeze()
        began = time.monotonic()

        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(store.spend, f"key {number % 3}", "model", {"money": 1})

        took = time.monotonic() - began
        server.thaw()
        assert took < 2  # one in turn would have been twenty


async def test_an_amount_is_counted_once_though_the_answer_was_lost(start: Start) -> None:
    server = start()
    async with relayed(server.port) as relay, opened(f"redis://127.0.0.1:{relay.port}") as store:
        await store.spend("key", "model", {"money": 1})
        relay.loses_answers = True
        await store.spend("key", "model", {"money": 10})
        assert relay.asked.is_set()
        await store.spend("key", "model", {"money": 100})
        async with opened(server.url) as other:
            assert await other.money("key") == 11  # the server has heard of it

        relay.loses_answers = False
        await store.stay({})

        async with opened(server.url) as other:
            assert await other.money("key") == 111


async def test_batches_of_two_processes_are_told_apart(stores: Stores) -> None:
    one, other = stores.open(), stores.open()
    for store in (one, other, one, other):
        await store.spend("key", "model", {"money": 1})

    assert await one.money("key") == 4


async def test_one_key_that_the_server_refuses_does_not_keep_others_waiting(start: Start) -> None:
    server = start()
    async with opened(server.url) as store, spoken_to(server.url) as redis:
        await redis.set("antiphon:spent:{bad}", "not a hash")
        await store.spend("bad", "model", {"money": 1})
        await store.spend("good", "model", {"money": 2})

        await store.stay({})

        with pytest.raises(StoreAway, match="refuses: WRONGTYPE") as raised:
            await store.money("bad")
        assert raised.value.answered
        assert await store.money("good") == 2
        await redis.delete("antiphon:spent:{bad}")
        await store.stay({})
        assert await store.money("bad") == 1


async def test_going_away_and_coming_back_are_said_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = start()
    caplog.set_level(logging.INFO, logger="antiphon.gateway.store")
    async with opened(server.url) as store:
        server.kill()
        for _ in range(3):
            await store.spend("key", "model", {"money": 1})
            with pytest.raises(StoreAway):
                await store.stay({"key": ["s1"]})
            await store.stay({})  # tries to hand over
        server.start()
        await store.stay({})
        await store.stay({})

    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "INFO"]


async def test_closing_hands_over_and_says_what_could_not_be(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = start()
    async with opened(server.url):
        pass
    async with opened(server.url) as store:
        server.kill()
        await store.spend("key", "model", {"money": 1})
        server.start()
    async with opened(server.url) as store:
        assert await store.money("key") == 1
        server.kill()
        await store.spend("key", "model", {"money": 41})
    await store.aclose()  # a second time is nothing

    lost = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(lost) == 1
    assert "key" in lost[0]
    assert "41" in lost[0]
    with pytest.raises(StoreAway, match="closed"):
        await store.redeem("d1")


def test_what_is_owed_does_not_grow_with_time() -> None:
    owed = Owed()
    for number in range(10_000):
        owed.add("key", "model", {"money": number})
        owed.next("key")

    assert owed.all("key") == {'["model","money"]': 49_995_000, "money": 49_995_000}
    batch = owed.next("key")
    assert batch is not None
    assert owed.next("key") is batch
    owed.confirm("key")
    following = owed.next("key")
    assert following is not None
    assert following.number > batch.number
    owed.confirm("key")
    assert not owed
    assert list(owed) == []
