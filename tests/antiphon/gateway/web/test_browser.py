"""The client in a real browser, on a page that allows no inline script."""

import base64
import json
import math
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from antiphon.transports import Closed, Transport
from tests.antiphon.gateway.web.site import Json, Site, page, spoken, until

pytestmark = pytest.mark.anyio

AS_IT_IS = "{echoCancellation: false, noiseSuppression: false, autoGainControl: false}"
"""What Chromium makes of a voice out of nowhere is not what was said."""

CHUNK = 960
"""Samples of 40 ms."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def browser(need: Callable[[str], None]) -> None:
    need("chromium")
    need("playwright")


def sound(seconds: float) -> list[Json]:
    """A tone that is nowhere silent, as a server's events."""
    samples = array("h", (int(8000 * math.sin(n / 7)) | 1 for n in range(int(24_000 * seconds))))
    head = {"type": "audio-delta", "responseId": "r1", "itemId": "i1"}
    chunks = (samples[at : at + CHUNK].tobytes() for at in range(0, len(samples), CHUNK))
    return [head | {"delta": base64.b64encode(chunk).decode()} for chunk in chunks]


class Script:
    """A server that says what a test wants, and keeps what it is told."""

    def __init__(self) -> None:
        self.transports: list[Transport] = []
        self.heard: list[list[Json]] = []

    async def __call__(self, transport: Transport) -> None:
        heard: list[Json] = []
        self.transports.append(transport)
        self.heard.append(heard)
        try:
            async for message in transport:
                heard.append(json.loads(message))
                if heard[-1]["type"] == "session-update":
                    await transport.send(json.dumps({"type": "session-created"}))
        except Closed:
            pass

    async def tell(self, *events: Json) -> None:
        for event in events:
            await self.transports[-1].send(json.dumps(event))

    def types(self, connection: int = -1) -> list[str]:
        return [event["type"] for event in self.heard[connection]]


async def test_a_spoken_question_is_answered_and_the_answer_is_played_sample_by_sample(
    tmp_path: Path,
) -> None:
    site = Site()
    async with page(site, microphone=spoken(tmp_path / "said.wav", after=1)) as opened:
        assert await opened.evaluate("begin({model: 'local/assistant'})")
        assert await opened.evaluate("tap()") == 24_000
        assert await opened.evaluate(f"bot.startAudioCapture({AS_IT_IS})")
        await until(opened, "log.some(event => event.type === 'response-done')", timeout=30)
        await until(opened, "!bot.isPlaying", timeout=30)
        await anyio.sleep(0.2)

        sent: Json = await opened.evaluate("({...sounding(received()), trimmed: 0})")
        assert sent["count"] > 24_000 and sent["loudest"] > 3_000
        assert await opened.evaluate("same(samples(), received())")
        assert not await opened.evaluate("same(samples(), received().toSpliced(20000, 1))")

        said: list[Any] = await opened.evaluate("bot.messages")
        assert [message["role"] for message in said] == ["user", "assistant"]
        assert said[0]["parts"][0]["text"] == "what is the weather like in lisbon"
        [latency] = await opened.evaluate("bot.latencies")
        assert latency["from"] == "speech"
        assert 0 < latency["sinceDetection"] < latency["ms"] < 4000
        assert not await opened.evaluate("log.filter(event => event.type === 'failure').length")
    assert site.setups == [{"model": "local/assistant"}]
    assert site.subprotocols == [("ai-gateway-realtime.v1", "ai-gateway-auth.ticket1")]


async def test_an_interruption_is_silent_at_once_and_says_what_was_heard() -> None:
    script = Script()
    async with page(Site(script)) as opened:
        assert await opened.evaluate("begin()")
        await opened.evaluate("tap()")
        await script.tell({"type": "response-created", "responseId": "r1"}, *sound(10))
        await until(opened, "heard.some(({samples}) => samples[0] !== 0)")
        await anyio.sleep(1)
        await script.tell({"type": "speech-started"}, *sound(2))
        await until(opened, "sent.some(event => event.type === 'conversation-item-truncate')")
        await anyio.sleep(0.5)

        detected: float = await opened.evaluate(
            "log.find(event => event.type === 'speech-started').at"
        )
        last: float = await opened.evaluate(
            "heard.findLast(({samples}) => samples.some(x => x !== 0)).at"
        )
        assert last - detected < 200
        heard: int = await opened.evaluate("samples().filter(x => x !== 0).length")
        truncated: Json = await opened.evaluate(
            "sent.find(event => event.type === 'conversation-item-truncate')"
        )
        assert truncated["itemId"] == "i1"
        latency: float = await opened.evaluate("1000 * bot.outputNode.context.outputLatency")
        print(
            f"silent after {last - detected:.0f} ms; told {truncated['audioEndMs']} ms,"
            f" played {heard / 24:.0f} ms, {latency:.0f} ms of them not yet heard"
        )
        assert abs(heard / 24 - latency - truncated["audioEndMs"]) < 60
        assert not await opened.evaluate("bot.isPlaying")


async def test_the_local_model_is_interrupted_by_speech(tmp_path: Path) -> None:
    async with page(Site(), microphone=spoken(tmp_path / "said.wav", after=2.5)) as opened:
        assert await opened.evaluate("begin()")
        await opened.evaluate("tap()")
        await opened.evaluate("bot.startAudioCapture()")
        await opened.evaluate("bot.sendTextMessage('count from one to twenty')")
        await until(opened, "sent.some(event => event.type === 'conversation-item-truncate')", 20)
        await until(opened, "bot.messages.length >= 4 && bot.isPlaying", 30)

        truncated: Json = await opened.evaluate(
            "sent.find(event => event.type === 'conversation-item-truncate')"
        )
        assert truncated["audioEndMs"] > 200
        roles = await opened.evaluate("bot.messages.map(message => message.role)")
        assert roles == ["user", "assistant", "user", "assistant"]


async def test_a_lost_connection_is_made_again_and_told_what_was_said() -> None:
    script = Script()
    site = Site(script)
    async with page(site) as opened:
        assert await opened.evaluate("begin()")
        await opened.evaluate("bot.sendTextMessage('Hello')")
        await script.tell(
            {"type": "response-created", "responseId": "r1"},
            {"type": "text-delta", "responseId": "r1", "itemId": "i1", "delta": "Hi there"},
            {"type": "response-done", "responseId": "r1", "status": "completed"},
        )
        await until(opened, "bot.messages.length === 2")
        await script.transports[0].aclose(1012, "back soon")
        await until(opened, "bot.status === 'reconnecting'")
        await until(opened, "bot.status === 'connected'")
        await until(opened, "sent.length === 6")

        assert script.types(1) == ["session-update", *["conversation-item-create"] * 2]
        texts = [event["item"] for event in script.heard[1][1:]]
        assert texts == [
            {"type": "text-message", "role": "user", "text": "Hello"},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": "Hi there"}],
            },
        ]
    assert [offered[1] for offered in site.subprotocols] == [
        "ai-gateway-auth.ticket1",
        "ai-gateway-auth.ticket2",
    ]


async def test_a_microphone_that_is_denied_and_a_ticket_that_is_refused_are_errors_and_no_more() -> (
    None
):
    site = Site(Script())
    async with page(site, allowed=False) as opened:
        assert await opened.evaluate("begin()")
        assert not await opened.evaluate("bot.startAudioCapture()")
        assert await opened.evaluate("bot.error.code") == "permission-denied"
        assert await opened.evaluate("bot.status") == "connected"

        site.refuse = 403
        assert not await opened.evaluate("begin()")
        assert await opened.evaluate("bot.status") == "error"
        assert await opened.evaluate("bot.error.code") == "ticket-refused"
    assert len(site.setups) == 2


async def test_a_closed_session_leaves_the_microphone_and_the_loudspeaker() -> None:
    async with page(Site(Script())) as opened:
        assert await opened.evaluate("begin()")
        assert await opened.evaluate("bot.startAudioCapture()")
        await until(opened, "bot.inputLevel > 0")
        await opened.evaluate("window.node = bot.outputNode, bot.disconnect()")

        await until(opened, "node.context.state === 'closed'")
        assert not await opened.evaluate("bot.isCapturing")
        count: int = await opened.evaluate("sent.length")
        await anyio.sleep(0.2)
        assert await opened.evaluate("sent.length") == count
