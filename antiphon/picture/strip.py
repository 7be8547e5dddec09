"""Draws a row of the picture: the user above, the bot below, between them what happened."""

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon.picture.band import Box
from antiphon.picture.layout import ARROW, LINE, Layout
from antiphon.picture.page import Page
from antiphon.show.wording import clock

# Colours that colour-blind eyes tell apart too, after Paul Tol's "vibrant"; words are darker.
USER, BOT, ANSWER, TOOL, CUT = "#0077bb", "#009988", "#ee7733", "#882288", "#cc2211"
WORDS = {USER: "#003f66", BOT: "#004d44", ANSWER: "#9c4206", TOOL: "#6a1a6a", CUT: "#b01808"}
INK, PALE, GRID = "#222222", "#777777", "#e2e2e2"

LEFT, RIGHT = 50.0, 20.0
RULER, WAVE, GAP = 15.0, 44.0, 5.0
SIZE = 8.8

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300)
"""Seconds that may be between two marks of the ruler."""

QUIET = 2000
"""Sound whose peak is below this is not drawn as if it were loud."""


class Sound(msgspec.Struct, frozen=True):
    """A party's recording; *rate* in Hz."""

    samples: npt.NDArray[np.int16]
    rate: int
    peak: int

    def envelope(
        self, start: float, end: float, columns: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Least and greatest sample of each column, relative to the peak; 0 after the end."""
        edges = np.linspace(start * self.rate, end * self.rate, columns + 1).astype(np.intp)
        low, high = np.zeros(columns), np.zeros(columns)
        part = self.samples[: edges[-1]]
        first = edges[:-1][edges[:-1] < len(part)]
        if len(first):
            low[: len(first)] = np.minimum.reduceat(part, first)
            high[: len(first)] = np.maximum.reduceat(part, first)
        return low / self.peak, high / self.peak


def sound_of(samples: npt.NDArray[np.int16], rate: int) -> Sound:
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    return Sound(samples, rate, max(peak, QUIET))


class Strip:
    """A row at its place: *top* is the distance from the top of the page."""

    def __init__(self, page: Page, layout: Layout, top: float) -> None:
        self._page = page
        self._layout = layout
        self._top = top + RULER
        self._user = self._top + layout.above.height + GAP
        self._between = self._user + WAVE + GAP
        self._bot = self._between + max(layout.between.height, LINE) + GAP
        self._below = self._bot + WAVE + GAP
        self.bottom = self._below + layout.below.height

    def draw(self, user: Sound, bot: Sound) -> None:
        self._draw_ruler()
        for color, name, y in ((USER, "user", self._user), (BOT, "bot", self._bot)):
            self._draw_spans(color, name, y)
        self._draw_waits()
        self._draw_wave(USER, self._user, user)
        self._draw_wave(BOT, self._bot, bot)
        self._draw_words()
        self._draw_events()

    def _x(self, at: float) -> float:
        row = self._layout.row
        return LEFT + self._layout.x(min(max(at, row.start), row.end))

    def _draw_ruler(self) -> None:
        row, bottom = self._layout.row, self._bot + WAVE
        step = next((s for s in STEPS if s * self._layout.scale >= 80), STEPS[-1])
        first = int(-(-row.start // step)) * step
        for second in range(first, int(row.end) + 1, step):
            x = self._x(second)
            self._page.line((x, self._top - 2), (x, bottom), color=GRID, width=0.7)
            self._page.text(x, self._top - 5, clock(second), size=7.5, color=PALE, align="center")

    def _draw_spans(self, color: str, name: str, y: float) -> None:
        start, end = self._x(self._layout.row.start), self._x(self._layout.row.end)
        self._page.rectangle(start, y, end - start, WAVE, color=color, opacity=0.045)
        for part in self._layout.parts:
            if part.who == name:
                wide = self._x(part.end) - self._x(part.start)
                self._page.rectangle(self._x(part.start), y, wide, WAVE, color=color, opacity=0.16)
        self._page.text(
            LEFT - 8, y + WAVE / 2 + 4, name, size=11, color=color, bold=True, align="right"
        )

    def _draw_waits(self) -> None:
        top, height = self._user, self._bot + WAVE - self._user
        for end, heard in self._layout.waits:
            left, right = self._x(end), self._x(heard)
            self._page.rectangle(left, top, right - left, height, color=ANSWER, opacity=0.2)

    def _draw_wave(self, color: str, y: float, sound: Sound) -> None:
        row = self._layout.row
        left, right, middle = self._x(row.start), self._x(row.end), y + WAVE / 2
        columns = max(2, round((right - left) * 1.5))
        low, high = sound.envelope(row.start, row.end, columns)
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        half = WAVE / 2 - 2
        self._page.area(x, middle - high * half, middle - low * half, color=color)

    def _draw_words(self) -> None:
        """Each text with a pole down, or up, to where its speech begins."""
        placed: list[tuple[Box, float, str]] = []
        for part, box in self._layout.words:
            x = self._x(part.start)
            if part.who == "user":
                color, top = USER, self._user - GAP - box.y - box.height
                self._page.line((x, top + 1), (x, self._user + WAVE), color=color, width=1.2)
            else:
                color, top = BOT, self._below + box.y
                self._page.line((x, self._bot), (x, top + box.height), color=color, width=1.2)
            placed.append((box, top, WORDS[color]))
        for box, top, color in placed:
            self._write(box, top, color)

    def _draw_events(self) -> None:
        layout, page = self._layout, self._page
        for cut, _ in layout.cuts:
            x = self._x(cut.at)
            page.line((x, self._user - 2), (x, self._bot + WAVE + 2), color=CUT, width=2.0)
        for (end, heard), box in layout.answers:
            self._draw_answer(self._x(end), self._x(heard), box)
        for tool, box in layout.tools:
            x, y = self._x(tool.at), self._between + box.y + LINE / 2
            page.line((x, self._between + LINE + ARROW / 2), (x, y), color=TOOL, width=1.0)
            page.polygon([(x - 4, y), (x, y - 4), (x + 4, y), (x, y + 4)], color=TOOL)
        for tool, box in layout.tools:
            self._write(box, self._between + box.y, WORDS[CUT if tool.failed else TOOL])
        for _, box in layout.cuts:
            self._write(box, self._between + box.y, WORDS[CUT], bold=True)

    def _draw_answer(self, left: float, right: float, box: Box) -> None:
        """A bracket from the end of the user's speech down to the first sound of the bot."""
        top, color, page = self._between + box.y, ANSWER, self._page
        y = top + LINE + ARROW / 2
        page.line((left, self._user), (left, y + 4), color=color, width=1.4)
        page.line((right, y - 4), (right, self._bot + WAVE), color=color, width=1.4)
        page.line((left, y), (right, y), color=color, width=1.4)
        page.polygon([(right, y), (right - 5, y - 3), (right - 5, y + 3)], color=color)
        page.text(
            LEFT + box.x + box.width / 2,
            top + LINE - 2.5,
            box.lines[0],
            size=SIZE,
            color=WORDS[ANSWER],
            bold=True,
            align="center",
            backed=box.width > right - left + 1,
        )

    def _write(self, box: Box, top: float, color: str, *, bold: bool = False) -> None:
        for number, line in enumerate(box.lines, start=1):
            y = top + number * LINE - 2.8
            self._page.text(LEFT + box.x, y, line, size=SIZE, color=color, bold=bold, backed=True)
