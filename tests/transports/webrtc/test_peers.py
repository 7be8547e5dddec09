"""Two ends of ours on this machine, with real sockets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from antiphon.transports import Closed, ConnectTimeout, Stalled, TooLarge
from antiphon.transports.webrtc import (
    BadSdp,
    Flooded,
    NoChannel,
    NoHandshake,
    NoPath,
    NoPort,
    Peer,
    TooLong,
    Vanished,
    answer,
    connect,
)
from tests.transports.webrtc.parts import (
    HERE,
    gone,
    ice_of,
    listen,
    pair,
    pitch,
    tone,
    until_quiet,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # which the library underneath is written for


async def never(_: str) -> str:
    await asyncio.Event().wait()
    raise AssertionError


def ignore(*_: object) -> None:
    pass


def silence(peer: Peer) -> None:
    """From now on nothing leaves *peer*, as if its machine had gone."""

    async def drop(*_: object) -> None:
        pass

    for protocol in ice_of(peer)._protocols:
        protocol.send_data = drop
        protocol.send_stun = ignore


async def test_text_and_binary_messages_go_both_ways_in_order() -> None:
    async with pair() as (client, server):
        await client.send("text")
        await client.send(b"\x00\xff")
        await client.send("")
        await server.send("back")

        assert [await server.receive() for _ in range(3)] == ["text", b"\x00\xff", ""]
        assert await client.receive() == "back"


async def test_an_offer_without_candidates_connects() -> None:
    async with pair(strip=True) as (client, server):
        await client.send("here")

        assert await server.receive() == "here"


async def test_both_descriptions_carry_our_own_candidates() -> None:
    async with pair() as (client, server):
        assert "a=candidate:" in client.sdp
        assert "127.0.0.1" in server.sdp
        assert "a=end-of-candidates" in server.sdp


@pytest.mark.parametrize("rate", [16_000, 24_000])
async def test_audio_goes_both_ways_at_the_rate_of_the_pipeline(rate: int) -> None:
    async with pair(rate=rate, client={"rate": rate}) as (client, server):
        await client.play(tone(440.0, 1.0, rate))
        await server.play(tone(660.0, 1.0, rate))

        up, down = await listen(server.hearing), await listen(client.hearing)

        assert pitch(up) == pytest.approx(440, abs=5)
        assert pitch(down) == pytest.approx(660, abs=5)
        assert {frame.rate for frame in up + down} == {rate}


async def test_after_clear_the_other_side_soon_hears_nothing() -> None:
    async with pair() as (client, server):
        await client.play(tone(440.0, 5.0))
        await listen(server.hearing)

        forgotten = client.clear()

        await until_quiet(server.hearing)
        assert forgotten + client.speaking.sent == 5_000_000
        assert client.speaking.queued == 0


async def test_muted_it_is_silent_until_it_is_no_longer() -> None:
    async with pair() as (client, server):
        await client.play(tone(440.0, 5.0))
        await listen(server.hearing)

        client.speaking.muted = True
        await until_quiet(server.hearing)
        client.speaking.muted = False

        assert pitch(await listen(server.hearing)) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("size", [65_536, 200_000, 262_144])
async def test_messages_of_up_to_256_kb_go_both_ways(size: int) -> None:
    async with pair() as (client, server):
        await client.send(b"x" * size)
        await server.send("y" * size)

        assert await server.receive() == b"x" * size
        assert await client.receive() == "y" * size


async def test_a_message_that_the_other_side_does_not_take_is_not_sent() -> None:
    async with pair() as (client, server):
        with pytest.raises(TooLong, match="up to 262144"):
            await client.send(b"x" * 262_145)

        await client.send("still there")
        assert await server.receive() == "still there"


async def test_a_message_larger_than_is_taken_ends_the_connection() -> None:
    async with pair(max_size=10_000) as (client, server):
        inner: Any = client
        inner._messages._channel.transport._remote_max_message_size = 0

        await client.send(b"x" * 20_000)

        with pytest.raises(TooLarge, match="10000"):
            await server.receive()
        await gone(client)


async def test_sending_waits_while_the_network_is_behind() -> None:
    async with pair() as (client, server):
        sent = 0

        async def pour() -> None:
            nonlocal sent
            for _ in range(40):
                await client.send(b"x" * 50_000)
                sent += 1

        async with anyio.create_task_group() as group:
            group.start_soon(pour)
            for _ in range(40):
                assert len(await server.receive()) == 50_000

        assert sent == 40
        inner: Any = client
        assert inner._messages.high_water <= 64 * 1024 + 50_000


async def test_what_finds_no_way_ends_the_connection() -> None:
    async with pair(client={"send_timeout": 0.3}) as (client, server):
        silence(server)

        with pytest.raises(Stalled):
            for _ in range(100):
                await client.send(b"x" * 50_000)

        assert isinstance(client.closed, Stalled)


async def test_who_sends_more_than_is_read_is_cut_off() -> None:
    async with pair() as (client, server):
        with pytest.raises(Closed):
            for _ in range(200):
                await client.send(b"x" * 50_000)

        with pytest.raises(Flooded):
            await server.receive()


async def test_small_messages_count_as_well() -> None:
    async with pair() as (client, server):
        with pytest.raises(Closed):
            for _ in range(20_000):
                await client.send("")
                await asyncio.sleep(0)

        with pytest.raises(Flooded):
            await server.receive()


@pytest.mark.parametrize("closes", [0, 1])
async def test_when_one_side_closes_the_other_hears_all_and_then_the_end(closes: int) -> None:
    async with pair() as peers:
        one, other = peers[closes], peers[1 - closes]
        await one.send(b"x" * 100_000)
        await one.send("last")
        await one.aclose()

        heard = [message async for message in other]

        assert [len(message) for message in heard] == [100_000, 4]
        assert other.closed is not None
        assert other.closed.clean
        async for _ in other.hearing:
            pass
        with pytest.raises(Closed):
            await other.send("too late")
        with pytest.raises(Closed):
            await one.play(tone())
        with pytest.raises(anyio.EndOfStream):
            await one.receive()


async def test_closing_twice_and_while_others_wait_is_harmless() -> None:
    async with pair() as (client, _):
        ended: list[str] = []

        async def wait(what: AsyncIterator[object], name: str) -> None:
            async for _ in what:
                pass
            ended.append(name)

        async with anyio.create_task_group() as group:
            group.start_soon(wait, client, "messages")
            group.start_soon(wait, client.hearing, "audio")
            await asyncio.sleep(0.05)
            await client.aclose()
            await client.aclose()

        assert sorted(ended) == ["audio", "messages"]


async def test_audio_that_waits_for_room_ends_with_the_connection() -> None:
    async with pair() as (client, _):
        await client.play(tone(440.0, 10.0))

        async with anyio.create_task_group() as group:
            group.start_soon(client.play, tone(440.0, 10.0))
            await asyncio.sleep(0.05)
            await client.aclose()


async def test_a_peer_that_disappears_is_noticed_within_five_seconds() -> None:
    async with pair() as (client, server):
        silence(client)
        loop = asyncio.get_running_loop()
        began = loop.time()

        with pytest.raises(Vanished, match="5 s"):
            await server.receive()

        assert loop.time() - began <= 5.2
        with anyio.fail_after(1):
            async for _ in server.hearing:
                pass


async def test_a_peer_that_is_silent_for_a_moment_is_still_there() -> None:
    async with pair(vanish_timeout=1.5) as (client, server):
        ice = ice_of(client)
        kept = [(one, one.send_stun) for one in ice._protocols]
        for protocol, _ in kept:
            protocol.send_stun = ignore
        await asyncio.sleep(0.9)
        for protocol, send in kept:
            protocol.send_stun = send
        await asyncio.sleep(1.0)

        await client.send("here")

        assert await server.receive() == "here"


async def test_changes_can_be_negotiated_and_audio_goes_on() -> None:
    async with pair() as (client, server):
        await client.play(tone(440.0, 10.0))
        await listen(server.hearing)

        await client.offer(server.accept)
        await server.offer(client.accept)

        assert pitch(await listen(server.hearing)) == pytest.approx(440, abs=5)
        await client.send("here")
        assert await server.receive() == "here"


async def test_a_side_can_be_held_by_negotiation() -> None:
    async with pair() as (client, server):
        await client.play(tone(440.0, 10.0))
        await listen(server.hearing)

        async def held(offer: str) -> str:
            return await server.accept(offer.replace("a=sendrecv", "a=recvonly"))

        inner: Any = client
        inner._transceiver.direction = "recvonly"
        await client.offer(held)
        await until_quiet(server.hearing)
        inner._transceiver.direction = "sendrecv"
        await client.offer(server.accept)

        assert pitch(await listen(server.hearing)) == pytest.approx(440, abs=5)


async def test_an_ice_restart_is_refused() -> None:
    async with pair() as (client, server):
        offer = client.sdp.replace("a=ice-ufrag:", "a=ice-ufrag:new")

        with pytest.raises(BadSdp, match="restart"):
            await server.accept(offer)
        await client.send("still there")
        assert await server.receive() == "still there"


async def test_ports_are_taken_from_the_range() -> None:
    async with pair(ports=(40_200, 40_209), client={"ports": (40_210, 40_219)}) as peers:
        ports = [ice_of(peer).local_candidates[0].port for peer in peers]

        await peers[0].send("here")
        assert await peers[1].receive() == "here"

    assert 40_210 <= ports[0] <= 40_219
    assert 40_200 <= ports[1] <= 40_209


async def test_without_a_free_port_it_says_so() -> None:
    async with pair(ports=(40_230, 40_230)):
        with pytest.raises(NoPort, match="40230"):
            async with connect(never, addresses=HERE, ports=(40_230, 40_230)):
                pass


async def test_an_exchange_that_takes_too_long_is_a_timeout() -> None:
    with pytest.raises(ConnectTimeout, match="not answered"):
        async with connect(never, addresses=HERE, answer_timeout=0.1):
            pass


async def test_an_exchange_that_fails_says_why_itself() -> None:
    async def refuse(_: str) -> str:
        raise Closed(4001, "no")

    with pytest.raises(Closed, match="no"):
        async with connect(refuse, addresses=HERE):
            pass


@pytest.mark.parametrize("nonsense", ["", "no", "v=0\r\n", "v=0\r\nm=audio x\r\n", "v=0\n" * 9])
async def test_an_answer_that_is_none_is_refused(nonsense: str) -> None:
    async def exchange(_: str) -> str:
        return nonsense

    with pytest.raises(BadSdp):
        async with connect(exchange, addresses=HERE):
            pass


@pytest.mark.parametrize(
    "nonsense",
    ["", "hello", "v=0\r\n", "v=0\r\nm=audio 9 x 1\r\n", "v=0\r\nm=application 9 x y\r\n"],
)
async def test_an_offer_that_is_none_is_refused(nonsense: str) -> None:
    with pytest.raises(BadSdp):
        async with answer(nonsense, addresses=HERE):
            pass


async def test_nobody_there_is_no_path_in_its_time() -> None:
    async def exchange(offer: str) -> str:
        async with answer(offer, addresses=HERE) as gone:
            return gone.sdp

    with pytest.raises(NoPath, match=r"0\.3 s"):
        async with connect(exchange, addresses=HERE, ice_timeout=0.3):
            pass


async def test_an_answer_that_nobody_takes_is_no_path_in_its_time() -> None:
    offers: list[str] = []

    async def keep(offer: str) -> str:
        offers.append(offer)
        return await never(offer)

    with pytest.raises(ConnectTimeout):
        async with connect(keep, addresses=HERE, answer_timeout=0.1):
            pass
    async with answer(offers[0], addresses=HERE, ice_timeout=0.3) as peer:
        with pytest.raises(NoPath):
            await peer.ready()


async def test_somebody_else_in_between_is_no_handshake() -> None:
    async with anyio.create_task_group() as group:
        done = anyio.Event()

        async def serve(offer: str, *, task_status: Any) -> None:
            async with answer(offer, addresses=HERE) as peer:
                task_status.started(peer.sdp)
                await done.wait()

        async def exchange(offer: str) -> str:
            sdp: str = await group.start(serve, offer)
            lines = [
                line[:-2] + ("00" if line[-2:] != "00" else "11")
                if line.startswith("a=fingerprint:")
                else line
                for line in sdp.splitlines()
            ]
            return "\r\n".join(lines)

        with pytest.raises(NoHandshake):
            async with connect(exchange, addresses=HERE):
                pass
        done.set()


async def test_a_channel_that_nobody_opens_is_no_channel_in_its_time() -> None:
    with pytest.raises(NoChannel, match="other"):
        async with pair(label="other", channel_timeout=0.3):
            pass


async def test_before_the_channel_is_open_sending_says_so() -> None:
    async def exchange(offer: str) -> str:
        async with answer(offer, addresses=HERE) as peer:
            with pytest.raises(Closed, match=r"ready\(\)"):
                await peer.send("early")
            return peer.sdp

    with pytest.raises(NoPath):
        async with connect(exchange, addresses=HERE, ice_timeout=0.2):
            pass


async def test_cancelled_while_it_connects_it_leaves_nothing() -> None:
    for delay in (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15):
        with anyio.move_on_after(delay):
            async with pair():
                await asyncio.sleep(10)
