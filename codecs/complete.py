"""Makes whole what a server says of its responses.

Strict clients want every response announced, every item and every part of it opened, closed and
repeated as a whole; many providers only send the speech and the words. `Complete` adds what is
missing, in the order of OpenAI's protocol, which is the most talkative. What is whole already it
lets by as it is; what a provider says after all, once it was said in its place, is left out.
"""

from collections.abc import Generator, Iterator, Mapping
from typing import TypeVar

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCall, TextPart
from antiphon.codecs.outcome import OfPart, Outcome, OutputItem, OutputPart, Words
from antiphon.codecs.places import Places
from antiphon.codecs.wire import Recent

Said = Iterator[events.ServerEvent]
Call = events.FunctionCallArgumentsDelta | events.FunctionCallArgumentsDone
OfItem = events.OutputItemAdded | events.OutputItemDone | Call

SomeOfOutput = TypeVar("SomeOfOutput", bound=OfItem | OfPart)
SomeWithItem = TypeVar(
    "SomeWithItem",
    bound=events.OutputItemAdded
    | events.OutputItemDone
    | events.ConversationItemAdded
    | events.ConversationItemDone,
)

SPOKEN: Mapping[type[events.EventFrame], bool] = {
    events.AudioDelta: True,
    events.AudioDone: True,
    events.AudioTranscriptDelta: True,
    events.AudioTranscriptDone: True,
    events.TextDelta: False,
    events.TextDone: False,
}
"""Whether it is of a part that is spoken or of one that is written."""


class Complete:
    """A processor: server events in, the same and those that were missing out."""

    def __init__(self) -> None:
        self._responses = Recent[str, Outcome](16)
        self._over = Recent[str, Outcome](64)
        """Responses of which nothing more should come."""
        self._parts = Recent[tuple[str, str, int, bool], OutputPart](64)
        """Those that are open, as events name them: the way that most events take."""
        self._homes = Recent[str, str | None](256)
        """The responses of items; None for an id that several at once make use of."""
        self._places = Places()

    def process(self, event: events.ServerEvent) -> Said:
        if isinstance(event, events.ContentEvent):  # of which there are most
            spoken = SPOKEN.get(type(event))
            part = spoken is not None and self._parts.get(
                (event.response_id, event.item_id, event.content_index, spoken)
            )
            if part:
                yield part.note(event)
            else:
                yield from self._of_part(event, spoken)
            return
        match event:
            case events.OutputEvent():
                yield from self._places.user(event.at)
                yield from self._of_item(event)
            case events.ResponseCreated():
                yield from self._places.user(event.at)
                self._over.pop(event.response_id, None)
                if event.response_id not in self._responses:
                    self._responses[event.response_id] = Outcome()
                yield event
            case events.ResponseDone():
                yield from self._finished(event)
            case events.ConversationItemAdded():
                yield from self._places.user(event.at, unless=event.item_id)
                if self._places.added(event):
                    item = self._at_home(event.item_id)
                    yield event if item is None else _shown(event, item, "in_progress")
            case events.ConversationItemDone():
                yield from self._places.user(event.at, unless=event.item_id)
                item = self._at_home(event.item_id)
                if self._places.done(event.item_id):
                    if item is not None:
                        yield from self._close_parts(item, event.at)
                    yield event if item is None else _shown(event, item, "completed")
            case events.ConversationItemDeleted():
                self._places.deleted(event.item_id)
                yield event
            case events.AudioCommitted():
                yield from self._places.user(event.at)
                self._places.committed(event.item_id)
                yield event
            case events.InputTranscriptionDelta() | events.InputTranscriptionCompleted():
                yield from self._places.user(event.at)
                yield from self._places.understood(event.item_id, event.at)
                yield event
            case _:
                yield event

    def _at_home(self, item_id: str) -> OutputItem | None:
        """The item of this id that a response brings forth right now."""
        home = self._homes.get(item_id)
        response = None if home is None else self._responses.get(home)
        return None if response is None else response.items.get(item_id)

    # Items of responses.

    def _of_item(self, event: OfItem) -> Said:
        match event:
            case events.OutputItemAdded():
                yield from self._item_added(event)
            case events.OutputItemDone():
                yield from self._item_done(event)
            case events.FunctionCallArgumentsDelta() | events.FunctionCallArgumentsDone():
                yield from self._of_call(event)

    def _item_added(self, event: events.OutputItemAdded) -> Said:
        response = yield from self._response(event.response_id, event.at)
        item = response.items.get(event.item_id)
        announced = item is not None and item.ours
        if item is None:
            item = response.add(event.item_id, event.output_index)
            self._house(event.item_id, event.response_id)
        item.ours = False
        if not isinstance(event.item, FunctionCall):
            item.told = event.item
        elif not item.parts:
            item.call = event.item
            response.calls[event.item.call_id] = event.item_id
        if not announced:
            yield _placed(_shown(event, item, "in_progress"), item)

    def _item_done(self, event: events.OutputItemDone) -> Said:
        item = yield from self._item(event, event.item_id)
        if item.late:
            item.late = False
            return
        yield from self._close_parts(item, event.at)
        if isinstance(event.item, FunctionCall):
            item.call = event.item
        shown = item.whole(event.item_id, "completed") if event.item is None else event.item
        item.done, item.told = True, shown
        yield from self._places.finish(event.item_id, shown, event.at)
        yield _placed(_shown(event, item, "completed"), item)

    def _of_call(self, event: Call) -> Said:
        response = yield from self._response(event.response_id, event.at)
        item_id = response.calls.get(event.call_id)
        item = None if item_id is None else response.items.get(item_id)
        if item_id is None or item is None:
            if isinstance(event, events.FunctionCallArgumentsDelta) and (
                event.response_id in self._over
            ):
                yield event  # too late to open anything
                return
            item_id, item = yield from self._new_call(event, response)
        if not item.done:
            yield from self._places.add(item_id, item.whole(item_id, "in_progress"), event.at)
        if event.item_id != item_id:
            event = msgspec.structs.replace(event, item_id=item_id)
        event = _placed(event, item)
        if isinstance(event, events.FunctionCallArgumentsDelta):
            item.arguments.add(event.delta)
            yield event
            return
        if item.called:
            return  # some say it twice, and some clients would call twice
        item.called = True
        if event.arguments and not item.arguments.said:
            item.arguments.add(event.arguments)
            yield events.FunctionCallArgumentsDelta(
                response_id=event.response_id,
                item_id=item_id,
                output_index=item.index,
                call_id=event.call_id,
                delta=event.arguments,
                at=event.at,
            )
        yield event
        if item.call is not None and not item.done:
            name = event.name or item.call.name
            item.call = msgspec.structs.replace(item.call, name=name, arguments=event.arguments)
        if item.ours:  # some clients call their tools only now
            yield from self._close_item(event.response_id, item_id, item, "completed", event.at)

    def _new_call(
        self, event: Call, response: Outcome
    ) -> Generator[events.ServerEvent, None, tuple[str, OutputItem]]:
        """The item of a call of which nothing was said."""
        item_id = event.item_id
        item = response.items.get(item_id)
        if item is not None and not item.blank:
            # A provider without items gives all that a response brings forth the same id.
            item_id, item = f"{item_id}-{event.call_id}", None
        call = FunctionCall(
            id=item_id,
            call_id=event.call_id,
            name=event.name if isinstance(event, events.FunctionCallArgumentsDone) else "",
            arguments="",
            status="in_progress",
        )
        response.calls[event.call_id] = item_id
        if item is None:
            item = self._made(response, event.response_id, item_id)
            item.call = call
            yield from self._announce(event.response_id, item_id, item, event.at)
        item.call = call
        return item_id, item

    def _response(self, response_id: str, at: int) -> Generator[events.ServerEvent, None, Outcome]:
        response = self._responses.get(response_id) or self._over.get(response_id)
        if response is None:
            response = self._responses[response_id] = Outcome()
            yield events.ResponseCreated(response_id=response_id, status="in_progress", at=at)
        return response

    def _item(
        self, event: events.OutputEvent, item_id: str
    ) -> Generator[events.ServerEvent, None, OutputItem]:
        response = yield from self._response(event.response_id, event.at)
        item = response.items.get(item_id)
        if item is None:
            item = self._made(response, event.response_id, item_id)
            if isinstance(event, events.OutputItemDone) and isinstance(event.item, FunctionCall):
                item.call = msgspec.structs.replace(event.item, arguments="")
            yield from self._announce(event.response_id, item_id, item, event.at)
        if not item.done:
            yield from self._places.add(item_id, item.whole(item_id, "in_progress"), event.at)
        return item

    def _made(self, response: Outcome, response_id: str, item_id: str) -> OutputItem:
        item = response.add(item_id)
        item.ours = True
        self._house(item_id, response_id)
        return item

    def _house(self, item_id: str, response_id: str) -> None:
        before = self._homes.get(item_id)
        shared = before in self._responses and before != response_id
        self._homes[item_id] = None if shared else response_id

    def _announce(self, response_id: str, item_id: str, item: OutputItem, at: int) -> Said:
        yield events.OutputItemAdded(
            response_id=response_id,
            item_id=item_id,
            output_index=item.index,
            item=item.whole(item_id, "in_progress"),
            at=at,
        )

    # Parts of items.

    def _of_part(self, event: OfPart, spoken: bool | None) -> Said:
        if isinstance(event, events.ContentPartAdded | events.ContentPartDone) and event.part:
            spoken = not isinstance(event.part, TextPart)
        yield from self._places.user(event.at)
        response = yield from self._response(event.response_id, event.at)
        item_id = response.message(event.item_id)
        item = response.items.get(item_id)
        part = None if item is None else item.part(event.content_index, spoken)
        added = isinstance(event, events.ContentPartAdded)
        if part is None or (added and part.closed and not part.by_us):
            if (item is not None and item.done) or event.response_id in self._over:
                # Too late to open anything: it is said, but of what is closed.
                yield event if item is None else _placed(event, item)
                return
            item = yield from self._item(event, item_id)
            part = self._opened(event, item_id, item, response, spoken is not False)
            if not added:
                part.by_us.add(events.ContentPartAdded)
                yield events.ContentPartAdded(**part.where, part=part.part, at=event.at)
        if part.late(event):
            return
        if isinstance(event, events.ContentPartDone):
            yield from part.missing(event.at)
            part.closed = True
            self._forget(part)
        if isinstance(event, events.ContentPartAdded | events.ContentPartDone):
            if event.part is None:
                event = msgspec.structs.replace(event, part=part.part)
            else:
                part.show(event.part)
        yield part.note(event)

    def _opened(
        self,
        event: OfPart,
        item_id: str,
        item: OutputItem,
        response: Outcome,
        spoken: bool,
    ) -> OutputPart:
        part = OutputPart(
            response_id=event.response_id,
            item_id=item_id,
            output_index=item.index,
            content_index=item.free(event.content_index),
            named=(event.item_id, event.content_index),
            spoken=spoken,
            words=Words(response.room),
        )
        item.parts[part.content_index] = part
        self._parts[event.response_id, event.item_id, event.content_index, spoken] = part
        return part

    def _forget(self, part: OutputPart) -> None:
        self._parts.pop((part.response_id, *part.named, part.spoken), None)

    # What is missing at the end.

    def _finished(self, event: events.ResponseDone) -> Said:
        if event.response_id in self._over:
            yield event
            return
        yield from self._places.user(event.at)
        response = yield from self._response(event.response_id, event.at)
        status = "completed" if event.status == "completed" else "incomplete"
        for item_id, item in response.items.items():
            yield from self._close_item(event.response_id, item_id, item, status, event.at)
        if event.output is None:
            event = msgspec.structs.replace(event, output=response.output(status))
        del self._responses[event.response_id]
        self._over[event.response_id] = response
        response.forget_words()
        yield event

    def _close_item(
        self, response_id: str, item_id: str, item: OutputItem, status: str, at: int
    ) -> Said:
        if item.done:
            return
        yield from self._places.add(item_id, item.whole(item_id, "in_progress"), at)
        yield from self._close_parts(item, at)
        if item.call is not None and not item.called:
            status = "incomplete"
        whole = item.whole(item_id, status)
        item.done = item.late = True
        item.told = whole
        yield from self._places.finish(item_id, whole, at)
        yield events.OutputItemDone(
            response_id=response_id, item_id=item_id, output_index=item.index, item=whole, at=at
        )

    def _close_parts(self, item: OutputItem, at: int) -> Said:
        for part in item.parts.values():
            self._forget(part)
            yield from part.close(at)


def _placed(event: SomeOfOutput, item: OutputItem) -> SomeOfOutput:
    """*event* with the index that the item has here."""
    if event.output_index == item.index:
        return event
    return msgspec.structs.replace(event, output_index=item.index)


def _shown(event: SomeWithItem, item: OutputItem, status: str) -> SomeWithItem:
    """*event* with the item, if it had none."""
    if event.item is not None:
        return event
    return msgspec.structs.replace(event, item=item.whole(event.item_id, status))
