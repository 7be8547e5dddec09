"""A recorded session's surroundings: who spoke, who listened, and whom the model was behind."""

import math
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Self

import anyio

from antiphon.codecs.wire import Message
from antiphon.pipeline import Emit, Frame, Frames, clock
from antiphon.processors.remote import Wanted
from antiphon.recording.records import WIRE_OUT, Body, Connected, Side, Topic, Wired, wired
from antiphon.transports import Closed, ConnectError, Transport

Tell = Callable[[Topic, Body], None]
"""Is told what is sent."""


async def until(time: int) -> None:
    """Wait until session time is *time* nanoseconds: the recorder's clock, without rounding.

    Where it is already, nobody else gets a turn. Of all that is to happen at that time this comes
    first, as its timer is the least bit earlier: what came in then is not late now.
    """
    moment = math.nextafter(clock.epoch() + time / 1e9, -math.inf)
    if anyio.current_time() < moment:
        await anyio.sleep_until(moment)


async def settled() -> None:
    """Wait until all has been done that can be done at this moment of a virtual clock.

    What a thread calls comes after everything else that is ready.
    """
    await anyio.to_thread.run_sync(lambda: None)


class Voice:
    """The source: gives what `say` is told. It ends with `hang_up`."""

    def __init__(self, name: str, rate: int | None) -> None:
        self.name = name
        self.gives_rate = rate
        self._emit: Emit | None = None
        self._over = anyio.Event()
        self._ready = anyio.Event()

    async def say(self, frame: Frame) -> None:
        await self._ready.wait()
        if self._emit is not None:
            await self._emit(frame)

    def hang_up(self) -> None:
        self._over.set()

    async def run(self, frames: Frames, emit: Emit) -> None:
        self._emit = emit
        self._ready.set()
        try:
            await self._over.wait()
        finally:
            self._emit = None


class Ear:
    """The sink: hears everything, and reports what the recorded one reported."""

    def __init__(self, name: str, rate: int | None) -> None:
        self.name = name
        self.takes_rates = None if rate is None else frozenset({rate})
        self._emit: Emit | None = None

    def report(self, frame: Frame) -> None:
        if self._emit is not None:
            self._emit.back(frame)

    async def run(self, frames: Frames, emit: Emit) -> None:
        self._emit = emit
        try:
            async for _ in frames:
                pass
        finally:
            self._emit = None


class Remembered:
    """A transport whose other side says what it is made to say by `hear`.

    *tell* is told what is sent. Where nothing is said of its end, it falls silent.
    """

    def __init__(self, number: int, tell: Tell, side: Side = "model") -> None:
        self.closed: Closed | None = None
        """As the one who receives has learned it."""
        self._broken: Closed | None = None
        self._number = number
        self._tell = tell
        self._side: Side = side
        self._heard: deque[Wired | Connected] = deque()
        self._arrived = anyio.Event()

    def hear(self, body: Wired | Connected) -> None:
        self._heard.append(body)
        self._arrived.set()
        if isinstance(body, Connected):
            self._broken = Closed(body.code or 1006, body.reason)
            self._broken.retryable = body.retryable

    async def send(self, message: Message) -> None:
        if self._broken is not None:
            raise self._broken
        self._tell(WIRE_OUT, wired(self._number, message, self._side))

    async def receive(self) -> Message:
        if self.closed is not None:
            raise anyio.EndOfStream
        while not self._heard:
            self._arrived = anyio.Event()
            await self._arrived.wait()
        body = self._heard.popleft()
        if isinstance(body, Wired):
            return body.message
        self.closed = ending = self._broken or Closed()
        raise anyio.EndOfStream if ending.clean else ending

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        self.closed = self._broken = self._broken or Closed(code, reason)


class Network:
    """The recorded connections, each opened when it was, in the order in which they were."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._lines: dict[int, Remembered] = {}
        self._answered: deque[Connected] = deque()
        self._answer = anyio.Event()

    def hear(self, body: Wired | Connected) -> None:
        """The other side says so now, or does so."""
        if isinstance(body, Connected) and body.what != "closed":
            self._lines[body.connection] = Remembered(body.connection, self._tell)
            self._answered.append(body)
            self._answer.set()
        elif (line := self._lines.get(body.connection)) is not None:
            line.hear(body)

    @asynccontextmanager
    async def open(self, handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
        while not self._answered:  # for ever, if it is more often than then
            self._answer = anyio.Event()
            await self._answer.wait()
        answer = self._answered.popleft()
        if answer.what == "failed":
            error = ConnectError(answer.reason)
            error.retryable = answer.retryable
            raise error
        transport = self._lines[answer.connection]
        try:
            yield transport
        finally:
            await transport.aclose()
