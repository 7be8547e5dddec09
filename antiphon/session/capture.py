"""Lets a session hear a microphone, or whatever stands for one."""

from collections.abc import AsyncIterable, AsyncIterator, Callable

import anyio
from anyio import CancelScope, Event

from antiphon.pipeline import Audio, Pipeline
from antiphon.pipeline.errors import ProcessorError, leaf
from antiphon.pipeline.members import Stage
from antiphon.processors.rate import Rate

CLOSING = 1.0
"""Seconds that an iterable has to clean up."""

Source = Stage | AsyncIterable[Audio | bytes]
"""A source member such as MicSource, or audio from elsewhere; bytes are at the session's rate."""


class Capture:
    """One source, which can be paused: read while it runs, left alone while it does not.

    A member is closed by a pause and run anew after it, as a microphone should be. Of an iterable
    the next piece is not asked for; one that was asked for already is lost.
    """

    def __init__(self, source: Source, rate: int, heard: Callable[[bytes], None]) -> None:
        self._member = None if isinstance(source, AsyncIterable) else source
        self._pieces = aiter(source) if isinstance(source, AsyncIterable) else None
        self._rate = rate
        self._heard = heard
        self._converter = Rate(rate)
        self._runs = True
        self._changed = Event()
        self._scope = CancelScope()
        self._reading = CancelScope()

    async def run(self) -> None:
        """Until the source ends or `stop`; raises what the source raises."""
        with self._scope:
            while True:
                while not self._runs:
                    self._changed = Event()
                    await self._changed.wait()
                if self._pieces is not None:
                    if not await self._next_piece(self._pieces):
                        return
                elif self._member is not None:
                    with CancelScope() as self._reading:
                        await self._run_member(self._member)
                        return

    def pause(self) -> None:
        self._runs = False
        self._reading.cancel()

    def resume(self) -> None:
        self._runs = True
        self._changed.set()

    def stop(self) -> None:
        """For good."""
        self._runs = False
        self._scope.cancel()

    async def aclose(self) -> None:
        """Let the iterable clean up after itself."""
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            with CancelScope(shield=True), anyio.move_on_after(CLOSING):
                await close()

    async def _run_member(self, source: Stage) -> None:
        try:
            async with Pipeline(source).open() as run:
                async for frame in run:
                    if isinstance(frame, Audio):
                        self._hear(frame)
        except ProcessorError as error:
            raise (
                leaf(error.__cause__) if isinstance(error.__cause__, Exception) else error
            ) from error

    async def _next_piece(self, pieces: AsyncIterator[Audio | bytes]) -> bool:
        """False once there are no more."""
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            return False
        if self._runs:
            self._hear(Audio(pcm=piece, rate=self._rate) if isinstance(piece, bytes) else piece)
        return True

    def _hear(self, audio: Audio) -> None:
        self._heard(self._converter.change(audio.pcm, audio.rate, self._rate))
