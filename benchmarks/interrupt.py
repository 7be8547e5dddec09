"""How soon is it silent once the user interrupts, and what is heard after that?

200 frames of 50 ms, 10 s of audio, are on their way through six members to a player when
the Interrupt is sent at the source. It is silent when the player has been stopped and plays
no old frame any more. `late` counts the old frames that were played after the user had
interrupted but before the player was stopped, `stale` those played after it was stopped,
`lost` the trials in which what was said next never arrived.

- paced: the player plays in real time, so that nearly all of the audio waits;
- burst: the source sends audio and Interrupt in one go, and the player takes all at once;
- moving: as before, but the user interrupts when the player has heard the 50th frame;
- busy: each member computes for 1 ms a frame, and the user interrupts after 75 ms: it counts
  how long it then takes until somebody can act.

Milliseconds by the wall clock, the median and the worst of all trials. `to pipecat` is the
ratio of medians to pipecat-ai's default, where that is installed.
"""

import statistics
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import anyio

from antiphon.pipeline import Audio, Emit, Frame, Frames, Interrupt, Pipeline, Run
from benchmarks.harness import Row, arguments, report, version
from benchmarks.interruption import (
    FRAME,
    MEMBERS,
    PCM,
    SCENARIOS,
    Line,
    Open,
    Outcome,
    Player,
    compute,
    trial,
)
from benchmarks.lines import RATE


class Works:
    """A processor that computes for *seconds* a frame."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def process(self, frame: Frame) -> Iterator[Frame]:
        compute(self._seconds)
        yield frame


class WorksApart:
    """A stage that computes for *seconds* a frame."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            compute(self._seconds)
            await emit(frame)


class Plays:
    """The last stage: it is stopped where it waits."""

    on_interrupt = "restart"

    def __init__(self, player: Player) -> None:
        self._player = player

    async def run(self, frames: Frames, emit: Emit) -> None:
        try:
            async for frame in frames:
                self._player.hear(frame.at)
                if self._player.paced:
                    await anyio.sleep(FRAME)
        finally:
            self._player.stop()


class _Line:
    def __init__(self, run: Run) -> None:
        self._run = run

    async def send(self, number: int) -> None:
        await self._run.send(Audio(pcm=PCM, rate=RATE, at=number))

    async def send_at_once(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._run.send_nowait(Audio(pcm=PCM, rate=RATE, at=number))

    async def interrupt(self) -> None:
        self._run.send_nowait(Interrupt())


@asynccontextmanager
async def antiphon(
    kind: type[Works] | type[WorksApart], player: Player, work: float
) -> AsyncGenerator[Line, None]:
    members = [kind(work) for _ in range(MEMBERS)]
    async with Pipeline(*members, Plays(player)).open(output=False) as run:
        yield _Line(run)


def contenders() -> Iterator[tuple[str, Open]]:
    yield "six fused processors", partial(antiphon, Works)
    yield "six stages", partial(antiphon, WorksApart)
    if installed := version("pipecat-ai"):
        from benchmarks.peers import pipecat_interrupt

        for variant in ("default", "lean"):
            yield f"pipecat {installed} {variant}", partial(pipecat_interrupt.line, variant)


def measure(trials: int) -> dict[tuple[str, str], list[Outcome]]:
    """The outcomes by scenario and contender, who take turns."""
    outcomes = defaultdict[tuple[str, str], list[Outcome]](list)
    for _ in range(trials):
        for scenario in SCENARIOS:
            for name, line_to in contenders():
                outcomes[scenario.name, name].append(anyio.run(trial, line_to, scenario))
    return outcomes


def rows(outcomes: dict[tuple[str, str], list[Outcome]]) -> Iterator[Row]:
    medians = {
        key: statistics.median(outcome.silent_ms for outcome in some)
        for key, some in outcomes.items()
    }
    for (scenario, name), some in outcomes.items():
        peer = next((k for k in medians if k[0] == scenario and k[1].startswith("pipecat")), None)
        row = {
            "scenario": scenario,
            "through": name,
            "ms to silence": medians[scenario, name],
            "worst": max(outcome.silent_ms for outcome in some),
            "late": statistics.median(outcome.late for outcome in some),
            "stale": statistics.median(outcome.stale for outcome in some),
            "stale at most": max(outcome.stale for outcome in some),
            "lost": sum(not outcome.fresh for outcome in some),
        }
        if peer:
            row["to pipecat"] = medians[scenario, name] / medians[peer]
        yield row


def main() -> None:
    question = (__doc__ or "").strip()
    options = arguments(question)
    report(question, list(rows(measure(options.repeats))), options.json)


if __name__ == "__main__":
    main()
