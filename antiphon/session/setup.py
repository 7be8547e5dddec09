"""What a session is opened with: from an address, a function, or the environment."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import anyio
import msgspec

from antiphon.codecs import vercel
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Connect, HttpResponse, Ticket
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.vercel import Setup
from antiphon.codecs.wire import WireError
from antiphon.session.errors import SetupFailed
from antiphon.transports import Transport, memory, websocket

if TYPE_CHECKING:
    import httpx2

    from antiphon.tokens import RealtimeToken

LARGEST = 1 << 20
"""Bytes of an answer."""

Given = "Setup | Ticket | RealtimeToken | Mapping[str, Any]"
"""What a token source answers: as JSON it is {token, url, expiresAt?, tools?}."""

TokenSource = str | Callable[[], Any]
"""An address that is sent a POST, or a function that gives `Given`, perhaps asynchronously."""

Open = Callable[[Connect], AbstractAsyncContextManager[Transport]]
"""Opens a connection, and closes it at the end."""


async def from_source(
    source: TokenSource, config: SessionConfig | None, client: "httpx2.AsyncClient | None"
) -> Setup:
    """What *source* answers; raises SetupFailed."""
    try:
        if isinstance(source, str):
            return vercel.read_setup_response(await _post(source, config, client))
        given: object = source()
        if isawaitable(given):
            given = await cast("Awaitable[object]", given)
        return _read(given)
    except WireError as error:
        raise SetupFailed(f"the token source's answer is not as it must be: {error}") from None


def _read(given: object) -> Setup:
    if isinstance(given, Setup):
        return given
    if isinstance(given, Ticket):
        given = {"token": given.token, "url": given.url, "expiresAt": given.expires_at}
    elif hasattr(given, "public"):
        given = cast("RealtimeToken", given).public()
    if not isinstance(given, Mapping):
        raise SetupFailed(
            f"a token source gives {{token, url}}, a Ticket or a Setup, not {type(given).__name__}"
        )
    told = {name: value for name, value in cast("Mapping[str, Any]", given).items() if value}
    try:
        body = msgspec.json.encode(told)
    except (TypeError, ValueError) as error:
        raise SetupFailed("the token source's answer cannot be read as JSON") from error
    return vercel.read_setup_response(HttpResponse(body=body))


async def _post(
    url: str, config: SessionConfig | None, client: "httpx2.AsyncClient | None"
) -> HttpResponse:
    import httpx2

    body = vercel.setup_request(config)
    try:
        if client is not None:
            return await _request(client, url, body)
        async with httpx2.AsyncClient(timeout=None, follow_redirects=True) as own:
            return await _request(own, url, body)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        problem = type(error).__name__  # its text may repeat the address, and that a secret
        raise SetupFailed(f"the token source cannot be reached: {problem}") from None


async def _request(client: "httpx2.AsyncClient", url: str, body: bytes) -> HttpResponse:
    answer = bytearray()
    headers = {"content-type": "application/json"}
    async with client.stream("POST", url, headers=headers, content=body) as response:
        async for piece in response.aiter_bytes():
            answer += piece
            if len(answer) > LARGEST:
                raise SetupFailed(f"the token source answers with more than {LARGEST} bytes")
    return HttpResponse(status=response.status_code, body=bytes(answer))


# Ways to connect.


def with_ticket(dialect: Dialect, model: str, ticket: Ticket) -> Connect:
    """The ticket's own address, with the ticket where the dialect's clients show it."""
    way = dialect.connect(model, ticket=ticket.token)
    url = ticket.url
    for pair in way.url.partition("?")[2].split("&"):
        if unquote(pair.partition("=")[2]) == ticket.token and pair not in url:
            url += ("&" if "?" in url else "?") + pair
    return msgspec.structs.replace(way, url=url)


def with_key(dialect: Dialect, model: str) -> Connect:
    """With the key that is in the environment."""
    key = os.environ.get(dialect.key_variable)
    if not key:
        raise SetupFailed(
            f"{dialect.title} needs a token source, or a key in {dialect.key_variable}"
        )
    return dialect.connect(model, key=key)


@asynccontextmanager
async def by_websocket(way: Connect) -> AsyncGenerator[Transport]:
    async with websocket.connect(
        way.url, headers=way.headers, subprotocols=way.subprotocols
    ) as transport:
        yield transport


def locally(name: str) -> Open:
    """A model of this machine, served in this process as the AI Gateway would."""

    @asynccontextmanager
    async def open(way: Connect) -> AsyncGenerator[Transport]:
        from antiphon.processors.models import find_model
        from antiphon.processors.serving import serve

        ours, theirs = memory.pair()
        async with anyio.create_task_group() as group:
            group.start_soon(serve, theirs, vercel.Server(name), find_model(name))
            try:
                yield ours
            finally:
                group.cancel_scope.cancel()
                await ours.aclose()
                await theirs.aclose()

    return open
