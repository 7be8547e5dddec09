"""When the user's audio arrived: positions in it, which providers tell, are no moments yet.

A client that sends only while somebody speaks is far ahead of its audio's own time, and one that
sends a file is far behind.
"""

from bisect import bisect_left

STEP = 100_000
"""Microseconds of audio between two marks: how exact an answer is if the audio came in a burst."""

KEPT = 600
"""Marks: a minute of audio."""


class Arrivals:
    """Told of each piece of audio, it knows when a position was reached."""

    def __init__(self) -> None:
        self._position = 0
        self._at = 0
        self._next = 0
        self._marks: list[tuple[int, int]] = []

    def add(self, duration: int, at: int) -> None:
        """*duration* more of it arrived."""
        if not self._marks:
            self._marks.append((0, at))
        self._position += duration
        self._at = at
        if self._position >= self._next:
            self._next = self._position + STEP
            self._marks.append((self._position, at))
            if len(self._marks) >= 2 * KEPT:
                del self._marks[:KEPT]

    def reached(self, position: int) -> int | None:
        """When it was spoken up to *position*; None if that is too long ago to be known.

        It is taken to arrive as it is spoken, so that a piece's end is the moment of its arrival.
        """
        index = bisect_left(self._marks, (position, 0))
        if index == 0:
            known = self._marks and self._marks[0][0] == position
            return self._marks[0][1] if known else None
        last = self._position, self._at
        mark, at = self._marks[index] if index < len(self._marks) else last
        return max(self._marks[index - 1][1], at - max(0, mark - position))
