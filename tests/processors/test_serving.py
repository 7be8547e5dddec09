"""A model behind a dialect's server side: its beginning, its mistakes, its end."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialects import find_dialect
from antiphon.pipeline import Emit, Frame, Frames, ProcessorError
from antiphon.pipeline.errors import leaf
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.realtime import Model
from antiphon.processors.serving import serve
from antiphon.transports import memory
from tests.processors.parts import ScriptedModel

OPENAI = find_dialect("openai")

CREATED = events.SessionCreated(session_id="sess")

Client = Callable[[memory.MemoryTransport], Awaitable[None]]


class Answering(ScriptedModel):
    """Says that it was settled, each time that it was."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        await emit(CREATED)
        async for frame in frames:
            self.told.append(frame)
            if isinstance(frame, events.SessionUpdate):
                await emit(events.SessionUpdated(config=frame.config))


def served(model: Model, client: Client, *, config: SessionConfig | None = None) -> None:
    """What *client* does with *model* behind OpenAI's server side."""

    async def main() -> None:
        ours, theirs = memory.pair()
        async with anyio.create_task_group() as group:

            async def run() -> None:
                try:
                    await serve(theirs, OPENAI.server("m"), model, config=config)
                finally:
                    theirs.drop()

            group.start_soon(run)
            try:
                await client(ours)
            finally:
                ours.drop()

    try:
        run_virtual(main)
    except ExceptionGroup as group:
        raise leaf(group) from leaf(group).__cause__


async def hear(transport: memory.MemoryTransport, kind: str) -> dict[str, Any]:
    """The next message of this type."""
    while True:
        message = json.loads(await transport.receive())
        if message["type"] == kind:
            return message


def update(instructions: str) -> str:
    return json.dumps(
        {"type": "session.update", "session": {"type": "realtime", "instructions": instructions}}
    )


def instructions(model: ScriptedModel) -> list[str | None]:
    told = [frame for frame in model.told if isinstance(frame, events.SessionUpdate)]
    return [frame.config.instructions for frame in told]


def test_an_agent_is_what_it_is_before_the_client_says_anything() -> None:
    async def listen(transport: memory.MemoryTransport) -> None:
        await hear(transport, "session.created")
        await anyio.sleep(1)

    model = Answering()
    served(model, listen, config=SessionConfig(instructions="Be an agent."))

    assert instructions(model) == ["Be an agent."]


def test_what_comes_of_that_is_not_for_the_client_who_asked_for_nothing() -> None:
    heard: list[str] = []

    async def settle(transport: memory.MemoryTransport) -> None:
        await hear(transport, "session.created")
        await anyio.sleep(1)
        await transport.send(update("Be brief."))
        with anyio.move_on_after(1):
            while True:
                heard.append(json.loads(await transport.receive())["session"]["instructions"])

    served(Answering(), settle, config=SessionConfig(instructions="Be an agent."))

    assert heard == ["Be brief."]


def test_a_message_that_breaks_the_rules_is_answered_with_an_error_and_nothing_more() -> None:
    async def err(transport: memory.MemoryTransport) -> None:
        await transport.send('{"type": "input_audio_buffer.append", "audio": 5}')
        await transport.send(b"\xff")
        for _ in range(2):
            error = (await hear(transport, "error"))["error"]
            assert error["type"] == "invalid_request_error"
        await transport.send(update("Be brief."))
        await hear(transport, "session.updated")

    served(Answering(), err)


class Busy(ScriptedModel):
    """Works on, whether anyone listens or not."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        await emit(CREATED)
        await anyio.sleep_forever()


@pytest.mark.parametrize("leave", [memory.MemoryTransport.drop, memory.MemoryTransport.aclose])
def test_a_client_that_leaves_ends_it_though_the_model_is_busy(
    leave: Callable[[memory.MemoryTransport], Awaitable[None] | None],
) -> None:
    async def go(transport: memory.MemoryTransport) -> None:
        await hear(transport, "session.created")
        if (leaving := leave(transport)) is not None:
            await leaving

    served(Busy(), go)


class Leaving(ScriptedModel):
    """Has no more to say."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        await emit(CREATED)


def test_a_model_that_has_ended_closes_the_connection_properly() -> None:
    async def talk_on(transport: memory.MemoryTransport) -> None:
        await hear(transport, "session.created")
        with pytest.raises(anyio.EndOfStream):
            await transport.receive()

    served(Leaving(), talk_on)


class Failing(ScriptedModel):
    async def run(self, frames: Frames, emit: Emit) -> None:
        await emit(CREATED)
        raise RuntimeError("out of memory")


def test_a_model_that_fails_fails_the_serving_with_its_name() -> None:
    async def listen(transport: memory.MemoryTransport) -> None:
        await anyio.sleep(1)

    with pytest.raises(ProcessorError, match="Failing failed .* out of memory"):
        served(Failing(), listen)


def test_frames_that_no_client_knows_are_not_sent() -> None:
    class Odd(Frame, frozen=True, kw_only=True):
        pass

    class Strange(ScriptedModel):
        async def run(self, frames: Frames, emit: Emit) -> None:
            await emit(Odd())
            await emit(CREATED)
            await anyio.sleep_forever()

    async def listen(transport: memory.MemoryTransport) -> None:
        assert json.loads(await transport.receive())["type"] == "session.created"

    served(Strange(), listen)


def test_deadlines_are_those_of_the_session_however_long_the_process_has_run() -> None:
    dialect = find_dialect("elevenlabs")
    pings: list[float] = []

    async def main() -> None:
        await anyio.sleep(1000)  # before it: the loop's time is not the session's
        began = anyio.current_time()
        ours, theirs = memory.pair()
        async with anyio.create_task_group() as group:
            group.start_soon(serve, theirs, dialect.server("m"), Answering())
            await ours.send('{"type": "conversation_initiation_client_data"}')
            while len(pings) < 2:
                message = json.loads(await ours.receive())
                if message["type"] == "ping":
                    pings.append(anyio.current_time() - began)
            group.cancel_scope.cancel()
        ours.drop()
        theirs.drop()

    run_virtual(main)

    assert pings == pytest.approx([pings[0], 2 * pings[0]], abs=0.1)
    assert pings[0] > 1
