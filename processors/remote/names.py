"""What things are called in a session whose servers name them, each from the beginning."""

from typing import Any, TypeVar

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import CustomItem, FunctionCall, FunctionCallOutput, Item
from antiphon.codecs.wire import Recent

REMEMBERED = 4000
"""Names; a session is not known by more than its newest."""

Said = TypeVar("Said", bound=events.EventFrame)

FIELDS = ("response_id", "item_id", "previous_item_id", "call_id", "delegation_id")

REPEATING = (
    events.AudioDelta,
    events.AudioTranscriptDelta,
    events.TextDelta,
    events.FunctionCallArgumentsDelta,
)
"""By their first, everything that they name was named before."""

OF_WHAT_IS_THERE = (
    events.ConversationItemTruncate,
    events.ConversationItemDelete,
    events.ConversationItemRetrieve,
    events.ResponseCancel,
    events.OutputPlaybackStarted,
    events.OutputPlaybackStopped,
    events.OutputPlaybackCleared,
)
"""They mean nothing, or something else, to a server that does not know what they name."""


class Names:
    """The first server's names stay what they are; where a later one uses them again, for
    something else, its names get a number behind them.
    """

    def __init__(self) -> None:
        self._known = Recent[str, None](REMEMBERED)
        self._ours = Recent[str, str](REMEMBERED)
        self._theirs = Recent[str, str](REMEMBERED)
        self._server = 1

    def begin_anew(self) -> None:
        """The next server knows nothing of the names so far."""
        self._server += 1
        self._ours.clear()
        self._theirs.clear()

    def bind(self, theirs: str, ours: str) -> None:
        self._ours[theirs], self._theirs[ours] = ours, theirs
        self._known[ours] = None

    def heard(self, event: Said) -> Said:
        """A server's event with our names."""
        if self._server == 1 and isinstance(event, REPEATING):
            return event
        changes = self._changes(event, self._our)
        if isinstance(event, events.ResponseDone) and event.output is not None:
            changes["output"] = tuple(self._item(item, self._our) for item in event.output)
        elif isinstance(event, events.FunctionCallCancelled):
            changes["call_ids"] = tuple(self._our(name) for name in event.call_ids)
        if self._server == 1 or not changes:
            return event
        return msgspec.structs.replace(event, **changes)

    def said(self, event: Said) -> Said | None:
        """A client's event with the server's names; None if it is of what another had."""
        if self._server == 1:
            return event
        if isinstance(event, OF_WHAT_IS_THERE) and any(
            name in self._known and name not in self._theirs
            for name in (getattr(event, "item_id", None), getattr(event, "response_id", None))
        ):
            return None
        if isinstance(event, events.ConversationItemCreate):
            if isinstance(event.item, FunctionCallOutput):
                self._their(event.item.call_id)
            if (previous := event.previous_item_id) in self._known and previous not in self._theirs:
                event = msgspec.structs.replace(event, previous_item_id=None)
        changes = self._changes(event, self._their)
        return msgspec.structs.replace(event, **changes) if changes else event

    def _changes(self, event: events.EventFrame, name: Any) -> dict[str, Any]:
        changes: dict[str, Any] = {
            field: new
            for field in FIELDS
            if isinstance(old := getattr(event, field, None), str) and (new := name(old)) != old
        }
        item: Item | None = getattr(event, "item", None)
        if item is not None and (renamed := self._item(item, name)) is not item:
            changes["item"] = renamed
        return changes

    def _item(self, item: Item, name: Any) -> Item:
        if isinstance(item, CustomItem):
            return item
        changes = {} if item.id is None else {"id": name(item.id)}
        if isinstance(item, FunctionCall | FunctionCallOutput):
            changes["call_id"] = name(item.call_id)
        if all(getattr(item, field) == new for field, new in changes.items()):
            return item
        return msgspec.structs.replace(item, **changes)

    def _our(self, theirs: str) -> str:
        ours = self._ours.get(theirs)
        if ours is None and not theirs:
            return theirs  # some name nothing, and say so
        if ours is None:
            ours = f"{theirs}-{self._server}" if theirs in self._known else theirs
            if self._server == 1:
                self._known[theirs] = None
            else:
                self.bind(theirs, ours)
        return ours

    def _their(self, ours: str) -> str:
        theirs = self._theirs.get(ours)
        if theirs is None:
            theirs = ours
            if ours in self._known:  # it was told by this name, and is known by it from now on
                self.bind(ours, ours)
        return theirs
