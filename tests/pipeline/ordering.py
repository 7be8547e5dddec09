"""What must hold of the order of frames, whatever is sent, however slow the stages are.

A `Plan` is drawn, run under the virtual clock with ready tasks in shuffled order, and
checked: `check` is all that the core promises of one line of stages.
"""

from collections.abc import Sequence
from typing import Literal

import anyio
import msgspec
from hypothesis import strategies as st

from antiphon.pipeline import Emit, Frame, Frames, Interrupt, Pipeline, Processor, ProcessorError
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.parts import Result, Text

Word = Literal["text", "result", "interrupt", "pause"]


class Speed(msgspec.Struct, frozen=True):
    """How long one stage works for each frame, in turn, in milliseconds; 0 is not at all."""

    works: tuple[int, ...]
    restarts: bool = False


class Plan(msgspec.Struct, frozen=True):
    """What is sent into which stages."""

    words: tuple[Word, ...]
    stages: tuple[Speed, ...]
    lane: int
    seed: int
    fused: bool = True
    """A processor stands behind each stage."""
    cancel_at: int | None = None
    """In milliseconds."""


speeds = st.builds(
    Speed,
    st.lists(st.sampled_from((0, 0, 1, 2, 5)), min_size=1, max_size=3).map(tuple),
    st.booleans(),
)
MOMENTS: tuple[tuple[Word, ...], ...] = (
    ("text",),
    ("result", "text", "result"),
    ("interrupt",),
    ("text", "interrupt", "text"),
    ("pause",),
)
"""What is sent without a pause, so that all of it waits at once."""

words = st.lists(st.sampled_from(MOMENTS), min_size=1, max_size=12).map(
    lambda moments: tuple(word for moment in moments for word in moment)
)


plans = st.builds(
    Plan,
    words,
    st.lists(speeds, min_size=1, max_size=3).map(tuple),
    st.integers(1, 6),
    st.integers(0, 2**16),
    st.booleans(),
    st.none(),
)


class Log:
    """What was sent and what arrived, in order."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.arrived: list[Frame] = []
        self.interrupts: list[tuple[int, int]] = []
        """At each Interrupt: how many frames had been sent, and had arrived."""


class Worker:
    """A stage that works as long as its speed says, and keeps account of its frames."""

    def __init__(self, speed: Speed) -> None:
        self.on_interrupt = "restart" if speed.restarts else "told"
        self._works = speed.works
        self.got: list[Frame] = []
        self.gave: list[Frame] = []
        self.waiting: list[Interrupt] = []
        """The Interrupts that it must hear of before it gets anything else."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            self._check(frame)
            self.got.append(frame)
            if work := self._works[len(self.got) % len(self._works)]:
                await anyio.sleep(work / 1_000)
            self.gave.append(frame)
            await emit(frame)

    def interrupted(self, interrupt: Interrupt) -> None:
        if self.on_interrupt == "told":
            self.waiting.append(interrupt)

    def lost(self) -> set[int]:
        """The frames that it had in hand when it was cancelled, by id."""
        return {id(frame) for frame in self.got} - {id(frame) for frame in self.gave}

    def _check(self, frame: Frame) -> None:
        if isinstance(frame, Interrupt):
            assert self.waiting and frame is self.waiting.pop(0), "an Interrupt out of order"
        else:
            assert not self.waiting, "data in front of an Interrupt"


class Sink:
    """Writes down what arrives."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            self._log.arrived.append(frame)


class Passing:
    """A processor that lets all frames by."""

    def process(self, frame: Frame) -> Sequence[Frame]:
        return (frame,)


def check(plan: Plan) -> None:
    """Run *plan*, and assert what holds of every run."""
    log = Log()
    workers = [Worker(speed) for speed in plan.stages]
    try:
        run_virtual(_run, plan, workers, log, shuffle=plan.seed)
    except ProcessorError as error:
        if isinstance(error.__cause__, AssertionError):
            raise error.__cause__ from None
        raise

    numbers = {id(frame): i for i, frame in enumerate(log.sent)}
    arrived = [numbers[id(frame)] for frame in log.arrived]
    for control in (False, True):
        ordered = [i for i in arrived if log.sent[i].control is control]
        assert ordered == sorted(ordered), "reordered"
        assert len(set(ordered)) == len(ordered), "doubled"

    for sent, before in log.interrupts:
        stale = [i for i in arrived[before:] if i < sent and log.sent[i].interruptible]
        assert not stale, "stale"

    if plan.cancel_at is None:
        interrupted = max((sent for sent, _ in log.interrupts), default=0)
        in_hand = {numbers[i] for worker in workers for i in worker.lost()}
        missing = set(numbers.values()) - set(arrived)
        forgotten = {i for i in missing if log.sent[i].interruptible} | in_hand
        assert not missing - {i for i in forgotten if i < interrupted}, "lost"


async def _run(plan: Plan, workers: Sequence[Worker], log: Log) -> None:
    line: list[Worker | Processor] = []
    for worker in workers:
        line += [worker, Passing()] if plan.fused else [worker]
    pipeline = Pipeline(*line, Sink(log), lane=plan.lane)

    with anyio.move_on_after(None if plan.cancel_at is None else plan.cancel_at / 1_000):
        async with pipeline.open(output=False) as run:
            for i, word in enumerate(plan.words):
                match word:
                    case "pause":
                        await anyio.sleep(0.003)
                        continue
                    case "interrupt":
                        frame = Interrupt(at=i)
                        log.interrupts.append((len(log.sent), len(log.arrived)))
                        for worker in workers:
                            worker.interrupted(frame)
                    case "text":
                        frame = Text(text="", at=i)
                    case "result":
                        frame = Result(text="", at=i)
                log.sent.append(frame)
                await run.send(frame)
