"""What was really said of a model's speech, to whom only the count of what has left is known."""

from collections import deque
from collections.abc import Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.wire import Recent
from antiphon.pipeline import Speech


class _Part(msgspec.Struct):
    """A part of an item, which was given to be said from one position to another."""

    response_id: str
    item_id: str
    content_index: int
    begin: int
    end: int
    started: bool = False
    done: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        return self.response_id, self.item_id, self.content_index


class Ledger:
    """Positions are microseconds of all that was ever given to be said, or has left.

    It reports of items, and, with no item, of whole responses: these are Started once, and
    Stopped, when they are done and said to their end, or Cleared.
    """

    def __init__(self) -> None:
        self._parts: deque[_Part] = deque()
        self._playing: str | None = None
        """The response of which something was heard, and not the end."""
        self._over = Recent[str, None](64)

    def put(self, speech: Speech, begin: int) -> None:
        """*speech* is given to be said, and will begin at *begin*."""
        end = begin + speech.duration
        key = speech.response_id, speech.item_id, speech.content_index
        last = self._parts[-1] if self._parts else None
        if last is not None and last.key == key:
            last.end = end
            return
        if last is not None:
            last.done = True
        self._parts.append(_Part(*key, begin, end))

    def done(self, response_id: str, item_id: str, content_index: int) -> None:
        """There will be no more of a part."""
        for part in self._parts:
            if part.key == (response_id, item_id, content_index):
                part.done = True

    def over(self, response_id: str) -> None:
        """There will be no more of a response."""
        self._over[response_id] = None
        for part in self._parts:
            part.done = part.done or part.response_id == response_id

    @property
    def next(self) -> int | None:
        """The position at which there will be something to report; None: none is known."""
        if not self._parts:
            return None
        first = self._parts[0]
        if not first.started:
            return first.begin + 1
        return first.end if first.done else None

    def passed(self, position: float, at: int) -> Iterator[events.Playback]:
        """What is to be reported once so much has left."""
        while self._parts:
            first = self._parts[0]
            if not first.started and position > first.begin:
                first.started = True
                yield from self._stopped(at, other_than=first.response_id)
                yield from self._started(first, at)
            if not (first.done and position >= first.end):
                return
            self._parts.popleft()
            yield events.OutputPlaybackStopped(
                response_id=first.response_id,
                item_id=first.item_id,
                content_index=first.content_index,
                played=first.end - first.begin,
                at=at,
            )
        if self._playing in self._over:
            yield from self._stopped(at)

    def clear(self, position: int, at: int) -> Iterator[events.OutputPlaybackCleared]:
        """Nothing is said beyond *position*."""
        playing, self._playing = self._playing, None
        if playing is not None:
            yield events.OutputPlaybackCleared(response_id=playing, at=at)
        while self._parts:
            part = self._parts.popleft()
            played = min(max(position, part.begin), part.end) - part.begin
            if not part.done or played < part.end - part.begin:
                yield events.OutputPlaybackCleared(
                    response_id=part.response_id,
                    item_id=part.item_id,
                    content_index=part.content_index,
                    played=played,
                    at=at,
                )

    def _started(self, part: _Part, at: int) -> Iterator[events.OutputPlaybackStarted]:
        if self._playing is None:
            self._playing = part.response_id
            yield events.OutputPlaybackStarted(response_id=part.response_id, at=at)
        yield events.OutputPlaybackStarted(
            response_id=part.response_id, item_id=part.item_id, at=at
        )

    def _stopped(
        self, at: int, *, other_than: str | None = None
    ) -> Iterator[events.OutputPlaybackStopped]:
        if self._playing not in (None, other_than):
            yield events.OutputPlaybackStopped(response_id=self._playing, at=at)
            self._playing = None
