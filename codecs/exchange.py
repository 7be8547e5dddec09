"""What a client knows of its responses, so that it asks for the next at the right moment.

For dialects in which the client asks for responses itself. Their servers refuse a second
response beside a running one, a cancellation of none, and a truncation beyond an item's end;
and a response that is asked for before all tools have answered is made without them.
"""

from collections.abc import Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions
from antiphon.codecs.items import FunctionCallOutput, JsonObject, Message
from antiphon.codecs.wire import Recent

SAMPLE_WIDTH = 2

PATIENCE = 30_000_000
"""Microseconds of the server's silence after which it is not waited for any longer."""

ATTEMPTS = 3
"""How often a response is asked for that the server refuses because another runs."""

MOST = 16
"""Requests that may wait, and that may be unanswered beside the conversation."""

REFUSED = "conversation_already_has_active_response"
NOTHING_RUNS = "response_cancel_not_active"


class _Request(msgspec.Struct):
    """A ResponseCreate that has to wait."""

    create: events.ResponseCreate
    repeats: bool
    """It adds nothing to the one that was sent and not yet answered."""
    attempt: int = 1


class Exchange:
    """Lets a client's events pass as they may be said, some later, some never.

    Before anything was heard nothing is known, and everything passes. After every call the
    events of `due` are to be said; once `deadline` has passed, `expire` is to be called.
    """

    def __init__(self) -> None:
        self._heard_anything = False
        self._running: str | None = None
        """The response of the conversation: there is one at a time."""
        self._blocked = False
        """One runs that is not known by name."""
        self._asked: _Request | None = None
        """What was sent; no response has begun since."""
        self._last: _Request | None = None
        """What was sent last, answered or not."""
        self._news = False
        """There is something to answer that was not there when a response was asked for."""
        self._waiting: list[_Request] = []
        self._speaking = False
        """The user does, and the response to that will also be one to what was said before."""
        self._asides: list[JsonObject | None] = []
        """Metadata of responses out of the conversation that have not begun."""
        self._beside = Recent[str, None](MOST)
        """Those that have."""
        self._over = Recent[str, None](64)
        self._answering: str | None = None
        """The response whose calls are being answered."""
        self._pending = Recent[str, str](256)
        """Calls without output, each with its response."""
        self._answered = Recent[str, None](256)
        self._sent = Recent[tuple[str, int], list[int]](256)
        """Bytes of speech that came, of parts of items, each in a list of one."""
        self._since = 0
        """When the server spoke last, or was asked while it was silent."""

    def say(self, event: events.ClientEvent, rate: int) -> Iterator[events.ClientEvent]:
        """What can be said now, given *event*; *rate* is that of the model's speech."""
        match event:
            case events.ResponseCreate() if _aside(event):
                if len(self._asides) < MOST:
                    self._asides.append(event.options and event.options.metadata)
                yield event
            case events.ResponseCreate():
                self._since = max(self._since, event.at)
                yield from self._create(event)
            case events.ResponseCancel():
                if event.response_id is None:
                    self._waiting.clear()
                if self._cancels(event.response_id) or not self._heard_anything:
                    yield event
            case events.ConversationItemCreate(item=FunctionCallOutput() as output):
                self._news = True
                self._answered[output.call_id] = None
                self._answering = self._pending.pop(output.call_id, self._answering)
                yield event
                yield from self.due()
            case events.ConversationItemCreate(item=item):
                self._news = True
                if isinstance(item, Message) and item.role == "user":
                    self._answering = None  # this cannot wait for a tool
                yield event
            case events.InputAudioCommit():
                self._news, self._answering = True, None
                yield event
            case events.ConversationItemTruncate():
                yield self._clamped(event, rate)
            case _:
                yield event

    def _create(self, create: events.ResponseCreate) -> Iterator[events.ClientEvent]:
        if not self._heard_anything:
            self._asked = self._last = _Request(create, repeats=False)
            self._news = False
            yield create
            return
        repeats = (
            self._asked is not None
            and not self._news
            and _options(self._asked.create) == _options(create)
        )
        self._wait(_Request(create, repeats))
        if not self._busy:
            self._speaking = False  # now, says the client
        yield from self.due()

    def _wait(self, request: _Request) -> None:
        """Behind the others, unless one of them asks the same."""
        for number, other in enumerate(self._waiting):
            if _options(other.create) == _options(request.create):
                self._waiting[number] = request
                return
        if len(self._waiting) < MOST:
            self._waiting.append(request)

    @property
    def _busy(self) -> bool:
        """The server would refuse another response."""
        return self._running is not None or self._blocked or self._asked is not None

    def _cancels(self, response_id: str | None) -> bool:
        """Whether there is something that a cancellation could mean."""
        if response_id is not None and response_id in self._over:
            return False
        return self._busy or bool(self._beside)

    def heard(self, event: events.ServerEvent) -> None:
        self._heard_anything = True
        self._since = max(self._since, event.at)
        if isinstance(event, events.OutputEvent):
            self._brought_forth(event)
            return
        match event:
            case events.ResponseCreated():
                self._begun(event)
            case events.ResponseDone():
                self._ended(event)
            case events.FunctionCallCancelled():
                for call_id in event.call_ids:
                    self._pending.pop(call_id, None)
            case events.SpeechStarted():
                self._speaking = True
            case events.AudioCommitted():
                self._news = True
            case events.Error():
                self._failed(event)
            case events.SessionCreated() | events.Custom(raw_type="response.cancelled"):
                # A new session has no responses; some servers end one with a word of their own.
                self._running, self._blocked = None, False
            case _:
                pass

    def _brought_forth(self, event: events.OutputEvent) -> None:
        response = event.response_id
        if response != self._running and self._is_new(response):
            self._running, self._blocked, self._asked = response, False, None  # it began unsaid
        if isinstance(event, events.AudioDelta):
            part = event.item_id, event.content_index
            sent = self._sent.get(part)
            if sent is None:
                self._sent[part] = [len(event.delta)]
            else:
                sent[0] += len(event.delta)
        elif (
            isinstance(event, events.FunctionCallArgumentsDone)
            and event.expects_output
            and event.call_id not in self._answered
        ):
            self._pending[event.call_id] = event.response_id

    def _is_new(self, response_id: str) -> bool:
        return response_id not in self._over and response_id not in self._beside

    def _begun(self, created: events.ResponseCreated) -> None:
        beside = (
            created.conversation_id is None
            and created.metadata in self._asides
            and (created.metadata is not None or self._asked is None)
        )
        self._over.pop(created.response_id, None)
        if beside:
            self._asides.remove(created.metadata)
            self._beside[created.response_id] = None
            return
        if self._running is not None:
            self._over[self._running] = None
        if self._asked is None and self._speaking:  # it answers the user, and what waited as well
            self._speaking = False
            self._waiting = [one for one in self._waiting if one.create.options is not None]
        self._waiting = [one for one in self._waiting if not one.repeats]
        self._running, self._blocked, self._asked = created.response_id, False, None

    def _ended(self, done: events.ResponseDone) -> None:
        if done.status == "cancelled":  # no one waits for the outputs of its calls
            for call_id in [c for c, r in self._pending.items() if r == done.response_id]:
                del self._pending[call_id]
        if done.response_id in self._beside:
            del self._beside[done.response_id]
        elif done.response_id == self._running:
            self._running, self._blocked = None, False
        elif done.response_id not in self._over:  # it was not announced, or by another name
            self._running, self._blocked, self._asked = None, False, None
        self._over[done.response_id] = None

    def _failed(self, error: events.Error) -> None:
        asked = self._asked
        if error.code == REFUSED:
            self._asked, self._blocked, self._speaking = None, True, False
            refused = asked or self._last
            if refused is not None and refused.attempt < ATTEMPTS:
                again = _Request(refused.create, repeats=False, attempt=refused.attempt + 1)
                if all(_options(w.create) != _options(refused.create) for w in self._waiting):
                    self._waiting.insert(0, again)
        elif error.code == NOTHING_RUNS:
            self._running, self._blocked = None, False
        elif asked is not None and error.client_event_id in (None, asked.create.event_id):
            self._asked = None

    def due(self) -> Iterator[events.ClientEvent]:
        """What had to wait and need not any longer."""
        if not self._waiting or self._busy or self._speaking or self._unanswered:
            return
        request = self._waiting.pop(0)
        self._asked = self._last = request
        self._news, self._answering = False, None
        yield request.create

    @property
    def _unanswered(self) -> bool:
        """Of the calls of one response some have an output and others not."""
        return self._answering is not None and self._answering in self._pending.values()

    @property
    def deadline(self) -> int | None:
        """When to give up waiting for the server; for tools one waits as long as they take."""
        if not self._waiting or self._unanswered:
            return None
        return self._since + PATIENCE

    def expire(self, at: int) -> None:
        """If the deadline has passed: a response of which nothing comes is over."""
        if self.deadline is not None and at >= self.deadline:
            self._running, self._asked = None, None
            self._blocked = self._speaking = False

    def _clamped(
        self, truncate: events.ConversationItemTruncate, rate: int
    ) -> events.ConversationItemTruncate:
        sent = self._sent.get((truncate.item_id, truncate.content_index))
        if sent is None:
            return truncate
        end = sent[0] // SAMPLE_WIDTH * 1_000_000 // rate
        return msgspec.structs.replace(truncate, audio_end=min(truncate.audio_end, end))


def _options(create: events.ResponseCreate) -> ResponseOptions:
    """Those that are asked for; none and empty ones are the same."""
    return create.options or ResponseOptions()


def _aside(create: events.ResponseCreate) -> bool:
    """Whether it is out of the conversation, so that it may run beside another."""
    return create.options is not None and create.options.conversation == "none"
