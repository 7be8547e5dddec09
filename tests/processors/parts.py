"""A scripted model, and the events that many of the tests are made of."""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, UnionType
from typing import Any, TypeVar, get_args, overload

import anyio
from anyio import CancelScope
from trio.testing import MockClock

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Audio, Emit, Frame, Frames, Interrupt, Pipeline, now, sleep_until
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.tools import Tools
from tests.processors.offers import INTERRUPTED

F = TypeVar("F", bound=Frame)
T = TypeVar("T")

EMPTY: Mapping[int, Any] = MappingProxyType({})

MS = 1_000
SECOND = 1_000_000

HOUR = 3_600 * SECOND


class ScriptedModel:
    """Says each event at its time and keeps what it is told, with the time.

    It ends when all is said, its input is over and it is *until*, or at *enough* frames.
    """

    takes_back: tuple[type[Frame], ...] = get_args(events.ClientEvent)

    def __init__(
        self,
        *said: Frame,
        until: int = 0,
        enough: float = math.inf,
        input_rate: int = 16_000,
        output_rate: int = 24_000,
    ) -> None:
        self.input_rate = input_rate
        self.output_rate = output_rate
        self.told: list[Frame] = []
        self.times: list[int] = []
        self.said = said
        self._until = until
        self._enough = enough

    async def run(self, frames: Frames, emit: Emit) -> None:
        over = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen, frames, over, group.cancel_scope)
            for event in self.said:
                await sleep_until(event.at)
                await emit(event)
            await over.wait()
            await sleep_until(self._until)
            group.cancel_scope.cancel()

    async def _listen(self, frames: Frames, over: anyio.Event, scope: CancelScope) -> None:
        async for frame in frames:
            self._note(frame)
        over.set()
        while len(self.told) < self._enough:
            self._note(await frames.returned())
        scope.cancel()

    def _note(self, frame: Frame) -> None:
        self.told.append(frame)
        self.times.append(now())


@overload
def of(kind: type[F], frames: Iterable[Frame]) -> list[F]: ...
@overload
def of(kind: UnionType, frames: Iterable[Frame]) -> list[Any]: ...
def of(kind: Any, frames: Iterable[Frame]) -> list[Any]:
    return [frame for frame in frames if isinstance(frame, kind)]


def created(response: str, at: int = 0) -> events.ResponseCreated:
    return events.ResponseCreated(response_id=response, at=at)


def done(response: str, at: int = 0, status: str = "completed") -> events.ResponseDone:
    return events.ResponseDone(response_id=response, status=status, at=at)


def called(
    call: str,
    name: str,
    arguments: str = "{}",
    *,
    at: int = 0,
    response: str = "r",
    expects_output: bool = True,
) -> events.FunctionCallArgumentsDone:
    return events.FunctionCallArgumentsDone(
        response_id=response,
        item_id=f"item of {call}",
        call_id=call,
        name=name,
        arguments=arguments,
        expects_output=expects_output,
        at=at,
    )


def turn(*calls: events.FunctionCallArgumentsDone, at: int = 0) -> Sequence[Frame]:
    """A response "r" that makes *calls* and is then done, all at once."""
    return created("r", at), *calls, done("r", at)


def delta(
    pcm: bytes, *, response: str = "r", item: str = "i", part: int = 0, at: int = 0
) -> events.AudioDelta:
    return events.AudioDelta(
        response_id=response, item_id=item, content_index=part, delta=pcm, at=at
    )


def audio_done(*, response: str = "r", item: str = "i", at: int = 0) -> events.AudioDone:
    return events.AudioDone(response_id=response, item_id=item, at=at)


def answer(call: str, output: str, at: int, *, failed: bool = False) -> Frame:
    """What the model is told of a call."""
    item = FunctionCallOutput(call_id=call, output=output, failed=failed)
    return events.ConversationItemCreate(item=item, at=at)


def asked(at: int) -> Frame:
    return events.ResponseCreate(at=at)


def works(
    call: str, seconds: float, *, at: int = 0, response: str = "r", name: str = "work"
) -> events.FunctionCallArgumentsDone:
    return called(call, name, f'{{"seconds": {seconds}}}', at=at, response=response)


def answered(call: str, seconds: float) -> Frame:
    return answer(call, "worked", round(seconds * SECOND))


def broken_off(call: str, seconds: float) -> Frame:
    return answer(call, INTERRUPTED, round(seconds * SECOND), failed=True)


def interrupt(at: int) -> Interrupt:
    return Interrupt(at=at, reason="the user speaks")


def silence(duration: int, rate: int = 16_000, at: int = 0) -> Audio:
    return Audio(pcm=bytes(2 * (duration * rate // SECOND)), rate=rate, at=at)


def run_mocked(work: Callable[[], Awaitable[T]]) -> T:
    """`run_virtual` on trio, whose clock jumps also while a thread works."""
    clock = MockClock(autojump_threshold=0)
    return anyio.run(work, backend="trio", backend_options={"clock": clock})


def talk(
    tools: Tools,
    *said: Frame,
    acts: Mapping[int, Callable[[], object]] = EMPTY,
    until: int = HOUR,
    run: Callable[[Callable[[], Awaitable[None]]], None] = run_virtual,
) -> list[Frame]:
    """What *tools* tell a model that says all this; *acts* happen beside it, each at its time."""
    model = ScriptedModel(*said, until=until)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(Pipeline(model, tools).run)
            for at, act in acts.items():
                await sleep_until(at)
                act()

    run(main)
    assert [getattr(frame, "at", None) for frame in model.told] == model.times
    return model.told
