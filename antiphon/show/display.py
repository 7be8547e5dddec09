"""What a user sees while a conversation happens."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Protocol, TextIO

import msgspec

from antiphon.processors.latency import TurnTimes
from antiphon.processors.transcript import Said
from antiphon.show.entries import Entries, Entry
from antiphon.show.live import Live
from antiphon.show.outlet import Outlet
from antiphon.show.table import latency_table
from antiphon.show.wording import told

__all__ = ["JsonLines", "Live", "Plain", "Show", "latency_table", "show_for"]


class Show(Protocol):
    """Is told what happens. Times are in microseconds of session time."""

    def said(self, said: Said) -> None:
        """An entry of the transcript is new or has grown."""
        ...

    def measured(self, turn: TurnTimes) -> None:
        """An answer begins to be heard."""
        ...

    def interrupted(self, item_id: str, heard: int) -> None:
        """The user spoke over this item; an entry with `heard` set says the same."""
        ...

    def level(self, user: float, bot: float, at: int) -> None:
        """How loud they are, from 0 to 1; to be told several times a second."""
        ...

    def note(self, text: str) -> None: ...

    def close(self) -> None:
        """Show what is unfinished and leave the terminal as it was."""
        ...


class Lines:
    """A line for each thing that has finished, as *written* puts it."""

    def __init__(self, stream: TextIO, written: Callable[[Entry], str]) -> None:
        self._out = Outlet(stream)
        self._written = written
        self._entries = Entries()

    def said(self, said: Said) -> None:
        self._write(self._entries.said(said))

    def measured(self, turn: TurnTimes) -> None:
        self._write(self._entries.measured(turn))

    def interrupted(self, item_id: str, heard: int) -> None:
        self._write(self._entries.interrupted(item_id, heard))

    def level(self, user: float, bot: float, at: int) -> None:
        self._entries.passed(at)

    def note(self, text: str) -> None:
        self._write(self._entries.note(text))

    def close(self) -> None:
        self._write(self._entries.rest())

    def _write(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._out.line(self._written(entry))


class Plain(Lines):
    """Text for files, pipes and simple terminals.

    A line starts with the time in seconds and who speaks; what is told about the
    conversation is indented.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, _as_text)


class JsonLines(Lines):
    """JSON objects, in ASCII, in the order in which things finish.

    `at` is when it began, in seconds of session time; `type` says what else there is:

    - `said`: `who` (user or bot), `item_id`, `text`
    - `tool`: `call_id`, `name`, `arguments` and `output` (JSON as text; output may be plain
      text, and is null when there was none), `failed`
    - `response`: `item_id` of the user's turn (empty when the bot speaks first),
      `response_ms`, and its parts `detection_ms`, `thinking_ms`, `tools_ms`, `playout_ms`;
      null where unknown
    - `interrupted`: `item_id` of what the bot was saying, `heard_ms`, `text` in full
    - `note`: `text`
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, _as_json)


def _as_text(entry: Entry) -> str:
    who, text = told(entry)
    return f"{entry.at:7.2f} s  {who:4}  {text}"


def _as_json(entry: Entry) -> str:
    return json.dumps(msgspec.to_builtins(entry))


def show_for(stream: TextIO, *, plain: bool = False) -> Show:
    """Live on a terminal that can do it, else Plain.

    A terminal cannot when it is dumb, when NO_COLOR asks for none of it, and when rich is
    not installed.
    """
    simple = os.environ.get("TERM", "") in ("dumb", "unknown") or os.environ.get("NO_COLOR")
    if plain or simple or stream.closed or not stream.isatty():
        return Plain(stream)
    try:
        return Live(stream)
    except ImportError:
        return Plain(stream)
