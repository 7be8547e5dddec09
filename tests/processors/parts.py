"""A scripted model, and the events that many of the tests are made of."""

from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

import anyio

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Audio, Emit, Frame, Frames, Interrupt, now, sleep_until

T = TypeVar("T", bound=Frame)

MS = 1_000
SECOND = 1_000_000

HOUR = 3_600 * SECOND


class ScriptedModel:
    """Says each event at its time and keeps what it is told, with the time; ends at *until*."""

    takes_back: tuple[type[Frame], ...] = get_args(events.ClientEvent)

    def __init__(
        self,
        *said: Frame,
        until: int = HOUR,
        input_rate: int = 16_000,
        output_rate: int = 24_000,
    ) -> None:
        self.input_rate = input_rate
        self.output_rate = output_rate
        self.told: list[Frame] = []
        self.times: list[int] = []
        self._said = said
        self._until = until

    async def run(self, frames: Frames, emit: Emit) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen, frames)
            for event in self._said:
                await sleep_until(event.at)
                await emit(event)
            await sleep_until(self._until)
            group.cancel_scope.cancel()

    async def _listen(self, frames: Frames) -> None:
        async for frame in frames:
            self._note(frame)
        while True:
            self._note(await frames.returned())

    def _note(self, frame: Frame) -> None:
        self.told.append(frame)
        self.times.append(now())


def of(kind: type[T], frames: Iterable[Frame]) -> list[T]:
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


def interrupt(at: int) -> Interrupt:
    return Interrupt(at=at, reason="the user speaks")


def silence(duration: int, rate: int = 16_000, at: int = 0) -> Audio:
    return Audio(pcm=bytes(2 * (duration * rate // SECOND)), rate=rate, at=at)
