"""A lane beside a model of it, and under many writers."""

from collections import deque
from collections.abc import Sequence

import anyio
from anyio import EndOfStream
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from antiphon.pipeline import Frame
from antiphon.pipeline.lane import Lane
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.parts import Result, Text, Urgent, words


class Lanes(RuleBasedStateMachine):
    """A lane beside a model of it: three lists."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane("test", 4)
        self.lane.writers = 1
        self.data: list[Frame] = []
        self.returned: list[Frame] = []
        self.control: list[Frame] = []
        self.count = 0

    def next_text(self) -> str:
        self.count += 1
        return str(self.count)

    @rule(interruptible=st.booleans())
    def push(self, interruptible: bool) -> None:
        text = self.next_text()
        frame = Text(text=text) if interruptible else Result(text=text)
        self.lane.push(frame)
        self.data.append(frame)

    @rule()
    def push_back(self) -> None:
        frame = Text(text=self.next_text())
        self.lane.push_back(frame)
        self.returned.append(frame)

    @rule()
    def overtake(self) -> None:
        frame = Urgent(text=self.next_text())
        self.lane.overtake(frame)
        self.control.append(frame)

    @rule()
    def forget(self) -> None:
        before = len(self.data)
        self.data = [frame for frame in self.data if not frame.interruptible]
        assert self.lane.forget() == before - len(self.data)

    @precondition(lambda self: self.control or self.returned or self.data)
    @rule()
    def receive(self) -> None:
        expected = next(filter(None, (self.control, self.returned, self.data))).pop(0)
        assert run_at_once(self.lane) is expected

    @invariant()
    def counts_its_data(self) -> None:
        assert len(self.lane) == len(self.data)
        assert self.lane.full == (len(self.data) >= self.lane.bound)


def run_at_once(lane: Lane) -> Frame:
    """What is received without waiting; a checkpoint on the way is passed."""

    async def main() -> Frame:
        return await lane.receive()

    return run_virtual(main)


TestLanes = Lanes.TestCase
TestLanes.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


@settings(max_examples=300, deadline=None)
@given(
    writers=st.lists(st.lists(st.integers(0, 3), max_size=12), min_size=1, max_size=4),
    reader=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    bound=st.integers(1, 5),
    seed=st.integers(0, 2**16),
)
def test_no_frame_is_lost_doubled_or_reordered_whoever_is_slow(
    writers: Sequence[Sequence[int]], reader: Sequence[int], bound: int, seed: int
) -> None:
    """Each number is how many milliseconds one waits before the next frame; 0 is no wait."""

    async def main() -> list[Frame]:
        shared = Lane("shared", bound)
        shared.writers = len(writers)
        read: list[Frame] = []

        async def write(name: int, pauses: Sequence[int]) -> None:
            for i, pause in enumerate(pauses):
                if pause:
                    await anyio.sleep(pause / 1_000)
                shared.push(Text(text=f"{name}.{i}"))
                await shared.room()
                assert len(shared) < bound + len(writers)
            shared.close()

        async with anyio.create_task_group() as group:
            for name, pauses in enumerate(writers):
                group.start_soon(write, name, pauses)
            pauses = deque(reader)
            try:
                while True:
                    read.append(await shared.receive())
                    pauses.rotate()
                    await anyio.sleep(pauses[0] / 1_000)
            except EndOfStream:
                return read
        raise AssertionError

    read = words(run_virtual(main, shuffle=seed))

    for name, pauses in enumerate(writers):
        sent = [f"{name}.{i}" for i in range(len(pauses))]
        assert [word for word in read if word.startswith(f"{name}.")] == sent
    assert len(read) == sum(map(len, writers))
