"""Stores of both kinds, each test's own."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from antiphon.gateway.store import Store, open_store
from antiphon.gateway.store.memory import MemoryStore
from tests.antiphon.gateway.store.servers import PROGRAMS, Server, found

SERVERS = [program for program in PROGRAMS if found(program)] or [PROGRAMS[0]]
"""Those installed; at least one has to be."""

PATIENCE = 30.0
"""Seconds that a server may take where slowness is not the point."""

Start = Callable[..., Server]

on_servers = pytest.mark.parametrize("stores", SERVERS, indirect=True)
"""Of both kinds of store only the one that is not in the process."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # redis knows no other


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Servers that all tests share, each test under a prefix of its own."""
    started: dict[str, Server] = {}

    def start(path: str) -> Server:
        if path not in started:
            started[path] = Server(path, tmp_path_factory.mktemp("server"))
            started[path].start()
        return started[path]

    yield start
    for server in started.values():
        server.kill()


@pytest.fixture(params=SERVERS)
def program(request: pytest.FixtureRequest, need: Callable[[str], None]) -> str:
    """A server's path."""
    path = found(request.param)
    if path is None:
        need(request.param)
    return path or request.param


@pytest.fixture
def start(program: str, tmp_path: Path) -> Iterator[Start]:
    """Starts servers that the test may kill."""
    started: list[Server] = []

    def one(*, password: str = "") -> Server:
        started.append(Server(program, tmp_path, password=password))
        started[-1].start()
        return started[-1]

    yield one
    for server in started:
        server.kill()


@asynccontextmanager
async def opened(
    url: str, *, timeout: float = PATIENCE, prefix: str = "antiphon:"
) -> AsyncGenerator[Store]:
    """A store that is closed at the end, with whatever was opened of it."""
    store = open_store(url, timeout=timeout, prefix=prefix)
    try:
        yield store
    finally:
        await store.aclose()


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stores:
    """Opens stores that share what they remember, and lets time pass for them."""

    def __init__(self, url: str | None) -> None:
        self.url = url
        self.prefix = f"{uuid4().hex}:"
        self._time = Time()
        self._opened = AsyncExitStack()
        self.give_up_after(60.0)

    def give_up_after(self, seconds: float) -> None:
        """To be said before one is opened."""
        self._given_up = seconds
        self._memory = MemoryStore(given_up=seconds, clock=self._time)

    def open(self) -> Store:
        if self.url is None:
            return self._memory
        store = open_store(self.url, prefix=self.prefix, given_up=self._given_up, timeout=PATIENCE)
        self._opened.push_async_callback(store.aclose)
        return store

    async def passes(self, seconds: float) -> None:
        """A server's time is real, and counted in milliseconds."""
        if self.url is None:
            self._time.now += seconds
        else:
            await anyio.sleep(seconds + 0.002)

    async def aclose(self) -> None:
        await self._opened.aclose()


@pytest.fixture(params=["memory", *SERVERS])
async def stores(
    request: pytest.FixtureRequest,
    running: Callable[[str], Server],
    need: Callable[[str], None],
) -> AsyncIterator[Stores]:
    """Both kinds, one after the other."""
    url = None
    if request.param != "memory":
        path = found(request.param)
        if path is None:
            need(request.param)
        url = running(path or request.param).url
    async with aclosing(Stores(url)) as opened:
        yield opened


@pytest.fixture
async def store(stores: Stores) -> Store:
    return stores.open()
