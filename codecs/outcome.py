"""What a response brings forth: items, and the parts of their content, as far as they are told.

`Complete` keeps these books.
"""

from typing import Any, TypeVar

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, FunctionCall, Item, Message, Part, TextPart
from antiphon.codecs.wire import Recent

LONGEST = 1 << 20
"""Characters of a response's words that are kept to be repeated."""

OfPart = (
    events.ContentPartAdded
    | events.ContentPartDone
    | events.AudioDelta
    | events.AudioDone
    | events.AudioTranscriptDelta
    | events.AudioTranscriptDone
    | events.TextDelta
    | events.TextDone
)
End = (
    events.AudioDone | events.AudioTranscriptDone | events.TextDone | events.ContentPartDone
)  # fmt: skip

SomeOfPart = TypeVar("SomeOfPart", bound=OfPart)


class Room(msgspec.Struct):
    """How many characters of a response's words may still be kept."""

    left: int = LONGEST


class Words:
    """What was said or written so far."""

    def __init__(self, room: Room) -> None:
        self.said: list[str] = []
        self._room = room

    def add(self, more: str) -> None:
        if self._room.left > 0:
            self.said.append(more[: self._room.left])
            self._room.left -= len(more)

    def replace(self, whole: str) -> None:
        self._room.left += sum(map(len, self.said))
        self.said = []
        self.add(whole)

    def __str__(self) -> str:
        if len(self.said) > 1:
            self.said = ["".join(self.said)]
        return self.said[0] if self.said else ""


class OutputPart(msgspec.Struct):
    """A part of a message, under way until it is *closed*."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int
    named: tuple[str, int]
    """The item and the content index by which the provider calls it."""
    spoken: bool
    words: Words
    sounding: bool = False
    """There was sound that has not been said to be over."""
    telling: bool = False
    """There were words that have not been said to be over."""
    closed: bool = False
    by_us: set[type[events.EventFrame]] = set()
    """What was said of the part in the server's stead, which may still do so."""

    @property
    def part(self) -> Part:
        words = str(self.words)
        return AudioPart(transcript=words) if self.spoken else TextPart(text=words)

    def note(self, event: SomeOfPart) -> SomeOfPart:
        """*event* as it should be, once the part knows of it."""
        if not self.closed:
            match event:
                case events.AudioDelta():
                    self.sounding = True
                case events.AudioTranscriptDelta() | events.TextDelta():
                    self.telling = True
                    self.words.add(event.delta)
                case events.AudioDone():
                    self.sounding = False
                case events.AudioTranscriptDone():
                    event = self._told(event, "transcript", event.transcript)
                case events.TextDone():
                    event = self._told(event, "text", event.text)
                case _:
                    pass
        if (
            event.output_index != self.output_index
            or event.content_index != self.content_index
            or event.item_id != self.item_id
        ):
            where = self.where
            del where["response_id"]
            event = msgspec.structs.replace(event, **where)
        return event

    def _told(self, event: SomeOfPart, field: str, whole: str | None) -> SomeOfPart:
        """All words of the part are *whole*, or what was told of them so far."""
        self.telling = False
        if whole is None:
            return msgspec.structs.replace(event, **{field: str(self.words)})
        self.words.replace(whole)
        return event

    def show(self, part: Part) -> None:
        """The server shows the part as a whole."""
        words = part.text if isinstance(part, TextPart) else None
        if isinstance(part, AudioPart):
            words = part.transcript
        if words:
            self.words.replace(words)

    def missing(self, at: int) -> list[End]:
        """The ends that have not been told, but that of the part itself."""
        ends: list[End] = []
        if self.sounding:
            ends.append(events.AudioDone(**self.where, at=at))
        if self.telling and self.spoken:
            words = str(self.words)
            ends.append(events.AudioTranscriptDone(**self.where, transcript=words, at=at))
        elif self.telling:
            ends.append(events.TextDone(**self.where, text=str(self.words), at=at))
        self.sounding = self.telling = False
        self.by_us.update(type(end) for end in ends)
        return ends

    def close(self, at: int) -> list[End]:
        """All ends that have not been told."""
        ends = self.missing(at)
        if not self.closed:
            self.closed = True
            self.by_us.add(events.ContentPartDone)
            ends.append(events.ContentPartDone(**self.where, part=self.part, at=at))
        return ends

    def late(self, event: events.EventFrame) -> bool:
        """Whether *event* was said for the provider already; each is once."""
        if type(event) not in self.by_us:
            return False
        self.by_us.remove(type(event))
        return True

    @property
    def where(self) -> dict[str, Any]:
        return {
            "response_id": self.response_id,
            "item_id": self.item_id,
            "output_index": self.output_index,
            "content_index": self.content_index,
        }


class OutputItem(msgspec.Struct):
    """An item that a response brings forth; *ours* if the server never announced it."""

    index: int
    arguments: Words
    """Of a call, as far as they are told."""
    ours: bool = False
    told: Item | None = None
    """As the server told it last."""
    call: FunctionCall | None = None
    called: bool = False
    """The arguments are complete."""
    parts: dict[int, OutputPart] = msgspec.field(
        default_factory=lambda: Recent[int, OutputPart](64)
    )
    done: bool = False
    late: bool = False
    """It was said to be done for the server, which may still say so."""

    @property
    def blank(self) -> bool:
        """Nothing is known but that there will be something."""
        shown = isinstance(self.told, Message) and not self.told.content
        return not (self.parts or self.call or self.done) and (self.told is None or shown)

    def part(self, named: int, spoken: bool | None) -> OutputPart | None:
        """The part that the server calls so; None is of either kind."""
        for part in reversed(self.parts.values()):
            if part.named[1] == named and spoken in (None, part.spoken):
                return part
        return None

    def free(self, wished: int) -> int:
        """*wished*, unless there is a part with this index."""
        return wished if wished not in self.parts else max(self.parts) + 1

    def whole(self, item_id: str, status: str) -> Item:
        if self.call is not None:
            arguments = self.call.arguments or str(self.arguments)
            return msgspec.structs.replace(self.call, status=status, arguments=arguments)
        if self.told is not None and (self.done or not self.parts):
            return self.told
        content = tuple(part.part for _, part in sorted(self.parts.items()))
        return Message(role="assistant", id=item_id, status=status, content=content)


class Outcome(msgspec.Struct):
    """What is known of a response."""

    items: dict[str, OutputItem] = msgspec.field(
        default_factory=lambda: Recent[str, OutputItem](256)
    )
    calls: dict[str, str] = msgspec.field(default_factory=lambda: Recent[str, str](256))
    """The items of calls, which may have other ids than the server gives them."""
    messages: dict[str, str] = msgspec.field(default_factory=lambda: Recent[str, str](256))
    """The items of what is said, where the server gives a call's id to it."""
    room: Room = msgspec.field(default_factory=Room)

    def add(self, item_id: str, wished: int | None = None) -> OutputItem:
        """A new item, at the index that is *wished* unless there is one."""
        taken = {item.index for item in self.items.values()}
        if wished is None or wished in taken:
            wished = 1 + max(taken, default=-1)
        item = self.items[item_id] = OutputItem(index=wished, arguments=Words(self.room))
        return item

    def message(self, item_id: str) -> str:
        """The id of what is said in the item that the server calls so."""
        item = self.items.get(item_id)
        if item is not None and item.call is not None:
            self.messages[item_id] = f"{item_id}-said"
        return self.messages.get(item_id, item_id)

    def output(self, status: str) -> tuple[Item, ...]:
        return tuple(item.whole(item_id, status) for item_id, item in self.items.items())

    def forget_words(self) -> None:
        """All is said: from now on only ids matter."""
        for item in self.items.values():
            item.told, item.call = None, None
            item.arguments = Words(self.room)
            for part in item.parts.values():
                part.words = item.arguments
