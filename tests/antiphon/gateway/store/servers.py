"""A Valkey or Redis server of the test's own, and a network that can be broken."""

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from redis.asyncio import Redis

PROGRAMS = ("valkey-server", "redis-server")
"""Either will do."""

STARTING = 10.0
"""Seconds for a server to listen."""


def found(program: str) -> str | None:
    """The path of *program*, on this machine or where `.ci/servers` has put it."""
    servers = os.environ.get("ANTIPHON_SERVERS", "")
    return shutil.which(program, path=os.pathsep.join([f"{servers}/bin", os.environ["PATH"]]))


class Server:
    """Remembers nothing on disk; a server that is started again has forgotten everything."""

    def __init__(self, program: str, folder: Path, *, password: str = "") -> None:
        self.port = free_port()
        self.url = f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"
        self._command = [
            program,
            *("--bind", "127.0.0.1", "--port", str(self.port)),
            *("--save", "", "--appendonly", "no", "--daemonize", "no"),
            *(("--requirepass", password) if password else ()),
        ]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + STARTING
        while not listens(self.port):
            assert self._process.poll() is None, f"{self._command[0]} ended by itself"
            assert time.monotonic() < until, f"{self._command[0]} does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It is there, and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def spoken_to(url: str) -> Any:
    """A client of the server's, to be entered."""
    kind: Any = Redis  # half of its types are unknown
    return kind.from_url(url, protocol=2)


class Relay:
    """Carries bytes to a server and back, as long as it is not told to lose the answers."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.loses_answers = False
        self.asked = anyio.Event()
        """Somebody was let down."""
        self.holds: bytes | None = None
        """What is said with this in it waits for `released`."""
        self.held = anyio.Event()
        self.released = anyio.Event()
        self._server_port = port

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            async with anyio.create_task_group() as group:

                async def there() -> None:
                    while data := await reader.read(65536):
                        if self.holds is not None and self.holds in data:
                            self.held.set()
                            await self.released.wait()
                        to_server.write(data)
                    group.cancel_scope.cancel()

                async def back() -> None:
                    while data := await behind.read(65536):
                        if self.loses_answers:
                            self.asked.set()
                            break
                        writer.write(data)
                    group.cancel_scope.cancel()

                group.start_soon(there)
                group.start_soon(back)
        finally:
            with anyio.CancelScope(shield=True):
                await close(writer)
                await close(to_server)


@asynccontextmanager
async def relayed(port: int, *, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Relay]:
    """A relay to the server at *port*; every connection must be closed before it is left."""
    relay = Relay(port)
    async with listening(relay.carry, tls=tls) as own:
        relay.port = own
        yield relay


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[int]:
    """A server on a free port; waits for what it serves to be over."""
    running: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        with suppress(OSError):
            await serve(reader, writer)

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if running:
            await asyncio.wait(running, timeout=5)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
