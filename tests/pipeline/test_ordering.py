"""No frame is lost, doubled, reordered or stale; and the tests for that notice if one is."""

# The mutants change what is nobody's business but the core's.
# pyright: reportPrivateUsage=false

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from antiphon.pipeline import Frame, Interrupt
from antiphon.pipeline.lane import Lane
from antiphon.pipeline.stage import StageNode
from antiphon.pipeline.testing import Standstill
from tests.pipeline.ordering import Plan, check, plans


@settings(max_examples=600, deadline=None)
@given(plan=plans)
def test_order_holds_whatever_is_sent_however_slow_the_stages(plan: Plan) -> None:
    check(plan)


@settings(max_examples=300, deadline=None)
@given(plan=plans, at=st.integers(0, 30))
def test_order_holds_up_to_the_moment_of_a_cancellation(plan: Plan, at: int) -> None:
    check(replace(plan, cancel_at=at))


def push_to_the_front(self: Lane, frame: Frame) -> None:
    self._data.appendleft(frame)
    self._wake()


def push_twice(self: Lane, frame: Frame) -> None:
    self._data.extend((frame, frame))
    self._wake()


def push_without_waking(self: Lane, frame: Frame) -> None:
    self._data.append(frame)


def forget_and_reverse(self: Lane) -> int:
    self._data = deque(frame for frame in reversed(self._data) if not frame.interruptible)
    self._make_room()
    return 0


def forget_nothing(self: Lane) -> int:
    return 0


def forget_all(self: Lane) -> int:
    self._data.clear()
    self._make_room()
    return 0


def forget_but_the_last(self: Lane) -> int:
    kept = [frame for frame in self._data if not frame.interruptible or frame is self._data[-1]]
    self._data = deque(kept)
    self._make_room()
    return 0


def forget_and_make_no_room(self: Lane) -> int:
    self._data = deque(frame for frame in self._data if not frame.interruptible)
    return 0


def overtake_nothing(self: Lane, frame: Frame) -> None:
    self.push(frame)


def overtake_control(self: Lane, frame: Frame) -> None:
    self._beside.insert(0, frame)
    self._wake()


receive = Lane.receive


async def receive_and_skip(self: Lane) -> Frame:
    frame = await receive(self)
    if frame.at % 7 == 3 and self._data:
        return self._data.popleft()
    return frame


async def receive_data_first(self: Lane) -> Frame:
    if not self._data:
        return await receive(self)
    frame = self._data.popleft()
    self._make_room()
    return frame


async def receive_and_stop_early(self: Lane) -> Frame:
    if self.writers <= 0:
        self._data.clear()
    return await receive(self)


async def receive_without_making_room(self: Lane) -> Frame:
    self._room, room = None, self._room
    frame = await receive(self)
    self._room = self._room or room
    return frame


async def arrive_though_cancelled(self: Lane) -> None:
    self._arrived = self._arrived or anyio.Event()
    await self._arrived.wait()


def never_stale(self: StageNode, interrupt: Interrupt) -> None:
    interrupting(self, interrupt)
    self.stale = False


def always_stale(self: StageNode, interrupt: Interrupt) -> None:
    interrupting(self, interrupt)
    self.last = None


def act_only_here(self: StageNode, interrupt: Interrupt) -> None:
    after, self.after = self.after, type(self.after)(lambda frame: None, lambda: None, ())
    interrupting(self, interrupt)
    self.after = after


def forward_again(self: StageNode, frame: Frame) -> bool:
    return False


interrupting = StageNode._interrupt


@pytest.mark.parametrize(
    ("owner", "method", "mutant"),
    [
        (Lane, "push", push_to_the_front),
        (Lane, "push", push_twice),
        (Lane, "push", push_without_waking),
        (Lane, "forget", forget_and_reverse),
        (Lane, "forget", forget_nothing),
        (Lane, "forget", forget_all),
        (Lane, "forget", forget_but_the_last),
        (Lane, "forget", forget_and_make_no_room),
        (Lane, "overtake", overtake_nothing),
        (Lane, "overtake", overtake_control),
        (Lane, "receive", receive_and_skip),
        (Lane, "receive", receive_data_first),
        (Lane, "receive", receive_and_stop_early),
        (Lane, "receive", receive_without_making_room),
        (Lane, "_arrival", arrive_though_cancelled),
        (StageNode, "_interrupt", never_stale),
        (StageNode, "_interrupt", always_stale),
        (StageNode, "_interrupt", act_only_here),
        (StageNode, "has_passed", forward_again),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.leaves_tasks
def test_a_mutation_of_the_ordering_is_noticed(
    owner: type,
    method: str,
    mutant: Callable[..., Any] | Awaitable[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @settings(
        max_examples=1_000,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    @given(plan=plans)
    def holds(plan: Plan) -> None:
        check(plan)

    monkeypatch.setattr(owner, method, mutant)

    with pytest.raises((AssertionError, Standstill)):
        holds()
