"""A network between a client and a real server that fails as it is told."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

LOST = (
    anyio.EndOfStream,
    anyio.IncompleteRead,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)

LONGEST_HEAD = 65_536

Fault = Callable[["Line"], Awaitable[None]]
"""What becomes of one connection; when it returns, both ends are torn."""


class Line:
    """A connection that a client has opened."""

    def __init__(self, client: SocketStream, port: int) -> None:
        self.client = client
        self._port = port
        self._server: SocketStream | None = None
        self._heard: BufferedByteReceiveStream | None = None
        self.torn = anyio.Event()

    async def server(self) -> tuple[SocketStream, BufferedByteReceiveStream]:
        """What is behind, once it is needed, for writing and for reading."""
        if self._server is None or self._heard is None:
            self._server = await anyio.connect_tcp("127.0.0.1", self._port)
            self._heard = BufferedByteReceiveStream(self._server)
        return self._server, self._heard

    async def head(self) -> bytes:
        """The client's request."""
        reader = BufferedByteReceiveStream(self.client)
        return await reader.receive_until(b"\r\n\r\n", LONGEST_HEAD) + b"\r\n\r\n"

    async def shake_hands(self) -> None:
        """Let the WebSocket be opened."""
        server, heard = await self.server()
        await server.send(await self.head())
        answer = await heard.receive_until(b"\r\n\r\n", LONGEST_HEAD)
        await self.client.send(answer + b"\r\n\r\n")

    async def forth(self) -> None:
        """What the client sends goes to the server."""
        server, _ = await self.server()
        with suppress(*LOST):
            async for data in self.client:
                await server.send(data)

    async def frames(self) -> AsyncIterator[bytes]:
        """What the server sends, WebSocket frame by frame (RFC 6455, 5.2)."""
        _, heard = await self.server()
        with suppress(*LOST):
            while True:
                frame = head = await heard.receive_exactly(2)
                size = head[1] & 0x7F
                if size >= 126:
                    extended = await heard.receive_exactly(2 if size == 126 else 8)
                    frame, size = frame + extended, int.from_bytes(extended)
                yield frame + (await heard.receive_exactly(size) if size else b"")

    async def tear(self) -> None:
        """Both ends learn of it at once, without a word."""
        for end in (self.client, self._server):
            if end is not None:
                with suppress(*LOST, OSError):
                    raw = end.extra(SocketAttribute.raw_socket)
                    # Linger for no time: a reset, where closing would say goodbye.
                    raw.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")
                await anyio.aclose_forcefully(end)
        self.torn.set()


class Proxy:
    """Each connection meets with the next of *faults*, later ones with none."""

    def __init__(self, port: int, behind: int, faults: tuple[Fault, ...]) -> None:
        self.port = port
        self.lines: list[Line] = []
        self._behind = behind
        self._faults = faults

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def cut(self) -> None:
        """Tear the connection that there is."""
        await self.lines[-1].tear()

    async def attend(self, client: SocketStream) -> None:
        line = Line(client, self._behind)
        number = len(self.lines)
        self.lines.append(line)
        fault = self._faults[number] if number < len(self._faults) else forwards
        try:
            with suppress(*LOST, OSError):
                await fault(line)
        finally:
            with anyio.CancelScope(shield=True):
                await line.tear()


@asynccontextmanager
async def proxied(behind: int, *faults: Fault) -> AsyncGenerator[Proxy]:
    """A proxy in front of the port *behind*."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port: int = listener.extra(SocketAttribute.local_port)
    proxy = Proxy(port, behind, faults)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, proxy.attend)
        yield proxy
        group.cancel_scope.cancel()


# Faults.


async def forwards(line: Line) -> None:
    """No fault."""
    server, heard = await line.server()

    async def back() -> None:
        with suppress(*LOST):
            while True:
                await line.client.send(await heard.receive())
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(back)
        with suppress(*LOST):
            async for data in line.client:
                await server.send(data)
        group.cancel_scope.cancel()


async def hangs_up(line: Line) -> None:
    """Before a word."""


async def says_nothing(line: Line) -> None:
    """And hears everything, until the client has left."""
    async for _ in line.client:
        pass


async def rubbish(line: Line) -> None:
    await line.head()
    await line.client.send(b"SSH-2.0-OpenSSH_9.9\r\n")


def answers(status: int, *headers: str, body: str = "") -> Fault:
    """With HTTP instead of a WebSocket."""

    async def fault(line: Line) -> None:
        await line.head()
        lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body)}", *headers, "", body]
        await line.client.send("\r\n".join(lines).encode())

    return fault


async def opens_and_says_nothing(line: Line) -> None:
    await line.shake_hands()
    async for _ in line.client:
        pass


def cuts_at(message: int, *, within: bool = False) -> Fault:
    """After so many of the server's messages, or *within* the next one."""

    async def fault(line: Line) -> None:
        await line.shake_hands()
        async with anyio.create_task_group() as group:
            group.start_soon(line.forth)
            count = 0
            with suppress(*LOST):
                async for frame in line.frames():
                    if count == message:
                        if within:
                            await line.client.send(frame[: max(3, len(frame) // 2)])
                        break
                    await line.client.send(frame)
                    count += 1
            group.cancel_scope.cancel()

    return fault


def sends(size: int) -> Fault:
    """One message of so many bytes in place of the server's first."""

    async def fault(line: Line) -> None:
        await line.shake_hands()
        await line.client.send(b"\x81\x7f" + size.to_bytes(8))
        block = b" " * 65_536
        sent = 0
        while sent < size:
            await line.client.send(block)
            sent += len(block)
        await line.client.receive()

    return fault


async def stops_reading(line: Line) -> None:
    """The session begins, then nothing more that the client says is taken."""
    await line.shake_hands()
    server, _ = await line.server()
    await server.send(await line.client.receive())
    async for frame in line.frames():
        await line.client.send(frame)
