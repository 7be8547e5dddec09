"""A line of members that fit."""

import math
from collections.abc import Iterable

from antiphon.pipeline.errors import FitError, NotRunning
from antiphon.pipeline.fit import Fit, fitted, flatten
from antiphon.pipeline.members import Member, name_of
from antiphon.pipeline.observe import Hooks
from antiphon.pipeline.plan import Plan, plan
from antiphon.pipeline.run import Run

LANE = 64
"""How many data frames wait in front of a stage before its senders do, unless said otherwise."""


class Pipeline:
    """Members in a row, from the source to the sink.

    They are checked against each other when the pipeline is built: *fit* is "strict"
    (a rate that does not fit is an error) or "auto" (a resampler is put in). *lane* is
    how many data frames may wait in front of a stage.
    """

    def __init__(
        self,
        *members: Member,
        fit: Fit = "strict",
        lane: int = LANE,
        observers: Iterable[object] = (),
    ) -> None:
        if lane < 1:
            raise FitError(f"a lane needs room for at least one frame, not {lane}")
        self.members: tuple[Member, ...] = tuple(fitted(flatten(members), fit))
        self.lane = lane
        self.observers = tuple(observers)
        self._running = False

    async def run(self) -> None:
        """Run until the source has ended and everything that it sent has arrived.

        What comes out at the end of the line, if its last member is no sink, is gone.
        """
        async with self.open(output=False):
            pass

    def open(self, *, output: bool = True, drain: float = math.inf) -> "Run":
        """A run to send frames to and, with *output*, to read what comes out from.

        Leaving it ends the input and waits *drain* seconds for the rest to come out.
        """
        return Run(
            self.members,
            Hooks(self.observers),
            lane=self.lane,
            output=output,
            drain=drain,
            claim=self._claim,
            release=self._release,
        )

    def _claim(self) -> None:
        if self._running:
            raise NotRunning("this pipeline is running; build another one for another run")
        self._running = True

    def _release(self) -> None:
        self._running = False

    def plan(self) -> Plan:
        """Which members share a task, and where lanes stand."""
        return plan(self.members)

    def __str__(self) -> str:
        return str(self.plan())

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(name_of(member) for member in self.members)})"
