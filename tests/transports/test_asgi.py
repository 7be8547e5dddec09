"""The server's side of a WebSocket, by itself and in a real server."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import uvicorn

from antiphon.transports import Closed, Refused, Stalled, websocket
from antiphon.transports.asgi import AsgiWebSocket, Incoming, Receive, Scope, Send

pytestmark = pytest.mark.anyio

App = Callable[[Incoming], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def scripted(*messages: dict[str, Any]) -> Receive:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    return receive


class Sent(list[dict[str, Any]]):
    async def __call__(self, message: Any) -> None:
        self.append(message)


CONNECT: dict[str, Any] = {"type": "websocket.connect"}


def scope(**more: Any) -> Scope:
    return {"type": "websocket", "path": "/v1/realtime", "headers": [], **more}


async def accepted(*messages: dict[str, Any], sent: Sent) -> AsgiWebSocket:
    return await Incoming(scope(), scripted(CONNECT, *messages), sent).accept()


def test_what_was_asked_for_can_be_read_before_it_is_accepted() -> None:
    incoming = Incoming(
        scope(
            query_string=b"model=m&x=%20",
            headers=[(b"Authorization", b"Bearer k")],
            subprotocols=["realtime"],
            client=("127.0.0.1", 5),
        ),
        scripted(),
        Sent(),
    )

    assert incoming.target == "/v1/realtime?model=m&x=%20"
    assert incoming.headers == {"authorization": "Bearer k"}
    assert (incoming.subprotocols, incoming.client) == (("realtime",), "127.0.0.1")


async def test_a_refusal_is_an_http_response_where_the_server_can_send_one() -> None:
    sent = Sent()
    able = scope(extensions={"websocket.http.response": {}})

    await Incoming(able, scripted(CONNECT), sent).refuse(401, body=b"no", headers={"X-A": "b"})

    assert [message["type"] for message in sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert (sent[0]["status"], sent[0]["headers"], sent[1]["body"]) == (
        401,
        [(b"x-a", b"b")],
        b"no",
    )


async def test_elsewhere_it_is_a_close() -> None:
    sent = Sent()

    await Incoming(scope(), scripted(CONNECT), sent).refuse(401)

    assert sent == [{"type": "websocket.close"}]


async def test_whoever_has_left_cannot_be_accepted() -> None:
    with pytest.raises(Closed):
        await Incoming(scope(), scripted({"type": "websocket.disconnect"}), Sent()).accept()


async def test_text_and_binary_are_told_apart() -> None:
    sent = Sent()
    transport = await accepted(
        {"type": "websocket.receive", "text": "a"},
        {"type": "websocket.receive", "bytes": b"b", "text": None},
        {"type": "websocket.disconnect", "code": 1000},
        sent=sent,
    )

    heard = [message async for message in transport]
    assert heard == ["a", b"b"]


@pytest.mark.parametrize("code", [1000, 1001, 1005, None])
async def test_a_client_that_leaves_properly_ends_the_iteration(code: int | None) -> None:
    transport = await accepted({"type": "websocket.disconnect", "code": code}, sent=Sent())

    assert [message async for message in transport] == []


async def test_a_client_that_is_torn_away_is_an_error() -> None:
    transport = await accepted({"type": "websocket.disconnect", "code": 1006}, sent=Sent())

    with pytest.raises(Closed) as raised:
        await transport.receive()
    with pytest.raises(Closed):
        await transport.send("x")

    assert raised.value.code == 1006


async def test_a_client_that_takes_nothing_stalls_the_server_for_a_bounded_time() -> None:
    async def stuck(message: Any) -> None:
        if message["type"] != "websocket.accept":
            await anyio.sleep_forever()

    transport = await Incoming(scope(), scripted(CONNECT), stuck).accept(send_timeout=0.01)

    with pytest.raises(Stalled):
        await transport.send("x")


async def test_a_server_that_cannot_send_any_more_says_so() -> None:
    async def gone(message: Any) -> None:
        if message["type"] != "websocket.accept":
            raise RuntimeError("Unexpected ASGI message after close")

    transport = await Incoming(scope(), scripted(CONNECT), gone).accept()

    with pytest.raises(Closed):
        await transport.send("x")
    await transport.aclose()


async def test_closing_twice_closes_once() -> None:
    sent = Sent()
    transport = await accepted(sent=sent)

    await transport.aclose(1008, "policy")
    await transport.aclose()

    assert sent[1:] == [{"type": "websocket.close", "code": 1008, "reason": "policy"}]


@asynccontextmanager
async def serving(app: App) -> AsyncGenerator[str]:
    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await app(Incoming(scope, receive, send))

    config = uvicorn.Config(asgi, port=0, lifespan="off", log_level="critical")  # pyright: ignore[reportArgumentType]
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        while not server.started:
            await anyio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}"
        server.should_exit = True


async def test_a_client_and_a_served_application_understand_each_other() -> None:
    async def echo(incoming: Incoming) -> None:
        transport = await incoming.accept(subprotocol=incoming.subprotocols[0])
        async for message in transport:
            await transport.send(message)

    async with (
        serving(echo) as url,
        websocket.connect(f"{url}/v1", subprotocols=["realtime"]) as transport,
    ):
        await transport.send("a")
        await transport.send(b"\x00" * 4000)
        heard = [await transport.receive(), await transport.receive()]

    assert heard == ["a", b"\x00" * 4000]
    assert transport.subprotocol == "realtime"


async def test_a_served_refusal_reaches_the_client_with_its_status() -> None:
    async def refuse(incoming: Incoming) -> None:
        await incoming.refuse(429, headers={"Retry-After": "3"}, body=b"slow down")

    async with serving(refuse) as url:
        with pytest.raises(Refused) as raised:
            async with websocket.connect(url):
                pass

    assert (raised.value.status, raised.value.retry_after) == (429, 3.0)
    assert raised.value.body == b"slow down"
