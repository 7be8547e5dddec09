"""How long does speech take that is echoed over WebRTC, on good networks and bad ones?

A caller says a short tone every second, in frames of 20 ms at their time, and silence
between; the server plays what it hears. `p50` and `p95` are milliseconds from a tone's first
sample going in to its coming out, without the 20 ms in which a frame is filled. On the bad
network each way loses 2 % of the packets of audio and delays each by 0 to 30 ms, so that some
overtake others: 30 ms of an echo's time are that network's own, at the median. `lost once`
loses a single packet each way: its `p50` is that of the tones from 2 s later on, `more` how
much that is above the tones before. `cpu` is the share of a core that both ends need.
"""

import asyncio
import gc
import math
import random
import statistics
import sys
import time
from array import array
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from antiphon.pipeline import Audio
from benchmarks.harness import Row, arguments, report, version
from benchmarks.peers.line import Line
from benchmarks.peers.rough import Lost, roughen

FRAME = 0.02
EVERY = 50  # frames
TONE = 1000.0  # Hz
PEAK = 12_000
AUDIBLE = 2_000
WARM_UP = 2.0
LOST = 10
"""Frames from when the network turns bad to the packet that is lost."""

Open = Callable[[], AbstractAsyncContextManager[Line]]


@asynccontextmanager
async def antiphon() -> AsyncGenerator[Line, None]:
    from antiphon.transports.webrtc import Peer, answer, connect, seam

    rate = 24_000
    async with AsyncExitStack() as stack:
        servers: list[Peer] = []

        async def exchange(offer: str) -> str:
            servers.append(await stack.enter_async_context(answer(offer, rate=rate)))
            return servers[0].sdp

        caller = await stack.enter_async_context(connect(exchange, rate=rate))
        server = servers[0]
        await server.ready()

        async def say(pcm: bytes) -> None:
            await caller.play(Audio(pcm=pcm, rate=rate))

        async def echo() -> None:
            async for frame in server.hearing:
                await server.play(frame)

        async def hear() -> None:
            async for frame in caller.hearing:
                line.heard.append((time.perf_counter(), frame.pcm))

        transports = [peer.transport for peer in (caller, server)]
        line = Line(rate, say, *(seam.ice_of(transport) for transport in transports))
        tasks = [asyncio.create_task(echo()), asyncio.create_task(hear())]
        try:
            yield line
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def contenders() -> Iterator[tuple[str, Open]]:
    yield "antiphon", antiphon
    if installed := version("aiortc"):
        from benchmarks.peers.aiortc import aiortc

        yield f"aiortc {installed}, its track sent back", aiortc


class Network(NamedTuple):
    name: str
    loss: float = 0.0
    jitter: float = 0.0
    once: bool = False


NETWORKS = [
    Network("good"),
    Network("2 %, 30 ms", loss=0.02, jitter=0.03),
    Network("lost once", once=True),
]


def beep(rate: int) -> bytes:
    samples = array("h", (0 for _ in range(round(rate * FRAME))))
    for i in range(len(samples)):
        samples[i] = round(PEAK * math.sin(2 * math.pi * TONE * i / rate))
    return samples.tobytes()


def onsets(line: Line) -> list[float]:
    """When the tones came back: a second apart, by their first audible sample."""
    found: list[float] = []
    for at, pcm in line.heard:
        if found and at - found[-1] < FRAME * EVERY / 2:
            continue
        samples = array("h", pcm)
        loud = next((i for i, sample in enumerate(samples) if abs(sample) > AUDIBLE), None)
        if loud is not None:
            found.append(at + loud / line.rate)
    return found


class Measured(NamedTuple):
    delays: list[tuple[float, float]]
    """When each tone was said, in seconds from the warm-up's end, and its delay in ms."""
    tones: int
    cpu: float


async def measure(start: Open, network: Network, seconds: float) -> Measured:
    rng = random.Random(1)
    async with start() as line:
        silence, tone = bytes(2 * round(line.rate * FRAME)), beep(line.rate)
        said: list[float] = []
        began = time.perf_counter()
        measured_from, cpu = math.inf, 0.0
        for number in range(round((WARM_UP + seconds) / FRAME)):
            due = began + number * FRAME
            await asyncio.sleep(due - time.perf_counter())
            if measured_from == math.inf and due >= began + WARM_UP:
                measured_from, cpu = time.perf_counter(), time.process_time()
                for ice in line.ice:
                    roughen(ice, loses=losing(network, rng, seconds), jitter=network.jitter)
            sounding = number % EVERY == 0
            if sounding and measured_from < math.inf:
                said.append(time.perf_counter())
            await line.say(tone if sounding else silence)
        passed = time.perf_counter() - measured_from
        cpu = (time.process_time() - cpu) / passed
        await asyncio.sleep(0.9)
        back = onsets(line)
    delays: list[tuple[float, float]] = []
    for at in said:
        after = [one - at for one in back if 0 <= one - at < FRAME * EVERY * 0.9]
        if after:
            delays.append((at - measured_from, 1000 * after[0]))
    return Measured(delays, len(said), cpu)


def losing(network: Network, rng: random.Random, seconds: float) -> Lost:
    if network.once:
        middle = round(seconds / 3 / FRAME) + LOST
        return lambda number: number == middle
    return lambda number: rng.random() < network.loss


def row(name: str, start: Open, network: Network, seconds: float, repeats: int) -> Row:
    delays: list[float] = []
    more: list[float] = []
    cpu: list[float] = []
    missing = tones = 0
    for _ in range(repeats):
        gc.collect()
        measured = asyncio.run(measure(start, network, seconds))
        cpu.append(measured.cpu)
        tones += measured.tones
        missing += measured.tones - len(measured.delays)
        if not network.once:
            delays += [delay for _, delay in measured.delays]
            continue
        lost = seconds / 3 + LOST * FRAME
        before = [delay for at, delay in measured.delays if at < lost - FRAME]
        after = [delay for at, delay in measured.delays if at >= lost + 2]
        delays += after
        if before and after:
            more.append(statistics.median(after) - statistics.median(before))
    ordered = sorted(delays) or [math.nan]
    return {
        "transport": name,
        "network": network.name,
        "p50 ms": statistics.median(ordered),
        "p95 ms": ordered[int(0.95 * (len(ordered) - 1))],
        "more ms": statistics.median(more) if more else None,
        "missing": f"{missing} of {tones}",
        "cpu %": 100 * statistics.median(cpu),
    }


def main() -> None:
    question = sys.modules[__name__].__doc__ or ""
    options = arguments(question, repeats=3, seconds=12.0)
    rows = [
        row(name, start, network, options.seconds, options.repeats)
        for network in NETWORKS
        for name, start in contenders()
    ]
    report(question, rows, options.json)


if __name__ == "__main__":
    main()
