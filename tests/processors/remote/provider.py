"""A provider as tests want it: scripted, and as unreliable as they say."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.dialect import Dialect, ServerEnd
from antiphon.codecs.dialects import find_dialect
from antiphon.pipeline import Frame, Pipeline
from antiphon.pipeline.errors import leaf
from antiphon.pipeline.virtual import run_virtual
from antiphon.processors.remote import Remote, Retry, Wanted
from antiphon.transports import Transport, TransportError, memory

MS = 1_000
SECOND = 1_000_000

OPENAI = find_dialect("openai")


class Client:
    """A client of the provider, as the provider sees it."""

    def __init__(self, transport: memory.MemoryTransport, end: ServerEnd) -> None:
        self.transport = transport
        self.end = end
        self.said: list[events.ClientEvent] = []

    async def tell(self, *told: events.ServerEvent) -> None:
        for event in told:
            for message in self.end.encode(event):
                await self.transport.send(message)

    async def hear(self) -> events.ClientEvent:
        """The next thing that it says."""
        while True:
            for event in self.end.decode(await self.transport.receive()):
                self.said.append(event)
                return event

    async def hear_out(self) -> None:
        """Listen until it has left."""
        try:
            while True:
                await self.hear()
        except (anyio.EndOfStream, TransportError):
            return

    def drop(self) -> None:
        self.transport.drop()


Serving = Callable[[Client], Awaitable[None]]


class Provider:
    """Serves each connection with the next of *servings*, the last again and again."""

    def __init__(self, *servings: Serving | TransportError, dialect: Dialect = OPENAI) -> None:
        self.dialect = dialect
        self.clients: list[Client] = []
        self.resumed: list[str | None] = []
        self._servings = servings
        self._group: TaskGroup | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["Provider"]:
        async with anyio.create_task_group() as self._group:
            yield self
            self._group.cancel_scope.cancel()

    @asynccontextmanager
    async def open(self, handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
        serving = self._servings[min(len(self.resumed), len(self._servings) - 1)]
        self.resumed.append(handle)
        if isinstance(serving, TransportError):
            raise serving
        ours, theirs = memory.pair()
        client = Client(theirs, self.dialect.server("m"))
        self.clients.append(client)
        assert self._group is not None
        self._group.start_soon(self._serve, serving, client)
        try:
            yield ours
        finally:
            await ours.aclose()

    async def _serve(self, serving: Serving, client: Client) -> None:
        with suppress(anyio.EndOfStream, TransportError):  # the client has left
            await serving(client)
        await client.transport.aclose()


def talk(
    provider: Provider,
    said: Iterable[tuple[float, Frame]],
    *,
    until: float | None = None,
    retry: Retry = Retry(first=1.0, longest=4.0, attempts=3),  # noqa: B008
    ready_timeout: float = 5.0,
    held: float = 1.0,
) -> list[Frame]:
    """What a bot hears of *provider* that says each frame at its second, then leaves.

    Without *until* it leaves when nothing more is to be expected.
    """

    async def main() -> list[Frame]:
        heard: list[Frame] = []
        async with provider.serving():
            remote = Remote(
                provider.dialect,
                "m",
                provider.open,
                retry=retry,
                seed=1,
                ready_timeout=ready_timeout,
                held=held,
            )

            async def listen() -> None:
                heard.extend([frame async for frame in run])

            async with Pipeline(remote).open() as run, anyio.create_task_group() as group:
                group.start_soon(listen)
                began = anyio.current_time()
                for at, frame in said:
                    await anyio.sleep_until(began + at)
                    await run.send(frame)
                if until is not None:
                    await anyio.sleep_until(began + until)
                    run.cancel()
                run.end()
        return heard

    try:
        return run_virtual(main)
    except ExceptionGroup as group:
        raise leaf(group) from leaf(group).__cause__
