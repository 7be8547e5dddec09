"""The client over WebRTC in a real browser: audio as tracks, the same messages beside them."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest

from antiphon.transports import Closed
from antiphon.transports.webrtc import Peer, answer
from tests.antiphon.gateway.web.site import Json, Site, page, until
from tests.transports.webrtc.parts import listen, pitch, tone, until_quiet

pytestmark = pytest.mark.anyio

BEGIN = "begin({transport: 'webrtc', model: 'm'})"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def browser(need: Callable[[str], None]) -> None:
    need("chromium")
    need("playwright")
    need("aiortc")


class Calls:
    """A server that answers calls and is ready at once."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.peers: list[Peer] = []
        self.heard: list[Json] = []
        self.ready = anyio.Event()
        self._stack = stack

    async def take(self, offer: str) -> str:
        peer = await self._stack.enter_async_context(answer(offer))
        self.peers.append(peer)
        self.ready.set()
        return peer.sdp

    async def serve(self) -> None:
        """Listens to one peer after the other."""
        served = 0
        while True:
            await self.ready.wait()
            self.ready = anyio.Event()
            peer = self.peers[served]
            served += 1
            await peer.ready()
            try:
                async for message in peer:
                    self.heard.append(json.loads(message))
                    if self.heard[-1]["type"] == "session-update":
                        await self.tell({"type": "session-created"})
            except Closed:
                pass

    async def tell(self, *events: Json) -> None:
        for event in events:
            await self.peers[-1].send(json.dumps(event))


@asynccontextmanager
async def calling() -> AsyncGenerator[tuple[Any, Site, Calls]]:
    site = Site()
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:
        calls = Calls(stack)
        site.on_call = calls.take
        group.start_soon(calls.serve)
        async with page(site) as opened:
            yield opened, site, calls
        group.cancel_scope.cancel()


def playback(what: str, **more: Any) -> Json:
    raw = {"type": f"output-playback-{what}", "responseId": "r1", **more}
    return {"type": "custom", "rawType": f"output_audio_buffer.{what}", "raw": raw}


async def test_a_call_is_made_with_the_ticket_and_carries_messages_and_audio() -> None:
    async with calling() as (opened, site, calls):
        assert await opened.evaluate(BEGIN)
        assert await opened.evaluate("bot.startAudioCapture()")

        [call] = site.calls
        assert call["authorization"] == "Bearer ticket1"
        assert call["content-type"] == "application/sdp"
        assert call["query"] == "ai-model-id=local%2Fassistant"
        assert site.subprotocols == []
        assert pitch(await listen(calls.peers[0].hearing, 100_000)) > 100

        await opened.evaluate("bot.sendTextMessage('Hello')")
        await until(opened, "bot.messages.length === 1")
        await opened.evaluate("bot.setMuted(true)")
        await until_quiet(calls.peers[0].hearing)
        assert [event["type"] for event in calls.heard] == [
            "session-update",
            "conversation-item-create",
            "response-create",
        ]


async def test_speech_of_the_user_mutes_the_model_until_its_next_response() -> None:
    async with calling() as (opened, _, calls):
        assert await opened.evaluate(BEGIN)
        await calls.tell(
            {"type": "speech-stopped"},
            {"type": "response-created", "responseId": "r1"},
            playback("started"),
        )
        await calls.peers[0].play(tone(440.0, 5.0))
        await until(opened, "bot.outputLevel > 0.05 && bot.isPlaying")
        [latency] = await opened.evaluate("bot.latencies")
        assert latency["responseId"] == "r1" and latency["ms"] > 0

        await calls.tell({"type": "speech-started"})
        await until(opened, "log.some(event => event.type === 'speech-started')")
        assert not await opened.evaluate("bot.isPlaying")
        await until(opened, "bot.outputLevel === 0")

        await calls.tell(
            playback("cleared", itemId="i1", played=1_234_567),
            {"type": "response-created", "responseId": "r2"},
            playback("started"),
        )
        await until(opened, "bot.outputLevel > 0.05 && bot.isPlaying")
        await calls.tell(playback("stopped"))
        await until(opened, "!bot.isPlaying")


async def test_a_server_that_goes_away_is_called_again_and_one_that_hangs_up_is_not() -> None:
    async with calling() as (opened, site, calls):
        assert await opened.evaluate(BEGIN)
        await calls.tell({"type": "custom", "rawType": "goAway", "raw": {"type": "go-away"}})
        await until(opened, "log.some(event => event.rawType === 'goAway')")
        await calls.peers[0].aclose()
        await until(opened, "bot.status === 'reconnecting'")
        await until(opened, "bot.status === 'connected'")
        assert [call["authorization"] for call in site.calls] == [
            "Bearer ticket1",
            "Bearer ticket2",
        ]

        await calls.peers[1].aclose()
        await until(opened, "bot.status === 'disconnected'")
        assert len(site.calls) == 2

        site.on_call = None
        assert not await opened.evaluate("bot.connect()")
        assert await opened.evaluate("bot.error.code") == "setup-failed"
        assert await opened.evaluate("bot.error.status") == 404
