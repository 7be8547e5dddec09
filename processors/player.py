"""Plays what a pipeline says: what sinks of every kind have in common."""

from collections.abc import Awaitable, Callable
from itertools import count

import msgspec
from anyio import CancelScope, move_on_after, sleep_forever

from antiphon.codecs.events import AudioDone
from antiphon.pipeline.clock import now
from antiphon.pipeline.frames import Audio, Frame, Interrupt
from antiphon.pipeline.members import Emit, Frames
from antiphon.processors.playout import Playout

Write = Callable[[bytes, int], Awaitable[None] | None]
"""Is given PCM, and the session time in microseconds at which its first sample is heard."""

LIMIT = 600_000_000
"""Microseconds of audio that a sink takes in ahead of playing it: ten minutes."""


class Player:
    """Puts the frames of a sink into a playout and sends back what was heard.

    Models speak faster than real time, so frames are taken in as they come, up to the
    playout's limit: an Interrupt never stands behind audio. *moment* turns the time of a
    report, which counts from the first sample, into session time.
    """

    def __init__(
        self, playout: Playout, frames: Frames, emit: Emit, moment: Callable[[int], int]
    ) -> None:
        self.playout = playout
        self.ended = False
        """The input has ended: what waits in the playout is all that will be heard."""
        self.paused = False
        """The playout was full when it was looked at: what comes is read later."""
        self._frames = frames
        self._emit = emit
        self._moment = moment
        self._reading = CancelScope()

    async def read(self, until: int | None = None) -> None:
        """Take frames in until session time is *until* or `wake` is called."""
        delay = None if until is None else (until - now()) / 1_000_000
        with move_on_after(delay) as self._reading:
            if not self.ended:
                await self._take_in()
            await sleep_forever()

    def wake(self) -> None:
        """End `read`; for the loop's own thread only."""
        self._reading.cancel()

    def accept(self, frame: Frame) -> None:
        """Do with *frame*, which may be of any type, what a sink does."""
        match frame:
            case Audio():
                self.playout.put(frame)
            case AudioDone():
                self.playout.done(frame.response_id, frame.item_id, frame.content_index)
                self.report()
            case Interrupt():
                cut_off = self.playout.clear()
                self.report()
                for cleared in cut_off:
                    self._emit.back(msgspec.structs.replace(cleared, at=now()))
            case _:
                pass

    def end(self) -> None:
        """Nothing more will be put."""
        self.ended = True
        self.playout.close()
        self.report()

    def report(self) -> None:
        """Send back what has been heard since the last time."""
        reports = self.playout.reports
        while reports:
            report = reports.popleft()
            self._emit.back(msgspec.structs.replace(report, at=self._moment(report.at)))

    async def _take_in(self) -> None:
        self.paused = self.playout.full
        if self.paused:
            return
        async for frame in self._frames:
            self.accept(frame)
            if self.playout.full:
                self.paused = True
                return
        self.end()


class PacedSink:
    """Hands audio at *rate* to *write* as a sound card would: a *block* each time one is due.

    It plays what comes, in order and without a gap, and silence in between; with
    *silence* false, *write* gets only what was said. A block counts as heard once it was
    taken to be written. It sends back OutputPlaybackStarted, Stopped and Cleared, and ends
    when the input has ended and all of it was played.

    *write* is a function or a coroutine function; while it is busy, nothing else happens
    here. *block* and *limit* are microseconds.
    """

    def __init__(
        self,
        write: Write,
        *,
        rate: int = 24_000,
        block: int = 20_000,
        limit: int = LIMIT,
        silence: bool = True,
    ) -> None:
        if block * rate < 1_000_000:
            raise ValueError(f"a block of {block} us has no samples at {rate} Hz")
        self.rate = rate
        self.takes_rates = frozenset({rate})
        self._write = write
        self._block = block
        self._limit = limit
        self._silence = silence

    async def run(self, frames: Frames, emit: Emit) -> None:
        start = now()
        playout = Playout(self.rate, limit=self._limit)
        player = Player(playout, frames, emit, lambda position: start + position)
        for block in count():
            at = start + block * self._block
            await player.read(until=at)
            if player.ended and playout.idle:
                return
            samples = self._samples(block + 1) - self._samples(block)
            wanted = samples if self._silence else min(samples, playout.waiting)
            pcm = playout.take(samples)[: 2 * wanted]
            if pcm and (writing := self._write(pcm, at)) is not None:
                await writing
            player.report()

    def _samples(self, blocks: int) -> int:
        return blocks * self._block * self.rate // 1_000_000
