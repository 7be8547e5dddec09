"""A model that listens and speaks without turns: it is started, and has a last word."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.connection import Connect
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.usage import Usage
from antiphon.pipeline.testing import run_virtual
from antiphon.session import Session
from antiphon.transports import Transport, memory
from tests.antiphon.session.line import settle


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no tickets for it."""
    monkeypatch.setenv("OPENAI_API_KEY", "key")


class Live:
    """The provider's side."""

    def __init__(self) -> None:
        self.end = find_dialect("openai_live").server("gpt-live-1")
        self.theirs: memory.MemoryTransport

    @asynccontextmanager
    async def open(self, way: Connect) -> AsyncGenerator[Transport]:
        ours, self.theirs = memory.pair()
        try:
            yield ours
        finally:
            await ours.aclose()
            await self.theirs.aclose()

    async def tell(self, *told: events.ServerEvent) -> None:
        for event in told:
            for message in self.end.encode(event):
                await self.theirs.send(message)
        await settle()

    async def hear(self) -> list[events.ClientEvent]:
        return list(self.end.decode(await self.theirs.receive()))


@asynccontextmanager
async def started(live: Live) -> AsyncGenerator[Session]:
    async with Session("openai/gpt-live-1", open=live.open) as session:
        await session.connect(wait=False)
        await settle()
        assert [type(event) for event in await live.hear()] == [events.SessionStart]
        assert session.status == "connecting"
        await live.tell(events.SessionStarted(session_id="s"))
        assert session.status == "connected"
        yield session


def test_closing_waits_for_the_last_word_which_says_what_it_cost() -> None:
    async def main() -> None:
        live = Live()
        async with started(live) as session, anyio.create_task_group() as group:
            group.start_soon(session.close)
            await settle()
            assert session.status == "closing"
            assert [type(event) for event in await live.hear()] == [events.SessionClose]
            await anyio.sleep(5)
            assert session.status == "closing"
            await live.tell(events.SessionClosed(usage=Usage(seconds=7), reason="client"))
            assert session.status == "disconnected"
            assert session.usage.seconds == 7

    run_virtual(main)


def test_a_last_word_that_does_not_come_is_waited_for_15_seconds() -> None:
    async def main() -> None:
        live = Live()
        async with started(live) as session:
            began = anyio.current_time()
            await session.close()
            assert anyio.current_time() - began == 15
            assert session.status == "disconnected"

    run_virtual(main)


def test_its_speech_is_played() -> None:
    async def main() -> None:
        live = Live()
        async with started(live) as session:
            await live.tell(events.AudioChunk(delta=bytes(4800)))
            assert session.is_playing
            await anyio.sleep(0.2)
            await settle()
            assert not session.is_playing

    run_virtual(main)
