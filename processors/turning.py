"""A continuous model in turns, for clients that know nothing else.

It listens and speaks at the same time, and says of neither when it begins or ends. What it speaks
becomes responses, divided by its pauses; what the user was heard to say becomes his turns.
"""

from collections.abc import Iterator

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, Message, TextPart
from antiphon.pipeline import Frame

PAUSE = 800_000
"""Microseconds of the model's silence after which a response is over."""

UNASKED = (
    events.ResponseCreate,
    events.ResponseCancel,
    events.InputAudioCommit,
    events.InputAudioClear,
    events.InputActivityStart,
    events.ConversationItemTruncate,
    events.OutputAudioClear,
)
"""What clients say to a model that takes turns; this one does not wait for it."""


class Turning:
    """Members around a continuous model: `said` before it, this processor behind it."""

    def __init__(self) -> None:
        self._responses = 0
        self._turns = 0
        self._response: str | None = None
        self._item = ""
        self._words = ""
        self._last = 0
        """When the model was last heard."""
        self._turn: str | None = None
        """The user's item, while he speaks."""
        self._heard = ""

    @property
    def deadline(self) -> int | None:
        return None if self._response is None else self._last + PAUSE

    def said(self, event: Frame) -> Frame | None:
        """What the model is told."""
        if isinstance(event, UNASKED):
            return None
        if isinstance(event, events.ConversationItemCreate) and isinstance(event.item, Message):
            words = " ".join(p.text for p in event.item.content if isinstance(p, TextPart))
            return events.ContextAppend(
                content=words, delegation_id=None, event_id=event.event_id, at=event.at
            )
        return event

    def process(self, event: Frame) -> Iterator[Frame]:
        match event:
            case events.TranscriptFragment(speaker="user"):
                yield from self._user(event)
            case events.TranscriptFragment():
                yield from self._begin(event.at)
                self._words += event.delta
                assert self._response is not None
                yield events.AudioTranscriptDelta(
                    response_id=self._response, item_id=self._item, delta=event.delta, at=event.at
                )
            case events.AudioChunk():
                yield from self._sound(event)
            case events.SessionClosed():
                yield from self._end(event.at)
                yield event
            case _:
                yield event

    def expire(self, at: int) -> Iterator[Frame]:
        yield from self._end(at)

    def finish(self) -> Iterator[Frame]:
        yield from self._end(self._last)

    def _sound(self, chunk: events.AudioChunk) -> Iterator[Frame]:
        silent = not any(chunk.delta)
        if self._response is None and silent:
            return
        if silent and chunk.at >= self._last + PAUSE:
            yield from self._end(chunk.at)
            return
        yield from self._begin(chunk.at)
        if not silent:
            self._last = chunk.at
        assert self._response is not None
        yield events.AudioDelta(
            response_id=self._response, item_id=self._item, delta=chunk.delta, at=chunk.at
        )

    def _begin(self, at: int) -> Iterator[Frame]:
        """The model speaks."""
        if self._response is not None:
            self._last = max(self._last, at)
            return
        yield from self._turn_over(at)
        self._responses += 1
        self._response, self._item = f"resp_{self._responses}", f"said_{self._responses}"
        self._words, self._last = "", at
        yield events.ResponseCreated(response_id=self._response, at=at)

    def _end(self, at: int) -> Iterator[Frame]:
        """It speaks no more."""
        response, self._response = self._response, None
        if response is None:
            return
        item, words = self._item, self._words
        yield events.AudioDone(response_id=response, item_id=item, at=at)
        yield events.AudioTranscriptDone(
            response_id=response, item_id=item, transcript=words, at=at
        )
        yield events.ResponseDone(response_id=response, status="completed", at=at)

    def _user(self, fragment: events.TranscriptFragment) -> Iterator[Frame]:
        at = fragment.at
        if self._turn is None:
            self._turns += 1
            self._turn, self._heard = f"heard_{self._turns}", ""
            yield events.SpeechStarted(item_id=self._turn, audio_start=fragment.start, at=at)
        self._heard += fragment.delta
        yield events.InputTranscriptionDelta(item_id=self._turn, delta=fragment.delta, at=at)

    def _turn_over(self, at: int) -> Iterator[Frame]:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        message = Message(
            role="user", content=(AudioPart(transcript=self._heard),), id=turn, status="completed"
        )
        yield events.SpeechStopped(item_id=turn, at=at)
        yield events.AudioCommitted(item_id=turn, at=at)
        yield events.ConversationItemAdded(item_id=turn, item=message, at=at)
        yield events.InputTranscriptionCompleted(item_id=turn, transcript=self._heard, at=at)
