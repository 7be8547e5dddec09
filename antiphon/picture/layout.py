"""Where everything of a row of the picture stands: words at speech, answers, tools, interruptions.

Lengths are in points, from the left of the row.
"""

import re

from antiphon.picture.band import LEAST, Band, Box, Measure
from antiphon.picture.rows import Row, part_of
from antiphon.report import Interruption, Report, Span, ToolCall, Turn
from antiphon.show.wording import duration, neutral, shortened, tool_call

LINE = 11.6
"""From one line of text to the next."""

ARROW = 9.0
"""Below the figure of a response time, for its arrow."""

EVENT = 390.0
"""A tool call or an interruption gets lines of this width at most."""


class Layout:
    """*scale* is in points per second, *room* the width of the widest row."""

    def __init__(
        self,
        report: Report,
        row: Row,
        *,
        scale: float,
        room: float,
        measure: Measure,
        measure_bold: Measure,
    ) -> None:
        self.row = row
        self.scale = scale
        self._room = room
        self.parts = [part for span in report.spans if (part := part_of(span, row)) is not None]
        self.above = Band(room, LINE, measure)
        self.between = Band(room, LINE, measure_bold)
        self.below = Band(room, LINE, measure)
        self.words: list[tuple[Span, Box]] = []
        self.waits: list[tuple[float, float]] = []
        """From the end of the user's speech to the first sound of the answer, in seconds."""
        self.answers: list[tuple[tuple[float, float], Box]] = []
        """The waits that end in this row, with the response time."""
        self.tools: list[tuple[ToolCall, Box]] = []
        self.cuts: list[tuple[Interruption, Box]] = []
        self._place_words("user", self.above, report.turns)
        self._place_words("bot", self.below, report.turns)
        self._place_events(report, measure_bold)

    def x(self, at: float) -> float:
        return (at - self.row.start) * self.scale

    def _place_words(self, who: str, band: Band, turns: list[Turn]) -> None:
        parts = [part for part in self.parts if part.who == who and part.text]
        starts = [self.x(part.start) for part in parts]
        for part, start, following in zip(parts, starts, [*starts, self._room][1:], strict=True):
            text = part.text + (_misheard(part, turns) if who == "user" else "")
            wide = self.x(part.end) - start
            box = band.put(text, start + 4, preferred=wide, room=following - start - 12)
            self.words.append((part, box))

    def _place_events(self, report: Report, measure: Measure) -> None:
        # Answers come first: their place is right below the user's speech.
        for turn in report.turns:
            end, heard = turn.end_of_speech, turn.first_audio_heard
            if end is None or heard is None or heard <= end:
                continue
            if end < self.row.end and heard > self.row.start:
                self.waits.append((end, heard))
            if not self.row.holds(heard):
                continue
            taken = turn.response_time_ms
            label = duration((heard - end) * 1000 if taken is None else taken)
            wide = max(measure(label) + 4, self.x(heard) - self.x(end))
            left = (self.x(end) + self.x(heard) - wide) / 2
            box = self.between.reserve(left, wide, LINE + ARROW, [label])
            self.answers.append(((end, heard), box))
        for cut in report.interruptions:
            if self.row.holds(cut.at):
                of = f" of “{shortened(neutral(cut.text), 44)}”" if cut.text else ""
                text = f"interrupted, heard {duration(cut.heard_ms)}{of}"
                self.cuts.append((cut, self._event(text, cut.at)))
        for turn in report.turns:
            for tool in turn.tools:
                if self.row.holds(tool.at):
                    text = tool_call(tool.name, tool.arguments, tool.output, failed=tool.failed)
                    self.tools.append((tool, self._event(text, tool.at)))

    def _event(self, text: str, at: float) -> Box:
        x = self.x(at) + 6
        wide = min(EVENT, max(self._room - x, LEAST))
        return self.between.put(text, x, preferred=wide, room=wide)


def _misheard(part: Span, turns: list[Turn]) -> str:
    """What was understood where it is not what was said."""
    for turn in turns:
        began, ended = turn.began, turn.end_of_speech
        if began is None or ended is None or not began < part.end <= ended + 0.05:
            continue
        if turn.said and _sound(turn.said) != _sound(turn.understood):
            understood = neutral(turn.understood)
            return f" (understood: {understood})" if understood else " (not understood)"
    return ""


def _sound(text: str) -> str:
    """*text* without what cannot be heard."""
    return " ".join(re.findall(r"\w+", text.casefold().replace("'s ", " is ")))
