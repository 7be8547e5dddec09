"""Hears where the user's turns begin and end."""

from collections import deque
from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from antiphon.codecs.events import SpeechStarted, SpeechStopped
from antiphon.pipeline import Audio
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.energy import NoiseFloor, likelihood
from antiphon.processors.resampler import Converter
from antiphon.processors.silero import Silero
from antiphon.processors.turns import (
    HANGOVER,
    ONSET,
    PREFIX,
    THRESHOLD,
    Started,
    Stopped,
    Turns,
)

__all__ = ["RATE", "Detector", "SpeechModel", "Started", "Stopped", "Vad"]

RATE = 16_000
"""Hz; what a detector hears at."""

GATE = 4.0
"""dB above the room's noise from which a window is worth the model's time."""

ROOM = 2.0
"""dB above the room's noise below which a window is no speech, whatever the model says.

The model goes on for some 100 ms after speech has ended; the level tells sooner.
"""

LOOKBACK = 8
"""Windows from before the gate opened that the model hears too, to know the room."""

JITTER = 2_000
"""Microseconds by which a time may differ from what the samples count, before it wins."""

HOLE = 100_000
"""Microseconds by which it must differ for audio to have been lost."""

STALL = 500_000
"""Microseconds that audio must at least stay away to end a turn: a network may be late."""

Samples = npt.NDArray[np.int16]


class SpeechModel(Protocol):
    """Says how likely each window of a stream is speech, from 0 to 1."""

    @property
    def rate(self) -> int: ...

    @property
    def window(self) -> int:
        """Samples; each call hears as many."""
        ...

    def __call__(self, samples: Samples, /) -> float: ...

    def reset(self) -> None:
        """What comes next does not follow what was heard."""
        ...


class Detector:
    """Finds turns in audio of 16 kHz, however it is cut.

    *model* "energy" hears only how loud it is: good enough for a quiet room. In front of
    any other stands a *gate*, which spares it the windows that are no louder than the room.
    *hangover*, *onset* and *prefix* are microseconds of the audio, see `turns`.
    """

    def __init__(
        self,
        model: SpeechModel | Literal["silero", "energy"] = "silero",
        *,
        threshold: float = THRESHOLD,
        hangover: int = HANGOVER,
        onset: int = ONSET,
        prefix: int = PREFIX,
        gate: bool = True,
    ) -> None:
        """Raises SileroMissing where the package with the model is not installed."""
        self._turns = Turns(threshold=threshold, hangover=hangover, onset=onset, prefix=prefix)
        self._hangover = hangover
        self._model = _model(model)
        self._gate = gate
        self._size = self._model.window if self._model else RATE // 50
        self._window = self._size * 1_000_000 // RATE
        self._begin()

    def _begin(self) -> None:
        self._floor = NoiseFloor(self._window)
        self._unheard: deque[tuple[int, Samples, float]] = deque(maxlen=LOOKBACK)
        self._pending = b""  # the beginning of a window
        self._origin: int | None = None  # the time from which samples count
        self._heard = 0  # samples since
        self._open_until = 0
        if self._model:
            self._model.reset()

    @property
    def speaking(self) -> bool:
        """Whether a turn is open."""
        return self._turns.open

    @property
    def deadline(self) -> int | None:
        """When an open turn ends unless more audio comes."""
        return self._end + max(self._hangover, STALL) if self._turns.open else None

    def expire(self, at: int) -> Iterator[Stopped]:
        """No more audio has come until *at*."""
        deadline = self.deadline
        if deadline is not None and at >= deadline and (stopped := self._turns.close()):
            yield stopped

    def hear(self, pcm: bytes, at: int) -> Iterator[Started | Stopped]:
        """Take signed 16-bit samples, of which the first was at *at*.

        Where *at* leaves what the samples count by more than 100 ms, audio was lost: it
        counts as silence.
        """
        if stopped := self._follow(at):
            yield stopped
        pcm = self._pending + pcm
        width = self._size * SAMPLE_WIDTH
        whole = len(pcm) - len(pcm) % width
        self._pending = pcm[whole:]
        for place in range(0, whole, width):
            start = self._time(self._heard)
            self._heard += self._size
            yield from self._window_at(start, np.frombuffer(pcm, "<i2", self._size, place))

    def finish(self) -> Iterator[Stopped]:
        """No more audio comes; what is heard next is another stream."""
        if stopped := self._turns.close():
            yield stopped
        self._begin()

    def _time(self, samples: int) -> int:
        return (self._origin or 0) + samples * 1_000_000 // RATE

    @property
    def _end(self) -> int:
        """Where the audio that came so far ends."""
        return self._time(self._heard + len(self._pending) // SAMPLE_WIDTH)

    def _follow(self, at: int) -> Stopped | None:
        """Keep time with the audio, which may drift, jump, or start anew."""
        late = at - self._end
        if self._origin is not None and abs(late) <= HOLE:
            if abs(late) > JITTER:
                self._origin += late
            return None
        self._origin, self._heard, self._pending = at, 0, b""
        self._unheard.clear()
        self._open_until = 0
        if self._model:
            self._model.reset()
        return self._turns.resume(at)

    def _window_at(self, start: int, samples: Samples) -> Iterator[Started | Stopped]:
        end = start + self._window
        if self._model is None:
            if fact := self._turns.hear(start, end, likelihood(self._floor.rise(samples))):
                yield fact
            return

        rise = self._floor.rise(samples, noise=not self._turns.open)
        self._unheard.append((start, samples, rise))
        if rise >= GATE or not self._floor.known:
            self._open_until = end + self._hangover
        if self._gate and end > self._open_until and not self._turns.open:
            return
        while self._unheard:
            start, samples, rise = self._unheard.popleft()
            speech = self._model(samples)
            end = start + self._window
            if fact := self._turns.hear(start, end, speech if rise >= ROOM else 0.0):
                yield fact


class Vad:
    """Lets audio by and says after it, as SpeechStarted and SpeechStopped, who speaks.

    Their *at* is where the speech itself began or ended, which is earlier than the frame
    that told. Audio may come at any rate. Options are those of Detector.
    """

    def __init__(
        self,
        model: SpeechModel | Literal["silero", "energy"] = "silero",
        *,
        threshold: float = THRESHOLD,
        hangover: int = HANGOVER,
        onset: int = ONSET,
        prefix: int = PREFIX,
    ) -> None:
        """Raises SileroMissing where the package with the model is not installed."""
        self._detector = Detector(
            model, threshold=threshold, hangover=hangover, onset=onset, prefix=prefix
        )
        self._rate = RATE
        self._converter: Converter | None = None

    @property
    def deadline(self) -> int | None:
        return self._detector.deadline

    def process(self, frame: Audio) -> Iterator[Audio | SpeechStarted | SpeechStopped]:
        yield frame
        for fact in self._detector.hear(self._at_own_rate(frame), frame.at):
            yield _event(fact)

    def expire(self, at: int) -> Iterator[SpeechStopped]:
        for stopped in self._detector.expire(at):
            yield SpeechStopped(at=stopped.at)

    def finish(self) -> Iterator[SpeechStopped]:
        for stopped in self._detector.finish():
            yield SpeechStopped(at=stopped.at)

    def _at_own_rate(self, frame: Audio) -> bytes:
        if frame.rate != self._rate:
            self._rate = frame.rate
            self._converter = None if frame.rate == RATE else Converter(frame.rate, RATE)
        return self._converter.convert(frame.pcm) if self._converter else frame.pcm


def _event(fact: Started | Stopped) -> SpeechStarted | SpeechStopped:
    return SpeechStarted(at=fact.at) if isinstance(fact, Started) else SpeechStopped(at=fact.at)


def _model(model: SpeechModel | Literal["silero", "energy"]) -> SpeechModel | None:
    if model == "energy":
        return None
    chosen = Silero() if isinstance(model, str) else model
    if chosen.rate != RATE:
        raise ValueError(f"a speech model hears at {RATE} Hz here, not at {chosen.rate}")
    return chosen
