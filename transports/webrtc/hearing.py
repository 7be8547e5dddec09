"""What the other side says: packets in, audio at the pipeline's rate out."""

import asyncio
from collections import deque
from typing import Self

import anyio

from antiphon.pipeline.clock import now
from antiphon.pipeline.frames import Audio
from antiphon.transports.webrtc import opus
from antiphon.transports.webrtc.jitter import Gap, JitterBuffer, Packet
from antiphon.transports.webrtc.shorten import LONGEST, shorten

HELD = 2_000_000
"""Microseconds of audio that wait for the pipeline before the oldest is lost."""

FADED = 100_000
"""Microseconds after which a concealed gap has become silence."""

TOLERATED = 5_000
"""Microseconds of delay beyond what jitter needs that are left alone."""

URGENT = 60_000
"""Beyond so many, something is left out of a voice too, heard or not."""

BETWEEN = 3
"""Packets from one that was shortened to the next, while somebody speaks."""


class Hearing:
    """Audio as it is to be heard, one frame after the other without a gap, as from a microphone.

    It begins with the first packet. Where packets are lost or nothing comes, it goes on with
    what conceals that, and then silence. `at` is when a frame's first sample was heard, in
    session time. Only one task may receive. It ends when the connection has.
    """

    def __init__(self, rate: int, *, jitter: JitterBuffer | None = None) -> None:
        self.rate = rate
        self.lost = 0
        """Microseconds of audio that the pipeline did not take in time."""
        self.concealed = 0
        """Microseconds for which nothing had come."""
        self.shortened = 0
        """Microseconds that were left out to catch up."""
        self.jitter = jitter or JitterBuffer()
        self._loop = asyncio.get_running_loop()
        self._decoder = opus.Decoder(rate)
        self._source: int | None = None
        self._spared = 0
        self._timer: asyncio.TimerHandle | None = None
        self._frames: deque[tuple[Audio, float]] = deque()
        self._waits = 0
        self.arrived = asyncio.Event()
        """Set whenever there is a frame more, or will be none."""
        self._ended = False

    def hear(self, source: int, sequence: int, timestamp: int, payload: bytes) -> None:
        """A packet has come, of the stream *source*."""
        samples = opus.length(payload)
        if self._ended or not samples:
            return
        at = self._now()
        if source != self._source:
            self._source = source
            self.jitter.restart()
        self.jitter.put(Packet(sequence, timestamp, samples, payload), at)
        self._play()

    def close(self) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        self.arrived.set()

    @property
    def waiting(self) -> bool:
        """There is a frame to be received."""
        return bool(self._frames)

    async def receive(self) -> Audio:
        """The next frame. Raises EndOfStream when there will be none."""
        while not self._frames:
            if self._ended:
                raise anyio.EndOfStream
            self.arrived.clear()
            await self.arrived.wait()
        return self.take()

    def take(self) -> Audio:
        """The frame that is waiting."""
        frame, heard = self._frames.popleft()
        self._waits -= frame.duration
        age = round((self._loop.time() - heard) * 1_000_000)
        return Audio(pcm=frame.pcm, rate=frame.rate, at=now() - age - frame.duration)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Audio:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    def _now(self) -> int:
        return round(self._loop.time() * 1_000_000)

    def _play(self) -> None:
        """Gives out all that is due, and comes back when something will be."""
        at = self._now()
        while (due := self.jitter.take(at)) is not None:
            self._give(self._concealed(due) if isinstance(due, Gap) else self._decoded(due))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (deadline := self.jitter.deadline) is not None:
            self._timer = self._loop.call_at(deadline / 1_000_000, self._play)

    def _decoded(self, packet: Packet) -> bytes:
        pcm = self._decoder.decode(packet.payload)
        excess = self.jitter.excess
        self._spared += 1
        if excess <= TOLERATED:
            return pcm
        urgent = excess > URGENT and self._spared > BETWEEN
        less = shorten(pcm, self.rate, min(excess, LONGEST), anyhow=urgent)
        left_out = (len(pcm) - len(less)) // 2 * 1_000_000 // self.rate
        if left_out:
            self._spared = 0
            self.shortened += left_out
            self.jitter.catch_up(left_out)
        return less

    def _concealed(self, gap: Gap) -> bytes:
        self.concealed += gap.duration
        if gap.before < FADED:
            return self._decoder.conceal(gap.duration)
        return bytes(gap.duration * self.rate // 1_000_000 * 2)

    def _give(self, pcm: bytes) -> None:
        if not pcm:
            return  # the resampler keeps the first samples of all
        frame = Audio(pcm=pcm, rate=self.rate)
        self._frames.append((frame, self._loop.time()))
        self._waits += frame.duration
        while self._waits > HELD:
            oldest, _ = self._frames.popleft()
            self._waits -= oldest.duration
            self.lost += oldest.duration
        self.arrived.set()
