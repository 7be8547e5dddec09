"""The conversation so far, as one who must tell it anew knows it."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    Message,
    TextPart,
    text_message,
)
from antiphon.codecs.wire import Recent
from antiphon.pipeline.frames import SAMPLE_WIDTH

ITEMS = 500
"""The oldest are forgotten beyond."""

UNNAMED = "?"


class Named(NamedTuple):
    """An item to be told anew, and what it is called; None if no server has named it yet."""

    name: str | None
    item: Item


class _Told(msgspec.Struct):
    """An item, the words of it that came, and its sound."""

    item: Item
    words: str = ""
    audio: int = 0
    """Bytes."""
    cut: bool = False


class History:
    """Follows both sides of a session."""

    def __init__(self) -> None:
        self._items = Recent[str, _Told](ITEMS)
        """By id; items of the client that no server has named yet have names of ours."""
        self._unnamed = 0
        self._running: dict[str, bool] = {}
        """Responses, and whether anything of them was heard."""
        self._pending = Recent[str, None](ITEMS)
        self._wanted = False
        """The user waits for an answer of which nothing has come."""
        self._rate = 24_000

    @property
    def running(self) -> tuple[str, ...]:
        """Responses that have begun and not ended."""
        return tuple(self._running)

    @property
    def pending(self) -> bool:
        """Tools are still to answer."""
        return bool(self._pending)

    @property
    def wanted(self) -> bool:
        """The user waits for an answer of which nothing has come."""
        return self._wanted

    def said(self, event: events.ClientEvent) -> None:
        match event:
            case events.ConversationItemCreate():
                self._unconfirmed(_Told(event.item))
                if isinstance(event.item, FunctionCallOutput):
                    self._pending.pop(event.item.call_id, None)
            case events.ResponseCreate():
                self._wanted = True
            case events.ResponseCancel():
                self._wanted = False
            case events.ConversationItemDelete():
                self._items.pop(event.item_id, None)
            case events.ConversationItemTruncate():
                self._cut(event.item_id, event.audio_end)
            case _:
                pass

    def heard(self, event: events.ServerEvent, rate: int) -> None:
        """*rate* is that of the model's speech."""
        self._rate = rate
        match event:
            case events.AudioDelta():
                self._answered(event.response_id)
                self._told(event.item_id).audio += len(event.delta)
            case events.AudioTranscriptDelta() | events.TextDelta():
                self._answered(event.response_id)
                self._told(event.item_id).words += event.delta
            case events.AudioTranscriptDone():
                self._done(event.item_id, event.transcript)
            case events.TextDone():
                self._done(event.item_id, event.text)
            case events.FunctionCallArgumentsDone():
                self._answered(event.response_id)
                self._called(event)
            case events.FunctionCallCancelled():
                for call_id in event.call_ids:
                    self._pending.pop(call_id, None)
            case events.ResponseCreated():
                self._running[event.response_id] = False
            case events.ResponseDone():
                self._running.pop(event.response_id, None)
                self._wanted = False
            case events.SpeechStopped():
                self._wanted = True
            case events.InputTranscriptionCompleted():
                self._understood(event)
            case events.TranscriptFragment():
                self._overheard(event)
            case events.ConversationItemAdded() | events.ConversationItemDone():
                self._added(event)
            case events.ConversationItemDeleted():
                self._items.pop(event.item_id, None)
            case events.ConversationItemTruncated():
                self._truncated(event)
            case _:
                pass

    def items(self) -> Iterator[Named]:
        """What can be told again: who said what, the calls of tools and their outputs."""
        for name, told in self._items.items():
            item = _tellable(told)
            if item is not None:
                yield Named(None if name.startswith(UNNAMED) else name, item)

    def text(self) -> str:
        """The same as one text, for whoever cannot be told items."""
        lines: list[str] = []
        for told in self.items():
            match item := told.item:
                case Message():
                    lines.append(f"{item.role}: {item.text}")
                case FunctionCall():
                    lines.append(f"assistant called {item.name}({item.arguments})")
                case FunctionCallOutput():
                    lines.append(f"{item.name or 'the tool'} answered: {item.output}")
                case CustomItem():
                    pass
        return "\n".join(lines)

    def forget_running(self) -> None:
        """The server that was answering is gone."""
        self._running.clear()

    def _answered(self, response_id: str) -> None:
        if response_id in self._running:  # on a call it is heard after it is done
            self._running[response_id] = True
            self._wanted = False

    def _told(self, item_id: str) -> _Told:
        told = self._items.get(item_id)
        if told is None:
            item = Message(role="assistant", id=item_id, content=())
            told = self._items[item_id] = _Told(item)
        return told

    def _done(self, item_id: str, words: str | None) -> None:
        told = self._told(item_id)
        if words is not None and not told.cut:
            told.words = words

    def _called(self, event: events.FunctionCallArgumentsDone) -> None:
        call = FunctionCall(call_id=event.call_id, name=event.name, arguments=event.arguments)
        known = self._items.get(event.item_id)
        if known is None or isinstance(known.item, FunctionCall):
            self._items[event.item_id] = _Told(call)
        else:  # a provider without items gives the message and the call one id
            self._items[f"{event.item_id}-{event.call_id}"] = _Told(call)
        if event.expects_output:
            self._pending[event.call_id] = None

    def _understood(self, event: events.InputTranscriptionCompleted) -> None:
        told = self._items.get(event.item_id)
        if told is None:
            item = text_message("", id=event.item_id)
            told = self._items[event.item_id] = _Told(item)
        told.words = event.transcript

    def _overheard(self, event: events.TranscriptFragment) -> None:
        """A continuous model tells words of both sides, and no items."""
        last = next(reversed(self._items.values()), None)
        if last is None or not isinstance(last.item, Message) or last.item.role != event.speaker:
            last = _Told(Message(role=event.speaker, content=()))
            self._unconfirmed(last)
        last.words += event.delta

    def _added(self, event: events.ConversationItemAdded | events.ConversationItemDone) -> None:
        item = event.item
        if item is None or isinstance(item, CustomItem):
            return
        told = self._items.get(event.item_id)
        if told is None:
            self._confirmed(event.item_id, item)
        elif not isinstance(item, Message):
            told.item = item

    def _unconfirmed(self, told: _Told) -> None:
        self._unnamed += 1
        self._items[f"{UNNAMED}{self._unnamed}"] = told

    def _confirmed(self, item_id: str, item: Item) -> None:
        """The server names an item: one that it was told, which keeps its place, or a new one."""
        for name, told in self._items.items():
            if name.startswith(UNNAMED) and same(told.item, item):
                renamed = [(item_id if n == name else n, t) for n, t in self._items.items()]
                self._items = Recent(ITEMS, renamed)
                return
        self._items[item_id] = _Told(item)

    def _truncated(self, event: events.ConversationItemTruncated) -> None:
        if event.transcript is not None:
            told = self._told(event.item_id)
            told.words, told.cut = event.transcript, True
        elif event.audio_end is not None:
            self._cut(event.item_id, event.audio_end)

    def _cut(self, item_id: str, audio_end: int) -> None:
        """The item is known as far as it was heard, which is about the same share of its words."""
        told = self._items.get(item_id)
        if told is None or told.cut:
            return
        whole = told.audio // SAMPLE_WIDTH * 1_000_000 // self._rate
        kept = len(told.words) * min(audio_end, whole) // whole if whole else 0
        if kept < len(told.words):
            told.words = told.words[:kept].rpartition(" ")[0]
        told.cut = True


def _tellable(told: _Told) -> Item | None:
    """The item without its old name, and with a status: it is not for an answer."""
    item = told.item
    if isinstance(item, CustomItem):
        return item
    if not isinstance(item, Message):
        return msgspec.structs.replace(item, id=None, status="completed")
    parts = tuple(part for part in item.content if not _empty(part))
    if told.words:
        parts = (TextPart(text=told.words),)
    if not parts:
        return None
    return msgspec.structs.replace(item, content=parts, id=None, status="completed")


def _empty(part: TextPart | AudioPart | ImagePart) -> bool:
    match part:
        case TextPart():
            return not part.text
        case AudioPart():
            return part.audio is None and not part.transcript
        case ImagePart():
            return False


def same(ours: Item, theirs: Item) -> bool:
    """Whether *theirs* is how a server repeats *ours*."""
    if ours.id is not None:
        return ours.id == theirs.id
    match ours, theirs:
        case Message(), Message():
            return ours.role == theirs.role and ours.text == theirs.text
        case FunctionCallOutput(), FunctionCallOutput():
            return ours.call_id == theirs.call_id
        case FunctionCall(), FunctionCall():
            return ours.call_id == theirs.call_id
        case _:
            return False
