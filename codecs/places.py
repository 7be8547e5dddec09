"""The items of a conversation, in their order: `Complete` announces those that a server does not."""

from collections.abc import Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, Item, Message
from antiphon.codecs.wire import Recent


class _Place(msgspec.Struct):
    previous: str | None
    added_by_us: bool = False
    """The server may still say so itself."""
    done: bool = False
    done_by_us: bool = False


class Places:
    """Where each item is, and what was said of it in the server's stead."""

    def __init__(self) -> None:
        self._places = Recent[str, _Place](1024)
        self._last: str | None = None
        self._committed: str | None = None
        """What the user said last, until it is known as an item."""

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._places

    def added(self, event: events.ConversationItemAdded) -> bool:
        """Whether that is new; what was announced already is not announced again."""
        place = self._places.get(event.item_id)
        if place is not None and place.added_by_us:
            place.added_by_us = False
            return False
        previous = event.previous_item_id
        before = previous if isinstance(previous, str) else self._last
        self._places[event.item_id] = _Place(before)
        if before == self._last or before not in self._places:
            self._last = event.item_id
        return True

    def done(self, item_id: str) -> bool:
        """Whether that is new."""
        place = self._places.get(item_id)
        if place is None:
            return True
        new = not place.done_by_us
        place.done, place.done_by_us = True, False
        return new

    def deleted(self, item_id: str) -> None:
        self._places.pop(item_id, None)
        if self._last == item_id:
            self._last = next(reversed(self._places), None)

    def add(self, item_id: str, shown: Item, at: int) -> Iterator[events.ConversationItemAdded]:
        """Announces an item at the conversation's end, unless the server has."""
        if item_id in self._places:
            return
        previous, self._last = self._last, item_id
        self._places[item_id] = _Place(previous, added_by_us=True)
        yield events.ConversationItemAdded(
            item_id=item_id, item=shown, previous_item_id=previous, at=at
        )

    def finish(self, item_id: str, shown: Item, at: int) -> Iterator[events.ConversationItemDone]:
        """Says that an item is complete, unless the server has."""
        place = self._places.get(item_id)
        if place is None or place.done:
            return
        place.done = place.done_by_us = True
        yield events.ConversationItemDone(
            item_id=item_id, item=shown, previous_item_id=place.previous, at=at
        )

    # What the user said.

    def committed(self, item_id: str | None) -> None:
        if item_id and item_id not in self._places:
            self._committed = item_id

    def user(self, at: int, *, unless: str | None = None) -> Iterator[events.ConversationItemAdded]:
        """Announces what was committed, *unless* the server is just doing so."""
        item_id, self._committed = self._committed, None
        if item_id is not None and item_id != unless:
            yield from self.understood(item_id, at)

    def understood(self, item_id: str, at: int) -> Iterator[events.ConversationItemAdded]:
        """Announces what words of the user belong to."""
        said = Message(role="user", id=item_id, status="completed", content=(AudioPart(),))
        return self.add(item_id, said, at)
