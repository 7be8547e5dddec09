"""Round trips of a text over a WebSocket on this machine, both ends on one event loop."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
from websockets.asyncio import client, server

from antiphon.transports import Transport, websocket
from antiphon.transports.asgi import AsgiWebSocket, Incoming, Receive, Scope, Send

HOST = "127.0.0.1"

Trip = Callable[[str], Awaitable[object]]
"""Sends a text, and returns when it has come back."""

Open = Callable[[], AbstractAsyncContextManager[Trip]]

Serve = Callable[[], AbstractAsyncContextManager[str]]
"""A server that repeats what it hears; gives its URL."""

Connect = Callable[[str], AbstractAsyncContextManager[Trip]]

SETTINGS: dict[str, Any] = {
    "compression": None,
    "max_size": websocket.LARGEST,
    "write_limit": websocket.WRITE_LIMIT,
}
"""As in `antiphon.transports.websocket`."""


def between(connect: Connect, serve: Serve) -> Open:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[Trip, None]:
        async with serve() as url, connect(url) as trip:
            yield trip

    return opened


@asynccontextmanager
async def bare_client(url: str) -> AsyncGenerator[Trip, None]:
    async with client.connect(url, proxy=None, **SETTINGS) as connection:

        async def trip(text: str) -> object:
            await connection.send(text)
            return await connection.recv()

        yield trip


@asynccontextmanager
async def our_client(url: str) -> AsyncGenerator[Trip, None]:
    async with websocket.connect(url, proxy=None) as transport:

        async def trip(text: str) -> object:
            await transport.send(text)
            return await transport.receive()

        yield trip


@asynccontextmanager
async def bare_server() -> AsyncGenerator[str, None]:
    async def repeat(connection: server.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with server.serve(repeat, HOST, 0, **SETTINGS) as listening:
        yield f"ws://{HOST}:{next(iter(listening.sockets)).getsockname()[1]}"


@asynccontextmanager
async def uvicorn_server() -> AsyncGenerator[str, None]:
    async def repeat(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})

    async with uvicorn(repeat) as url:
        yield url


@asynccontextmanager
async def our_server() -> AsyncGenerator[str, None]:
    async def repeat(transport: Transport) -> None:
        async for message in transport:
            await transport.send(message)

    async with uvicorn(accepting(repeat)) as url:
        yield url


def accepting(
    attend: Callable[[AsgiWebSocket], Awaitable[None]],
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI application that accepts whoever comes."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await attend(await Incoming(scope, receive, send).accept())

    return app


@asynccontextmanager
async def uvicorn(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> AsyncGenerator[str]:
    """*app* under uvicorn, without compression."""
    import uvicorn as library

    config = library.Config(
        app,  # pyright: ignore[reportArgumentType] - its own types want each kind of scope apart
        host=HOST,
        port=0,
        lifespan="off",
        log_level="critical",
        ws_per_message_deflate=False,
        ws_max_size=websocket.LARGEST,
    )
    serving = library.Server(config)
    async with anyio.create_task_group() as group:
        # It opens its sockets itself: of those that it is given asyncio does not know that they
        # are TCP's, and leaves Nagle's algorithm on, which holds answers back for 20 ms.
        group.start_soon(serving.serve)
        while not serving.started:
            await anyio.sleep(0.01)
        yield f"ws://{HOST}:{serving.servers[0].sockets[0].getsockname()[1]}"
        serving.should_exit = True
