"""A model whose cost is counted, and whose session ends when its budget is spent."""

import math
from types import CoroutineType
from typing import Any, ClassVar

import anyio

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Dialect
from antiphon.pipeline import Emit, Frame, Frames, now
from antiphon.processors.meter import Meter
from antiphon.processors.models import find_model
from antiphon.processors.prices import DOLLAR
from antiphon.processors.realtime import Configurable, Model


class BudgetWarning(Frame, frozen=True, kw_only=True):
    """80 % of the *limit* is spent; both are in micro-dollars."""

    control: ClassVar[bool] = True
    interruptible: ClassVar[bool] = False

    money: int
    limit: int


class BudgetSpent(Frame, frozen=True, kw_only=True):
    """The *limit* is spent: what is under way is finished, then the session is over.

    *reason* is for the user to read.
    """

    control: ClassVar[bool] = True
    interruptible: ClassVar[bool] = False

    money: int
    limit: int
    reason: str


class Metered:
    """Stands for the model that *meter* is of, and tells the meter what goes in and out.

    *model* is another to stand for, such as one with arguments of its own. When 80 % of the
    meter's limit is spent a BudgetWarning comes out, once. When it is spent, a BudgetSpent does,
    and the model's input ends: it hears no more of the user, finishes the response that runs,
    with its tool calls, and ends. A continuous model is closed then.

    A meter is for one session, so for one run.
    """

    def __init__(self, meter: Meter, *, model: Model | None = None) -> None:
        self.meter = meter
        self.model = find_model(meter.model) if model is None else model
        self.name: str = getattr(self.model, "name", type(self.model).__name__)
        self.takes_back = self.model.takes_back
        self.on_interrupt: str = getattr(self.model, "on_interrupt", "told")

    @property
    def input_rate(self) -> int:
        return self.model.input_rate

    @property
    def output_rate(self) -> int:
        return self.model.output_rate

    def configure(self, config: SessionConfig) -> None:
        if isinstance(self.model, Configurable):
            self.model.configure(config)

    async def run(self, frames: Frames, emit: Emit) -> None:
        self.meter.set_rates(self.input_rate, self.output_rate)
        heard = _Heard(self.meter, emit)
        heard.said = said = _Said(frames, heard, clears=_clears(self.model))
        await self.model.run(said, heard)


class _Heard:
    """What the model emits with: the meter hears it."""

    def __init__(self, meter: Meter, emit: Emit) -> None:
        self.meter = meter
        self.said: _Said | None = None
        self.over = False
        self._warned = False
        self._emit = emit

    def __call__(self, frame: Frame) -> "CoroutineType[Any, Any, None]":
        self._note(frame)
        return self._emit(frame)

    def nowait(self, frame: Frame) -> None:
        self._note(frame)
        self._emit.nowait(frame)

    def back(self, frame: Frame) -> None:
        self._emit.back(frame)

    def _note(self, frame: Frame) -> None:
        self.meter.heard(frame)
        if self.meter.limit is not None:
            self.check()
            if self.said is not None:
                self.said.wait_no_longer_than(self.due())

    def check(self) -> None:
        """Tell what has become of the budget, if that is news."""
        meter = self.meter
        limit = meter.limit
        if limit is None or self.over or not meter.warned:
            return
        if meter.spent:
            self.over = True
            reason = f"The budget of {_dollars(limit)} is spent."
            self._emit.nowait(BudgetSpent(money=meter.money, limit=limit, reason=reason, at=now()))
            if self.said is not None:
                self.said.wake()
        elif not self._warned:
            self._warned = True
            self._emit.nowait(BudgetWarning(money=meter.money, limit=limit, at=now()))

    def due(self) -> int | None:
        """When time alone will bring news."""
        limit = self.meter.limit
        if limit is None:
            return None
        return self.meter.reaches(limit if self._warned else -(-limit * 8 // 10))


class _Said:
    """What the model hears: the meter is told of it, and it ends when the budget is spent."""

    def __init__(self, frames: Frames, heard: _Heard, *, clears: bool) -> None:
        self._frames = frames
        self._heard = heard
        self._waiting: anyio.CancelScope | None = None
        self._due: int | None = None
        self._clears = clears

    def __aiter__(self) -> "_Said":
        return self

    async def __anext__(self) -> Frame:
        heard = self._heard
        while not heard.over:
            if heard.meter.limit is None:
                return self._noted(await self._frames.__anext__())
            self._due = heard.due()
            with anyio.CancelScope(deadline=_deadline(self._due)) as self._waiting:
                return self._noted(await self._frames.__anext__())
            heard.meter.tick(now())
            heard.check()
        if not self._clears:
            raise StopAsyncIteration
        self._clears = False  # half a sentence of the user is not to be answered any more
        return events.InputAudioClear(at=now())

    async def returned(self) -> Frame:
        return self._noted(await self._frames.returned())

    def wake(self) -> None:
        """There is nothing more to wait for."""
        if self._waiting is not None:
            self._waiting.cancel()

    def wait_no_longer_than(self, due: int | None) -> None:
        if self._waiting is not None and due != self._due:
            self._due = due
            self._waiting.deadline = _deadline(due)

    def _noted(self, frame: Frame) -> Frame:
        self._heard.meter.said(frame)
        if self._heard.meter.limit is not None:
            self._heard.check()
        return frame


def _clears(model: Model) -> bool:
    """Whether *model* can be told to forget what it has heard and not yet answered."""
    dialect = getattr(model, "dialect", None)
    if not isinstance(dialect, Dialect):
        return True
    return dialect.repertoire_of_client.how(events.InputAudioClear) is not None


def _deadline(at: int | None) -> float:
    """In the loop's seconds."""
    return math.inf if at is None else anyio.current_time() + (at - now()) / 1_000_000


def _dollars(money: int) -> str:
    whole, rest = divmod(max(0, money), DOLLAR)
    return f"${whole}." + f"{rest:06}".rstrip("0").ljust(2, "0")
