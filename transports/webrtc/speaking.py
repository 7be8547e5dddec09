"""What is said to the other side: audio in, at any pace; packets out, one every 20 ms."""

import asyncio
import math
from collections import deque

from antiphon.pipeline.frames import Audio
from antiphon.transports.webrtc import opus

ROOM = 600_000_000
"""Microseconds that may wait: as many as a sink takes in ahead, since models speak so fast."""

PATIENCE = 10_000
"""Microseconds for which a packet waits for audio in the middle of a speech."""

HANGOVER = 5
"""Packets of encoded silence after a speech, so that it does not end in a click."""

REVIEWED = 25
"""Packets after which it shows whether audio always waits."""

PROMPT = 3_000
"""Microseconds of waiting that are kept, against jitter."""

LIVE = 100_000
"""Microseconds of waiting that live speech may have piled up, whatever the pieces it comes in."""

STEADY = 40_000
"""Where waiting changes by less, audio comes just as fast as it is said, and so is live too.

What is made faster than it is said waits longer and longer, and keeps its time.
"""

ABANDONED = 500_000
"""Microseconds after which packets that nobody came for are not sent late, but never."""


class Speaking:
    """A queue of audio that leaves in packets, at the pace at which it is heard.

    It holds up to *room* microseconds. When there is nothing to say it says silence. Speech
    that is live, given in just as fast as it is said, finds the packets sent soon after it
    comes: their times move to where the audio's are.
    """

    def __init__(self, rate: int, *, room: int = ROOM) -> None:
        if room < opus.FRAME:
            raise ValueError(f"there must be room for a packet: {opus.FRAME} us, not {room}")
        encoded = rate if rate in opus.RATES else 48_000
        self.muted = False
        """Says silence instead; what is to be said passes in its time, unheard."""
        self.sent = 0
        """Microseconds of the audio that was given in and has left."""
        self._loop = asyncio.get_running_loop()
        self._encoder = opus.Encoder(encoded)
        self._resampler = opus.Resampler(encoded)
        self._room = room
        self._pcm = bytearray()
        self._arrivals: deque[tuple[int, int]] = deque()
        """How many bytes had come in all, and when."""
        self._in = 0
        self._out = 0
        self._clears = 0
        self._taken = asyncio.Event()
        self._given = asyncio.Event()
        self._ended = False
        self._due: int | None = None
        self._timestamp = -1
        self._silences = HANGOVER
        self._waits: list[int] = []

    @property
    def queued(self) -> int:
        """Microseconds that wait to leave."""
        return len(self._pcm) // 2 * 1_000_000 // self._encoder.rate

    async def play(self, frame: Audio) -> None:
        """Says *frame* after what is queued; waits while there is no room.

        What waits for room is forgotten by `clear`, too.
        """
        cleared = self._clears
        while self.queued + frame.duration > self._room and self.queued and not self._ended:
            self._taken.clear()
            await self._taken.wait()
            if cleared != self._clears:
                return
        if self._ended:
            return
        pcm = self._resampler.convert(frame.pcm, frame.rate)
        self._pcm += pcm
        self._in += len(pcm)
        self._arrivals.append((self._in, self._now()))
        self._given.set()

    async def drain(self) -> None:
        """Waits until all has left, or will not."""
        await self.left(math.inf)

    async def left(self, position: float) -> None:
        """Waits until *position* microseconds have left, or no more are queued."""
        while self.sent < position and self._pcm and not self._ended:
            self._taken.clear()
            await self._taken.wait()

    def clear(self) -> int:
        """Forgets what is queued, at once; how many microseconds that was."""
        forgotten = self.queued
        self._out += len(self._pcm)
        self._pcm.clear()
        self._arrivals.clear()
        self._waits.clear()
        self._clears += 1
        self._taken.set()
        return forgotten

    def close(self) -> None:
        self._ended = True
        self.clear()
        self._given.set()

    async def packet(self) -> tuple[bytes, int]:
        """The next packet when it is time, and its RTP time."""
        at = self._now()
        if self._due is None:
            self._due = at
        late = at - self._due
        if late > ABANDONED or not self._pcm:
            # Silence, and what is too late, is not made up for.
            missed = max(0, late // opus.FRAME)
            self._timestamp += missed
            self._due += missed * opus.FRAME
        await self._until(self._due)
        short = len(self._pcm) < self._encoder.size
        if short and (self._pcm or not self._silences) and await self._came(self._due + PATIENCE):
            # The times of packets move to where the audio is.
            self._due = max(self._due, self._now())
        payload = self._encoded()
        self._due += opus.FRAME
        self._timestamp += 1
        return payload, opus.ticks(self._timestamp * opus.FRAME)

    def _encoded(self) -> bytes:
        size = self._encoder.size
        pcm = bytes(self._pcm[:size])
        if not pcm or (self._silences and self._begins(len(pcm))):
            return self._silence()
        self._silences = 0
        del self._pcm[:size]
        self._out += len(pcm)
        self._review()
        self.sent += len(pcm) // 2 * 1_000_000 // self._encoder.rate
        self._taken.set()
        if self.muted:
            return self._encoder.encode(bytes(size))
        return self._encoder.encode(pcm.ljust(size, b"\0"))

    def _silence(self) -> bytes:
        self._waits.clear()
        self._silences += 1
        if self._silences > HANGOVER:
            return opus.SILENCE
        return self._encoder.encode(bytes(self._encoder.size))

    def _begins(self, size: int) -> bool:
        """Whether so little is the beginning of more, and not all that comes."""
        return size < self._encoder.size and self._now() - self._arrivals[0][1] < opus.FRAME

    def _review(self) -> None:
        """Sends earlier what has always waited of late: it need not, or has piled up."""
        while self._arrivals[0][0] < self._out:
            self._arrivals.popleft()
        self._waits.append(self._now() - self._arrivals[0][1])
        if len(self._waits) < REVIEWED:
            return
        least, most = min(self._waits), max(self._waits)
        self._waits.clear()
        live = least <= LIVE or most - least <= STEADY
        if live and least > 2 * PROMPT and self._due is not None:
            self._due -= least - PROMPT

    async def _came(self, until: int) -> bool:
        """Waits for a packet's worth; False: there was none in time."""
        while len(self._pcm) < self._encoder.size:
            if self._ended or self._now() >= until:
                return False
            self._given.clear()
            timer = self._loop.call_at(until / 1_000_000, self._given.set)
            await self._given.wait()
            timer.cancel()
        return True

    async def _until(self, at: int) -> None:
        if (delay := at - self._now()) > 0:
            await asyncio.sleep(delay / 1_000_000)

    def _now(self) -> int:
        return round(self._loop.time() * 1_000_000)
