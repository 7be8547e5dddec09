"""The client's side of a WebSocket, on the library `websockets`.

https://websockets.readthedocs.io describes it, RFC 6455 the protocol.
"""

import logging
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Self

import anyio
from anyio.lowlevel import checkpoint_if_cancelled
from websockets import exceptions
from websockets.asyncio import client
from websockets.typing import Subprotocol

from antiphon.transports.errors import (
    ABNORMAL,
    Closed,
    ConnectTimeout,
    NoWebSocket,
    Refused,
    Stalled,
    TooLarge,
    Unreachable,
    Unresponsive,
)
from antiphon.transports.transport import Message

LARGEST = 16 * 1024 * 1024
"""Bytes of a message; OpenAI allows 15 MiB of audio in one."""

WRITE_LIMIT = 64 * 1024
"""Bytes that may wait to be written before `send` waits too: a second of audio."""

BODY = 4096
"""Bytes of a refusal's body that are kept."""

_logger = logging.getLogger("antiphon.transports.websocket")
# At DEBUG the library writes down all headers, and so the key.
_logger.setLevel(logging.INFO)


class _Connect(client.connect):
    """Follows no redirects: they would carry keys and tickets to another server."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def connect(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    tls: ssl.SSLContext | None = None,
    proxy: str | Literal[True] | None = True,
    compression: Literal["deflate"] | None = None,
    open_timeout: float = 10.0,
    close_timeout: float = 2.0,
    send_timeout: float = 10.0,
    ping_interval: float | None = 20.0,
    ping_timeout: float = 20.0,
    max_size: int = LARGEST,
    write_limit: int = WRITE_LIMIT,
) -> AsyncGenerator["WebSocket"]:
    """Opens *url*, and closes it at the end; raises a ConnectError.

    *proxy* is taken from the environment unless given, None is none. Audio hardly compresses
    and each message then costs 20 us more, so *compression* is off. A ping that is not answered
    within *ping_timeout* ends the connection, as does a message that finds no way within
    *send_timeout*, or one of more than *max_size* bytes. All times are in seconds.
    """
    where = url.partition("?")[0]
    of_socket: dict[str, Any] = {} if tls is None else {"ssl": tls}
    try:
        connection = await _Connect(
            url,
            additional_headers=headers,
            subprotocols=[Subprotocol(one) for one in subprotocols] or None,
            proxy=proxy,
            compression=compression,
            open_timeout=open_timeout,
            close_timeout=close_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            max_size=max_size,
            write_limit=write_limit,
            logger=_logger,
            **of_socket,
        )
    except TimeoutError as error:
        raise ConnectTimeout(f"{where} did not answer for {open_timeout:g} s") from error
    except exceptions.InvalidStatus as error:
        response = error.response
        names = {name.lower(): value for name, value in response.headers.raw_items()}
        body = bytes(response.body or b"")[:BODY]
        raise Refused(where, response.status_code, names, body) from None
    except exceptions.ProxyError as error:
        raise Unreachable(f"the proxy does not lead to {where}: {error}") from error
    except exceptions.InvalidURI:
        # What the library says repeats the query, and so the ticket.
        raise NoWebSocket(f"{where} is no address of a WebSocket") from None
    except exceptions.InvalidHandshake as error:
        if isinstance(error.__cause__, EOFError):
            raise Unreachable(f"{where} hung up before it answered") from error
        raise NoWebSocket(f"{where} is no WebSocket: {error}") from error
    except (OSError, EOFError) as error:
        raise Unreachable(f"{where} cannot be reached: {error}") from error
    if subprotocols and connection.subprotocol is None:
        connection.transport.abort()
        raise NoWebSocket(f"{where} chose none of the subprotocols that were offered")
    socket = WebSocket(
        connection,
        close_timeout=close_timeout,
        send_timeout=send_timeout,
        ping_timeout=ping_timeout,
        max_size=max_size,
        write_limit=write_limit,
    )
    try:
        yield socket
    finally:
        await socket.aclose()


class WebSocket:
    """An open connection, as `connect` makes it."""

    def __init__(
        self,
        connection: client.ClientConnection,
        *,
        close_timeout: float,
        send_timeout: float,
        ping_timeout: float,
        max_size: int,
        write_limit: int,
    ) -> None:
        self._connection = connection
        self._transport = connection.transport
        self._close_timeout = close_timeout
        self._send_timeout = send_timeout
        self._ping_timeout = ping_timeout
        self._max_size = max_size
        self._write_limit = write_limit
        self.subprotocol: str | None = connection.subprotocol
        self.closed: Closed | None = None
        self.high_water = 0
        """The most bytes that have waited to be written."""

    async def send(self, message: Message) -> None:
        waiting = self._transport.get_write_buffer_size()
        self.high_water = max(self.high_water, waiting)
        try:
            # Text may take four bytes a character. Only beyond the limit can sending take long;
            # a timeout costs as much as sending does.
            if waiting + 4 * len(message) < self._write_limit:
                await self._connection.send(message)
            else:
                with anyio.fail_after(self._send_timeout):
                    await self._connection.send(message)
        except TimeoutError as error:
            self.closed = Stalled(self._send_timeout)
            self._transport.abort()
            raise self.closed from error
        except exceptions.ConnectionClosed as error:
            raise self._ended(error) from error

    async def receive(self) -> Message:
        try:
            return await self._connection.recv()
        except exceptions.ConnectionClosed as error:
            ended = self._ended(error)
            if ended.clean:
                raise anyio.EndOfStream from None
            raise ended from error

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._close_timeout):
            await self._connection.close(code, reason)
        # What the other side does not take would hold up the library's own closing for ever.
        self._transport.abort()
        if self.closed is None:
            self.closed = Closed(code, reason, "closed from here")
        await checkpoint_if_cancelled()

    def _ended(self, error: exceptions.ConnectionClosed) -> Closed:
        if self.closed is None:
            self.closed = self._reason(error)
        return self.closed

    def _reason(self, error: exceptions.ConnectionClosed) -> Closed:
        received, sent = error.rcvd, error.sent
        if received is not None:
            return Closed(received.code, received.reason)
        if sent is not None and sent.code == 1009:
            return TooLarge(self._max_size)
        if sent is not None and sent.code == 1011 and "ping" in sent.reason:
            return Unresponsive(self._ping_timeout)
        return Closed(ABNORMAL, "" if sent is None else sent.reason)
