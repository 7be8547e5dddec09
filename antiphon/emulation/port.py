"""Ports at which an emulator listens, on uvicorn, started and stopped at once."""

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING

import anyio
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from antiphon.emulation.breaking import CUT
from antiphon.gateway.serving import listen

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

LARGEST = 16 * 1024 * 1024
"""Bytes of a message."""

LEAVING = 2.0
"""Seconds that sessions have to end when a port is closed."""


class Port(uvicorn.Server):
    """One port; it handles no signals and sets up no logs, which are the program's around it."""

    def __init__(
        self, app: object, *, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self.listener = listen(host, port)
        config = uvicorn.Config(
            app,  # pyright: ignore[reportArgumentType]
            http="h11",
            ws=Breakable,
            ws_max_size=LARGEST,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
        )
        super().__init__(config)
        config.load()
        config.ssl = tls
        self.lifespan = config.lifespan_class(config)

    @property
    def number(self) -> int:
        number: int = self.listener.getsockname()[1]
        return number

    async def open(self) -> None:
        await self.startup([self.listener])
        await self.on_tick(0)

    async def aclose(self) -> None:
        """Ends all connections, and waits for their sessions; also where all is cancelled."""
        with anyio.CancelScope(shield=True):
            await self._leave()

    async def _leave(self) -> None:
        for server in self.servers:
            server.close()
        for connection in tuple(self.server_state.connections):
            with contextlib.suppress(InvalidState):  # it is closing already
                connection.shutdown()
            connection.transport.close()
        tasks = tuple(self.server_state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=LEAVING)
            for task in late:
                task.cancel()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.005)
        self.listener.close()


class Breakable(WebSocketsSansIOProtocol):
    """Lets its application break a connection as networks do."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101 and (there := self.scope.get("extensions")) is not None:
            there[CUT] = Wires(self.transport)  # pyright: ignore[reportArgumentType] - not of JSON

    async def send(self, message: "ASGISendEvent") -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # or uvicorn logs that it never was


class Wires:
    """The connection below a WebSocket."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def abort(self) -> None:
        self._transport.abort()

    def half(self, message: str | bytes) -> None:
        if isinstance(message, str):
            frame = Frame(Opcode.TEXT, message.encode())
        else:
            frame = Frame(Opcode.BINARY, message)
        whole = frame.serialize(mask=False)
        self._transport.write(whole[: len(whole) // 2])
        self._transport.close()
