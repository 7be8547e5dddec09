"""Where turns begin and end in a row of likelihoods that it is speech."""

import msgspec

THRESHOLD = 0.5
"""How likely a window must be speech to begin a turn."""

HANGOVER = 500_000
"""Microseconds of silence that end a turn."""

ONSET = 64_000
"""Microseconds of speech that begin a turn; what is shorter is a click."""

PREFIX = 64_000
"""Microseconds before the first window of speech that belong to the turn."""

HYSTERESIS = 0.7
"""A turn goes on down to this share of the threshold."""


class Started(msgspec.Struct, frozen=True):
    """Speech began at *at*, in microseconds of the audio's own time."""

    at: int


class Stopped(msgspec.Struct, frozen=True):
    """Speech ended at *at*; the hangover that was waited for came after it."""

    at: int


class Turns:
    """Takes windows one after the other; a pause shorter than *hangover* is part of a turn."""

    def __init__(
        self,
        *,
        threshold: float = THRESHOLD,
        hangover: int = HANGOVER,
        onset: int = ONSET,
        prefix: int = PREFIX,
    ) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"the threshold is a likelihood between 0 and 1, not {threshold}")
        if min(hangover, onset, prefix) < 0:
            raise ValueError("hangover, onset and prefix are microseconds, not below 0")
        self._begins = threshold
        self._goes_on = threshold * HYSTERESIS
        self._hangover = hangover
        self._onset = onset
        self._prefix = prefix
        self._earliest = 0
        self._speech_at: int | None = None  # where a turn will have begun if it proves to be one
        self._spoken_until = 0
        self.open = False

    def resume(self, at: int) -> Stopped | None:
        """What is heard next is at *at* and does not follow what was heard."""
        stopped = None
        if self.open and not 0 <= at - self._spoken_until < self._hangover:
            stopped = self.close()
        self._speech_at = None
        self._earliest = at
        return stopped

    def hear(self, start: int, end: int, likelihood: float) -> Started | Stopped | None:
        """The next window lasts from *start* to *end*."""
        if self.open:
            if likelihood >= self._goes_on:
                self._spoken_until = end
            elif end - self._spoken_until >= self._hangover:
                return self.close()
            return None
        if likelihood < self._goes_on:
            self._speech_at = None
            return None
        if self._speech_at is None:
            if likelihood < self._begins:
                return None
            self._speech_at = start
        if end - self._speech_at < self._onset:
            return None
        self.open = True
        self._spoken_until = end
        return Started(max(self._speech_at - self._prefix, self._earliest))

    def close(self) -> Stopped | None:
        """End the turn that is open, if there is one."""
        self._speech_at = None
        if not self.open:
            return None
        self.open = False
        self._earliest = self._spoken_until
        return Stopped(self._spoken_until)
