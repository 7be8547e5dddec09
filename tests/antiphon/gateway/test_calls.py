"""Calls at the gateway: offered by HTTP, held over WebRTC on this machine."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import msgspec
import pytest

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialects import find_dialect
from antiphon.gateway.gateway import Gateway
from antiphon.gateway.secret import Secret
from antiphon.gateway.settings import KeySettings, Limits, Network, Settings
from antiphon.processors.remote import remote_model
from antiphon.transports import webrtc, websocket
from tests.processors.remote import calls
from tests.processors.remote.calls import QUICK, Line, calling, listening

pytestmark = pytest.mark.anyio

ALICE, BOB = "sk-alice", "sk-bob"

MODELS = {
    "openai": "openai/gpt-realtime-2",
    "xai": "xai/grok-voice-latest",
    "vercel": "vercel/openai/gpt-realtime-2",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def settings(**more: Any) -> Settings:
    return Settings(
        keys={
            "alice": KeySettings(secret=(Secret(ALICE),), **more),
            "bob": KeySettings(secret=(Secret(BOB),)),
        },
        webrtc=Network(addresses=("127.0.0.1",)),
    )


@asynccontextmanager
async def serving(**more: Any) -> AsyncGenerator[tuple[Gateway, int]]:
    gateway = Gateway(settings(**more))
    async with listening(gateway) as port:
        yield gateway, port


@asynccontextmanager
async def connected(port: int, key: str = ALICE) -> AsyncGenerator[tuple[webrtc.Peer, str]]:
    """A call as OpenAI's clients open it, and its id."""
    post = webrtc.Post(
        f"http://127.0.0.1:{port}/v1/realtime/calls?model=gpt-realtime-2",
        headers={"authorization": f"Bearer {key}"},
    )
    async with webrtc.connect(post, addresses=("127.0.0.1",)) as peer:
        assert post.call_id is not None
        yield peer, post.call_id


async def hears(peer: Any, kind: str) -> dict[str, Any]:
    with anyio.fail_after(10):
        while True:
            message = msgspec.json.decode(await peer.receive())
            if message["type"] == kind:
                return message


@pytest.mark.parametrize("front", MODELS)
async def test_whoever_calls_is_understood_and_hears_the_answer(front: str) -> None:
    dialect = find_dialect(front)
    async with serving() as (gateway, port):
        remote = remote_model(
            MODELS[front],
            key=ALICE,
            base_url=calls.at(dialect, port),
            transport="webrtc",
            retry=QUICK,
        )
        line = Line(
            remote=remote, agent=calls.Agent(dialect, ""), drop=anyio.lowlevel.checkpoint, pace=1.0
        )
        async with calling(line) as call:
            await call.say("What is the weather in Oslo?")
            await call.answered("Oslo", "7 degrees")
            (session,) = gateway.sessions
            assert session.startswith("rtc_")
            await anyio.sleep(0.5)

        assert call.sounds(0, 60_000_000)
        with anyio.fail_after(10):
            while gateway.sessions:
                await anyio.sleep(0.05)


async def test_a_ticket_opens_a_call_with_what_it_was_bought_for() -> None:
    openai = find_dialect("openai")
    assert openai.minting is not None
    async with serving() as (_, port):
        base = calls.at(openai, port)
        asked = openai.minting.mint(
            "m", key=ALICE, now=0, base_url=base, config=SessionConfig(instructions="Be kind.")
        )
        async with httpx2.AsyncClient() as client:
            answer = await client.request(
                asked.method, asked.url, headers=dict(asked.headers), content=asked.body
            )
        async with connected(port, answer.json()["value"]) as (peer, _):
            created = await hears(peer, "session.created")

    assert created["session"]["instructions"] == "Be kind."


async def test_somebody_else_listens_in_and_speaks_for_the_client() -> None:
    async with serving() as (_, port), connected(port) as (peer, call_id):
        await hears(peer, "session.created")
        async with websocket.connect(
            f"ws://127.0.0.1:{port}/v1/realtime?call_id={call_id}",
            headers={"authorization": f"Bearer {ALICE}"},
        ) as beside:
            assert (await hears(beside, "session.created"))["session"]
            await beside.send(
                '{"type": "session.update", "session": {"instructions": "Be brief."}}'
            )

            assert (await hears(peer, "session.updated"))["session"]["instructions"] == "Be brief."
            assert (await hears(beside, "session.updated"))["session"][
                "instructions"
            ] == "Be brief."

        await peer.send('{"type": "input_audio_buffer.clear"}')
        await hears(peer, "input_audio_buffer.cleared")


async def test_the_call_of_another_key_is_not_there() -> None:
    async with serving() as (_, port), connected(port) as (peer, call_id):
        await hears(peer, "session.created")
        with pytest.raises(websocket.Refused) as refused:
            async with websocket.connect(
                f"ws://127.0.0.1:{port}/v1/realtime?call_id={call_id}",
                headers={"authorization": f"Bearer {BOB}"},
            ):
                pass
        hung_up = await post(port, f"/v1/realtime/calls/{call_id}/hangup", BOB)
        await peer.send('{"type": "input_audio_buffer.clear"}')
        await hears(peer, "input_audio_buffer.cleared")

    assert (refused.value.status, hung_up.status_code) == (404, 404)


async def test_a_call_is_hung_up_by_its_owner() -> None:
    async with serving() as (gateway, port), connected(port) as (peer, call_id):
        await hears(peer, "session.created")

        assert (await post(port, f"/v1/realtime/calls/{call_id}/hangup", ALICE)).status_code == 200

        with anyio.fail_after(10):
            while gateway.sessions:
                await anyio.sleep(0.05)


@pytest.mark.parametrize(
    ("offer", "status"),
    [("", 400), ("nonsense", 400), ("v=0\r\n" * 40_000, 413), ("v=0\r\ns=-\r\n", 400)],
)
async def test_an_offer_that_cannot_be_answered_is_refused(offer: str, status: int) -> None:
    async with serving() as (gateway, port):
        answer = await post(port, "/v1/realtime/calls", ALICE, offer)

        assert answer.status_code == status
        assert answer.json()["error"]["message"]
        assert not gateway.sessions


@pytest.mark.parametrize("key", ["sk-wrong", "ek_forged"])
async def test_who_shows_no_good_key_cannot_call(key: str) -> None:
    async with serving() as (_, port):
        assert (await post(port, "/v1/realtime/calls", key, "v=0")).status_code == 401


async def test_a_call_counts_among_the_sessions_of_its_key() -> None:
    async with serving(limits=Limits(concurrent=1)) as (_, port), connected(port) as (peer, _):
        await hears(peer, "session.created")
        answer = await post(port, "/v1/realtime/calls", ALICE, "v=0")

    assert answer.status_code == 429


async def post(port: int, path: str, key: str, body: str = "") -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.post(
            f"http://127.0.0.1:{port}{path}",
            headers={"authorization": f"Bearer {key}", "content-type": "application/sdp"},
            content=body,
        )
