"""Makes whole what a server says of its responses.

Strict clients want every response announced, every item and every part of it opened, closed and
repeated as a whole; many providers only send the speech and the words. `Complete` adds what is
missing, in the order of OpenAI's protocol, which is the most talkative. What is whole already it
lets by as it is.
"""

from collections.abc import Generator, Iterator
from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, FunctionCall, Item, Message, Part, TextPart
from antiphon.codecs.wire import Recent

LONGEST = 1 << 20
"""Characters of a part's words that are kept to be repeated."""

Said = Iterator[events.ServerEvent]
Call = events.FunctionCallArgumentsDelta | events.FunctionCallArgumentsDone
OfItem = events.OutputItemAdded | events.OutputItemDone | Call
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


class _Part(msgspec.Struct):
    """A part of a message that is under way."""

    event: events.ContentEvent
    """The one that it began with: whose part it is."""
    output_index: int
    spoken: bool
    words: list[str] = []
    length: int = 0
    heard: bool = False
    """There was sound that has not been said to be over."""
    telling: bool = False
    """There were words that have not been said to be over."""
    closed: bool = False

    def say(self, words: str) -> None:
        self.telling = True
        if self.length < LONGEST:
            self.words.append(words)
            self.length += len(words)

    def said(self, words: str) -> None:
        """All that was said is *words*."""
        self.telling = False
        self.words, self.length = [words[:LONGEST]], len(words)

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def part(self) -> Part:
        return AudioPart(transcript=self.text) if self.spoken else TextPart(text=self.text)


class _Item(msgspec.Struct):
    """An item that a response brings forth; *ours* if the server never announced it."""

    index: int
    ours: bool = False
    told: Item | None = None
    """As the server told it last."""
    call: FunctionCall | None = None
    parts: dict[int, _Part] = msgspec.field(default_factory=lambda: Recent[int, _Part](64))
    done: bool = False

    def whole(self, item_id: str, status: str) -> Item:
        if self.call is not None:
            return msgspec.structs.replace(self.call, status=status)
        if self.told is not None and (self.done or not self.parts):
            return self.told
        content = tuple(part.part for _, part in sorted(self.parts.items()))
        return Message(role="assistant", id=item_id, status=status, content=content)


class _Response(msgspec.Struct):
    items: dict[str, _Item] = msgspec.field(default_factory=lambda: Recent[str, _Item](256))
    calls: dict[str, str] = msgspec.field(default_factory=lambda: Recent[str, str](256))
    """The items of calls whose own were not announced."""


class Complete:
    """A processor: server events in, the same and those that were missing out."""

    def __init__(self) -> None:
        self._responses = Recent[str, _Response](16)
        self._over = Recent[str, None](64)
        """Responses of which nothing more should come."""
        self._parts = Recent[tuple[str, str, int], _Part](64)
        """Those that are open, by response, item and index: the way that most events take."""
        self._known = Recent[str, None](1024)
        """Items of the conversation that were announced."""
        self._last: str | None = None

    def process(self, event: events.ServerEvent) -> Said:
        match event:
            case events.ContentPartAdded():
                if event.response_id not in self._over:
                    yield from self._open(event, announce=False)
            case events.ContentEvent():
                part = self._parts.get((event.response_id, event.item_id, event.content_index))
                if part is None and event.response_id not in self._over:
                    part = yield from self._open(event, announce=True)
                if part is not None:
                    event = _noted(event, part)
            case events.OutputEvent():
                if event.response_id not in self._over:
                    yield from self._of_item(event)
                    return
            case events.ResponseCreated():
                self._responses[event.response_id] = _Response()
            case events.ResponseDone():
                event = yield from self._finished(event)
            case events.ConversationItemAdded():
                self._announced(event.item_id)
            case events.InputTranscriptionDelta() | events.InputTranscriptionCompleted():
                yield from self._understood(event)
            case _:
                pass
        yield event

    def _of_item(self, event: OfItem) -> Said:
        match event:
            case events.OutputItemAdded():
                response = yield from self._response(event.response_id, event.at)
                call = event.item if isinstance(event.item, FunctionCall) else None
                response.items[event.item_id] = _Item(
                    index=event.output_index, told=event.item, call=call
                )
            case events.OutputItemDone():
                item = yield from self._item(event)
                yield from self._close_parts(item, event.at)
                item.done, item.told = True, event.item or item.told
                if isinstance(event.item, FunctionCall):
                    item.call = event.item
            case events.FunctionCallArgumentsDelta() | events.FunctionCallArgumentsDone():
                yield from self._of_call(event)
                return
        yield event

    def _of_call(self, event: Call) -> Said:
        response = yield from self._response(event.response_id, event.at)
        item_id = response.calls.get(event.call_id, event.item_id)
        item = response.items.get(item_id)
        if item is None or item.call is None or item.call.call_id != event.call_id:
            # A provider without items gives all that a response brings forth the same id.
            item_id = event.item_id if item is None else f"{event.item_id}-{event.call_id}"
            response.calls[event.call_id] = item_id
            call = FunctionCall(
                id=item_id,
                call_id=event.call_id,
                name=event.name if isinstance(event, events.FunctionCallArgumentsDone) else "",
                arguments="",
                status="in_progress",
            )
            item = _Item(index=len(response.items), ours=True, call=call)
            response.items[item_id] = item
            yield from self._announce(event, item_id, item)
        if item.ours:
            event = msgspec.structs.replace(event, item_id=item_id, output_index=item.index)
        yield event
        if isinstance(event, events.FunctionCallArgumentsDone) and item.call is not None:
            item.call = msgspec.structs.replace(
                item.call, name=event.name or item.call.name, arguments=event.arguments
            )
            if item.ours:  # some clients call their tools only now
                yield from self._close_item(event.response_id, item_id, item, "completed", event.at)

    # What is missing in front of an event.

    def _response(
        self, response_id: str, at: int
    ) -> Generator[events.ServerEvent, None, _Response]:
        response = self._responses.get(response_id)
        if response is None:
            response = self._responses[response_id] = _Response()
            yield events.ResponseCreated(response_id=response_id, status="in_progress", at=at)
        return response

    def _item(self, event: events.OutputEvent) -> Generator[events.ServerEvent, None, _Item]:
        response = yield from self._response(event.response_id, event.at)
        item = response.items.get(event.item_id)
        if item is None:
            item = _Item(index=len(response.items), ours=True)
            response.items[event.item_id] = item
            yield from self._announce(event, event.item_id, item)
        return item

    def _announce(self, event: events.OutputEvent, item_id: str, item: _Item) -> Said:
        shown = item.whole(item_id, "in_progress")
        yield events.OutputItemAdded(
            response_id=event.response_id,
            item_id=item_id,
            output_index=item.index,
            item=shown,
            at=event.at,
        )
        if item_id not in self._known:
            previous = self._last
            self._announced(item_id)
            yield events.ConversationItemAdded(
                item_id=item_id, item=shown, previous_item_id=previous, at=event.at
            )

    def _open(
        self, event: events.ContentEvent, *, announce: bool
    ) -> Generator[events.ServerEvent, None, _Part]:
        item = yield from self._item(event)
        spoken = isinstance(
            event, events.AudioDelta | events.AudioDone
            | events.AudioTranscriptDelta | events.AudioTranscriptDone
        )  # fmt: skip
        if isinstance(event, events.ContentPartAdded | events.ContentPartDone):
            spoken = not isinstance(event.part, TextPart)
        part = _Part(event=event, output_index=item.index, spoken=spoken)
        item.parts[event.content_index] = part
        self._parts[event.response_id, event.item_id, event.content_index] = part
        if announce:
            yield events.ContentPartAdded(**_where(part), part=part.part, at=event.at)
        return part

    def _understood(
        self, event: events.InputTranscriptionDelta | events.InputTranscriptionCompleted
    ) -> Said:
        """Words of the user that belong to nothing yet."""
        if event.item_id not in self._known:
            previous = self._last
            self._announced(event.item_id)
            item = Message(
                role="user", id=event.item_id, status="completed", content=(AudioPart(),)
            )
            yield events.ConversationItemAdded(
                item_id=event.item_id, item=item, previous_item_id=previous, at=event.at
            )

    def _announced(self, item_id: str) -> None:
        self._known[item_id] = None
        self._last = item_id

    # What is missing behind.

    def _finished(
        self, event: events.ResponseDone
    ) -> Generator[events.ServerEvent, None, events.ResponseDone]:
        if event.response_id in self._over:
            return event
        response = yield from self._response(event.response_id, event.at)
        status = "completed" if event.status == "completed" else "incomplete"
        for item_id, item in response.items.items():
            yield from self._close_item(event.response_id, item_id, item, status, event.at)
        del self._responses[event.response_id]
        self._over[event.response_id] = None
        if event.output is None:
            output = tuple(item.whole(name, status) for name, item in response.items.items())
            event = msgspec.structs.replace(event, output=output)
        return event

    def _close_item(
        self, response_id: str, item_id: str, item: _Item, status: str, at: int
    ) -> Said:
        if item.done:
            return
        yield from self._close_parts(item, at)
        item.done, whole = True, item.whole(item_id, status)
        item.told = whole
        if item.call is not None:
            item.call = msgspec.structs.replace(item.call, status=status)
        if item.ours:
            yield events.ConversationItemDone(item_id=item_id, item=whole, at=at)
        yield events.OutputItemDone(
            response_id=response_id, item_id=item_id, output_index=item.index, item=whole, at=at
        )

    def _close_parts(self, item: _Item, at: int) -> Said:
        for part in item.parts.values():
            where = _where(part)
            if part.heard:
                yield events.AudioDone(**where, at=at)
            if part.spoken and part.telling:
                yield events.AudioTranscriptDone(**where, transcript=part.text, at=at)
            elif part.telling:
                yield events.TextDone(**where, text=part.text, at=at)
            if not part.closed:
                yield events.ContentPartDone(**where, part=part.part, at=at)
            part.heard, part.telling, part.closed = False, False, True
            begun = part.event
            self._parts.pop((begun.response_id, begun.item_id, begun.content_index), None)


def _noted(event: OfPart, part: _Part) -> OfPart:
    """*event* as it should be, once *part* knows of it."""
    match event:
        case events.AudioDelta():
            part.heard = True
        case events.AudioTranscriptDelta() | events.TextDelta():
            part.say(event.delta)
        case events.AudioDone():
            part.heard = False
        case events.AudioTranscriptDone():
            if event.transcript is None:
                event = msgspec.structs.replace(event, transcript=part.text)
            part.said(event.transcript or "")
        case events.TextDone():
            if event.text is None:
                event = msgspec.structs.replace(event, text=part.text)
            part.said(event.text or "")
        case events.ContentPartDone():
            part.closed = True
        case _:
            pass
    if event.output_index != part.output_index:
        event = msgspec.structs.replace(event, output_index=part.output_index)
    return event


def _where(part: _Part) -> dict[str, Any]:
    return {
        "response_id": part.event.response_id,
        "item_id": part.event.item_id,
        "output_index": part.output_index,
        "content_index": part.event.content_index,
    }
