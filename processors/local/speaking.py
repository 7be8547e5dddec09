"""Synthesis in a worker thread, handed to the event loop as it is made."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio import from_thread, to_thread

from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import Converter

Give = Callable[[bytes], None]

BUNDLE = 0.5
"""Seconds of speech that are handed over at once, after the first piece: each costs a
thread's call of the loop, which takes longer than making the speech does."""


@asynccontextmanager
async def spoken(voice: Voice, text: str, rate: int) -> AsyncGenerator[AsyncIterator[bytes]]:
    """*text* as samples at *rate*, in pieces; left early, the synthesis stops at its next."""
    send, receive = anyio.create_memory_object_stream[bytes](math.inf)

    def give(pcm: bytes) -> None:
        if not synthesis.stopped:  # it may have been when the thread had already called
            send.send_nowait(pcm)

    synthesis = _Synthesis(voice, text, rate, give)

    async def work() -> None:
        with send:
            await to_thread.run_sync(synthesis.run)

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        with receive:
            try:
                yield receive
            finally:
                synthesis.stopped = True


class _Synthesis:
    """One text, spoken in a worker thread."""

    def __init__(self, voice: Voice, text: str, rate: int, give: Give) -> None:
        self.stopped = False
        self._voice = voice
        self._text = text
        self._give = give
        self._converter = Converter(voice.rate, rate) if voice.rate != rate else None
        self._enough = 1
        self._bundle = round(BUNDLE * rate) * SAMPLE_WIDTH
        self._waiting = bytearray()

    def run(self) -> None:
        self._voice.say(self._text, self._take)
        if self._converter is not None:
            self._waiting += self._converter.flush()
        self._hand_over()

    def _take(self, pcm: bytes) -> bool:
        self._waiting += self._converter.convert(pcm) if self._converter else pcm
        if len(self._waiting) >= self._enough:
            self._hand_over()
            self._enough = self._bundle
        return not self.stopped

    def _hand_over(self) -> None:
        pcm = bytes(self._waiting)
        self._waiting.clear()
        if pcm and not self.stopped:
            from_thread.run_sync(self._give, pcm)
