"""A sound that is told from all others, and how late it is heard somewhere."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import anyio
import numpy as np
import numpy.typing as npt

from antiphon.pipeline import Audio, Emit, Frames, now
from antiphon.processors.resampler import resample

FRAME = 0.02
HIGHEST = 3_000
"""Hz in the sound, so that all rates carry it."""

LEVEL = 3_000
"""Root mean square, of 32 767."""

WARM_UP = 25
"""Frames that do not count."""

ARRIVAL = 0.3
"""Seconds after which everything has come back."""

ALIKE = 0.9
"""The least correlation of the sound with what was heard of it."""

Pieces = list[tuple[float, bytes]]
"""Audio, and when each of its pieces was sent or had come."""


class OtherSound(RuntimeError):
    """What was heard is not what was said: the times would mean nothing."""


def noise(rate: int, frames: int) -> list[bytes]:
    """So many frames of noise, each time the same."""
    samples = round(rate * FRAME)
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=samples * frames))
    spectrum[round(HIGHEST / rate * samples * frames) :] = 0
    wave = np.fft.irfft(spectrum, samples * frames)
    pcm = np.rint(wave * (LEVEL / wave.std())).astype("<i2").tobytes()
    return [pcm[i : i + samples * 2] for i in range(0, len(pcm), samples * 2)]


class Microphone:
    """A source of paced frames of noise, which notes when it gives them away."""

    gives = (Audio,)

    def __init__(self, rate: int, seconds: float) -> None:
        self.gives_rate = rate
        self.sent: Pieces = []
        self.over = anyio.Event()
        """All is sent, and has had time to arrive."""
        self._frames = WARM_UP + round(seconds / FRAME)

    async def run(self, frames: Frames, emit: Emit) -> None:
        start = anyio.current_time()
        for number, pcm in enumerate(noise(self.gives_rate, self._frames), start=1):
            await anyio.sleep_until(start + number * FRAME)
            self.sent.append((anyio.current_time(), pcm))
            await emit(Audio(pcm=pcm, rate=self.gives_rate, at=now()))
        await anyio.sleep(ARRIVAL)
        self.over.set()


class Loudspeaker:
    """A sink that notes what has come, and when."""

    def __init__(self, rate: int) -> None:
        self.takes_rates = frozenset({rate})
        self.heard: Pieces = []

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            if isinstance(frame, Audio):
                self.heard.append((anyio.current_time(), frame.pcm))


def delays(sent: Pieces, rate_in: int, heard: Pieces, rate_out: int) -> list[float]:
    """Milliseconds from each frame's sending until its first sample can be played.

    Sound that comes in one piece is played from its coming on, one sample after the other; so
    what a resampler holds back counts. Raises OtherSound.
    """
    said = resample(b"".join(pcm for _, pcm in sent), rate_in, rate_out)
    lag = _lag(_samples(said), _samples(b"".join(pcm for _, pcm in heard)))
    begins = [0, *accumulate(len(pcm) // 2 for _, pcm in heard)]
    late: list[float] = []
    place = 0
    for number, (time, pcm) in enumerate(sent):
        first = lag + place * rate_out // rate_in
        place += len(pcm) // 2
        if number >= WARM_UP and first < begins[-1]:
            piece = bisect_right(begins, first) - 1
            came, into = heard[piece][0], (first - begins[piece]) / rate_out
            late.append((came + into - time) * 1_000)
    return late


def _samples(pcm: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def _lag(said: npt.NDArray[np.float64], heard: npt.NDArray[np.float64]) -> int:
    """By how many samples *heard* is behind *said*."""
    size = len(said) + len(heard)
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    correlation = np.fft.irfft(product, size)
    best = int(np.argmax(correlation))
    lag = best - size if best > size // 2 else best
    alike = correlation[best] / max(1.0, min(_energy(said), _energy(heard)))
    if alike < ALIKE:
        raise OtherSound(f"what was heard is only {alike:.2f} like what was said")
    return lag


def _energy(samples: Sequence[float] | npt.NDArray[np.float64]) -> float:
    return float(np.dot(samples, samples))
