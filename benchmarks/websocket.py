"""What do we add to a WebSocket, and how soon is sound through one?

A text of 1.3 KB, there and back on this machine, both ends on one event loop: the libraries
alone, and with our client or our side of an ASGI server in their place. Microseconds; `CPU us`
is that of both ends, `added %` the median of what it is above the same library's in the blocks
right before. Other libraries are there for comparison, where they are installed.

Then 20 ms frames of a microphone go through a pipeline and a WebSocket to a provider in a process
of its own, which speaks OpenAI's dialect at 24 kHz and repeats them at once: milliseconds from
the sending of a frame at the source until its first sample is in the provider's hands, or can be
played at the sink. The sound itself is looked for, so that what resamplers hold back counts:
ours 1 ms each. `to pipecat` is the ratio to a bot of pipecat-ai's that repeats what it hears on
its WebSocket transport, where that is installed. All medians of the repeats.
"""

import argparse
import base64
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import anyio

from antiphon.pipeline import Pipeline
from antiphon.processors.realtime import Realtime
from benchmarks.harness import Row, report, version
from benchmarks.peers import sockets
from benchmarks.peers.echoing import Loudspeaker, Microphone, delays
from benchmarks.peers.provider import provider

TEXT = '{"type":"response.output_audio.delta","delta":"' + "A" * 1280 + '"}'

TRIPS = 100
"""Round trips of a block; contenders take turns after each."""

MOST_ADDED = 5.0
"""Per cent."""

ECHO_TO_BE, PROVIDER_TO_BE = 4.0, 2.0
"""Milliseconds, at most."""

RATES = (
    (16_000, 24_000),
    (24_000, 24_000),
    (16_000, 16_000),
    (48_000, 48_000),
    (44_100, 44_100),
    (8_000, 8_000),
)
"""Of the microphone and the loudspeaker."""


class Contender(NamedTuple):
    name: str
    open: sockets.Open
    alone: str = ""
    """What it adds to."""


def contenders() -> tuple[list[Contender], list[str]]:
    alone, by_uvicorn = "websockets", "websockets, uvicorn"
    found = [
        Contender(alone, sockets.between(sockets.bare_client, sockets.bare_server)),
        Contender("our client", sockets.between(sockets.our_client, sockets.bare_server), alone),
        Contender(by_uvicorn, sockets.between(sockets.bare_client, sockets.uvicorn_server)),
        Contender(
            "our ASGI side", sockets.between(sockets.bare_client, sockets.our_server), by_uvicorn
        ),
        Contender("both ours", sockets.between(sockets.our_client, sockets.our_server), by_uvicorn),
    ]
    skipped: list[str] = []
    for name in ("aiohttp", "picows"):
        if installed := version(name):
            from benchmarks.peers import other_sockets

            found.append(Contender(f"{name} {installed}", getattr(other_sockets, name)))
        else:
            skipped.append(f"{name}: not installed")
    return found, skipped


class Block(NamedTuple):
    """Microseconds of a trip."""

    p50: float
    p99: float
    cpu: float


async def _block(trip: sockets.Trip) -> Block:
    took: list[float] = []
    start = time.thread_time()
    for _ in range(TRIPS):
        began = time.perf_counter()
        await trip(TEXT)
        took.append((time.perf_counter() - began) * 1e6)
    cpu = (time.thread_time() - start) / TRIPS * 1e6
    return Block(statistics.median(took), statistics.quantiles(took, n=100)[98], cpu)


async def trips(them: Sequence[Contender], blocks: int) -> dict[str, list[Block]]:
    done = defaultdict[str, list[Block]](list)
    async with AsyncExitStack() as stack:
        opened = {one.name: await stack.enter_async_context(one.open()) for one in them}
        for trip in opened.values():
            await _block(trip)
        for _ in range(blocks):
            for name, trip in opened.items():
                done[name].append(await _block(trip))
    return done


def loops() -> Iterator[str]:
    yield "asyncio"
    if version("uvloop"):
        yield "uvloop"


def trip_rows(them: Sequence[Contender], blocks: int) -> Iterator[Row]:
    for loop in loops():
        options = {"use_uvloop": loop == "uvloop"}
        done = anyio.run(trips, them, blocks, backend_options=options)
        for one in them:
            mine = done[one.name]
            row: dict[str, object] = {"what": "1.3 KB there and back", "loop": loop}
            row["by"] = one.name
            row["p50 us"] = statistics.median(block.p50 for block in mine)
            row["p99 us"] = statistics.median(block.p99 for block in mine)
            row["CPU us"] = statistics.median(block.cpu for block in mine)
            if one.alone:
                pairs = list(zip(mine, done[one.alone], strict=True))
                row["added %"] = (statistics.median(x.cpu / y.cpu for x, y in pairs) - 1) * 100
                row["p50 added %"] = (statistics.median(x.p50 / y.p50 for x, y in pairs) - 1) * 100
                row["to be"] = MOST_ADDED
            yield row


Delays = dict[str, list[float]]
"""In milliseconds, by what was measured."""


async def through_ours(rate_in: int, rate_out: int, seconds: float) -> Delays:
    microphone, speaker = Microphone(rate_in, seconds), Loudspeaker(rate_out)
    async with provider("repeats") as served:
        model = served.model()
        async with anyio.create_task_group() as group:
            group.start_soon(Pipeline(microphone, Realtime(model), speaker, fit="auto").run)
            await microphone.over.wait()
            group.cancel_scope.cancel()  # the provider's response has no end
    wire = model.input_rate
    there = [(came, base64.b64decode(pcm)) for came, pcm in served.noted.heard]
    return {
        "to the provider": delays(microphone.sent, rate_in, there, wire),
        "echo": delays(microphone.sent, rate_in, speaker.heard, rate_out),
    }


async def through_pipecat(rate_in: int, rate_out: int, seconds: float) -> Delays:
    from benchmarks.peers import pipecat_websocket

    sent, heard = await pipecat_websocket.echo(rate_in, rate_out, seconds)
    return {"echo": delays(sent, rate_in, heard, rate_out)}


def sound_rows(rates: Sequence[tuple[int, int]], seconds: float, repeats: int) -> Iterator[Row]:
    bots = {"antiphon": through_ours}
    peer = f"pipecat {version('pipecat-ai')}"
    if version("pipecat-ai"):
        bots[peer] = through_pipecat
    measured = defaultdict[tuple[str, tuple[int, int], str], list[list[float]]](list)
    for _ in range(repeats):
        for pair in rates:
            for name, bot in bots.items():
                for what, late in anyio.run(bot, *pair, seconds).items():
                    measured[what, pair, name].append(late)
    for (what, pair, name), runs in sorted(measured.items(), key=lambda one: one[0][0]):
        row: dict[str, object] = {"what": what, "by": name}
        row["rates"] = "{:g}k in, {:g}k out".format(*(rate / 1_000 for rate in pair))
        row |= {f"p{one} ms": _typical(runs, one) for one in (50, 95, 99)}
        if name == "antiphon":
            row["to be"] = ECHO_TO_BE if what == "echo" else PROVIDER_TO_BE
        if (what, pair, peer) in measured:
            row["to pipecat"] = _typical(runs, 50) / _typical(measured[what, pair, peer], 50)
        yield row


def _typical(runs: Sequence[Sequence[float]], percent: int) -> float:
    cut = [statistics.quantiles(late, n=100, method="inclusive")[percent - 1] for late in runs]
    return statistics.median(cut)


def main() -> None:
    question = (__doc__ or "").strip()
    parser = argparse.ArgumentParser(description=question.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows there too")
    parser.add_argument("--repeats", type=int, default=3, help="runs of sound (median counts)")
    parser.add_argument("--blocks", type=int, default=60, help=f"of {TRIPS} round trips each")
    parser.add_argument("--seconds", type=float, default=10.0, help="of sound in a run")
    parser.add_argument("--quick", action="store_true", help="two blocks, a second of sound")
    given = parser.parse_args()
    if given.quick:
        given.repeats, given.blocks, given.seconds = 1, 2, 1.0

    them, skipped = contenders()
    if not version("pipecat-ai"):
        skipped.append("pipecat: pipecat-ai is not installed")
    rows = [
        *trip_rows(them, given.blocks),
        *sound_rows(RATES[:1] if given.quick else RATES, given.seconds, given.repeats),
    ]
    left_out = "".join(f"\nLeft out: {one}." for one in skipped)
    report(f"{question}\n{left_out}", rows, given.json)


if __name__ == "__main__":
    main()
