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


class NoSpeech(ValueError):
    """The item is not something that the model said."""


class Spoken(msgspec.Struct):
    """How far an item's speech has come, in microseconds; *left* is about what is to follow."""

    duration: int = 0
    left: int = 0
    cut: bool = False
    """It was truncated: it grows no more."""


class Conversation:
    """Items by id, in order; ids are counted, so that they come out the same each time."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._counts: dict[str, int] = {}
        self._spoken: dict[str, Spoken] = {}

    def __iter__(self) -> Iterator[Item]:
        """Those that there are now, though others may come meanwhile."""
        return iter(tuple(self._items.values()))

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
        """`item_1`, `item_2`, ... for each *kind*, but those that the client has chosen."""
        while True:
            count = self._counts[kind] = self._counts.get(kind, 0) + 1
            if (new := f"{kind}_{count}") not in self._items:
                return new

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
        """The item of the same id is now *item*; of a truncated one the words stay."""
        old = self._items.get(item.id or "")
        if old is None:
            return
        if isinstance(item, Message) and isinstance(old, Message) and self._is_cut(old.id):
            item = msgspec.structs.replace(item, content=old.content, status=old.status)
        self._items[item.id or ""] = item

    def delete(self, item_id: str) -> None:
        del self._items[self._known(item_id)]
        self._spoken.pop(item_id, None)

    def spoke(self, item_id: str, duration: int, left: int = 0) -> None:
        """The speech of an item has grown by *duration*; about *left* of its words is to follow."""
        spoken = self._spoken.setdefault(item_id, Spoken())
        if not spoken.cut:
            spoken.duration += duration
            spoken.left = left

    def truncate(self, item_id: str, audio_end: int) -> int:
        """Keep of an item what was heard until *audio_end*, at most all; returns that."""
        item = self[item_id]
        spoken = self._spoken.get(item_id)
        if not isinstance(item, Message) or spoken is None:
            raise NoSpeech(item_id)
        heard = min(max(0, audio_end), spoken.duration)
        words = item.text.split()
        whole = spoken.duration + spoken.left
        kept = " ".join(words[: len(words) * heard // whole]) if whole else ""
        self._items[item_id] = msgspec.structs.replace(
            item, content=(AudioPart(transcript=kept),), status="incomplete"
        )
        self._spoken[item_id] = Spoken(duration=heard, cut=True)
        return heard

    def _is_cut(self, item_id: str | None) -> bool:
        spoken = self._spoken.get(item_id or "")
        return spoken is not None and spoken.cut

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
