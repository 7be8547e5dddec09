"""What waits in front of a stage, by itself."""

from collections import deque
from collections.abc import Sequence

import anyio
import pytest
from anyio import EndOfStream
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from antiphon.pipeline import Frame, Interrupt
from antiphon.pipeline.lane import Lane
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import Result, Text, Urgent, texts, words


def lane(*frames: Frame, bound: int = 4) -> Lane:
    """A lane of one writer, in which *frames* wait."""
    made = Lane("test", bound)
    made.writers = 1
    for frame in frames:
        made.push(frame)
    return made


async def received(lane: Lane) -> list[Frame]:
    """All that waits, once no more can come."""
    lane.close()
    frames: list[Frame] = []
    try:
        while True:
            frames.append(await lane.receive())
    except EndOfStream:
        return frames


async def test_data_stands_in_order() -> None:
    assert words(await received(lane(*texts("abc")))) == ["a", "b", "c"]


async def test_control_is_taken_first_then_what_was_sent_back_then_data() -> None:
    waiting = lane(*texts("ab"))
    waiting.push_back(Result(text="back"))
    waiting.overtake(Urgent(text="now"))
    waiting.overtake(Urgent(text="and now"))

    assert words(await received(waiting)) == ["now", "and now", "back", "a", "b"]


async def test_forgetting_leaves_what_is_not_interruptible_in_order() -> None:
    waiting = lane(
        Text(text="a"), Result(text="1"), Text(text="b"), Result(text="2"), Text(text="c")
    )
    waiting.overtake(Interrupt())

    assert waiting.forget() == 3
    assert words(await received(waiting)) == ["Interrupt", "1", "2"]


async def test_a_lane_ends_when_all_writers_have_ended_and_all_is_read() -> None:
    waiting = lane(*texts("a"))
    waiting.writers = 2
    waiting.close()

    assert words([await waiting.receive()]) == ["a"]
    with anyio.move_on_after(0) as still_open:
        await waiting.receive()
    waiting.close()
    with pytest.raises(EndOfStream):
        await waiting.receive()
    assert still_open.cancelled_caught


@pytest.mark.parametrize(
    "arrive",
    [
        lambda lane: lane.push(Text(text="a")),
        lambda lane: lane.push_back(Text(text="a")),
        lambda lane: lane.overtake(Urgent(text="a")),
    ],
    ids=["data", "sent back", "control"],
)
def test_whatever_arrives_wakes_the_reader(arrive: object, timed: Timed) -> None:
    async def main() -> list[Frame]:
        waiting, read = lane(), list[Frame]()

        async def reader() -> None:
            read.append(await waiting.receive())

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await anyio.sleep(1)
            arrive(waiting)  # pyright: ignore[reportCallIssue]
        return read

    assert words(timed(main)) == ["a"]


def test_every_reader_that_waits_is_woken(timed: Timed) -> None:
    async def main() -> list[Frame]:
        waiting, read = lane(), list[Frame]()

        async def reader() -> None:
            read.append(await waiting.receive())

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            group.start_soon(reader)
            await anyio.sleep(1)
            waiting.push(Text(text="a"))
            await anyio.sleep(1)
            waiting.push(Text(text="b"))
        return read

    assert words(timed(main)) == ["a", "b"]


def test_a_reader_that_is_cancelled_as_a_frame_arrives_leaves_the_frame(timed: Timed) -> None:
    async def main() -> list[Frame]:
        waiting, read = lane(), list[Frame]()

        async def reader(scope: anyio.CancelScope) -> None:
            with scope:
                read.append(await waiting.receive())

        async with anyio.create_task_group() as group:
            scope = anyio.CancelScope()
            group.start_soon(reader, scope)
            await anyio.sleep(1)
            waiting.push(Text(text="a"))
            scope.cancel()
        assert read == []
        return await received(waiting)

    assert words(timed(main)) == ["a"]


@pytest.mark.parametrize("bound", [1, 2, 4, 64])
def test_a_sender_waits_while_the_data_is_at_its_bound(bound: int, timed: Timed) -> None:
    async def main() -> int:
        waiting = lane(*texts("x" * bound), bound=bound)
        taken = 0

        async def reader() -> None:
            nonlocal taken
            for _ in range(bound):
                await anyio.sleep(1)
                await waiting.receive()
                taken += 1

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await waiting.room()
            return taken
        raise AssertionError

    # Until half of it has been read: so sender and reader change places less often.
    assert timed(main) == bound - bound // 2


@pytest.mark.parametrize("release", [Lane.forget, Lane.abandon, Lane.lift])
def test_senders_need_not_wait_when_room_is_made_at_once(release: object, timed: Timed) -> None:
    async def main() -> float:
        waiting = lane(*texts("abcd"))
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(waiting.room)
            await anyio.sleep(1)
            release(waiting)  # pyright: ignore[reportCallIssue]
        return anyio.current_time()

    started = timed(anyio_time)
    assert timed(main) - started == 1


async def anyio_time() -> float:
    return anyio.current_time()


class Lanes(RuleBasedStateMachine):
    """A lane beside a model of it: three lists."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = lane()
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
TestLanes.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)


@settings(max_examples=60, deadline=None)
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
