"""Addresses, and the passwords in them."""

import asyncio
import logging
import traceback

import pytest

from antiphon.gateway.store import Store, StoreAway, open_store
from tests.antiphon.gateway.store.conftest import Start, opened
from tests.antiphon.gateway.store.servers import close, listening

pytestmark = pytest.mark.anyio


async def test_with_its_password_in_the_address_a_server_lets_us_in(start: Start) -> None:
    server = start(password="s3cret-word")
    async with opened(server.url) as store:
        assert await store.ready()
        await store.keep_ticket("d1", b"grant", uses=1, lifetime=60)
        assert await store.redeem("d1") == b"grant"


async def test_a_password_is_told_to_nobody(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = start(password="right")
    url = server.url.replace(":right@", ":s3cret-word@")
    async with opened(url) as store:
        assert not await store.ready()
        await store.spend("key", "model", {"money": 1})
        with pytest.raises(StoreAway) as raised:
            await store.redeem("d1")

        assert_untold("s3cret", store, raised.value, caplog)


async def test_a_server_that_repeats_the_password_is_not_quoted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            said = data.replace(b"\r\n", b" ")
            writer.write(b"-ERR unknown command, with args beginning with: " + said + b"\r\n")
        await close(writer)

    caplog.set_level(logging.DEBUG)
    async with (
        listening(repeat) as port,
        opened(f"redis://me:s3cret%2Fword@127.0.0.1:{port}") as store,
    ):
        await store.spend("key", "model", {"money": 1})
        with pytest.raises(StoreAway, match=r"\*\*\*") as raised:
            await store.redeem("d1")

        assert_untold("s3cret", store, raised.value, caplog)


def assert_untold(
    secret: str, store: Store, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """In nothing that a log, or a reporter of errors that shows locals, would have of it."""
    said = [repr(store), str(error), repr(error), caplog.text]
    said += traceback.format_exception(error)
    said += [repr(error.__cause__), repr(error.__context__)]
    assert not [one for one in said if secret in one]


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret/word@host:6379/0",
        "redis://:s3cret?word@host:6379/0",
        "redis://:s3cret#word@host:6379/0",
        "redis://:1234?s3cret@host",
        "redis://host:s3cret",
        "redis://:s3cret@[::1/0",
        "redis://:s3cret@host?db=s3cret",
        "redis://:s3cret@host?unheard_of=s3cret",
        "valkey://:s3cret@host:port",
        "s3cret",
        "http://:s3cret@host",
        "",
    ],
)
def test_an_address_that_cannot_be_read_is_a_mistake_and_is_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as raised:
        open_store(url)

    assert "s3cret" not in "".join(traceback.format_exception(raised.value))
    assert "1234" not in str(raised.value)
    assert "s3cret" not in repr((raised.value.__cause__, raised.value.__context__))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://", "redis://localhost:6379/0"),
        ("REDIS://me:s3cret@Host:1/2", "redis://host:1/2"),
        ("rediss://:s3cret@[::1]:7000?ssl_ca_certs=x", "rediss://[::1]:7000/0"),
        ("valkey://host/4", "valkey://host:6379/4"),
        ("valkeys://host", "valkeys://host:6379/0"),
        ("unix:///run/valkey.sock?db=1&password=s3cret", "unix:///run/valkey.sock"),
    ],
)
async def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    async with opened(url) as store:
        assert repr(store) == f"ValkeyStore({shown!r})"
