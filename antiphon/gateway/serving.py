"""Runs a gateway on uvicorn, in one process or in several on one port."""

import asyncio
import contextlib
import multiprocessing
import os
import resource
import signal
import socket
import time
from collections.abc import Generator
from multiprocessing.context import SpawnProcess
from types import FrameType

import uvicorn

from antiphon.gateway.connections import ASKING, CLOSING, Entrance, Http, WebSocket
from antiphon.gateway.observe.logs import log_config
from antiphon.gateway.observe.workers import counted_together
from antiphon.gateway.pieces import Pieces
from antiphon.gateway.settings import Settings

BACKLOG = 2048

AT_ONCE = 8
"""Connections that are taken before others have their turn."""

ROOM = 4
"""A message is refused, in its dialect's words, up to so many times what it may be; larger ones
are not read at all, and end the connection."""

SETTLING = 5
"""Seconds for connections to close once nobody has a session any more."""

PINGS = 20.0
"""Seconds between two pings, and for the answer to one."""

RESTART = 1.0
"""Seconds before a process that died is started again."""

MOST = 10_000
"""Connections of one process, if the system lets it have twice as many files."""

SPARE = 100
"""Files for everything else."""


def serve(settings: Settings, listener: socket.socket) -> int:
    """Until SIGTERM or SIGINT, and until everybody has left; the exit status.

    *listener* is closed then.
    """
    with listener:
        if settings.listen.workers == 1:
            return _work(settings, listener)
        with counted_together():
            return _supervise(settings, listener)


def listen(host: str, port: int) -> socket.socket:
    """A socket whose connections send without delay. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    # asyncio switches Nagle's algorithm off only where the protocol is named.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.set_inheritable(True)
    except OSError:
        listener.close()
        raise
    return listener


def configuration(settings: Settings, app: object) -> uvicorn.Config:
    """How uvicorn serves a gateway."""
    largest = settings.limits.message
    observe = settings.observe
    return uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]
        http="h11",
        ws=WebSocket,
        ws_ping_interval=PINGS,
        ws_ping_timeout=PINGS,
        ws_max_size=16 * 1024 * 1024 if largest is None else ROOM * largest,
        ws_per_message_deflate=False,  # audio hardly gets smaller, and bombs get larger
        timeout_graceful_shutdown=SETTLING,
        ssl_certfile=settings.listen.tls_cert,
        ssl_keyfile=settings.listen.tls_key,
        log_config=log_config(observe.log_level, form=observe.log_format),
        server_header=False,
    )


class Server(uvicorn.Server):
    """Lets sessions finish before it stops; a second signal stops it at once."""

    def __init__(self, settings: Settings) -> None:
        from antiphon.gateway.gateway import Gateway

        self.gateway = Gateway(settings)
        self._patience = settings.drain
        self._drain: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._entrance = Entrance(most=_room())
        self._crowd: set[Pieces] = set()
        super().__init__(configuration(settings, self.gateway))

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        parent = multiprocessing.parent_process()
        if parent is not None:  # without it nobody would ever tell us to stop
            self._loop.add_reader(parent.sentinel, self._orphaned, parent.sentinel)
        await super().serve(sockets)
        if self._drain is not None:
            await self._drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        tls = self.config.ssl
        for one in sockets or ():
            server = await asyncio.get_running_loop().create_server(
                lambda: Pieces(
                    Http(
                        self.config,
                        self.server_state,
                        self.lifespan.state,
                        entrance=self._entrance,
                    ),
                    self._crowd,
                ),
                sock=one,
                backlog=AT_ONCE,
                ssl=tls,
                ssl_handshake_timeout=ASKING if tls else None,
                ssl_shutdown_timeout=CLOSING if tls else None,
            )
            one.listen(BACKLOG)  # for asyncio both are one number, for the system not
            self.servers.append(server)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._drain is not None or self._loop is None:
            self.should_exit = self.force_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin)

    def _orphaned(self, sentinel: int) -> None:
        assert self._loop is not None
        self._loop.remove_reader(sentinel)
        self._begin()

    def _begin(self) -> None:
        if self._drain is None:
            self._drain = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        draining = asyncio.create_task(self.gateway.drain(self._patience))
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await draining
        self.should_exit = True


def _room() -> int:
    """How many connections there can be, after asking the system for as many files as it gives."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS gives fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else max(1, min(MOST, (files - SPARE) // 2))


def _work(settings: Settings, listener: socket.socket) -> int:
    server = Server(settings)
    server.run([listener])
    return 0 if server.started else 1


def _worker(settings: Settings, listener: socket.socket) -> None:
    os.setpgid(0, 0)  # Ctrl-C is for the supervisor, who tells us once
    raise SystemExit(_work(settings, listener))


def _supervise(settings: Settings, listener: socket.socket) -> int:
    """Keeps the processes running until a signal; they all accept from one socket."""
    spawn = multiprocessing.get_context("spawn")
    leaving: list[int] = []

    def begin() -> SpawnProcess:
        process = spawn.Process(target=_worker, args=(settings, listener))
        process.start()
        return process

    def tell(process: SpawnProcess) -> None:
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, signal.SIGTERM)

    def leave(sig: int, frame: FrameType | None) -> None:
        leaving.append(sig)
        for process in processes:
            tell(process)

    processes: list[SpawnProcess] = []
    with _handling(leave):
        processes.extend(begin() for _ in range(settings.listen.workers))
        if leaving:  # already
            leave(signal.SIGTERM, None)
        while any(process.is_alive() for process in processes):
            time.sleep(0.2)
            if leaving:
                continue
            if all(process.exitcode == 1 for process in processes):
                return 1  # they cannot even begin
            for index, process in enumerate(processes):
                if not process.is_alive() and not leaving:
                    time.sleep(RESTART)
                    processes[index] = begin()
                    if leaving:  # meanwhile
                        tell(processes[index])
    return 0


@contextlib.contextmanager
def _handling(handler: "signal._HANDLER") -> Generator[None]:  # pyright: ignore[reportPrivateUsage]
    before = {sig: signal.signal(sig, handler) for sig in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for sig, old in before.items():
            signal.signal(sig, old)
