"""The listening half of a local model: a buffer of the user's audio, cut into turns."""

from collections.abc import Iterator

import msgspec
from antiphon.processors.turns import THRESHOLD
from antiphon.processors.vad import Detector, Started, Stopped

from antiphon.codecs.config import SessionConfig
from antiphon.pipeline.frames import SAMPLE_WIDTH

RATE = 16_000
"""Hz; what the ears take."""

LONGEST = 120_000_000
"""Microseconds of one turn that are kept; what is older is forgotten."""

PREFIX = 300_000
"""Microseconds from before the onset that belong to a turn, unless the session says else."""

SILENCE = 500_000
"""Microseconds of silence that end a turn, unless the session says else."""


class TurnBegan(msgspec.Struct, frozen=True):
    at: int
    """Microseconds of the user's audio."""


class TurnEnded(msgspec.Struct, frozen=True):
    at: int
    pcm: bytes


class Hearing:
    """Takes audio as it comes and says where turns begin and end.

    Positions are microseconds of the audio that was appended. With turn detection off,
    audio gathers until it is committed.
    """

    def __init__(self) -> None:
        self.detects = True
        self._buffer = bytearray()
        self._start = 0
        self._detector = Detector(hangover=SILENCE, prefix=PREFIX)
        self._speaking = False

    def configure(self, config: SessionConfig) -> None:
        detection = config.turn_detection
        if detection is msgspec.UNSET:
            return
        self.detects = isinstance(detection, msgspec.Struct) and detection.type != "disabled"
        if isinstance(detection, msgspec.Struct) and self.detects:
            silence, prefix = detection.silence_duration, detection.prefix_padding
            self._detector = Detector(
                hangover=SILENCE if silence is None else silence,
                prefix=PREFIX if prefix is None else prefix,
                threshold=THRESHOLD if detection.threshold is None else detection.threshold,
            )

    @property
    def position(self) -> int:
        """Where the audio heard so far ends."""
        return (self._start + len(self._buffer)) // SAMPLE_WIDTH * 1_000_000 // RATE

    def append(self, pcm: bytes) -> Iterator[TurnBegan | TurnEnded]:
        at = self.position
        self._buffer += pcm
        if self.detects:
            for fact in self._detector.hear(pcm, at):
                yield self._turn(fact)
        self._forget(LONGEST if self._speaking or not self.detects else 2 * PREFIX + 1_000_000)

    def end(self) -> Iterator[TurnEnded]:
        """No more audio comes: whoever speaks has finished."""
        for fact in self._detector.finish():
            turn = self._turn(fact)
            if isinstance(turn, TurnEnded):
                yield turn

    def commit(self) -> bytes:
        """Take all that was gathered."""
        pcm = bytes(self._buffer)
        self.clear()
        return pcm

    def clear(self) -> None:
        self._forget(0)
        self._speaking = False

    def _turn(self, fact: Started | Stopped) -> TurnBegan | TurnEnded:
        if isinstance(fact, Started):
            self._speaking = True
            self._drop_until(fact.at)
            return TurnBegan(fact.at)
        self._speaking = False
        end = self._byte(fact.at)
        pcm = bytes(self._buffer[: max(0, end - self._start)])
        self._drop_until(fact.at)
        return TurnEnded(fact.at, pcm)

    def _byte(self, at: int) -> int:
        return at * RATE // 1_000_000 * SAMPLE_WIDTH

    def _drop_until(self, at: int) -> None:
        count = min(max(0, self._byte(at) - self._start), len(self._buffer))
        del self._buffer[:count]
        self._start += count

    def _forget(self, keep: int) -> None:
        excess = len(self._buffer) - self._byte(keep)
        if excess > 0:
            del self._buffer[:excess]
            self._start += excess
