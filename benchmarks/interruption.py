"""One interruption of a line of members: its scenarios, the player at the end, the outcome."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import anyio

from benchmarks.lines import RATE

MEMBERS = 6
FRAMES = 200
FRAME = 0.05
PCM = bytes(2 * int(RATE * FRAME))

FRESH = -1
"""The number of the frame that is sent after the Interrupt."""

DELAY = 0.075
"""Seconds after which the user interrupts: in the middle of the second frame."""

PATIENCE = 5.0
"""Seconds after which the fresh frame is given up."""


class Player:
    """What the end of the line heard, and when."""

    def __init__(self, *, paced: bool) -> None:
        self.paced = paced
        self.heard: list[tuple[float, int]] = []
        self.heard_a_quarter = anyio.Event()
        self.heard_fresh = anyio.Event()
        self.stopped_at = math.nan

    def hear(self, number: int) -> None:
        self.heard.append((time.perf_counter(), number))
        if number == FRAMES // 4:
            self.heard_a_quarter.set()
        elif number == FRESH:
            self.heard_fresh.set()

    def stop(self) -> None:
        """Take notice of the interruption."""
        if math.isnan(self.stopped_at):
            self.stopped_at = time.perf_counter()


class Line(Protocol):
    """Members between a source and a player."""

    async def send(self, number: int) -> None:
        """Send a frame, and wait for room if the line has a bound."""
        ...

    async def send_at_once(self, numbers: Iterable[int]) -> None:
        """Send frames without letting anybody else run."""
        ...

    async def interrupt(self) -> None: ...


Open = Callable[[Player, float], AbstractAsyncContextManager[Line]]
"""A line to a player whose members compute for so many seconds a frame."""


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while seconds and time.thread_time() < end:
        pass


async def _after_delay(player: Player) -> float:
    await anyio.sleep(DELAY)
    return time.perf_counter()


async def _at_a_quarter(player: Player) -> float:
    await player.heard_a_quarter.wait()
    return time.perf_counter()


async def _when_due(player: Player) -> float:
    """As `_after_delay`, but how late the loop lets us act counts."""
    due = time.perf_counter() + DELAY
    await anyio.sleep(DELAY)
    return due


class Scenario(NamedTuple):
    name: str
    moment: Callable[[Player], Awaitable[float]] | None
    """Waits until the user interrupts and returns when that was; None: with the last frame."""
    paced: bool = False
    work: float = 0.0


SCENARIOS = (
    Scenario("paced", _after_delay, paced=True),
    Scenario("burst", None),
    Scenario("moving", _at_a_quarter),
    Scenario("busy", _when_due, work=0.001),
)


class Outcome(NamedTuple):
    silent_ms: float
    late: int
    """Old frames heard after the user interrupted, before the player was stopped."""
    stale: int
    """Old frames heard after the player was stopped."""
    fresh: bool
    """What was sent after the interruption has arrived."""


async def trial(line_to: Open, scenario: Scenario) -> Outcome:
    player = Player(paced=scenario.paced)
    async with line_to(player, scenario.work) as line:
        await anyio.wait_all_tasks_blocked()
        due = await _interrupt(line, player, scenario)
        await line.send(FRESH)
        with anyio.move_on_after(PATIENCE):
            await player.heard_fresh.wait()
    old = [at for at, number in player.heard if number != FRESH and at >= due]
    stale = [at for at in old if at > player.stopped_at]
    silent = max([player.stopped_at, *stale]) - due
    return Outcome(silent * 1e3, len(old) - len(stale), len(stale), player.heard_fresh.is_set())


async def _interrupt(line: Line, player: Player, scenario: Scenario) -> float:
    """Send all frames, interrupt at the scenario's moment, and say when that was."""
    if scenario.moment is None:
        await line.send_at_once(range(FRAMES))
        due = time.perf_counter()
        await line.interrupt()
        return due

    interrupted = False

    async def send() -> None:
        for number in range(FRAMES):
            if interrupted:
                return
            await line.send(number)

    async with asyncio.TaskGroup() as group:
        group.create_task(send())
        due = await scenario.moment(player)
        interrupted = True
        await line.interrupt()
    return due
