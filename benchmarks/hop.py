"""What does a hop cost a frame, from one member of a pipeline to the next?

Members that let everything by, 1 to 20 of them. A hop is what each further member adds to
the CPU time of a frame: the slope, so that both ends of the line cancel out. Alone: one
frame on its way at a time, every receiver asleep; streaming: 64 frames at a time. `to anyio`
is the ratio to anyio's memory object stream (`send`, `async for`) on the same loop, and
`to pipecat` that to pipecat-ai's default on a microphone's audio, where it is installed.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator

import anyio

from benchmarks import lines
from benchmarks.harness import Row, arguments, report, version
from benchmarks.peers import bare

COUNTS = (1, 5, 10, 20)
ALONE, STREAMING = 1, 64
"""How many frames are on their way at a time."""


def contenders() -> Iterator[tuple[str, lines.Open]]:
    yield "fused processor", lines.processors
    yield "fused processor of Audio", lines.audio_processors
    yield "stage behind a lane", lines.stages
    yield "anyio memory stream", bare.memory_streams
    yield "asyncio queue", bare.queues
    if installed := version("pipecat-ai"):
        from benchmarks.peers import pipecat

        for variant in ("default", "lean"):
            for kind in ("microphone", "speaker"):
                name = f"pipecat {installed} {variant}, {kind}"
                yield name, pipecat.processors(variant, kind)


def loops() -> Iterator[str]:
    yield "asyncio"
    if version("uvloop"):
        yield "uvloop"


async def cost(line_of: lines.Open, count: int, frames: int, window: int) -> float:
    """CPU time of a frame from one end to the other, in microseconds."""

    async def carry(rounds: int) -> None:
        for _ in range(rounds):
            for _ in range(window):
                await line.send()
            for _ in range(window):
                await line.receive()

    rounds = max(1, frames // window)
    async with line_of(count) as line:
        await carry(max(1, rounds // 10))
        start = time.thread_time()
        await carry(rounds)
        return (time.thread_time() - start) / (rounds * window) * 1e6


def measure(frames: int, repeats: int) -> dict[tuple[str, str, int, int], float]:
    """The median cost by contender, loop, window and count.

    Contenders take turns, so that a bad moment of the machine does not meet one alone.
    """
    costs = defaultdict[tuple[str, str, int, int], list[float]](list)
    for _ in range(repeats):
        for loop in loops():
            options = {"use_uvloop": loop == "uvloop"}
            for name, line_of in contenders():
                for window in (ALONE, STREAMING):
                    for count in COUNTS:
                        spent = anyio.run(
                            cost, line_of, count, frames, window, backend_options=options
                        )
                        costs[name, loop, window, count].append(spent)
    return {key: statistics.median(spent) for key, spent in costs.items()}


def rows(costs: dict[tuple[str, str, int, int], float]) -> Iterator[Row]:
    def hop(name: str, loop: str, window: int) -> float:
        return statistics.linear_regression(
            COUNTS, [costs[name, loop, window, count] for count in COUNTS]
        ).slope

    names = [name for name, _ in contenders()]
    pipecat = next((name for name in names if name.startswith("pipecat")), None)
    for window, way in ((ALONE, "alone"), (STREAMING, "streaming")):
        for loop in loops():
            for name in names:
                spent = hop(name, loop, window)
                row: dict[str, object] = {"frames": way, "loop": loop, "through": name}
                row |= {f"us, {count}": costs[name, loop, window, count] for count in COUNTS}
                row["us a hop"] = spent
                row["to anyio"] = spent / hop("anyio memory stream", loop, window)
                if pipecat:
                    row["to pipecat"] = spent / hop(pipecat, loop, window)
                yield row


def main() -> None:
    question = (__doc__ or "").strip()
    options = arguments(question, frames=640)
    report(question, list(rows(measure(options.frames, options.repeats))), options.json)


if __name__ == "__main__":
    main()
