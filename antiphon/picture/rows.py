"""Breaks a conversation into rows, as a page breaks a text into lines."""

import math
from collections.abc import Iterator, Sequence

import msgspec

from antiphon.report import Report, Span
from antiphon.show.wording import neutral


class Row(msgspec.Struct, frozen=True):
    """A stretch of session time, in seconds."""

    start: float
    end: float

    def holds(self, at: float) -> bool:
        return self.start <= at < self.end


def rows_of(report: Report, *, longest: float) -> list[Row]:
    """The conversation in rows of at most *longest* seconds, broken in pauses if there are any."""
    busy = [(span.start, span.end) for span in report.spans]
    busy += [
        (turn.end_of_speech, turn.first_audio_heard)
        for turn in report.turns
        if turn.end_of_speech is not None and turn.first_audio_heard is not None
    ]
    moments = [end for _, end in busy]
    moments += [cut.at for cut in report.interruptions]
    moments += [tool.at for turn in report.turns for tool in turn.tools]
    duration = max(report.duration, 1.0, max(moments, default=0.0) + 0.001)
    pauses = list(_pauses(busy, duration))
    edges = [0.0]
    while (left := duration - edges[-1]) > longest:
        start = edges[-1]
        ideal = start + left / math.ceil(left / longest)
        points = [min(max(ideal, first), last) for first, last in pauses]
        near = [at for at in points if start + longest * 0.6 <= at <= start + longest]
        edges.append(min(near, key=lambda at: abs(at - ideal), default=ideal))
    return [Row(*pair) for pair in zip(edges, [*edges[1:], duration], strict=True)]


def _pauses(busy: Sequence[tuple[float, float]], duration: float) -> Iterator[tuple[float, float]]:
    """From when to when a row may end: not so close to a sound that it seems cut."""
    free = 0.0
    for start, end in [*sorted(busy), (duration, duration)]:
        if start > free:
            margin = min(0.3, (start - free) / 2)
            yield free + margin, start - margin
        free = max(free, end)


def part_of(span: Span, row: Row) -> Span | None:
    """What of *span* falls into *row*, with its share of the words."""
    start, end = max(span.start, row.start), min(span.end, row.end)
    if end <= start and not (span.start == span.end and row.holds(span.start)):
        return None
    words, length = neutral(span.text).split(), max(span.end - span.start, 1e-9)
    first = round(len(words) * (start - span.start) / length)
    last = round(len(words) * (end - span.start) / length) if end < span.end else len(words)
    before = "… " if words[:first] else ""
    after = " …" if words[last:] else ""
    text = f"{before}{' '.join(words[first:last])}{after}" if words else ""
    return Span(who=span.who, start=start, end=end, text=text)
