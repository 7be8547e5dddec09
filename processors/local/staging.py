"""A model stage that plays the replies of a script, and what happens beside its answers."""

import math
from collections.abc import AsyncIterator, Callable
from typing import Literal

import anyio
import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.pipeline import Emit, Frame, Frames, now
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.local.acting import Actor
from antiphon.processors.local.brain import Brain
from antiphon.processors.local.casting import Book
from antiphon.processors.local.hearing import RATE
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.reply import Fail, tone
from antiphon.processors.local.server import OUTPUT_RATE, Server

USER = (
    bytes(RATE // 5 * SAMPLE_WIDTH) + tone(0.5, RATE, hertz=300.0) + bytes(2 * RATE * SAMPLE_WIDTH)
)
"""How a user sounds who interrupts; the silence behind it ends any usual turn."""

EARS: Literal["energy"] = "energy"
"""What a test says may be a tone, and comes over a quiet line."""

PATIENCE = 2.0
"""Seconds in which an interruption is heard, unless the session detects no turns."""


class Play(Server):
    """A model: the server's side of a session in which *book* is played, from its beginning.

    Equal *seed* and equal input give equal output.
    """

    def __init__(self, book: Book, *, name: str, pace: Pace, seed: int = 0) -> None:
        super().__init__(_nobody, name=name, pace=pace, ears=EARS, seed=seed)
        self._book = book

    async def run(self, frames: Frames, emit: Emit) -> None:
        async with anyio.create_task_group() as group:
            heard = Heard(frames, group)
            said = Said(emit, heard)
            actor = Actor(self._book, said)
            server = Server(
                lambda: actor, name=self.name, pace=self._pace, ears=EARS, seed=self._seed
            )
            try:
                await server.run(heard, said)
            finally:
                heard.close()
            group.cancel_scope.cancel()


class Heard:
    """Frames of a stage, among which others can be put."""

    def __init__(self, frames: Frames, group: TaskGroup) -> None:
        self._frames = frames
        self._send, self._receive = anyio.create_memory_object_stream[Frame](0)
        self._group = group
        self._ended = False
        group.start_soon(self._pass_on)

    async def _pass_on(self) -> None:
        async with self._send:
            async for frame in self._frames:
                await self._send.send(frame)
            self._ended = True

    def put(self, frame: Frame) -> None:
        self._group.start_soon(self._put, frame)

    async def _put(self, frame: Frame) -> None:
        if not self._ended:
            await self._send.send(frame)

    def close(self) -> None:
        self._send.close()
        self._receive.close()

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        return await self._receive.__anext__()

    async def returned(self) -> Frame:
        if not self._ended:
            try:
                return await self._receive.receive()
            except anyio.EndOfStream:
                pass
        return await self._frames.returned()


class Said:
    """What a model emits, on its way out: where answers fail, and are interrupted."""

    def __init__(self, emit: Emit, heard: Heard) -> None:
        self._emit = emit
        self._heard = heard
        self._failed: Fail | None = None
        self._cut = math.inf
        """Samples of speech that are still to be sent before the user speaks over it."""
        self._interrupted: Callable[[], None] = _nothing

    async def fail(self, fail: Fail) -> None:
        self._failed = fail
        await self._emit(
            events.Error(message=fail.message, code=fail.code, error_type="server_error", at=now())
        )

    def cut(self, after: float, interrupted: Callable[[], None]) -> None:
        self._cut, self._interrupted = round(after * OUTPUT_RATE), interrupted

    async def __call__(self, frame: Frame) -> None:
        if isinstance(frame, events.AudioDelta):
            if self._cut <= 0:
                self._cut = math.inf
                self._interrupted()
                self._heard.put(events.InputAudioAppend(audio=USER, at=now()))
                await anyio.sleep(PATIENCE)  # unless the response is cancelled, as it should be
            self._cut -= len(frame.delta) // SAMPLE_WIDTH
        await self._emit(frame)

    def nowait(self, frame: Frame) -> None:
        if isinstance(frame, events.ResponseDone):
            self._cut = math.inf
            fail, self._failed = self._failed, None
            if fail is not None and frame.status == "completed":
                why = events.ErrorDetail(
                    message=fail.message, code=fail.code, error_type="server_error"
                )
                frame = msgspec.structs.replace(frame, status="failed", reason="error", error=why)
        self._emit.nowait(frame)

    def back(self, frame: Frame) -> None:
        self._emit.back(frame)


def _nobody() -> Brain:
    raise RuntimeError("each run of a play has an actor of its own")


def _nothing() -> None:
    pass
