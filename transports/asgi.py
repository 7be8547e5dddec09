"""The server's side of a WebSocket, as an ASGI server hands it over.

https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from types import CoroutineType
from typing import Any, Self

import anyio

from antiphon.transports.errors import ABNORMAL, Closed, Stalled
from antiphon.transports.patience import Patience
from antiphon.transports.transport import Message

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Incoming:
    """Somebody who wants a WebSocket: to be accepted, or refused with an HTTP status."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.headers: dict[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope.get("headers", ())
        }
        """By names in lower case."""
        self.subprotocols: tuple[str, ...] = tuple(scope.get("subprotocols", ()))

    @property
    def target(self) -> str:
        """The path as it was asked for, with its query."""
        query = self._scope.get("query_string", b"").decode("latin-1")
        path: str = self._scope["path"]
        return f"{path}?{query}" if query else path

    @property
    def client(self) -> str | None:
        """The address at the other side."""
        client = self._scope.get("client")
        return None if client is None else str(client[0])

    async def accept(
        self,
        *,
        subprotocol: str | None = None,
        headers: Mapping[str, str] | None = None,
        send_timeout: float = 10.0,
    ) -> "AsgiWebSocket":
        """Raises Closed if nobody waits any more."""
        await self._asked()
        await self._send(
            {
                "type": "websocket.accept",
                "subprotocol": subprotocol,
                "headers": _raw(headers or {}),
            }
        )
        return AsgiWebSocket(self._receive, self._send, subprotocol, send_timeout)

    async def refuse(
        self, status: int = 403, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """A server that cannot send a response of one's own says 403."""
        await self._asked()
        if "websocket.http.response" not in self._scope.get("extensions", {}):
            await self._send({"type": "websocket.close"})
            return
        await self._send(
            {
                "type": "websocket.http.response.start",
                "status": status,
                "headers": _raw(headers or {}),
            }
        )
        await self._send({"type": "websocket.http.response.body", "body": body})

    async def _asked(self) -> None:
        message = await self._receive()
        if message["type"] != "websocket.connect":
            raise Closed(ABNORMAL)


class AsgiWebSocket:
    """An accepted WebSocket. Limits on size and pings are the ASGI server's."""

    def __init__(
        self, receive: Receive, send: Send, subprotocol: str | None, send_timeout: float
    ) -> None:
        self._receive = receive
        self._send = send
        self._send_timeout = send_timeout
        self._patience = Patience(send_timeout)
        self.subprotocol = subprotocol
        self.closed: Closed | None = None

    async def send(self, message: Message) -> None:
        if self.closed is not None:
            raise self.closed
        kind = "text" if isinstance(message, str) else "bytes"
        try:
            await self._patience.wait(self._send({"type": "websocket.send", kind: message}))
        except TimeoutError as error:
            raise self._end(Stalled(self._send_timeout)) from error
        except (OSError, RuntimeError) as error:  # servers differ in what they say of it
            raise self._end(Closed(ABNORMAL)) from error

    def receive(self) -> "CoroutineType[Any, Any, Message]":
        return self._next(anyio.EndOfStream)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> "CoroutineType[Any, Any, Message]":
        return self._next(StopAsyncIteration)

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        if self.closed is not None:
            return
        self._end(Closed(code, reason, "closed from here"))
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._send_timeout):
            try:
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            except (OSError, RuntimeError):
                return  # it is closed already

    async def _next(self, over: type[Exception]) -> Message:
        """Raises *over* when there will be no more, or Closed."""
        ending = self.closed
        if ending is None:
            message = await self._receive()
            if message["type"] == "websocket.receive":
                text: str | None = message.get("text")
                return message["bytes"] if text is None else text
            ending = self._end(Closed(message.get("code") or 1005, message.get("reason") or ""))
        if ending.clean or ending.code == 1005:
            raise over
        raise ending

    def _end(self, ending: Closed) -> Closed:
        self.closed = ending
        self._patience.close()
        return ending


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
