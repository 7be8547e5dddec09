"""The conversation on a terminal: what was said scrolls by above a line that moves."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO, cast

from antiphon.processors.latency import TurnTimes
from antiphon.processors.transcript import Said
from antiphon.show.entries import Entries, Entry, Interrupted, Utterance
from antiphon.show.outlet import Outlet
from antiphon.show.wording import clock, encodable, neutral, told

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {"user": "bold blue", "bot": "bold green", "tool": "bold magenta", "": "dim"}

AUDIBLE = 0.02
"""A level from which on somebody speaks."""

LINGER = 400_000
"""Microseconds for which one who has become silent is still said to speak: between words."""

QUIETEST = -48.0
"""The left end of a meter, in dB below full scale."""


class Live:
    """Needs rich (ImportError without). Draws when it is told something, in no thread."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live as Display

        self._out = Outlet(stream)
        self._console = Console(
            file=cast("TextIO", self._out), highlight=False, markup=False, emoji=False
        )
        self._entries = Entries()
        self._growing: Said | None = None
        self._levels = {"user": 0.0, "bot": 0.0}
        self._spoke: dict[str, int] = {}
        self._display = Display(
            console=self._console, auto_refresh=False, transient=True, get_renderable=self._status
        )

    def said(self, said: Said) -> None:
        self._growing = None if said.done else said
        self._write(self._entries.said(said))

    def measured(self, turn: TurnTimes) -> None:
        self._write(self._entries.measured(turn))

    def interrupted(self, item_id: str, heard: int) -> None:
        self._write(self._entries.interrupted(item_id, heard))

    def level(self, user: float, bot: float, at: int) -> None:
        self._entries.passed(at)
        self._levels = {"user": user, "bot": bot}
        for who, level in self._levels.items():
            if level >= AUDIBLE:
                self._spoke[who] = at
        self._display.start()  # once; before, the terminal is left as it is
        self._display.refresh()

    def note(self, text: str) -> None:
        self._write(self._entries.note(text))

    def close(self) -> None:
        self._write(self._entries.rest())
        self._display.stop()

    def _write(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._console.print(self._line(entry), overflow="fold")

    def _line(self, entry: Entry) -> "Text":
        """A line, with what does not fit below its own beginning."""
        from rich.text import Text

        who, text = told(entry)
        head, style = f"{clock(entry.at):>5}  ", STYLES[who]
        if isinstance(entry, Interrupted):
            style = "bold red"
        indent = len(head) + 6
        room = self._console.width - indent
        if room < 16:
            indent, room = 0, self._console.width
        words = Text(
            self._fit(text), style="" if isinstance(entry, Utterance) or who == "tool" else style
        )
        line = Text.assemble((head, "dim"), (f"{who:4}  ", style))
        lines = words.wrap(self._console, room, overflow="fold")
        if not indent:
            return line + words
        return line + Text("\n" + " " * indent).join(lines)

    def _status(self) -> "Text":
        """How long it has taken, how loud both are and who speaks, as far as there is room."""
        from rich.text import Text

        columns = self._console.width - 1
        status = Text(f"{clock(self._entries.at / 1e6):>5}  ", style="bold", no_wrap=True)
        cells = min(12, (columns - 30) // 3)
        for who, level in self._levels.items():
            if cells >= 3:
                status.append(f"{who} ", STYLES[who])
                status.append_text(self._meter(level, cells, STYLES[who]))
                status.append("  ")
        status.append(self._speaking())
        room = columns - status.cell_len - 2
        if self._growing is not None and room > 12:
            said = self._fit(neutral(self._growing.text))
            status.append(f"  {said[-room:]}", "dim italic")
        status.truncate(max(columns, 1))
        return status

    def _meter(self, level: float, cells: int, style: str) -> "Text":
        from rich.text import Text

        loud = 20 * math.log10(max(level, 1e-6)) / -QUIETEST + 1
        filled = round(min(max(loud, 0.0), 1.0) * cells)
        full, empty = ("━", "─") if self._fit("━") == "━" else ("#", ".")
        return Text.assemble((full * filled, style), (empty * (cells - filled), "dim"))

    def _speaking(self) -> str:
        """Who speaks, or has just done so."""
        now = self._entries.at
        who = [name for name, at in self._spoke.items() if now - at <= LINGER]
        if len(who) > 1:
            return "both speak"
        return f"the {who[0]} speaks" if who else ""

    def _fit(self, text: str) -> str:
        return encodable(text, self._out.encoding)
