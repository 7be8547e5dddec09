"""The listening half of a local model: a buffer of the user's audio, cut into turns."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.turns import THRESHOLD
from antiphon.processors.vad import Detector, Started, Stopped

RATE = 16_000
"""Hz; what the ears take."""

LONGEST = 120_000_000
"""Microseconds of one turn that are kept; what is older is forgotten."""

BEFORE = 1_000_000
"""Microseconds beside the prefix that are kept while nobody speaks: onsets are told late."""

PREFIX = 300_000
"""Microseconds from before the onset that belong to a turn, unless the session says else."""

SILENCE = 500_000
"""Microseconds of silence that end a turn, unless the session says else."""

_ANSWERS: Mapping[str, Any] = {"create_response": True, "interrupt_response": True}

SETTLED: Mapping[str, Mapping[str, Any]] = {
    "server-vad": {
        "threshold": THRESHOLD,
        "silence_duration": SILENCE,
        "prefix_padding": PREFIX,
        **_ANSWERS,
    },
    "semantic-vad": _ANSWERS,
    "disabled": {},
}
"""What turn detection is where the session does not say else."""

MANUAL = TurnDetection(type="disabled")
"""The client says when a turn is over."""


class TurnBegan(msgspec.Struct, frozen=True):
    at: int
    """Microseconds of the user's audio."""


class TurnEnded(msgspec.Struct, frozen=True):
    at: int
    pcm: bytes


class Hearing:
    """Takes audio as it comes and says where turns begin and end.

    Positions are microseconds of the audio that was appended. With turn detection off,
    audio gathers until it is committed. *ears* are the model of the Detector.
    """

    def __init__(self, ears: Literal["silero", "energy"] = "silero") -> None:
        self._ears: Literal["silero", "energy"] = ears
        self.detects = True
        self._buffer = bytearray()
        self._odd: bytes = b""
        """Half a sample, whose other half is still to come."""
        self._start = 0
        self.detection = settled(TurnDetection(type="server-vad"))
        self._detector = self._next = _detector(self.detection, self._ears)
        self._speaking = False

    def configure(self, config: SessionConfig) -> None:
        """Detect turns as *config* says, from the end of an open turn on. Raises ValueError."""
        if config.turn_detection is UNSET:
            return
        detection = settled(config.turn_detection or MANUAL)
        if detection == self.detection:
            return
        if detection.idle_timeout is not None and detection.idle_timeout <= 0:
            raise ValueError("the idle timeout is microseconds, above 0")
        self._next = _detector(detection, self._ears)
        self.detection = detection
        self.detects = detection.type != "disabled"
        if not self.detects:
            self._speaking = False
        if not self._speaking:
            self._detector = self._next

    @property
    def position(self) -> int:
        """Where the audio heard so far ends."""
        return (self._start + len(self._buffer)) // SAMPLE_WIDTH * 1_000_000 // RATE

    @property
    def _before(self) -> int:
        """Microseconds that are kept while nobody speaks."""
        prefix = self.detection.prefix_padding
        return min(BEFORE + (PREFIX if prefix is None else prefix), LONGEST)

    @property
    def gathered(self) -> int:
        """Microseconds of audio that could be committed."""
        return len(self._buffer) // SAMPLE_WIDTH * 1_000_000 // RATE

    @property
    def speaking(self) -> bool:
        """Whether a turn is open that was heard to begin."""
        return self._speaking

    def append(self, pcm: bytes) -> Iterator[TurnBegan | TurnEnded]:
        at = self.position
        pcm = self._odd + pcm
        whole = len(pcm) - len(pcm) % SAMPLE_WIDTH
        pcm, self._odd = pcm[:whole], pcm[whole:]
        self._buffer += pcm
        if self.detects:
            for fact in self._detector.hear(pcm, at):
                yield self._turn(fact)
            if not self._speaking:
                self._detector = self._next
        self._forget(LONGEST if self._speaking or not self.detects else self._before)

    def end(self) -> Iterator[TurnEnded]:
        """No more audio comes: whoever speaks has finished."""
        for fact in self._detector.finish():
            turn = self._turn(fact)
            if isinstance(turn, TurnEnded):
                yield turn

    def begin(self) -> None:
        """A turn begins, says the client: what came long before is not part of it."""
        self._forget(self._before)

    def commit(self) -> bytes:
        """Take all that was gathered."""
        pcm = bytes(self._buffer)
        self.clear()
        return pcm

    def clear(self) -> None:
        """Forget it; who speaks on begins another turn."""
        self._forget(0)
        if self._speaking:
            self._speaking = False
            self._detector = self._next = _detector(self.detection, self._ears)

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
        # The nearest: a sample's time was rounded down.
        return (at * RATE + 500_000) // 1_000_000 * SAMPLE_WIDTH

    def _drop_until(self, at: int) -> None:
        count = min(max(0, self._byte(at) - self._start), len(self._buffer))
        del self._buffer[:count]
        self._start += count

    def _forget(self, keep: int) -> None:
        excess = len(self._buffer) - self._byte(keep)
        if excess > 0:
            del self._buffer[:excess]
            self._start += excess


def settled(detection: TurnDetection) -> TurnDetection:
    """*detection* with all that it leaves open decided, as servers tell it."""
    left_open = {
        name: value
        for name, value in SETTLED[detection.type].items()
        if getattr(detection, name) is None
    }
    return msgspec.structs.replace(detection, **left_open)


def _detector(detection: TurnDetection, ears: Literal["silero", "energy"]) -> Detector:
    silence, prefix = detection.silence_duration, detection.prefix_padding
    return Detector(
        ears,
        hangover=SILENCE if silence is None else silence,
        prefix=PREFIX if prefix is None else prefix,
        threshold=THRESHOLD if detection.threshold is None else detection.threshold,
    )
