"""Keeps what waits to be played, and a ledger of what was heard of it.

No clock and no device: whoever plays takes samples, and the samples taken are the only
measure of time. One thread may take, as a sound card's does, while another puts.
"""

from collections import deque
from threading import Lock

from antiphon.codecs.events import (
    OutputPlaybackCleared,
    OutputPlaybackStarted,
    OutputPlaybackStopped,
)
from antiphon.pipeline.frames import SAMPLE_WIDTH, Audio, Speech

Report = OutputPlaybackStarted | OutputPlaybackStopped

REMEMBERED = 64
"""Of how many items that were cleared the audio that arrives late is known and dropped."""


class Playout:
    """Audio at *rate* in the order in which it came, and what became of it.

    A sample is heard *latency* microseconds after it was taken. What there is to report
    gathers in `reports`: an item Started with its first sample, and each part of an item
    Stopped with its last, once it is known to be the last by `done`, by the audio of
    another, or by `close`. Their `at` counts from the first sample ever taken.

    It is `full` with *limit* microseconds of audio, which is for the caller to mind.
    """

    def __init__(self, rate: int, *, limit: int = 600_000_000, latency: int = 0) -> None:
        self.rate = rate
        self.latency = latency
        self.reports: deque[Report] = deque()
        self._limit = limit
        self._lock = Lock()
        self._pieces: deque[tuple[memoryview, _Part | None]] = deque()
        self._waiting = 0
        self._flying: deque[tuple[_Part, int, int]] = deque()
        """Taken and not yet heard: a part's samples from one position to another."""
        self._parts: deque[_Part] = deque()
        """What was put and is not known to have been heard to its end."""
        self._started: tuple[str, str] | None = None
        self._cleared: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._taken = 0
        self._heard = 0
        self._end = 0
        """Behind the last sample taken that was not silence for want of audio."""

    @property
    def waiting(self) -> int:
        """Samples that were not yet taken."""
        return self._waiting

    @property
    def full(self) -> bool:
        return self._us(self._waiting) >= self._limit

    @property
    def idle(self) -> bool:
        """All that was put has been heard."""
        return not self._waiting and self._heard >= self._end

    @property
    def heard(self) -> int:
        """Microseconds that have been heard in all, silence too."""
        return self._us(self._heard)

    def put(self, frame: Audio) -> None:
        """Play *frame* after all that waits; nothing if it belongs to an item cleared before."""
        if frame.rate != self.rate:
            raise ValueError(
                f"audio of {frame.rate} Hz cannot be played at {self.rate} Hz; resample it"
            )
        with self._lock:
            part = None
            if isinstance(frame, Speech):
                if (frame.response_id, frame.item_id) in self._cleared:
                    return
                part = self._part(frame)
                part.put += frame.samples
            if frame.pcm:
                self._pieces.append((memoryview(frame.pcm), part))
                self._waiting += frame.samples

    def done(self, response_id: str, item_id: str, content_index: int = 0) -> None:
        """No more audio of this part of an item will be put."""
        with self._lock:
            for part in self._parts:
                if part.key == (response_id, item_id, content_index):
                    part.done = True
            self._stop()

    def close(self) -> None:
        """No more audio at all will be put."""
        with self._lock:
            for part in self._parts:
                part.done = True
            self._stop()

    def take(self, samples: int) -> bytes:
        """Exactly *samples* samples to be played now, silence where no audio waits."""
        with self._lock:
            taken: list[memoryview] = []
            missing = samples
            while missing and self._pieces:
                piece, part = self._pieces.popleft()
                size = missing * SAMPLE_WIDTH
                if len(piece) > size:
                    self._pieces.appendleft((piece[size:], part))
                    piece = piece[:size]
                begin, self._taken = self._taken, self._taken + len(piece) // SAMPLE_WIDTH
                missing -= self._taken - begin
                taken.append(piece)
                self._end = self._taken
                if part is not None:
                    self._flying.append((part, begin, self._taken))
            self._waiting -= samples - missing
            self._taken += missing
            self._hear(self._taken - self.latency * self.rate // 1_000_000)
            return b"".join(taken) + bytes(missing * SAMPLE_WIDTH)

    def clear(self) -> list[OutputPlaybackCleared]:
        """Drop all that was not yet heard; what it was, in order, and how far it was heard.

        What was taken and not yet heard counts as dropped, even where a device can no longer
        be stopped from playing it: it comes after the interruption. A part that is `done` and
        was heard to its end was not cut off.
        """
        with self._lock:
            cut = [
                OutputPlaybackCleared(
                    response_id=part.response_id,
                    item_id=part.item_id,
                    content_index=part.content_index,
                    played=self._us(part.heard),
                    at=self._us(self._heard),
                )
                for part in self._parts
                if not part.over
            ]
            for part in self._parts:
                if part.item not in self._cleared:
                    self._cleared.append(part.item)
            self._pieces.clear()
            self._flying.clear()
            self._parts.clear()
            self._waiting = 0
            self._end = self._heard
            return cut

    def _us(self, samples: int) -> int:
        return samples * 1_000_000 // self.rate

    def _part(self, frame: Speech) -> "_Part":
        """The part that *frame* continues or, ending the one before, begins."""
        part = _Part(frame.response_id, frame.item_id, frame.content_index)
        if self._parts:
            last = self._parts[-1]
            if last.key == part.key:
                return last
            last.done = True
            self._stop()
        self._parts.append(part)
        return part

    def _hear(self, position: int) -> None:
        """All that was taken before *position* has now been heard."""
        while self._flying and self._flying[0][1] < position:
            part, begin, end = self._flying.popleft()
            if end > position:
                self._flying.appendleft((part, position, end))
                end = position
            if part.item != self._started:
                self._started = part.item
                self.reports.append(
                    OutputPlaybackStarted(
                        response_id=part.response_id, item_id=part.item_id, at=self._us(begin)
                    )
                )
            part.heard += end - begin
            part.end = end
            self._stop()
        self._heard = max(self._heard, position)

    def _stop(self) -> None:
        """Report the parts in front that were heard to their end."""
        while self._parts and self._parts[0].over:
            part = self._parts.popleft()
            if part.put:
                self.reports.append(
                    OutputPlaybackStopped(
                        response_id=part.response_id,
                        item_id=part.item_id,
                        content_index=part.content_index,
                        played=self._us(part.heard),
                        at=self._us(part.end),
                    )
                )


class _Part:
    """One content part of an item: samples *put* and *heard*, *end* is where it was heard to."""

    __slots__ = ("content_index", "done", "end", "heard", "item_id", "put", "response_id")

    def __init__(self, response_id: str, item_id: str, content_index: int) -> None:
        self.response_id = response_id
        self.item_id = item_id
        self.content_index = content_index
        self.put = 0
        self.heard = 0
        self.end = 0
        self.done = False

    @property
    def item(self) -> tuple[str, str]:
        return self.response_id, self.item_id

    @property
    def over(self) -> bool:
        return self.done and self.heard == self.put

    @property
    def key(self) -> tuple[str, str, int]:
        return self.response_id, self.item_id, self.content_index
