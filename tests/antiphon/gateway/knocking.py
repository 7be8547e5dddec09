"""Clients of a gateway without a network between them, so that time may be virtual."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from antiphon.codecs.connection import Connect, HttpRequest, HttpResponse
from antiphon.gateway.gateway import Gateway
from antiphon.pipeline.errors import leaf
from antiphon.transports import Closed, Refused
from antiphon.transports.transport import Message

HOST = "gateway.test"
BASE = f"http://{HOST}"


class Socket:
    """A client's WebSocket, as a transport."""

    def __init__(
        self,
        to_server: MemoryObjectSendStream[dict[str, Any]],
        from_server: MemoryObjectReceiveStream[dict[str, Any]],
    ) -> None:
        self._to_server = to_server
        self._from_server = from_server
        self.subprotocol: str | None = None
        self.closed: Closed | None = None

    async def send(self, message: Message) -> None:
        if self.closed is not None:
            raise self.closed
        kind = "text" if isinstance(message, str) else "bytes"
        await self._to_server.send({"type": "websocket.receive", kind: message})

    async def receive(self) -> Message:
        if self.closed is None:
            told = await self._from_server.receive()
            if told["type"] == "websocket.send":
                return told["text"] if told.get("text") is not None else told["bytes"]
            self.closed = Closed(told.get("code", 1005), told.get("reason") or "")
        if self.closed.clean:
            raise anyio.EndOfStream
        raise self.closed

    def __aiter__(self) -> "Socket":
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        if self.closed is None:
            self.closed = Closed(code, reason)
            await self._to_server.send({"type": "websocket.disconnect", "code": code})


@asynccontextmanager
async def knock(
    gateway: Gateway, way: Connect, *, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Socket]:
    """Opens *way* at the gateway, wherever that is. Raises Refused."""
    url = urlsplit(way.url)
    given = {"host": HOST, **way.headers, **(headers or {})}
    scope: dict[str, Any] = {
        "type": "websocket",
        "scheme": "ws",
        "path": url.path,
        "root_path": "",
        "query_string": url.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "subprotocols": list(way.subprotocols),
        "client": ("127.0.0.1", 1),
        "server": (HOST, 80),
        "extensions": {"websocket.http.response": {}},
    }
    to_server, asked = anyio.create_memory_object_stream[Any](1000)
    told, from_server = anyio.create_memory_object_stream[Any](100_000)
    try:
        async with anyio.create_task_group() as group:
            await to_server.send({"type": "websocket.connect"})
            group.start_soon(gateway, scope, asked.receive, told.send)
            answer = await from_server.receive()
            if answer["type"] != "websocket.accept":
                body = (await from_server.receive())["body"] if "status" in answer else b""
                raise Refused(way.url, answer.get("status", 403), {}, body)
            socket = Socket(to_server, from_server)
            socket.subprotocol = answer.get("subprotocol")
            try:
                yield socket
            finally:
                with anyio.CancelScope(shield=True):
                    await socket.aclose()
    except ExceptionGroup as group:
        raise leaf(group) from None
    finally:
        for stream in to_server, asked, told, from_server:
            stream.close()


async def ask(gateway: Gateway, request: HttpRequest) -> HttpResponse:
    """What the gateway answers to *request*."""
    url = urlsplit(request.url)
    headers = {"host": HOST, **request.headers}
    scope: dict[str, Any] = {
        "type": "http",
        "method": request.method,
        "scheme": "http",
        "path": url.path,
        "root_path": "",
        "query_string": url.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": (HOST, 80),
    }
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    await gateway(scope, receive, send)
    start, *rest = told
    return HttpResponse(
        status=start["status"],
        headers={name.decode(): value.decode() for name, value in start["headers"]},
        body=b"".join(piece.get("body", b"") for piece in rest),
    )


async def post(gateway: Gateway, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    answer = await ask(
        gateway,
        HttpRequest(
            method="POST",
            url=path,
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
        ),
    )
    return answer.status, msgspec.json.decode(answer.body)


async def get(gateway: Gateway, path: str, **headers: str) -> tuple[int, Any]:
    answer = await ask(gateway, HttpRequest(method="GET", url=path, headers=headers))
    return answer.status, msgspec.json.decode(answer.body)
