"""The response times of a conversation as a table of text."""

import statistics
from collections.abc import Sequence

from antiphon.report import Report, Turn
from antiphon.show.wording import neutral, padded, shortened, width

COLUMNS = ("response", "detection", "thinking", "tools", "playout")

SAID = 34
"""Columns for what was said."""

CUT = " (!)"


def latency_table(report: Report) -> str:
    """A row for each turn of *report*, then the median and the worst of every column."""
    rows = [(_title(turn), _times(turn)) for turn in report.turns]
    if not rows:
        return "No turn was measured."
    columns = list(zip(*(times for _, times in rows), strict=True))
    known = [[ms for ms in column if ms is not None] for column in columns]
    median = [round(statistics.median(column)) if column else None for column in known]
    worst = [max(column, default=None) for column in known]
    # The report has the last word on what it sums up.
    median[0], worst[0] = report.latency.median_ms, report.latency.worst_ms
    said = max(width(title) for title, _ in [*rows, ("turn (ms)", ())])
    head = padded("turn (ms)", said) + "".join(f"{name:>11}" for name in COLUMNS)
    rule = "-" * len(head)
    lines = [head, rule, *(_row(title, times, said) for title, times in rows), rule]
    lines += [_row("median", median, said), _row("worst", worst, said)]
    if any(turn.interrupted for turn in report.turns):
        lines.append(f"{CUT.strip()} the answer was interrupted")
    return "\n".join(lines)


def _title(turn: Turn) -> str:
    said = neutral(turn.said) or neutral(turn.understood)
    if not said:
        said = "(the bot speaks first)" if turn.began is None else "(not understood)"
    return shortened(said, SAID - len(CUT)) + (CUT if turn.interrupted else "")


def _times(turn: Turn) -> tuple[int | None, ...]:
    parts = turn.parts
    return (
        turn.response_time_ms,
        parts.detection_ms,
        parts.thinking_ms,
        parts.tools_ms,
        parts.playout_ms,
    )


def _row(title: str, times: Sequence[int | None], said: int) -> str:
    return padded(title, said) + "".join(f"{'-' if ms is None else ms:>11}" for ms in times)
