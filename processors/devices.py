"""The microphone and the loudspeaker of this machine."""

from collections import deque
from threading import Lock

from anyio import Event

from antiphon.pipeline.clock import now
from antiphon.pipeline.frames import Audio
from antiphon.pipeline.members import Emit, Frames
from antiphon.processors.player import LIMIT, Player
from antiphon.processors.playout import Playout
from antiphon.processors.portaudio import (
    Buffer,
    Device,
    DeviceError,
    Flags,
    Stream,
    Times,
    from_any_thread,
    running,
    settled_rate,
)

HELD = 1_000_000
"""Microseconds of the microphone's audio that wait for the pipeline before the oldest is lost."""


class MicSource:
    """Says what the microphone hears, in blocks of *block* microseconds, until it is cancelled.

    `at` is when the first sample of a block was heard, as near as the device tells. Without
    a *rate* it is the device's own. DeviceError at once if there is no such device, and from
    the run if it stops.
    """

    gives = (Audio,)

    def __init__(
        self, device: Device = None, *, rate: int | None = None, block: int = 20_000
    ) -> None:
        self.gives_rate = settled_rate("input", device, rate)
        if block * self.gives_rate < 1_000_000:
            raise ValueError(f"a block of {block} us has no samples at {self.gives_rate} Hz")
        self.lost = 0
        """Microseconds of audio that the pipeline did not take in time."""
        self.overflows = 0
        """How often the device itself has lost some."""
        self._device = device
        self._block = block

    async def run(self, frames: Frames, emit: Emit) -> None:
        blocks = _Blocks(max(1, HELD // self._block))

        def hear(buffer: Buffer, samples: int, time: Times, flags: Flags) -> None:
            self.overflows += flags.input_overflow
            blocks.put(bytes(buffer), time.inputBufferAdcTime)

        samples = self._block * self.gives_rate // 1_000_000
        async with running(
            "input", self._device, self.gives_rate, samples, hear, blocks.close
        ) as stream:
            while (block := await blocks.get()) is not None:
                pcm, heard = block
                self.lost = blocks.lost * self._block
                at = now() - self._age(stream, heard)
                await emit(Audio(pcm=pcm, rate=self.gives_rate, at=at))
        raise DeviceError("the microphone has stopped; is it still connected?", self._device)

    def _age(self, stream: Stream, heard: float) -> int:
        """For how many microseconds a block has been there whose first sample was *heard* then."""
        age = round((stream.time - heard) * 1_000_000)
        # Some drivers tell no time, or another clock's.
        return age if 0 <= age <= 2 * HELD else self._block


class SpeakerSink:
    """Plays what it hears on the loudspeaker, at *rate*.

    What comes too fast waits and can be interrupted. It sends back OutputPlaybackStarted,
    Stopped and Cleared, by what has left the loudspeaker, and ends when the input has ended
    and all was heard. DeviceError at once if there is no such device, and from the run if it
    stops.
    """

    def __init__(self, device: Device = None, *, rate: int = 24_000) -> None:
        self.rate = settled_rate("output", device, rate)
        self.takes_rates = frozenset({rate})
        self.underflows = 0
        """How often the device has had to play silence for want of samples in time."""
        self._device = device

    async def run(self, frames: Frames, emit: Emit) -> None:
        playout = Playout(self.rate, limit=LIMIT)
        player = Player(playout, frames, emit, lambda position: now() - playout.heard + position)
        soon = from_any_thread()
        latency = 0
        stopped = False

        def fill(buffer: Buffer, samples: int, time: Times, flags: Flags) -> None:
            self.underflows += flags.output_underflow
            # The first of these samples is heard after the latency, so all before them are now.
            playout.latency = latency + samples * 1_000_000 // self.rate
            buffer[:] = playout.take(samples)
            if playout.reports or player.paused or player.ended:
                soon(player.wake)

        def stop() -> None:
            nonlocal stopped
            stopped = True
            soon(player.wake)

        # Blocks of any size: the driver knows best which it can play without gaps.
        async with running("output", self._device, self.rate, 0, fill, stop) as stream:
            latency = round(stream.latency * 1_000_000)
            while not (player.ended and playout.idle):
                if stopped:
                    raise DeviceError(
                        "the loudspeaker has stopped; is it still connected?", self._device
                    )
                await player.read()
                player.report()


class _Blocks:
    """Blocks of samples on their way from PortAudio's thread to the loop, *bound* at most."""

    def __init__(self, bound: int) -> None:
        self.lost = 0
        """How many were dropped, the oldest first, because the loop did not come for them."""
        self._bound = bound
        self._blocks: deque[tuple[bytes, float]] = deque()
        self._closed = False
        self._lock = Lock()
        self._soon = from_any_thread()
        self._arrived = Event()

    def put(self, pcm: bytes, heard: float) -> None:
        with self._lock:
            if len(self._blocks) == self._bound:
                self._blocks.popleft()
                self.lost += 1
            self._blocks.append((pcm, heard))
        self._soon(self._ring)

    def close(self) -> None:
        self._closed = True
        self._soon(self._ring)

    async def get(self) -> tuple[bytes, float] | None:
        """The next block and when it was heard; None once closed and empty."""
        while not self._blocks and not self._closed:
            self._arrived = Event()
            if not self._blocks and not self._closed:
                await self._arrived.wait()
        with self._lock:
            return self._blocks.popleft() if self._blocks else None

    def _ring(self) -> None:
        self._arrived.set()
