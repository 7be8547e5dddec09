"""Against the library's own connections, as others use them, in both roles."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import anyio
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import AudioFrame, AudioResampler

from antiphon.pipeline.frames import Audio
from antiphon.transports.webrtc import Peer, answer, connect
from benchmarks.peers.rough import roughen
from tests.transports.webrtc.parts import (
    gone,
    ice_of,
    listen,
    pair,
    pitch,
    tone,
    without_candidates,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Tone(AudioStreamTrack):
    """660 Hz at 48 kHz, stereo, as its users' tracks are."""

    async def recv(self) -> AudioFrame:
        quiet: Any = await super().recv()
        times = np.arange(960) / 48_000
        wave = np.rint(8_000 * np.sin(2 * np.pi * 650 * times)).astype(np.int16)
        samples = np.repeat(wave, 2).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate = 48_000
        frame.pts = quiet.pts * 6
        frame.time_base = Fraction(1, 48_000)
        return frame


class Other:
    """A connection of the library, with what it hears."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.messages: list[str | bytes] = []
        self.channel: Any = None
        self.heard: list[Audio] = []
        self._tasks: list[asyncio.Task[None]] = []
        on: Any = self.connection.on
        on("track", self._track)
        on("datachannel", self.attach)
        self.connection.addTrack(Tone())

    def attach(self, channel: Any) -> None:
        self.channel = channel
        channel.on("message", self.messages.append)

    async def offer(self, label: str = "oai-events") -> str:
        self.attach(self.connection.createDataChannel(label))
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, sdp: str, kind: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, kind))

    async def answer(self, offer: str) -> str:
        await self.take(offer, "offer")
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    async def hears(self, frequency: float) -> None:
        with anyio.fail_after(5):
            while abs(pitch(self.heard[-10:]) - frequency) > 10:
                await asyncio.sleep(0.05)

    async def message(self) -> str | bytes:
        with anyio.fail_after(5):
            while not self.messages:
                await asyncio.sleep(0.01)
        return self.messages.pop(0)

    async def close(self) -> None:
        await self.connection.close()
        await asyncio.gather(*self._tasks)

    def _track(self, track: Any) -> None:
        async def hear() -> None:
            resampler = AudioResampler(format="s16", layout="mono", rate=24_000)
            while True:
                try:
                    frame = await track.recv()
                except MediaStreamError:
                    return
                frame.pts = None
                self.heard += [
                    Audio(pcm=bytes(part.planes[0])[: 2 * part.samples], rate=24_000)
                    for part in resampler.resample(frame)
                ]

        self._tasks.append(asyncio.create_task(hear()))


@asynccontextmanager
async def other() -> AsyncGenerator[Other]:
    end = Other()
    try:
        yield end
    finally:
        await end.close()


async def both_hear_each_other(ours: Peer, theirs: Other) -> None:
    await ours.play(tone(440.0, 3.0))
    await ours.send("from ours")

    assert await theirs.message() == "from ours"
    theirs.channel.send("from theirs")
    assert await ours.receive() == "from theirs"
    assert pitch(await listen(ours.hearing)) == pytest.approx(650, abs=5)
    await theirs.hears(440.0)


async def test_we_offer_and_it_answers() -> None:
    async with other() as theirs, connect(theirs.answer) as ours:
        await both_hear_each_other(ours, theirs)


@pytest.mark.parametrize("strip", [False, True])
async def test_it_offers_with_and_without_candidates_and_we_answer(strip: bool) -> None:
    async with other() as theirs:
        offer = await theirs.offer()
        async with answer(without_candidates(offer) if strip else offer) as ours:
            await theirs.take(ours.sdp, "answer")
            await ours.ready()

            await both_hear_each_other(ours, theirs)


async def test_the_server_opens_the_channel_if_asked() -> None:
    async with other() as theirs:
        offer = await theirs.offer("of no interest")
        async with answer(offer, opens_channel=True) as ours:
            await theirs.take(ours.sdp, "answer")
            await ours.ready()

            await ours.send("from here")

            assert await theirs.message() == "from here"
            assert theirs.channel.label == "oai-events"


async def test_it_takes_messages_of_256_kb() -> None:
    async with other() as theirs, connect(theirs.answer) as ours:
        await ours.send("x" * 262_144)

        assert await theirs.message() == "x" * 262_144


@pytest.mark.parametrize("what", ["connection", "channel"])
async def test_its_end_is_ours(what: str) -> None:
    async with other() as theirs, connect(theirs.answer) as ours:
        theirs.channel.send("last")
        if what == "connection":
            assert await ours.receive() == "last"
            await theirs.connection.close()
        else:
            theirs.channel.close()

        assert [message async for message in ours] == (["last"] if what == "channel" else [])
        await gone(ours)


async def test_video_that_it_offers_is_not_taken() -> None:
    async with other() as theirs:
        theirs.connection.addTransceiver("video")
        offer = await theirs.offer()
        async with answer(offer) as ours:
            await theirs.take(ours.sdp, "answer")
            await ours.ready()

            video = ours.sdp[ours.sdp.index("m=video") :]
            assert "a=inactive" in video
            await both_hear_each_other(ours, theirs)


async def test_without_a_voice_there_are_messages() -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel: Any = connection.createDataChannel("oai-events")
    channel.on("open", lambda: channel.send("hello"))
    await connection.setLocalDescription(await connection.createOffer())
    async with answer(connection.localDescription.sdp) as ours:
        await connection.setRemoteDescription(RTCSessionDescription(ours.sdp, "answer"))
        await ours.ready()

        assert await ours.receive() == "hello"
    await connection.close()


async def test_after_a_lost_packet_the_delay_is_as_before() -> None:
    async with pair() as (client, server):
        await client.play(tone(440.0, 5.0))
        await listen(server.hearing, 1_000_000)
        before = server.hearing.jitter.excess
        roughen(ice_of(client), loses=lambda number: number == 5)

        await listen(server.hearing, 2_000_000)

        assert server.hearing.concealed >= 20_000
        assert server.hearing.jitter.excess <= before + 20_000


async def test_two_percent_loss_and_jitter_are_borne() -> None:
    async with pair() as (client, server):
        roughen(ice_of(client), loses=lambda number: number % 50 == 7, jitter=0.03)
        await client.play(tone(440.0, 4.0))

        heard = await listen(server.hearing, 3_000_000)

        assert pitch(heard) == pytest.approx(440, abs=5)
        assert server.hearing.concealed < 400_000
        assert server.hearing.jitter.excess < 60_000
