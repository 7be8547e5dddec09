"""What waits in front of a stage, by itself."""

from collections.abc import Callable

import anyio
import pytest
from anyio import EndOfStream

from antiphon.pipeline import Frame, Interrupt
from antiphon.pipeline.lane import Lane
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
    ("arrive", "frame"),
    [
        (Lane.push, Text(text="a")),
        (Lane.push_back, Text(text="a")),
        (Lane.overtake, Urgent(text="a")),
    ],
    ids=["data", "sent back", "control"],
)
def test_whatever_arrives_wakes_the_reader(
    arrive: Callable[[Lane, Frame], None], frame: Frame, timed: Timed
) -> None:
    async def main() -> list[Frame]:
        waiting, read = lane(), list[Frame]()

        async def reader() -> None:
            read.append(await waiting.receive())

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await anyio.sleep(1)
            arrive(waiting, frame)
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


def test_a_reader_that_is_cancelled_as_a_frame_arrives_leaves_it_for_the_next(
    timed: Timed,
) -> None:
    async def main() -> list[Frame]:
        waiting, read = lane(), list[Frame]()
        waiting.rereads = True

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
def test_senders_need_not_wait_when_room_is_made_at_once(
    release: Callable[[Lane], object], timed: Timed
) -> None:
    async def main() -> float:
        began = anyio.current_time()
        waiting = lane(*texts("abcd"))
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(waiting.room)
            await anyio.sleep(1)
            release(waiting)
        return anyio.current_time() - began

    assert timed(main) == 1
