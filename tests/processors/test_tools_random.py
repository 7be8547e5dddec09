"""Random conversations with tools: every call is answered once, no response is asked for in vain."""

from collections.abc import Sequence

import anyio
import msgspec
from anyio.abc import TaskGroup
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Emit, Frames, Pipeline, now, sleep_until
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.realtime import Downlink
from antiphon.processors.tools import Tool, Tools
from tests.processors.parts import MS, SECOND, called

GRID = 10 * MS
"""Users speak on it, models 1 ms behind, tools answer 3 ms behind: nothing happens at once."""


class PlannedCall(msgspec.Struct, frozen=True):
    after: int
    lasts: int
    finish: bool


class PlannedResponse(msgspec.Struct, frozen=True):
    calls: Sequence[PlannedCall]
    lasts: int


class PlannedTurn(msgspec.Struct, frozen=True):
    """The user waits, speaks, and is answered."""

    after: int
    lasts: int


class Made(msgspec.Struct):
    """What became of a call."""

    plan: PlannedCall
    response: str
    at: int
    answers: list[tuple[int, bool]]


class Provider:
    """Answers each turn, and each ResponseCreate, with the next response of its plan."""

    takes_back = (events.ConversationItemCreate, events.ResponseCreate)

    def __init__(self, turns: Sequence[PlannedTurn], responses: Sequence[PlannedResponse]) -> None:
        self.calls: dict[str, Made] = {}
        self.asked: list[int] = []
        self.spoke: list[int] = []
        self.ended: dict[str, tuple[int, str]] = {}
        self._turns = turns
        self._responses = enumerate(responses)
        self._speaking = False
        self._pending = False
        self._running: tuple[str, anyio.CancelScope] | None = None

    async def run(self, frames: Frames, emit: Emit) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen, frames, emit, group)
            at = 0
            for turn in self._turns:
                await self._turn(turn, at := at + turn.after * GRID, emit, group)
                at += turn.lasts * GRID
            await sleep_until(at + 1_000 * SECOND)
            group.cancel_scope.cancel()

    async def _turn(self, turn: PlannedTurn, at: int, emit: Emit, group: TaskGroup) -> None:
        await sleep_until(at)
        self._speaking = True
        self.spoke.append(at)
        await emit(events.SpeechStarted(at=at))
        if self._running is not None:
            response, scope = self._running
            scope.cancel()
            await self._done(response, "cancelled", emit)
        await sleep_until(at + turn.lasts * GRID)
        self._speaking = False
        await emit(events.SpeechStopped(at=now()))
        if self._running is None:
            await self._respond(emit, group)

    async def _listen(self, frames: Frames, emit: Emit, group: TaskGroup) -> None:
        while True:
            match frame := await frames.returned():
                case events.ConversationItemCreate(item=FunctionCallOutput() as output):
                    self.calls[output.call_id].answers.append((frame.at, output.failed))
                case events.ResponseCreate():
                    assert self._running is None
                    assert not self._speaking
                    assert not self._pending
                    self.asked.append(now())
                    self._pending = True
                    group.start_soon(self._respond_soon, emit, group)
                case _:
                    raise AssertionError(frame)

    async def _respond_soon(self, emit: Emit, group: TaskGroup) -> None:
        await sleep_until(now() // GRID * GRID + 3 * GRID + MS)
        if self._pending and not self._speaking:
            await self._respond(emit, group)

    async def _respond(self, emit: Emit, group: TaskGroup) -> None:
        number, plan = next(self._responses, (len(self.ended), PlannedResponse((), 1)))
        response = f"r{number}"
        self._pending = False
        self._running = response, anyio.CancelScope()
        await emit(events.ResponseCreated(response_id=response, at=now()))
        group.start_soon(self._say, response, plan, emit)

    async def _say(self, response: str, plan: PlannedResponse, emit: Emit) -> None:
        assert self._running is not None
        start = now() // GRID * GRID + MS
        with self._running[1]:
            for number, call in enumerate(plan.calls):
                await sleep_until(start + call.after * GRID)
                name = f"{response} call {number}"
                self.calls[name] = Made(call, response, now(), [])
                arguments = msgspec.json.encode({"milliseconds": call.lasts * 10 + 2}).decode()
                tool = "book" if call.finish else "work"
                await emit(called(name, tool, arguments, at=now(), response=response))
            await sleep_until(start + plan.lasts * GRID)
            await self._done(response, "completed", emit)

    async def _done(self, response: str, status: str, emit: Emit) -> None:
        self._running = None
        self.ended[response] = now(), status
        await emit(events.ResponseDone(response_id=response, status=status, at=now()))


async def work(milliseconds: int) -> None:
    await anyio.sleep(milliseconds / 1_000)


steps = st.integers(0, 40)
calls = st.builds(PlannedCall, after=st.integers(0, 9), lasts=steps, finish=st.booleans())
responses = st.builds(PlannedResponse, calls=st.lists(calls, max_size=3), lasts=st.integers(28, 60))
turns = st.builds(PlannedTurn, after=st.integers(1, 80), lasts=st.integers(1, 30))


@settings(max_examples=300, deadline=None)
@given(
    turns=st.lists(turns, min_size=1, max_size=6),
    responses=st.lists(responses, max_size=12),
    shuffle=st.integers(0, 2**16) | st.none(),
)
def test_whatever_happens_calls_are_answered_once_and_responses_asked_for_in_their_time(
    turns: list[PlannedTurn], responses: list[PlannedResponse], shuffle: int | None
) -> None:
    provider = Provider(turns, responses)
    tools = Tools(work, Tool(work, name="book", finish=True))

    run_virtual(Pipeline(provider, Downlink(24_000), tools).run, shuffle=shuffle)

    ready: dict[str, int] = {}
    spoiled: set[str] = set()
    for made in provider.calls.values():
        end = made.at + (made.plan.lasts * 10 + 2) * MS
        cut = [at for at in provider.spoke if made.at < at < end and not made.plan.finish]
        assert made.answers == [(min(cut, default=end), bool(cut))]
        ended, status = provider.ended[made.response]
        ready[made.response] = max(ready.get(made.response, 0), end, ended)
        if cut or status == "cancelled":
            spoiled.add(made.response)
    continued = sorted(at for response, at in ready.items() if response not in spoiled)

    assert len(provider.asked) <= len(continued)
    assert all(ask >= at for ask, at in zip(provider.asked, continued, strict=False))
    assert bool(provider.asked) == bool(continued)
    assert max(provider.asked, default=0) >= max(continued, default=0)
