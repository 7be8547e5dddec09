"""What the other side says, as audio without gaps."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import anyio
import numpy as np
import pytest

from antiphon.pipeline.frames import Audio
from antiphon.pipeline.testing import run_virtual
from antiphon.transports.webrtc.hearing import HELD, Hearing
from antiphon.transports.webrtc.opus import Encoder

RATE = 24_000


def packets(count: int) -> list[bytes]:
    """Of a tone."""
    encoder = Encoder(RATE)
    times = np.arange(RATE * count // 50) / RATE
    wave = np.rint(8_000 * np.sin(2 * np.pi * 200 * times)).astype(np.int16)
    return [encoder.encode(part.tobytes()) for part in np.split(wave, count)]


async def say(hearing: Hearing, which: Iterable[int], *, source: int = 1) -> None:
    """A packet every 20 ms; those not in *which* are lost."""
    wanted = set(which)
    for number, payload in enumerate(packets(max(wanted) + 1)):
        if number in wanted:
            hearing.hear(source, number, number * 960, payload)
        await asyncio.sleep(0.02)


def heard(
    script: Callable[[Hearing], Awaitable[None]], rate: int = RATE
) -> tuple[list[Audio], Hearing]:
    """What was heard until *script* was over, and by whom."""

    async def carry() -> tuple[list[Audio], Hearing]:
        hearing = Hearing(rate)
        frames: list[Audio] = []

        async def listen() -> None:
            frames.extend([frame async for frame in hearing])

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await script(hearing)
            hearing.close()
        return frames, hearing

    return run_virtual(carry)


def loudness(frame: Audio) -> float:
    return float(np.abs(np.frombuffer(frame.pcm, np.int16).astype(float)).mean())


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_audio_is_at_the_rate_that_was_asked_for(rate: int) -> None:
    frames, _ = heard(lambda hearing: say(hearing, range(50)), rate)

    assert {frame.rate for frame in frames} == {rate}
    assert sum(frame.duration for frame in frames) == pytest.approx(1_000_000, abs=3_000)


def test_frames_are_told_when_they_were_heard() -> None:
    frames, _ = heard(lambda hearing: say(hearing, range(20)))

    ends = [frame.at + frame.duration for frame in frames]
    assert ends == [20_000 * number for number in range(20)]


def test_a_lost_packet_is_heard_as_what_went_before() -> None:
    frames, hearing = heard(lambda hearing: say(hearing, set(range(50)) - {25}))

    assert hearing.concealed == 20_000
    assert min(loudness(frame) for frame in frames[2:]) > 0.5 * loudness(frames[10])
    assert sum(frame.duration for frame in frames) == pytest.approx(1_000_000, abs=3_000)


def test_when_nothing_comes_any_more_it_becomes_silence_that_goes_on() -> None:
    async def script(hearing: Hearing) -> None:
        await say(hearing, range(20))
        await asyncio.sleep(1)

    frames, _ = heard(script)

    assert sum(frame.duration for frame in frames) == pytest.approx(1_400_000, abs=25_000)
    assert {loudness(frame) for frame in frames[30:]} == {0.0}


def test_a_pause_of_the_network_is_caught_up_and_nothing_is_lost() -> None:
    stop, length = 50, 0.1

    async def script(hearing: Hearing) -> None:
        loop = asyncio.get_running_loop()
        for number, payload in enumerate(packets(200)):
            due = max(0.02 * number, 0.02 * stop + length if number >= stop else 0.0)
            await asyncio.sleep(due - loop.time())
            hearing.hear(1, number, number * 960, payload)
        assert hearing.jitter.excess <= 5_000

    frames, hearing = heard(script)

    assert hearing.jitter.skipped == 0
    assert hearing.jitter.late == 0
    assert 70_000 <= hearing.shortened <= 110_000
    assert max(frame.at for frame in frames) < 4_000_000


def test_another_stream_goes_on_at_once() -> None:
    async def script(hearing: Hearing) -> None:
        await say(hearing, range(50), source=1)
        await say(hearing, range(50), source=2)

    frames, hearing = heard(script)

    assert hearing.concealed <= 20_000
    assert sum(frame.duration for frame in frames) == pytest.approx(2_000_000, abs=25_000)


def test_who_does_not_listen_hears_the_newest_and_how_much_was_lost() -> None:
    async def carry() -> tuple[int, int]:
        hearing = Hearing(RATE)
        await say(hearing, range(200))
        hearing.close()
        return sum([frame.duration async for frame in hearing]), hearing.lost

    kept, lost = run_virtual(carry)

    assert kept <= HELD
    assert kept + lost == pytest.approx(4_000_000, abs=3_000)


def test_once_it_has_ended_nothing_goes_on() -> None:
    async def carry() -> tuple[int, int]:
        hearing = Hearing(RATE)
        await say(hearing, range(5))
        hearing.close()
        before = hearing.concealed
        await asyncio.sleep(1)
        return before, hearing.concealed

    before, after = run_virtual(carry)

    assert before == after


def test_what_is_no_opus_is_nothing() -> None:
    async def script(hearing: Hearing) -> None:
        for number, payload in enumerate([b"", b"\xfb", b"\x1b\x3f"]):
            hearing.hear(1, number, number * 960, payload)

    frames, _ = heard(script)

    assert frames == []
