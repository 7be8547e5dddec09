"""How many sessions does one core hold before they are late?

A session is six members that let everything by; 50 frames a second of a microphone and 50
of a speaker go through it, each at its session's own random moment. A frame is late by the
time from when it was due to when the last member sees it, and a core holds as many sessions
as keep the 99th percentile of that under 5 ms. Members are processors, which are fused
unless one asks otherwise, or stages, which each have a task and a lane.

The loop's clock is the CPU time of its thread, and jumps instead of sleeping: on a shared
machine lateness by the wall clock is that of its other guests. So the figures are those of a
core that does nothing else. All frames come from one task a session; `pacing alone` is what
that costs, with no member at all. `us a frame` is CPU time, `busy` the share of the core.
The number of sessions grows by tenths until it fails three times. `to pipecat` is the ratio to
pipecat-ai's default, where that is installed.
"""

import asyncio
import math
import random
import statistics
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

from antiphon.pipeline import Audio, Frame, Pipeline
from benchmarks.cpu_loop import CpuLoop
from benchmarks.harness import Row, arguments, report, version
from benchmarks.lines import PCM, RATE, AudioKind, Passes, Relays

MEMBERS = 6
PERIOD = 0.02
LIMIT_MS = 5.0
GUESS = 0.7
"""The share of a core with which the search begins."""

STEP = 1.1
TRIES = 3
WARM_UP = 0.3
"""Seconds of frames before those that count."""

Hear = Callable[[int], None]
"""Told by the last member when a frame was due, in microseconds."""

Send = Callable[[int, AudioKind], Awaitable[None]]
"""Puts a frame in that is due at so many microseconds."""

Open = Callable[[Hear], AbstractAsyncContextManager[Send]]


@asynccontextmanager
async def antiphon(kind: type[Passes] | type[Relays], hear: Hear) -> AsyncGenerator[Send, None]:
    def last(frame: Frame) -> None:
        hear(frame.at)

    async with Pipeline(*(kind() for _ in range(MEMBERS)), last).open(output=False) as run:

        async def send(at: int, kind: AudioKind) -> None:
            await run.send(Audio(pcm=PCM, rate=RATE, at=at))

        yield send


@asynccontextmanager
async def nothing(hear: Hear) -> AsyncGenerator[Send, None]:
    async def send(at: int, kind: AudioKind) -> None:
        hear(at)

    yield send


def contenders() -> Iterator[tuple[str, Open]]:
    yield "pacing alone", nothing
    yield "fused processors", partial(antiphon, Passes)
    yield "stages", partial(antiphon, Relays)
    if installed := version("pipecat-ai"):
        from benchmarks.peers import pipecat

        for variant in ("default", "lean"):
            yield f"pipecat {installed} {variant}", partial(pipecat.session, variant, MEMBERS)


class Load(NamedTuple):
    """What so many sessions did to the core."""

    sessions: int
    us: float
    busy: float
    p50_ms: float
    p99_ms: float

    @property
    def holds(self) -> bool:
        return self.p99_ms < LIMIT_MS


async def _pace(send: Send, start: float, frames: int) -> None:
    """A microphone's frame each period, and a speaker's in the middle between two."""
    loop = asyncio.get_running_loop()
    for number in range(frames):
        due = start + number * PERIOD / 2
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        await send(round(due * 1e6), "speaker" if number % 2 else "microphone")


async def _serve(session: Open, count: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, CpuLoop)
    phases = random.Random(count)
    frames = round((WARM_UP + seconds) / PERIOD) * 2
    counts_from = math.inf
    late_ms: list[float] = []

    def hear(due: int) -> None:
        if due >= counts_from:
            late_ms.append(loop.time() * 1e3 - due / 1e3)

    async with AsyncExitStack() as stack:
        sends = [await stack.enter_async_context(session(hear)) for _ in range(count)]
        start, idle = loop.time(), loop.idle
        counts_from = (start + WARM_UP) * 1e6
        async with asyncio.TaskGroup() as group:
            for send in sends:
                group.create_task(_pace(send, start + phases.uniform(0, PERIOD), frames))
        elapsed = loop.time() - start
        busy = elapsed - (loop.idle - idle)
    p99_ms = statistics.quantiles(late_ms, n=100)[98]
    return Load(
        count, busy / (count * frames) * 1e6, busy / elapsed, statistics.median(late_ms), p99_ms
    )


def load(session: Open, count: int, seconds: float) -> Load:
    """What *count* sessions do to a core; of several tries the first that holds."""
    tried: list[Load] = []
    while len(tried) < TRIES and not (tried and tried[-1].holds):
        with asyncio.Runner(loop_factory=CpuLoop) as runner:
            tried.append(runner.run(_serve(session, count, seconds)))
    return tried[-1]


def most(session: Open, seconds: float, at_most: int) -> Load:
    """The load of as many sessions as a core holds, of *at_most*."""
    few = load(session, min(4, at_most), seconds)
    guess = round(GUESS * PERIOD / 2 * 1e6 / few.us)
    held = load(session, max(1, min(guess, at_most)), seconds)
    while not held.holds and held.sessions > 1:
        held = load(session, int(held.sessions / STEP), seconds)
    while held.holds and held.sessions < at_most:
        more = load(session, min(math.ceil(held.sessions * STEP), at_most), seconds)
        if not more.holds:
            break
        held = more
    return held


def rows(seconds: float, at_most: int) -> Iterator[Row]:
    loads = {name: most(session, seconds, at_most) for name, session in contenders()}
    peer = next((held.sessions for name, held in loads.items() if name.startswith("pipecat")), None)
    for name, held in loads.items():
        row: dict[str, object] = {
            "six": name,
            "sessions": held.sessions,
            "us a frame": held.us,
            "busy": held.busy,
            "p50 ms": held.p50_ms,
            "p99 ms": held.p99_ms,
        }
        if peer:
            row["to pipecat"] = held.sessions / peer
        yield row


def main() -> None:
    question = (__doc__ or "").strip()
    options = arguments(question, repeats=None, seconds=2.0, at_most=10_000)
    report(question, list(rows(options.seconds, options.at_most)), options.json)


if __name__ == "__main__":
    main()
