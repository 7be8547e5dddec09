"""What a model remembers: the items of a conversation, in order."""

from collections.abc import Iterator

import msgspec

from antiphon.codecs.items import (
    AudioPart,
    FunctionCallOutput,
    Item,
    Message,
)

BOUND = 2000
"""Items; the oldest are forgotten beyond."""


class UnknownItem(KeyError):
    """The conversation has no item of that id."""


class Conversation:
    """Items by id, in order; ids are counted, so that they come out the same each time."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._counts: dict[str, int] = {}
        self._duration: dict[str, int] = {}

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    def __getitem__(self, item_id: str) -> Item:
        try:
            return self._items[item_id]
        except KeyError:
            raise UnknownItem(item_id) from None

    @property
    def last(self) -> str | None:
        return next(reversed(self._items), None)

    def new_id(self, kind: str) -> str:
        """`item_1`, `item_2`, ... for each *kind*."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}_{self._counts[kind]}"

    def add(self, item: Item, previous_item_id: str | None = None) -> Item:
        """Put *item* behind another, "root" for the front; at the end if that is None."""
        item_id = item.id or self.new_id("item")
        item = msgspec.structs.replace(item, id=item_id)
        if previous_item_id is None or previous_item_id == self.last:
            self._items[item_id] = item
        else:
            order = list(self._items)
            place = (
                0 if previous_item_id == "root" else order.index(self._known(previous_item_id)) + 1
            )
            order.insert(place, item_id)
            self._items[item_id] = item
            self._items = {one: self._items[one] for one in order}
        while len(self._items) > BOUND:
            self.delete(next(iter(self._items)))
        return item

    def replace(self, item: Item) -> None:
        if item.id in self._items:
            self._items[item.id] = item

    def delete(self, item_id: str) -> None:
        del self._items[self._known(item_id)]
        self._duration.pop(item_id, None)

    def spoke(self, item_id: str, duration: int) -> None:
        """The speech of an item has grown by *duration* microseconds."""
        self._duration[item_id] = self._duration.get(item_id, 0) + duration

    def truncate(self, item_id: str, audio_end: int) -> int:
        """Keep of an item what was heard until *audio_end*, at most all; returns that."""
        item = self[item_id]
        duration = self._duration.get(item_id, 0)
        heard = min(audio_end, duration)
        if isinstance(item, Message) and duration:
            words = item.text.split()
            kept = " ".join(words[: len(words) * heard // duration])
            part = AudioPart(transcript=kept)
            self.replace(msgspec.structs.replace(item, content=(part,), status="incomplete"))
        self._duration[item_id] = heard
        return heard

    def _known(self, item_id: str) -> str:
        if item_id not in self._items:
            raise UnknownItem(item_id)
        return item_id


def text_of(item: Item) -> str:
    """The words of *item*, for counting and for showing."""
    match item:
        case Message():
            return item.text
        case FunctionCallOutput():
            return item.output
        case _:
            return ""
