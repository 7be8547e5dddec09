"""What is told of a conversation while it happens: each thing once, when it has finished."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from antiphon.processors.latency import TurnTimes
from antiphon.processors.transcript import Said


class _Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """*at* is in seconds of session time; what ends in `_ms` in milliseconds."""

    at: float


class Utterance(_Told, frozen=True, kw_only=True, tag="said"):
    who: Literal["user", "bot"]
    item_id: str
    text: str
    """What was understood of the user, or what the bot has to say; empty if nothing was."""


class ToolCalled(_Told, frozen=True, kw_only=True, tag="tool"):
    call_id: str
    name: str
    arguments: str
    """JSON as the model wrote it, which need not be valid."""
    output: str | None
    """JSON or text; null when the conversation ended before the tool answered."""
    failed: bool


class Responded(_Told, frozen=True, kw_only=True, tag="response"):
    """The bot begins to be heard, and how long after the user's last sound that is."""

    item_id: str
    """The user's; empty when the bot speaks first."""
    response_ms: int | None
    detection_ms: int | None
    thinking_ms: int | None
    tools_ms: int | None
    playout_ms: int | None


class Interrupted(_Told, frozen=True, kw_only=True, tag="interrupted"):
    item_id: str
    """The bot's utterance that the user interrupted."""
    heard_ms: int
    text: str
    """All that the bot had to say."""


class Note(_Told, frozen=True, kw_only=True, tag="note"):
    text: str


Entry = Utterance | ToolCalled | Responded | Interrupted | Note


class Entries:
    """Turns reports of the conversation into entries.

    What has no time of its own gets the latest that was heard of, in `at`.
    """

    def __init__(self) -> None:
        self.at = 0
        """Microseconds of session time."""
        self._said: dict[str, Said] = {}
        self._told: set[str] = set()
        self._interrupted: set[str] = set()

    def said(self, said: Said) -> Iterator[Entry]:
        self.passed(said.at)
        self._said[said.item_id] = said
        if said.done:
            yield from self._tell(said)
        if said.heard is not None:
            yield from self.interrupted(said.item_id, said.heard)

    def measured(self, turn: TurnTimes) -> Iterator[Entry]:
        self.passed(turn.heard or 0)
        yield Responded(
            at=_seconds(self.at if turn.heard is None else turn.heard),
            item_id=turn.item_id,
            response_ms=_milliseconds(turn.response_time),
            detection_ms=_milliseconds(turn.detection),
            thinking_ms=_milliseconds(turn.thinking),
            tools_ms=_milliseconds(turn.tools),
            playout_ms=_milliseconds(turn.playout),
        )

    def interrupted(self, item_id: str, heard: int) -> Iterator[Entry]:
        if item_id in self._interrupted:
            return
        self._interrupted.add(item_id)
        said = self._said.get(item_id)
        if said is not None:
            yield from self._tell(said)
        yield Interrupted(
            at=_seconds(self.at),
            item_id=item_id,
            heard_ms=round(heard / 1000),
            text=said.text if said is not None else "",
        )

    def note(self, text: str) -> Iterator[Entry]:
        yield Note(at=_seconds(self.at), text=text)

    def passed(self, at: int) -> None:
        self.at = max(self.at, at)

    def rest(self) -> Iterator[Entry]:
        """What had begun and can no longer finish."""
        for said in self._said.values():
            if said.text:
                yield from self._tell(said)

    def _tell(self, said: Said) -> Iterator[Entry]:
        if said.item_id in self._told:
            return
        self._told.add(said.item_id)
        if said.who == "tool":
            yield ToolCalled(
                at=_seconds(said.at),
                call_id=said.item_id,
                name=said.text,
                arguments=said.arguments,
                output=said.output,
                failed=said.failed,
            )
        else:
            who = "user" if said.who == "user" else "bot"
            yield Utterance(at=_seconds(said.at), who=who, item_id=said.item_id, text=said.text)


def _seconds(microseconds: int) -> float:
    return round(microseconds / 1_000_000, 3)


def _milliseconds(microseconds: int | None) -> int | None:
    return None if microseconds is None else round(microseconds / 1000)
