"""The server's side of a WebSocket, by itself and in a real server."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import uvicorn

from antiphon.pipeline.testing import run_virtual
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


HOST = "127.0.0.1"

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)

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


def test_a_client_that_takes_nothing_stalls_the_server_for_a_bounded_time() -> None:
    async def stuck(message: Any) -> None:
        if message["type"] != "websocket.accept":
            await anyio.sleep_forever()

    async def send() -> tuple[float, bool]:
        transport = await Incoming(scope(), scripted(CONNECT), stuck).accept(send_timeout=3)
        with pytest.raises(Stalled, match="3 s"):
            await transport.send("x")
        with pytest.raises(Stalled):
            await transport.send("y")
        await transport.aclose()
        return anyio.current_time(), isinstance(transport.closed, Stalled)

    assert run_virtual(send) == (3.0, True)


def test_closing_takes_no_longer_than_sending_even_when_it_is_cancelled() -> None:
    async def stuck(message: Any) -> None:
        if message["type"] != "websocket.accept":
            await anyio.sleep_forever()

    async def close() -> float:
        transport = await Incoming(scope(), scripted(CONNECT), stuck).accept(send_timeout=3)
        with anyio.move_on_after(1):
            await transport.aclose()
        return anyio.current_time()

    assert run_virtual(close) == 3.0


@pytest.mark.parametrize("closes", [True, False])
def test_however_it_ends_no_timer_is_left(closes: bool) -> None:
    async def send() -> int:
        left: dict[str, Any] = {"type": "websocket.disconnect", "code": 1000}
        transport = await accepted(left, sent=Sent())
        await transport.send("x")
        if closes:
            await transport.aclose()
        else:
            assert [message async for message in transport] == []
        inner: Any = asyncio.get_running_loop()
        return len([timer for timer in inner._scheduled if not timer.cancelled()])

    assert run_virtual(send) == 0


def test_whoever_gives_up_sending_earlier_may_send_again() -> None:
    sent = Sent()
    stuck = anyio.Event()

    async def slow(message: Any) -> None:
        if message.get("text") == "slow":
            await stuck.wait()
        await sent(message)

    async def send() -> float:
        transport = await Incoming(scope(), scripted(CONNECT), slow).accept(send_timeout=3)
        with anyio.move_on_after(1):
            await transport.send("slow")
        await transport.send("fast")
        return anyio.current_time()

    assert run_virtual(send) == 1.0
    assert sent[1:] == [{"type": "websocket.send", "text": "fast"}]


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
        yield f"ws://{HOST}:{port}"
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


async def test_a_client_that_does_not_read_stalls_a_real_server_and_can_be_got_rid_of() -> None:
    stalled = anyio.Event()

    async def flood(incoming: Incoming) -> None:
        transport = await incoming.accept(send_timeout=0.2)
        with pytest.raises(Stalled):
            while True:
                await transport.send(bytes(64 * 1024))
        stalled.set()

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with serving(flood) as url:
            client.connect((HOST, int(url.rpartition(":")[2])))
            client.sendall(HANDSHAKE)
            with anyio.fail_after(5):
                await stalled.wait()
            client.close()


async def test_a_served_refusal_reaches_the_client_with_its_status() -> None:
    async def refuse(incoming: Incoming) -> None:
        await incoming.refuse(429, headers={"Retry-After": "3"}, body=b"slow down")

    async with serving(refuse) as url:
        with pytest.raises(Refused) as raised:
            async with websocket.connect(url):
                pass

    assert (raised.value.status, raised.value.retry_after) == (429, 3.0)
    assert raised.value.body == b"slow down"
