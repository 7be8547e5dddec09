"""What is said leaves in packets, at the pace at which it is heard."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from antiphon.pipeline.frames import Audio
from antiphon.pipeline.testing import run_virtual
from antiphon.transports.webrtc.opus import SILENCE, Decoder
from antiphon.transports.webrtc.speaking import Speaking

RATE = 24_000
VOICE = b"\x00\x20\x00\xe0" * 240
"""20 ms that are not silent."""


def frame(milliseconds: int = 20, rate: int = RATE) -> Audio:
    samples = rate * milliseconds // 1000
    return Audio(pcm=(VOICE * 1000)[: 2 * samples], rate=rate)


class Packet(NamedTuple):
    at: float
    """When it left, in milliseconds."""
    payload: bytes
    timestamp: int
    says: bool
    """Whether there is something in it of what was given in."""


class Packets(list[Packet]):
    @property
    def times(self) -> list[float]:
        return [packet.at for packet in self]

    @property
    def said(self) -> list[float]:
        return [packet.at for packet in self if packet.says]


@asynccontextmanager
async def sending(speaking: Speaking) -> AsyncGenerator[Packets]:
    packets = Packets()
    loop = asyncio.get_running_loop()

    async def send() -> None:
        while True:
            before = speaking.sent
            payload, timestamp = await speaking.packet()
            at = round(1000 * loop.time(), 3)
            packets.append(Packet(at, payload, timestamp, speaking.sent > before))

    task = asyncio.create_task(send())
    try:
        yield packets
    finally:
        speaking.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def during(seconds: float, script: Callable[[Speaking], Awaitable[None]]) -> Packets:
    """What leaves within *seconds* of virtual time."""

    async def carry() -> Packets:
        speaking = Speaking(RATE)
        async with sending(speaking) as packets:
            await script(speaking)
            await asyncio.sleep(seconds - asyncio.get_running_loop().time())
            return Packets(packets)

    return run_virtual(carry)


async def nothing(_: Speaking) -> None:
    pass


def test_when_there_is_nothing_to_say_it_says_silence_every_20_ms() -> None:
    packets = during(0.99, nothing)

    assert packets.times == [20.0 * n for n in range(50)]
    assert {packet.payload for packet in packets} == {SILENCE}


def test_rtp_times_go_on_by_the_length_of_a_packet() -> None:
    packets = during(0.99, nothing)

    assert [packet.timestamp for packet in packets] == [960 * n for n in range(50)]


def test_what_comes_at_once_leaves_at_its_pace() -> None:
    async def script(speaking: Speaking) -> None:
        await speaking.play(frame(200))

    packets = during(0.5, script)

    assert packets.said[:10] == [20.0 * n for n in range(10)]


def test_audio_is_cut_into_packets_however_it_comes() -> None:
    async def script(speaking: Speaking) -> None:
        for milliseconds in (5, 35, 13, 7, 60):
            await speaking.play(frame(milliseconds))
        await speaking.drain()
        assert speaking.sent == 120_000

    assert len(during(0.5, script).said) == 6


def test_a_rest_shorter_than_a_packet_is_said_too() -> None:
    async def script(speaking: Speaking) -> None:
        await speaking.play(frame(30))
        await speaking.drain()
        assert speaking.sent == 30_000

    during(0.5, script)


def test_after_clear_nothing_of_it_leaves_and_it_says_how_much_it_was() -> None:
    async def script(speaking: Speaking) -> None:
        await speaking.play(frame(1000))
        await asyncio.sleep(0.099)
        assert speaking.sent + speaking.clear() == 1_000_000
        assert speaking.queued == 0

    packets = during(0.5, script)

    assert packets.said == [0.0, 20.0, 40.0, 60.0, 80.0]


def test_after_clear_what_is_said_next_leaves_at_once() -> None:
    async def script(speaking: Speaking) -> None:
        await speaking.play(frame(1000))
        await asyncio.sleep(0.099)
        speaking.clear()
        await speaking.play(frame(40))

    assert during(0.5, script).said[-2:] == [100.0, 120.0]


def test_who_gives_too_much_waits() -> None:
    async def carry() -> list[float]:
        speaking = Speaking(RATE, room=100_000)
        times: list[float] = []
        async with sending(speaking):
            for _ in range(10):
                await speaking.play(frame())
                times.append(asyncio.get_running_loop().time())
                assert speaking.queued <= 100_000
        return times

    times = run_virtual(carry)

    assert times[:5] == [0.0] * 5
    assert times[-1] == pytest.approx(0.08)


def test_what_waits_for_room_is_forgotten_by_clear_too() -> None:
    async def carry() -> int:
        speaking = Speaking(RATE, room=100_000)
        async with sending(speaking):
            await speaking.play(frame(100))
            waiting = asyncio.create_task(speaking.play(frame(100)))
            await asyncio.sleep(0.001)
            speaking.clear()
            await waiting
            await asyncio.sleep(0.2)
            return speaking.sent

    assert run_virtual(carry) == 20_000  # the packet that had left before


def test_muted_it_says_silence_and_what_was_to_be_said_passes_in_its_time() -> None:
    async def script(speaking: Speaking) -> None:
        speaking.muted = True
        await speaking.play(frame(100))
        await speaking.drain()
        assert speaking.sent == 100_000
        speaking.muted = False
        await speaking.play(frame(20))

    packets = during(0.5, script)

    decoder = Decoder(RATE)
    heard = [np.abs(np.frombuffer(decoder.decode(p.payload), np.int16)).max() for p in packets]
    assert packets.said == [20.0 * n for n in range(6)]
    assert next(at for at, loud in zip(packets.times, heard, strict=True) if loud > 100) == 100.0


def live(
    offset: float, count: int, hiccup: float = 0.0, at: int = -1
) -> Callable[[Speaking, list[float]], Awaitable[None]]:
    """Somebody speaks: a frame every 20 ms, which once is late and then catches up."""

    async def script(speaking: Speaking, given: list[float]) -> None:
        loop = asyncio.get_running_loop()
        for number in range(count):
            due = offset + 0.02 * number + (hiccup if number == at else 0.0)
            await asyncio.sleep(max(0.0, due - loop.time()))
            given.append(round(1000 * (offset + 0.02 * number), 3))
            await speaking.play(frame())

    return script


@pytest.mark.parametrize("offset", [0.1, 0.1005, 0.105, 0.11, 0.115, 0.1195])
def test_live_speech_finds_its_packets_sent_soon_whenever_it_begins(offset: float) -> None:
    given: list[float] = []

    async def script(speaking: Speaking) -> None:
        await live(offset, 150)(speaking, given)

    said = during(4.0, script).said

    waits = [left - came for left, came in zip(said, given, strict=True)]
    assert max(waits[:50]) <= 20.0
    assert max(waits[60:]) <= 6.0


@pytest.mark.parametrize("hiccup", [0.065, 0.3])
def test_after_a_hiccup_live_speech_is_soon_prompt_again(hiccup: float) -> None:
    given: list[float] = []

    async def script(speaking: Speaking) -> None:
        await live(0.1, 250, hiccup=hiccup, at=50)(speaking, given)

    said = during(6.0, script).said

    waits = [left - came for left, came in zip(said, given, strict=True)]
    assert max(waits) >= 1000 * hiccup - 5
    assert max(waits[150:]) <= 6.0


def test_what_was_there_before_its_time_keeps_its_pace() -> None:
    async def script(speaking: Speaking) -> None:
        for _ in range(30):  # a model that speaks twice as fast as is heard
            await speaking.play(frame(200))
            await asyncio.sleep(0.1)

    said = during(6.0, script).said

    assert {round(b - a, 3) for a, b in pairwise(said)} == {20.0}


def test_speech_that_comes_a_little_late_is_waited_for() -> None:
    async def script(speaking: Speaking) -> None:
        await speaking.play(frame(100))
        await asyncio.sleep(0.105)
        await speaking.play(frame(100))

    packets = during(0.5, script)

    assert packets.said == [0.0, 20.0, 40.0, 60.0, 80.0, 105.0, 125.0, 145.0, 165.0, 185.0]
    assert len(packets) == 25


def test_what_begins_in_small_pieces_has_no_silence_between_them() -> None:
    async def script(speaking: Speaking) -> None:
        await asyncio.sleep(0.0985)
        await speaking.play(frame(10))
        await asyncio.sleep(0.0145)
        await speaking.play(frame(10))

    assert during(0.5, script).said == [120.0]


def test_at_another_rate_it_is_resampled() -> None:
    async def script(speaking: Speaking) -> None:
        for _ in range(10):
            await speaking.play(frame(20, 16_000))
        await speaking.drain()
        assert speaking.sent == pytest.approx(200_000, abs=2_000)

    during(0.5, script)


def test_after_the_machine_slept_nothing_is_made_up_for() -> None:
    async def carry() -> list[int]:
        speaking = Speaking(RATE)
        first = [(await speaking.packet())[1] for _ in range(2)]
        await asyncio.sleep(10)
        before = asyncio.get_running_loop().time()
        later = [(await speaking.packet())[1] for _ in range(2)]
        assert asyncio.get_running_loop().time() == pytest.approx(before + 0.02)
        return first + later

    assert run_virtual(carry)[2] == pytest.approx(48_000 * 10, abs=2 * 960)
