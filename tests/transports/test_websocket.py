"""The client's side of a WebSocket, against real servers on this machine."""

import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from antiphon.transports import (
    Closed,
    ConnectTimeout,
    NoWebSocket,
    Refused,
    Stalled,
    TooLarge,
    Unreachable,
    Unresponsive,
    websocket,
)

pytestmark = pytest.mark.anyio

Handler = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # which the library underneath is written for


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def serving(handler: Handler = echo, **options: object) -> AsyncGenerator[str]:
    arguments: dict[str, object] = {"compression": None, **options}
    async with serve(handler, "127.0.0.1", 0, **arguments) as server:  # pyright: ignore[reportArgumentType]
        yield f"ws://127.0.0.1:{port_of(server)}"


def port_of(server: Server) -> int:
    listener = next(iter(server.sockets))
    port: int = listener.getsockname()[1]
    return port


@asynccontextmanager
async def answering(handle: Callable[[SocketStream], Awaitable[None]]) -> AsyncGenerator[str]:
    """A server of raw bytes."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, handle)
        yield f"ws://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def test_text_and_binary_messages_come_back_as_they_were_sent() -> None:
    async with serving() as url, websocket.connect(url) as transport:
        await transport.send("text")
        await transport.send(b"\x00\xff")

        assert [await transport.receive(), await transport.receive()] == ["text", b"\x00\xff"]


async def test_headers_and_subprotocols_reach_the_server() -> None:
    seen: list[str | None] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers.get("X-Key"))
        seen.append(connection.subprotocol)

    async with (
        serving(note, subprotocols=["realtime"]) as url,
        websocket.connect(
            url, headers={"X-Key": "k"}, subprotocols=["realtime", "secret.k"]
        ) as transport,
    ):
        async for _ in transport:
            pass

    assert seen == ["k", "realtime"]
    assert transport.subprotocol == "realtime"


async def test_no_compression_is_offered() -> None:
    offered: list[str | None] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        offered.append(connection.request.headers.get("Sec-WebSocket-Extensions"))

    async with serving(note, compression="deflate") as url, websocket.connect(url) as transport:
        async for _ in transport:
            pass

    assert offered == [None]


async def test_a_clean_close_ends_the_iteration_and_tells_code_and_reason() -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.send("last")
        await connection.close(1000, "max duration")

    async with serving(leave) as url, websocket.connect(url) as transport:
        heard = [message async for message in transport]

        assert heard == ["last"]
        assert transport.closed is not None
        assert (transport.closed.code, transport.closed.reason) == (1000, "max duration")
        with pytest.raises(Closed):
            await transport.send("too late")


async def test_any_other_close_is_raised_with_its_code_and_reason() -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(4000, "invalid_request_error.beta_api_shape_disabled")

    async with serving(leave) as url, websocket.connect(url) as transport:
        with pytest.raises(Closed, match="beta_api_shape_disabled") as raised:
            await transport.receive()

    assert (raised.value.code, raised.value.retryable) == (4000, True)


@pytest.mark.parametrize(("code", "retryable"), [(1008, False), (1007, False), (1011, True)])
async def test_a_close_for_the_clients_fault_is_not_worth_another_attempt(
    code: int, retryable: bool
) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(code, "why")

    async with serving(leave) as url, websocket.connect(url) as transport:
        with pytest.raises(Closed) as raised:
            await transport.receive()

    assert raised.value.retryable is retryable


async def test_a_connection_that_breaks_is_closed_without_a_code() -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with serving(vanish) as url, websocket.connect(url) as transport:
        with pytest.raises(Closed, match="the connection broke") as raised:
            await transport.receive()

    assert raised.value.code == 1006


@pytest.mark.parametrize(
    ("status", "retryable"), [(401, False), (403, False), (404, False), (429, True), (503, True)]
)
async def test_a_refusal_carries_the_status_and_keeps_the_body_out_of_its_message(
    status: int, retryable: bool
) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        headers = Headers({"Retry-After": "7", "Content-Length": "16"})
        return Response(status, HTTPStatus(status).phrase, headers, b"bad key sk-12345")

    async with serving(process_request=refuse) as url:
        with pytest.raises(Refused) as raised:
            async with websocket.connect(url + "/v1?ticket=t-12345"):
                pass

    refused = raised.value
    assert (refused.status, refused.retryable, refused.retry_after) == (status, retryable, 7.0)
    assert refused.body == b"bad key sk-12345"
    assert "12345" not in f"{refused} {refused!r}"


async def test_a_redirect_is_not_followed_since_it_would_take_the_key_along() -> None:
    async with serving() as other:

        def redirect(connection: ServerConnection, request: Request) -> Response:
            return Response(307, "Temporary Redirect", Headers({"Location": other}))

        async with serving(process_request=redirect) as url:
            with pytest.raises(Refused, match="307"):
                async with websocket.connect(url, headers={"xi-api-key": "k"}):
                    pass


async def test_a_server_that_chooses_no_subprotocol_is_not_the_one_meant() -> None:
    async with serving() as url:
        with pytest.raises(NoWebSocket, match="none of the subprotocols"):
            async with websocket.connect(url, subprotocols=["realtime"]):
                pass


async def test_where_nobody_listens_there_is_no_way() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(Unreachable):
        async with websocket.connect(f"ws://127.0.0.1:{port}"):
            pass


async def test_a_server_that_says_nothing_times_out() -> None:
    async def silence(stream: SocketStream) -> None:
        async with stream:
            await anyio.sleep_forever()

    async with answering(silence) as url:
        with pytest.raises(ConnectTimeout, match=r"0\.05 s"):
            async with websocket.connect(url, open_timeout=0.05):
                pass


async def test_a_server_of_another_protocol_is_no_websocket() -> None:
    async def other(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"220 mail.example ESMTP\r\n")

    async with answering(other) as url:
        with pytest.raises(NoWebSocket):
            async with websocket.connect(url):
                pass


async def test_a_certificate_that_nobody_signed_ends_in_no_way() -> None:
    async def plain(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with answering(plain) as url:
        with pytest.raises(Unreachable):
            async with websocket.connect(
                url.replace("ws:", "wss:"), tls=ssl.create_default_context()
            ):
                pass


async def test_a_message_beyond_the_limit_is_refused() -> None:
    async def flood(connection: ServerConnection) -> None:
        await connection.send("x" * 100_000)
        await connection.wait_closed()

    async with serving(flood) as url, websocket.connect(url, max_size=1000) as transport:
        with pytest.raises(TooLarge, match="1000 bytes"):
            await transport.receive()


async def test_half_a_message_is_none() -> None:
    async def half(connection: ServerConnection) -> None:
        connection.transport.write(b"\x81\x7e\x01\x00half")
        connection.transport.close()

    async with serving(half) as url, websocket.connect(url) as transport:
        with pytest.raises(Closed):
            await transport.receive()


async def test_a_server_that_takes_nothing_stalls_the_sender_for_a_bounded_time() -> None:
    async def deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with (
        serving(deaf, close_timeout=0.1) as url,
        websocket.connect(url, send_timeout=0.1, close_timeout=0.1) as transport,
    ):
        with pytest.raises(Stalled, match=r"0\.1 s"):
            while True:
                await transport.send(b"\x00" * 100_000)

        assert 0 < transport.high_water < 10_000_000


async def test_a_server_that_answers_no_ping_is_given_up() -> None:
    async def deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with (
        serving(deaf, close_timeout=0.1) as url,
        websocket.connect(
            url, ping_interval=0.05, ping_timeout=0.05, close_timeout=0.1
        ) as transport,
    ):
        with pytest.raises(Unresponsive):
            await transport.receive()


async def test_cancelling_closes_the_connection() -> None:
    ended: list[int | None] = []
    opened, done = anyio.Event(), anyio.Event()

    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()
        ended.append(connection.close_code)
        done.set()

    async with serving(wait) as url, anyio.create_task_group() as group:

        async def listen() -> None:
            async with websocket.connect(url) as transport:
                opened.set()
                await transport.receive()

        group.start_soon(listen)
        await opened.wait()
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await done.wait()

    assert ended == [1000]


async def test_the_key_is_not_logged_even_when_everything_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        serving() as url,
        websocket.connect(url + "?ticket=sk-12345", headers={"Authorization": "Bearer sk-12345"}),
    ):
        pass

    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not any("sk-12345" in record.getMessage() for record in ours)


@pytest.mark.parametrize("url", ["http://127.0.0.1/?key=SECRET", "ws:///x?key=SECRET", "SECRET?a"])
async def test_an_address_that_is_none_is_told_without_its_query(url: str) -> None:
    with pytest.raises(NoWebSocket) as refused:
        async with websocket.connect(url):
            pass

    assert "key=" not in str(refused.value)
    assert refused.value.__cause__ is None
