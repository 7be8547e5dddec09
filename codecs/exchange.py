"""What a client knows of its responses, so that it asks for the next at the right moment.

For dialects in which the client asks for responses itself. Their servers refuse a second
response beside a running one, a cancellation of none, and a truncation beyond an item's end;
and a response that is asked for before all tools have answered is made without them.
"""

from collections.abc import Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.wire import Recent

SAMPLE_WIDTH = 2


class Exchange:
    """Lets a client's events pass as they may be said, some later, some never.

    Before anything was heard nothing is known, and everything passes.
    """

    def __init__(self) -> None:
        self._heard_anything = False
        self._running: set[str] = set()
        self._asked = False
        """A response was asked for that has not begun."""
        self._waiting: events.ResponseCreate | None = None
        self._answering = False
        """What was said last is a tool's output."""
        self._pending = Recent[str, str](256)
        """Calls without output, each with its response."""
        self._sent = Recent[tuple[str, int], int](256)
        """Bytes of speech that came, of parts of items."""

    def say(self, event: events.ClientEvent, rate: int) -> Iterator[events.ClientEvent]:
        """What can be said now, given *event*; *rate* is that of the model's speech."""
        match event:
            case events.ResponseCreate():
                if _aside(event):
                    yield event
                    return
                self._waiting = event
                yield from self.due()
            case events.ResponseCancel():
                self._waiting = None
                if self._running or self._asked or not self._heard_anything:
                    yield event
            case events.ConversationItemCreate(item=FunctionCallOutput() as output):
                self._pending.pop(output.call_id, None)
                self._answering = True
                yield event
                yield from self.due()
            case events.ConversationItemCreate() | events.InputAudioCommit():
                self._answering = False
                yield event
            case events.ConversationItemTruncate():
                yield self._clamped(event, rate)
            case _:
                yield event

    def heard(self, event: events.ServerEvent) -> None:
        self._heard_anything = True
        match event:
            case events.AudioDelta():
                part = event.item_id, event.content_index
                self._sent[part] = self._sent.get(part, 0) + len(event.delta)
            case events.ResponseCreated():
                self._asked = False
                self._running.add(event.response_id)
            case events.ResponseDone():
                self._asked = False
                self._running.discard(event.response_id)
                if event.status == "cancelled":  # no one waits for the outputs of its calls
                    for call_id in [c for c, r in self._pending.items() if r == event.response_id]:
                        del self._pending[call_id]
            case events.FunctionCallArgumentsDone():
                self._pending[event.call_id] = event.response_id
            case events.FunctionCallCancelled():
                for call_id in event.call_ids:
                    self._pending.pop(call_id, None)
            case events.SpeechStarted():
                self._answering = False
            case events.Error():
                self._asked = False
            case _:
                pass

    def due(self) -> Iterator[events.ClientEvent]:
        """What had to wait and need not any longer."""
        if self._waiting is None or self._running or self._asked:
            return
        if self._answering and self._pending:
            return
        create, self._waiting = self._waiting, None
        self._asked, self._answering = self._heard_anything, False
        yield create

    def _clamped(
        self, truncate: events.ConversationItemTruncate, rate: int
    ) -> events.ConversationItemTruncate:
        sent = self._sent.get((truncate.item_id, truncate.content_index))
        if sent is None:
            return truncate
        end = sent // SAMPLE_WIDTH * 1_000_000 // rate
        return msgspec.structs.replace(truncate, audio_end=min(truncate.audio_end, end))


def _aside(create: events.ResponseCreate) -> bool:
    """Whether it is out of the conversation, so that it may run beside another."""
    return create.options is not None and create.options.conversation == "none"
