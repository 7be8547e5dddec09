"""A session as its users have it: an application that mints, a server, the network between."""

import json
from http import HTTPStatus
from typing import Any

import anyio
import httpx2
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from antiphon.session import Session
from antiphon.transports import Refused

pytestmark = pytest.mark.anyio

MARKER = Subprotocol("ai-gateway-realtime.v1")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # which the library underneath is written for


def port_of(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


async def gateway(connection: ServerConnection) -> None:
    async for message in connection:
        said = json.loads(message)
        if said["type"] == "session-update":
            await connection.send('{"type":"session-updated"}')
        if said["type"] == "response-create":
            await connection.send('{"type":"text-delta","itemId":"i1","delta":"Hello!"}')
            await connection.send('{"type":"response-done","responseId":"r1"}')


def application(url: str) -> httpx2.AsyncClient:
    def setup(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"token": "tok", "url": url})

    return httpx2.AsyncClient(transport=httpx2.MockTransport(setup))


async def test_a_session_talks_over_a_websocket() -> None:
    answered = anyio.Event()

    def on_event(event: Any) -> None:
        if type(event).__name__ == "ResponseDone":
            answered.set()

    async with serve(gateway, "127.0.0.1", 0, subprotocols=[MARKER]) as server:
        url = f"ws://127.0.0.1:{port_of(server)}/rt"
        async with (
            application(url) as http,
            Session("vercel/m", token="http://app/setup", http=http, on_event=on_event) as session,
        ):
            await session.connect()
            assert session.status == "connected"
            await session.send_text_message("Hello?")
            with anyio.fail_after(10):
                await answered.wait()
            assert [message.role for message in session.messages] == ["user", "assistant"]


async def test_a_server_that_refuses_the_ticket_is_an_error() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no")

    async with serve(gateway, "127.0.0.1", 0, process_request=refuse) as server:
        given = {"token": "tok", "url": f"ws://127.0.0.1:{port_of(server)}/rt"}
        errors = list[Exception]()
        async with Session("vercel/m", token=lambda: given, on_error=errors.append) as session:
            await session.connect()
            assert session.status == "error"
    [error] = errors
    assert isinstance(error, Refused)
    assert error.status == 401
