"""Draws a conversation: who said what when, and how long each answer took."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from antiphon.picture.layout import Layout
from antiphon.picture.page import Page, quiet
from antiphon.picture.rows import rows_of
from antiphon.picture.strip import (
    ANSWER,
    BOT,
    CUT,
    INK,
    LEFT,
    RIGHT,
    SIZE,
    TOOL,
    USER,
    Strip,
    sound_of,
)
from antiphon.report import Report
from antiphon.show.wording import clock, duration, neutral, shortened

WIDTH = 1152.0
"""Points."""

LONGEST = 24.0
"""Seconds in a row: words still fit beside the speech that they belong to."""

SHORTEST = 10.0
"""A shorter conversation does not fill the row."""

HEAD = 64.0
"""Points for what stands above the rows."""

ROWS = 24
"""There are no more: a longer conversation gets longer ones."""


def draw(
    report: Report,
    user: npt.NDArray[np.int16],
    bot: npt.NDArray[np.int16],
    rate: int,
    path: Path,
) -> None:
    """Write the picture of *report* as PNG; the sound is at *rate* Hz, from 0 s on."""
    room = WIDTH - LEFT - RIGHT
    rows = rows_of(report, longest=max(LONGEST, report.duration / ROWS))
    scale = room / max(SHORTEST, *(row.end - row.start for row in rows))
    sounds = sound_of(user, rate), sound_of(bot, rate)
    with quiet():
        page = Page(WIDTH)
        _draw_head(page, report)
        bottom = HEAD
        for row in rows:
            layout = Layout(
                report,
                row,
                scale=scale,
                room=room,
                measure=lambda text: page.measure(text, SIZE),
                measure_bold=lambda text: page.measure(text, SIZE, bold=True),
            )
            strip = Strip(page, layout, bottom)
            strip.draw(*sounds)
            bottom = strip.bottom + 22
        page.write(path, bottom)


def _draw_head(page: Page, report: Report) -> None:
    title = f"A conversation with {shortened(neutral(report.model), 60)}"
    page.text(LEFT, 29, title, size=16, color=INK, bold=True)
    page.text(LEFT, 47, "   ·   ".join(_facts(report)), size=10, color=INK)
    x = WIDTH - RIGHT
    for name, color in reversed(
        [
            ("user", USER),
            ("bot", BOT),
            ("response time", ANSWER),
            ("tool call", TOOL),
            ("interruption", CUT),
        ]
    ):
        x -= page.measure(name, 9) + 4
        page.text(x, 28, name, size=9, color=INK)
        x -= 13
        page.rectangle(x, 21, 9, 8, color=color)
        x -= 12


def _facts(report: Report) -> list[str]:
    latency = report.latency
    tools = sum(len(turn.tools) for turn in report.turns)
    facts = [clock(report.duration), _counted(len(report.turns), "turn")]
    if latency.median_ms is not None:
        facts.append(f"median response {duration(latency.median_ms)}")
    if latency.worst_ms is not None:
        facts.append(f"worst {duration(latency.worst_ms)}")
    if tools:
        facts.append(_counted(tools, "tool call"))
    if report.interruptions:
        facts.append(_counted(len(report.interruptions), "interruption"))
    if report.clock == "virtual":
        facts.append("virtual clock")
    if not report.spans:
        facts.append("nobody said anything")
    return facts


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
