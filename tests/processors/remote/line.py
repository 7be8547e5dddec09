"""A call in memory: messages and sound both ways, each as late as a test wants it."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

import anyio

from antiphon.codecs.dialect import Dialect
from antiphon.pipeline import Audio, now
from antiphon.processors.remote import Remote, Wanted
from antiphon.processors.resampler import Converter
from antiphon.transports import Closed, Message, Transport
from tests.processors.remote.calls import QUICK, Agent, Line, by_itself

RATE = 24_000

PACKET = 20_000
"""Microseconds of sound that leave at once."""

SIZE = 2 * RATE * PACKET // 1_000_000


class End:
    """One end of a call; what it sends takes as long as it says, in seconds."""

    def __init__(self, messages: float, sound: float) -> None:
        self.closed: Closed | None = None
        self.sent = 0
        self.other: End
        self._lag_of_messages = messages
        self._lag_of_sound = sound
        self._pcm = bytearray()
        self._converters: dict[int, Converter] = {}
        self._messages = deque[Message]()
        self._sound = deque[Audio]()
        self._arrived = anyio.Event()
        self._moved = anyio.Event()

    @property
    def queued(self) -> int:
        return len(self._pcm) // 2 * 1_000_000 // RATE

    async def send(self, message: Message) -> None:
        if self.closed is not None:
            raise self.closed
        later = asyncio.get_running_loop().call_later
        later(self._lag_of_messages, self.other._get, self.other._messages, message)

    async def receive(self) -> Message:
        raise NotImplementedError

    async def hear(self) -> Message | Audio:
        while not self._messages:
            if self.closed is not None:
                if self.closed.clean:
                    raise anyio.EndOfStream
                raise self.closed
            if self._sound:
                return self._sound.popleft()
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self._messages.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        raise NotImplementedError

    async def play(self, frame: Audio) -> None:
        if self.closed is not None:
            raise self.closed
        pcm = frame.pcm
        if frame.rate != RATE:
            converter = self._converters.setdefault(frame.rate, Converter(frame.rate, RATE))
            pcm = converter.convert(pcm)
        self._pcm += pcm

    async def left(self, position: float) -> None:
        while self.sent < position and self._pcm and self.closed is None:
            self._moved = anyio.Event()
            await self._moved.wait()

    def clear(self) -> int:
        forgotten = self.queued
        self._pcm.clear()
        self._moved.set()
        return forgotten

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        self.end(Closed(code, reason))

    def end(self, ending: Closed) -> None:
        for end in (self, self.other):
            end.closed = end.closed or ending
            end._pcm.clear()
            end._arrived.set()
            end._moved.set()

    async def pace(self) -> None:
        """A packet leaves every 20 ms, of what is queued or of silence."""
        began = anyio.current_time()
        later = asyncio.get_running_loop().call_later
        packets = 0
        while self.closed is None:
            packets += 1
            await anyio.sleep_until(began + packets * PACKET / 1_000_000)
            pcm = bytes(self._pcm[:SIZE])
            del self._pcm[:SIZE]
            self.sent += len(pcm) // 2 * 1_000_000 // RATE
            self._moved.set()
            frame = Audio(pcm=pcm.ljust(SIZE, b"\0"), rate=RATE, at=now())
            later(self._lag_of_sound, self.other._get, self.other._sound, frame)

    def _get(self, kind: deque[Message] | deque[Audio], what: Message | Audio) -> None:
        if self.closed is None:
            kind.append(what)  # pyright: ignore[reportArgumentType]  # each has its own kind
            self._arrived.set()


def call(messages: float = 0.0, sound: float = 0.0) -> tuple[End, End]:
    """Both ends of one."""
    ends = End(messages, sound), End(messages, sound)
    ends[0].other, ends[1].other = ends[1], ends[0]
    return ends


@asynccontextmanager
async def by_line(
    dialect: Dialect, *, messages: float = 0.01, sound: float = 0.03
) -> AsyncGenerator[Line]:
    """A bot's way to an agent of *dialect*, by calls in memory."""
    agent = Agent(dialect, "local/assistant")
    ends: list[End] = []

    @asynccontextmanager
    async def open(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
        config = await wanted() if dialect.continuous else None
        ours, theirs = call(messages, sound)
        ends.append(theirs)
        group.start_soon(ours.pace)
        group.start_soon(theirs.pace)
        group.start_soon(agent.serve, theirs, config)
        try:
            yield ours
        finally:
            await ours.aclose()

    async def drop() -> None:
        ends[-1].end(Closed())

    remote = Remote(dialect, "m", open, retry=QUICK, seed=1)
    with by_itself():
        async with anyio.create_task_group() as group:
            yield Line(remote=remote, agent=agent, drop=drop, pace=1.0)
            group.cancel_scope.cancel()
