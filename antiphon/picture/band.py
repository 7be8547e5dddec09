"""Texts that stand beside each other without overlapping. Lengths are in points."""

from collections.abc import Callable

import msgspec

Measure = Callable[[str], float]
"""How wide a line of text is."""

BESIDE = 7.0
"""Between two texts beside each other."""

LEAST = 96.0
"""A text is not set narrower than this."""

FEW = 2
"""A text of more lines is set wider, if there is room."""


class Box(msgspec.Struct, frozen=True):
    """A text and where it stands: *x* from the left, *y* from the edge of its band."""

    x: float
    y: float
    width: float
    height: float
    lines: list[str]


def wrapped(text: str, width: float, measure: Measure, *, most: int) -> list[str]:
    """*text* in at most *most* lines that are no wider than *width*."""
    lines: list[str] = []
    rest = text
    while rest:
        count = _fitting(rest, width, measure)
        line, rest = rest[:count].rstrip(), rest[count:].lstrip()
        if rest and len(lines) == most - 1:
            line = line[: _fitting(line, width - measure("…"), measure)].rstrip(" ,;:") + "…"
            rest = ""
        lines.append(line)
    return lines


def _fitting(text: str, width: float, measure: Measure) -> int:
    """How many characters to put on a line: whole words, unless the first is too long."""
    if measure(text) <= width:
        return len(text)
    low, high = 1, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if measure(text[:middle].rstrip()) <= width else (low, middle)
    space = text.rfind(" ", 0, low + 1)
    return space if space > 0 else low


class Band:
    """Texts beside each other, or below where they would overlap."""

    def __init__(self, width: float, line: float, measure: Measure) -> None:
        self.boxes: list[Box] = []
        self._width = width
        self._line = line
        self._measure = measure

    @property
    def height(self) -> float:
        return max((box.y + box.height for box in self.boxes), default=0.0)

    def put(self, text: str, x: float, *, preferred: float, room: float, most: int = 4) -> Box:
        """Place *text* from *x* on, or further left where the band ends.

        It is *preferred* wide if that makes few lines of it, else up to *room*.
        """
        natural = self._measure(text)
        least = min(natural, LEAST)
        lines = wrapped(text, max(preferred, least), self._measure, most=most)
        if len(lines) > FEW:
            width = min(max(preferred, room, least), self._width)
            lines = wrapped(text, width, self._measure, most=most)
        wide = max((self._measure(line) for line in lines), default=0.0)
        return self.reserve(x, wide, len(lines) * self._line, lines)

    def reserve(self, x: float, width: float, height: float, lines: list[str]) -> Box:
        """Place something of this size."""
        x = max(0.0, min(x, self._width - width))
        box = Box(x, self._free(x, width, height), width, height, lines)
        self.boxes.append(box)
        return box

    def _free(self, x: float, width: float, height: float) -> float:
        """The least y at which nothing is in the way."""
        beside = [b for b in self.boxes if x < b.x + b.width + BESIDE and b.x < x + width + BESIDE]
        return min(
            y
            for y in [0.0, *(box.y + box.height for box in beside)]
            if all(y + height <= box.y or box.y + box.height <= y for box in beside)
        )
