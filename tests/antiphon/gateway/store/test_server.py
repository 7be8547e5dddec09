"""What a store leaves on its server, and how it gets there."""

import ssl
from pathlib import Path

import anyio
import pytest
from redis.crc import key_slot

from antiphon.gateway.store import StoreAway
from tests.antiphon.gateway.store.certificate import certify
from tests.antiphon.gateway.store.conftest import PATIENCE, Start, Stores, on_servers, opened
from tests.antiphon.gateway.store.servers import relayed, spoken_to

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
async def test_it_is_reached_over_tls(start: Start, tmp_path: Path, scheme: str) -> None:
    server = start()
    certificate, key = certify(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with relayed(server.port, tls=context) as relay:
        address = f"{scheme}://127.0.0.1:{relay.port}"
        async with opened(f"{address}?ssl_ca_certs={certificate}") as store:
            await store.keep_ticket("d1", b"grant", uses=1, lifetime=60)
            assert await store.redeem("d1") == b"grant"

        async with opened(address) as distrusting:
            with pytest.raises(StoreAway, match="certificate"):
                await distrusting.redeem("d1")


@on_servers
async def test_gateways_with_other_prefixes_share_nothing(stores: Stores) -> None:
    assert stores.url is not None
    store = stores.open()
    async with opened(stores.url, prefix="elsewhere:") as other:
        await store.keep_ticket("d1", b"grant", uses=1, lifetime=60)
        await store.spend("key", "model", {"money": 1})
        await store.enter("key", "s1", most=1)

        assert await other.redeem("d1") is None
        assert await other.money("key") == 0
        assert await other.enter("key", "s1", most=1)
        await other.leave("key", "s1")


@on_servers
async def test_all_but_usage_expires_and_what_belongs_together_lies_together(
    stores: Stores,
) -> None:
    assert stores.url is not None
    store = stores.open()
    await store.ready()
    await store.spend("key", "model", {"money": 1})
    await store.enter("key", "s1", most=1)
    await store.allow("mint", most=1, window=60)
    await store.keep_ticket("d1", b"grant", uses=1, lifetime=60)
    await store.keep_ticket("d2", b"grant", uses=3, lifetime=60)
    await store.redeem("d2")
    await store.stay({"key 2": ["s1"]})

    async with spoken_to(stores.url) as redis:
        names: list[str] = [name.decode() async for name in redis.scan_iter(f"{stores.prefix}*")]
        kinds = sorted(name.removeprefix(stores.prefix).partition(":")[0] for name in names)
        lasting = [name for name in names if await redis.pttl(name) < 0]

    expected = ["rate", "ready", "sessions", "sessions", "spent", "ticket", "ticket", "told"]
    assert kinds == expected
    assert lasting == [f"{stores.prefix}spent:{{key}}"]
    together = [name for name in names if "spent:" in name or "told:" in name]
    assert len({key_slot(name.encode()) for name in together}) == 1


@on_servers
async def test_of_a_rate_no_more_is_kept_than_is_needed(stores: Stores) -> None:
    assert stores.url is not None
    store = stores.open()
    for _ in range(7):  # before the last is forgotten by itself
        await store.allow("mint", most=2, window=0.1)
        await stores.passes(0.06)

    async with spoken_to(stores.url) as redis:
        assert await redis.llen(f"{stores.prefix}rate:{{mint}}") <= 2


async def test_nothing_stays_open(start: Start) -> None:
    server = start()
    async with opened(server.url) as store, anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(store.redeem, "d1")
    async with spoken_to(server.url) as redis:
        with anyio.fail_after(PATIENCE):
            while len(await redis.client_list()) > 1:  # until it has noticed
                await anyio.sleep(0.01)
