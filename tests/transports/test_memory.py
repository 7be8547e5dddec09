"""A network within one process."""

import anyio
import pytest

from antiphon.pipeline.virtual import run_virtual
from antiphon.transports import Closed, memory

pytestmark = pytest.mark.anyio


async def test_what_one_end_sends_the_other_receives_in_order() -> None:
    ours, theirs = memory.pair()
    await ours.send("one")
    await ours.send(b"two")
    await theirs.send("three")

    assert [await theirs.receive(), await theirs.receive()] == ["one", b"two"]
    assert await ours.receive() == "three"
    await ours.aclose()
    await theirs.aclose()


async def test_a_clean_close_ends_the_iteration_after_what_was_sent() -> None:
    ours, theirs = memory.pair()
    await ours.send("last")
    await ours.aclose(1000, "done")

    assert [message async for message in theirs] == ["last"]
    assert theirs.closed == memory.Goodbye(1000, "done")
    with pytest.raises(Closed):
        await theirs.send("too late")
    await theirs.aclose()


async def test_another_code_is_raised() -> None:
    ours, theirs = memory.pair()
    await ours.aclose(1008, "policy")

    with pytest.raises(Closed, match="policy") as raised:
        await theirs.receive()

    assert (raised.value.code, raised.value.retryable) == (1008, False)
    await theirs.aclose()


async def test_a_dropped_connection_says_nothing() -> None:
    ours, theirs = memory.pair()
    ours.drop()

    with pytest.raises(Closed) as raised:
        await theirs.receive()

    assert raised.value.code == 1006
    with pytest.raises(Closed):
        await ours.receive()
    await theirs.aclose()


def test_a_full_direction_holds_up_its_sender() -> None:
    async def main() -> list[float]:
        ours, theirs = memory.pair(room=1)
        times: list[float] = []

        async def send() -> None:
            for _ in range(3):
                await ours.send("x")
                times.append(anyio.current_time())

        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            group.start_soon(send)
            for _ in range(3):
                await anyio.sleep(1)
                await theirs.receive()
        await ours.aclose()
        await theirs.aclose()
        return [time - began for time in times]

    assert run_virtual(main) == [0.0, 1.0, 2.0]
