"""Lines of members that let everything by: what is measured is the way, not the work."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol

from antiphon.pipeline import Audio, Emit, Frame, Frames, Pipeline, Run

RATE = 16_000
PCM = bytes(2 * RATE // 50)
"""20 ms of a microphone."""

AudioKind = Literal["microphone", "speaker"]
"""The same to us; some peers carry a microphone's audio in front of a speaker's."""


class Line(Protocol):
    """Members in a row, with both ends in hand."""

    async def send(self) -> None:
        """Put a frame in."""
        ...

    async def receive(self) -> None:
        """Wait until one has come out."""
        ...


Open = Callable[[int], AbstractAsyncContextManager[Line]]
"""A line of so many members, running."""


class Passes:
    """A processor."""

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame


class PassesAudio:
    """A processor that is asked for its frames' type first."""

    def process(self, frame: Audio) -> Iterator[Audio]:
        yield frame


class Relays:
    """A stage."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            await emit(frame)


class _Fused:
    """What was sent into fused processors has come out when sending returns."""

    def __init__(self, run: Run) -> None:
        self._send = run.send_nowait
        self._frame = Audio(pcm=PCM, rate=RATE)

    async def send(self) -> None:
        self._send(self._frame)

    async def receive(self) -> None:
        pass


class _Staged:
    def __init__(self, run: Run) -> None:
        self._send = run.send
        self._receive = run.__anext__
        self._frame = Audio(pcm=PCM, rate=RATE)

    async def send(self) -> None:
        await self._send(self._frame)

    async def receive(self) -> None:
        await self._receive()


@asynccontextmanager
async def processors(count: int) -> AsyncGenerator[Line, None]:
    async with Pipeline(*(Passes() for _ in range(count))).open(output=False) as run:
        yield _Fused(run)


@asynccontextmanager
async def audio_processors(count: int) -> AsyncGenerator[Line, None]:
    async with Pipeline(*(PassesAudio() for _ in range(count))).open(output=False) as run:
        yield _Fused(run)


@asynccontextmanager
async def stages(count: int) -> AsyncGenerator[Line, None]:
    async with Pipeline(*(Relays() for _ in range(count))).open() as run:
        yield _Staged(run)
