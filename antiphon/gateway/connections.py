"""The connections under a gateway: how much they may say, and how long take, before anybody is in.

uvicorn reads what it is sent for as long as it is sent. Here it is the library below: its
protocols are bounded, and everything else is left to it.
"""

import asyncio
import re
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame

from antiphon.gateway.pieces import PRICE, PRICE_OF_BYTE, Pieces

HEAD = 16 * 1024
"""Bytes that the head of a request may have, be it of a WebSocket's."""

LINES = 100
"""Lines that it may have."""

ASKING = 10.0
"""Seconds for the head to be there, and for a WebSocket's handshake."""

ANSWERING = 30.0
"""Seconds from there until the answer has been sent."""

CLOSING = 5.0
"""Seconds for a client to say that a WebSocket is closed, which is said to it."""

LINGERING = 10.0
"""Seconds for a client to take what was said last."""

TAKING = 2.0
"""Seconds to take an answer for somebody who has not yet said everything."""

ENTRANCE = 1024
"""Connections that have asked for nothing yet; of one address a quarter."""

_END = re.compile(rb"\n\r?\n")


class Entrance:
    """Where connections wait that have asked for nothing yet; the oldest give way to newer ones.

    So whoever only holds the door is put out by those who come in. With *most* connections in
    all, whatever they do, there is no room for another.
    """

    def __init__(self, *, most: int, waiting: int = ENTRANCE) -> None:
        self.most = most
        self._waiting = waiting
        self._all: dict[Http, str] = {}
        self._of: dict[str, dict[Http, None]] = {}

    def add(self, connection: "Http", address: str) -> None:
        beside = self._of.setdefault(address, {})
        beside[connection] = None
        self._all[connection] = address
        if len(beside) > self._waiting // 4:
            self._put_out(next(iter(beside)))
        elif len(self._all) > self._waiting:
            self._put_out(next(iter(self._all)))

    def remove(self, connection: "Http") -> None:
        address = self._all.pop(connection, None)
        if address is None:
            return
        beside = self._of[address]
        del beside[connection]
        if not beside:
            del self._of[address]

    def _put_out(self, connection: "Http") -> None:
        self.remove(connection)
        connection.transport.abort()


class Http(H11Protocol):
    """Requests one after the other, each within bounds of size and time."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        entrance: Entrance,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._entrance = entrance
        self._head = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        if len(self.connections) > self._entrance.most:
            self._refuse(503)
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._entrance.remove(self)
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.IDLE:
            self._head += data
            end = _END.search(self._head)
            size = len(self._head) if end is None else end.start()
            if size > HEAD or self._head.count(b"\n", 0, size) > LINES:
                self._refuse(431)
                return
            if self._head[0] <= 0x20:  # no method begins so, but TLS does
                self._refuse(400)
                return
            if end is None:
                return
            data, self._head = bytes(self._head), bytearray()
            self._entrance.remove(self)
            self._abort_in(ANSWERING)
        super().data_received(data)
        if self.conn.their_state is h11.DONE and self.conn.trailing_data[0]:
            self.transport.abort()  # who asks before the answer is there asks without end

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        if self.conn.their_state is h11.SEND_BODY:
            self._turn_away()
        elif not self.transport.is_closing():
            self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        self._entrance.add(self, self.client[0] if self.client else "")
        self._abort_in(ASKING)

    def _refuse(self, status: int) -> None:
        reason = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            % (status, reason.get(status, b"Service Unavailable"))
        )
        self.transport.close()
        self._abort_in(LINGERING)

    def _turn_away(self) -> None:
        """The answer is there, and what still comes is not read."""
        self.transport.pause_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._abort_in(TAKING)

    def _abort_in(self, seconds: float) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class WebSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose end comes, whether or not the client reads, and says anything."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.close_timeout = CLOSING
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._timer = self.loop.call_later(ASKING, self._hurry)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self._leave()

    async def receive(self) -> Any:
        if not self.queue.empty():
            # Somebody who says a lot at once is not heard all at once. Nothing may wait once a
            # message was taken: whoever stops listening then would lose it.
            await asyncio.sleep(0)
        return await super().receive()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # a refusal is no mistake to be logged

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._abort_in(LINGERING)

    def handle_ping(self) -> None:
        # To somebody who reads nothing no more is said than there is room for.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        # As one piece: a list of the smallest fragments is a hundred times as large as they are.
        whole = self.frames[0]
        if not isinstance(whole, bytearray):
            whole = bytearray(whole)
        whole += event.data
        self.frames = [bytes(whole) if event.fin else cast(bytes, whole)]
        if event.fin:
            self.send_receive_event_to_app()

    def send_receive_event_to_app(self) -> None:
        size = sum(map(len, self.frames))
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.conn.send_close(1007)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()
        cast(Pieces, self.transport).spend(PRICE + size * PRICE_OF_BYTE)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_in(LINGERING)

    def handle_parser_exception(self) -> None:
        if self.conn.close_sent is None:  # before the handshake, or after the end
            self._leave()
        else:
            super().handle_parser_exception()
            self._abort_in(LINGERING)

    def _hurry(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()

    def _leave(self) -> None:
        self.transport.close()
        self._abort_in(LINGERING)

    def _abort_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.transport.abort)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
