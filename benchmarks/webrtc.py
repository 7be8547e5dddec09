"""How long does speech take that is echoed over WebRTC, on good networks and bad ones?

A caller says a short tone every second, in frames of 20 ms at their time, and silence
between; the server plays what it hears. `p50` and `p95` are milliseconds from a tone's first
sample going in to its coming out, without the 20 ms in which a frame is filled. On the bad
network each way loses 2 % of the packets of audio and delays each by 0 to 30 ms, so that some
overtake others: 30 ms of an echo's time are that network's own, at the median. `lost once`
loses a single packet each way: its `p50` is that of the tones from 2 s later on, `more` how
much that is above the tones before. `cpu` is the share of a core that both ends need. `to ours` is
the ratio of a `p50` to ours on the same network.

Peers that are servers run in a process of their own, with our client in front. They need not be
installed beside us: ANTIPHON_PEERS=/path/to/bin/python names the interpreter that has them
(`pip install fastrtc "pipecat-ai[webrtc]"`). Without it they are looked for here.
"""

import asyncio
import gc
import math
import statistics
import sys
import time
from argparse import Namespace
from array import array
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from antiphon.pipeline import Audio
from benchmarks.harness import Row, arguments, report, version
from benchmarks.peers.elsewhere import PYTHON, Elsewhere, elsewhere, installed
from benchmarks.peers.line import Line
from benchmarks.peers.trouble import Trouble

if TYPE_CHECKING:
    from antiphon.transports.webrtc import Exchange, Peer

FRAME = 0.02
EVERY = 50  # frames
TONE = 1000.0  # Hz
PEAK = 12_000
AUDIBLE = 2_000
WARM_UP = 2.0
LOST = 10
"""Frames from when the network turns bad to the packet that is lost."""

RATE = 24_000
"""Hz of our audio."""

P50_TO_BE, MORE_TO_BE = 60.0, 20.0
"""Milliseconds, at most: on the good network, and above what it was before a loss."""

PEERS = {"fastrtc": ("fastrtc",), "pipecat": ("pipecat-ai", "aiortc")}
"""The packages that each needs."""

Open = Callable[[], AbstractAsyncContextManager[Line]]

End = Any
"""aioice's connection, or Elsewhere."""


def our_end(peer: "Peer") -> Any:
    """aioice's connection under *peer*."""
    from antiphon.transports.webrtc import seam

    return seam.ice_of(peer.transport)


@asynccontextmanager
async def calling(exchange: "Exchange", server: Callable[[], End]) -> AsyncGenerator[Line, None]:
    """Our client in front of the *server* that is there once the call is answered."""
    from antiphon.transports.webrtc import connect

    async with connect(exchange, rate=RATE) as caller:

        async def say(pcm: bytes) -> None:
            await caller.play(Audio(pcm=pcm, rate=RATE))

        async def hear() -> None:
            async for frame in caller.hearing:
                line.heard.append((time.perf_counter(), frame.pcm))

        line = Line(RATE, say, our_end(caller), server())
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(hear())
            yield line
            hearing.cancel()


@asynccontextmanager
async def antiphon() -> AsyncGenerator[Line, None]:
    from antiphon.transports.webrtc import answer

    async with AsyncExitStack() as stack:
        servers: list[Peer] = []

        async def exchange(offer: str) -> str:
            servers.append(await stack.enter_async_context(answer(offer, rate=RATE)))
            return servers[0].sdp

        async def echo() -> None:
            async for frame in servers[0].hearing:
                await servers[0].play(frame)

        async with calling(exchange, lambda: our_end(servers[0])) as line:
            await servers[0].ready()
            async with asyncio.TaskGroup() as group:
                echoing = group.create_task(echo())
                yield line
                echoing.cancel()


def in_front_of(name: str) -> Open:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[Line, None]:
        async with (
            elsewhere(name) as server,
            calling(server.answer, lambda: server) as line,
        ):
            yield line

    return opened


def contenders() -> tuple[list[tuple[str, Open]], list[str]]:
    """Who takes part, ours first; and why others do not."""
    found: list[tuple[str, Open]] = [("antiphon", antiphon)]
    if here := version("aiortc"):
        from benchmarks.peers.aiortc import aiortc

        found.append((f"aiortc {here}, its track sent back", aiortc))
    skipped: list[str] = []
    for name, packages in PEERS.items():
        versions = [installed(package) for package in packages]
        if all(versions):
            found.append((f"{packages[0]} {versions[0]}, our client in front", in_front_of(name)))
        else:
            missing = packages[versions.index(None)]
            skipped.append(f"{name}: {missing} is not installed ({PYTHON} names an interpreter)")
    return found, skipped


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
    async with start() as line:
        silence, tone = bytes(2 * round(line.rate * FRAME)), beep(line.rate)
        said: list[float] = []
        began = time.perf_counter()
        measured_from, cpu = math.inf, 0.0
        for number in range(round((WARM_UP + seconds) / FRAME)):
            due = began + number * FRAME
            await asyncio.sleep(due - time.perf_counter())
            if measured_from == math.inf and due >= began + WARM_UP:
                measured_from, cpu = time.perf_counter(), await cpu_of(line)
                for seed, end in enumerate(line.ice):
                    await worsen(end, trouble(network, seconds, seed))
            sounding = number % EVERY == 0
            if sounding and measured_from < math.inf:
                said.append(time.perf_counter())
            await line.say(tone if sounding else silence)
        passed = time.perf_counter() - measured_from
        cpu = (await cpu_of(line) - cpu) / passed
        await asyncio.sleep(0.9)
        back = onsets(line)
    delays: list[tuple[float, float]] = []
    for at in said:
        after = [one - at for one in back if 0 <= one - at < FRAME * EVERY * 0.9]
        if after:
            delays.append((at - measured_from, 1000 * after[0]))
    return Measured(delays, len(said), cpu)


def trouble(network: Network, seconds: float, seed: int) -> Trouble:
    middle = round(seconds / 3 / FRAME) + LOST
    return Trouble(network.loss, middle if network.once else None, network.jitter, seed)


async def worsen(end: End, trouble: Trouble) -> None:
    if isinstance(end, Elsewhere):
        await end.trouble(trouble)
    else:
        trouble.befall(end)


async def cpu_of(line: Line) -> float:
    """Seconds that both ends have used, since they began."""
    others = [await end.cpu() for end in line.ice if isinstance(end, Elsewhere)]
    return time.process_time() + sum(others)


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
        "to be": P50_TO_BE if network == NETWORKS[0] and start is antiphon else None,
        "p95 ms": ordered[int(0.95 * (len(ordered) - 1))],
        "more ms": statistics.median(more) if more else None,
        "more to be": MORE_TO_BE if network.once and start is antiphon else None,
        "missing": f"{missing} of {tones}",
        "cpu %": 100 * statistics.median(cpu),
    }


def rows_of(network: Network, them: Sequence[tuple[str, Open]], given: Namespace) -> Iterator[Row]:
    ours = math.nan
    for name, start in them:
        measured = row(name, start, network, given.seconds, given.repeats)
        p50: float = measured["p50 ms"]
        ours = p50 if start is antiphon else ours
        yield {**measured, "to ours": None if start is antiphon else p50 / ours}


def main() -> None:
    question = (sys.modules[__name__].__doc__ or "").strip()
    given = arguments(question, repeats=3, seconds=12.0)
    them, skipped = contenders()
    rows = [one for network in NETWORKS for one in rows_of(network, them, given)]
    left_out = "".join(f"\nLeft out: {one}." for one in skipped)
    report(f"{question}\n{left_out}", rows, given.json)


if __name__ == "__main__":
    main()
