"""What does a bot cost that waits for somebody to speak, in memory and tasks?

Many pipelines at a time, all started, all idle: a source, six members that let everything by,
and a sink. `KB` is what Python has allocated for one of them, `RSS` by how much the process
grew for one (Linux only), each in a process of its own. `tasks` counts those of asyncio for
one, with the one that it is run in. `to pipecat` is the ratio of `KB` to pipecat-ai's default,
where that is installed.
"""

import asyncio
import gc
import multiprocessing
import resource
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import anyio

from antiphon.pipeline import Emit, Frame, Frames, Member, Pipeline
from antiphon.processors.latency import Latency
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Realtime
from antiphon.processors.transcript import Transcript
from benchmarks.harness import Row, arguments, report, version
from benchmarks.lines import Passes, Relays

MEMBERS = 6

Crowd = Callable[[int], AbstractAsyncContextManager[None]]
"""So many pipelines, running."""


class Waits:
    """A source to which nothing comes, until it is stopped."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        await anyio.sleep_forever()


class Takes:
    """A sink."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for _ in frames:
            pass


class Watches:
    """A processor that may act in silence, so that its pipeline has a task for deadlines."""

    deadline: int | None = None

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame

    def expire(self, at: int) -> Iterator[Frame]:
        self.deadline = None
        yield Frame(at=at)


def processors() -> list[Member]:
    return [Waits(), *(Passes() for _ in range(MEMBERS)), Takes()]


def processors_with_deadline() -> list[Member]:
    return [Waits(), *(Passes() for _ in range(MEMBERS - 1)), Watches(), Takes()]


def stages() -> list[Member]:
    return [Waits(), *(Relays() for _ in range(MEMBERS)), Takes()]


def get_weather(city: str) -> str:
    """What the weather is like in a city."""
    return f"It is sunny in {city}."


def bot() -> list[Member]:
    realtime = Realtime("local/echo", tools=[get_weather])
    return [
        Waits(),
        realtime,
        Transcript(),
        Latency(),
        PacedSink(lambda pcm, at: None, rate=16_000),
    ]


@asynccontextmanager
async def antiphon(line: Callable[[], list[Member]], count: int) -> AsyncGenerator[None, None]:
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(Pipeline(*line()).run)
        yield
        group.cancel_scope.cancel()


def contenders() -> dict[str, Crowd]:
    crowds: dict[str, Crowd] = {
        "processors": partial(antiphon, processors),
        "processors, one with a deadline": partial(antiphon, processors_with_deadline),
        "stages": partial(antiphon, stages),
        "bot: local/echo, a tool, a paced sink": partial(antiphon, bot),
    }
    if installed := version("pipecat-ai"):
        from benchmarks.peers import pipecat

        for variant in ("default", "lean"):
            crowds[f"pipecat {installed} {variant}"] = partial(pipecat.idle, variant, MEMBERS)
    return crowds


def resident() -> int:
    """Bytes of this process in memory; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else 0


def allocated() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def _footprint(crowd: Crowd, count: int, size: Callable[[], int]) -> tuple[float, float]:
    """Tasks and bytes of one of *count* pipelines."""
    async with crowd(2):  # what is made once, for all of them
        await anyio.wait_all_tasks_blocked()
    tasks, before = len(asyncio.all_tasks()), size()
    async with crowd(count):
        await anyio.wait_all_tasks_blocked()
        return (len(asyncio.all_tasks()) - tasks) / count, (size() - before) / count


def footprint(name: str, count: int, traced: bool) -> tuple[float, float]:
    if not traced:
        return anyio.run(_footprint, contenders()[name], count, resident)
    tracemalloc.start()
    try:
        return anyio.run(_footprint, contenders()[name], count, allocated)
    finally:
        tracemalloc.stop()


def measure(name: str, count: int) -> Row:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as new:
        tasks, allocated = new.submit(footprint, name, count, True).result()
        _, resident = new.submit(footprint, name, count, False).result()
    row = {"source, six, sink": name, "tasks": tasks, "KB": allocated / 1024}
    return row | {"RSS": resident / 1024} if resident else row


def main() -> None:
    question = (__doc__ or "").strip()
    options = arguments(question, repeats=None, pipelines=200)
    rows = [measure(name, options.pipelines) for name in contenders()]
    peer = next((row["KB"] for row in rows if "pipecat" in row["source, six, sink"]), None)
    if peer:
        rows = [{**row, "to pipecat": row["KB"] / peer} for row in rows]
    report(question, rows, options.json)


if __name__ == "__main__":
    main()
