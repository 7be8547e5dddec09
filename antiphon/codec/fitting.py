"""Brings the audio in events from one end's sampling rate to another's."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, Item, Message
from antiphon.codecs.wire import Unsayable
from antiphon.pipeline import Audio, Interrupt

if TYPE_CHECKING:
    from antiphon.processors.resampler import Resampler

Sounding = events.InputAudioAppend | events.AudioDelta | events.AudioChunk

SOUND = {events.InputAudioAppend: "audio", events.AudioDelta: "delta", events.AudioChunk: "delta"}
"""Where these have their audio."""

ENDS = frozenset(
    {
        events.InputAudioCommit,
        events.SessionClose,
        events.SessionClosed,
        events.AudioDone,
        events.ContentPartDone,
        events.OutputItemDone,
        events.ResponseDone,
    }
)
"""What was sounding is over: the sound that is still inside comes before them."""

FORGETS = frozenset({events.InputAudioClear, events.ResponseInterrupted})
"""What was sounding is not wanted any more."""

SHOWS = frozenset(
    {
        events.ConversationItemCreate,
        events.ConversationItemAdded,
        events.ConversationItemDone,
        events.ConversationItemRetrieved,
    }
)
"""Items may have audio, all of it at once, at the rate of the user's."""


class Rated(Protocol):
    """An end, as far as its rates go: in Hz, and they may change."""

    @property
    def input_rate(self) -> int: ...
    @property
    def output_rate(self) -> int: ...


class Fitting:
    """A processor: events as *hears* has them in, as *says* takes them out.

    Where both rates are the same it does nothing, and loads nothing. A resampler holds the last
    millisecond back until its stream ends: an item's with the item, the user's with the turn if
    the client says when that is.
    """

    def __init__(self, hears: Rated, says: Rated, dialect: str) -> None:
        self._hears = hears
        self._says = says
        self._dialect = dialect
        self._resampler: Resampler | None = None
        self._last: Sounding | None = None
        """What the resampler heard last; None if it holds nothing."""

    def process(self, event: events.EventFrame) -> Iterable[Any]:
        kind = type(event)
        if isinstance(event, Sounding):
            return self._sound(event)
        if kind in SHOWS:
            return (self._shown(event),)
        if self._last is not None:
            if kind in FORGETS:
                self._forget()
            elif kind in ENDS and _ends(event, self._last):
                return (*self.finish(), event)
        return (event,)

    def finish(self) -> Iterable[Any]:
        """What is still inside."""
        last, resampler = self._last, self._resampler
        self._last = None
        if last is None or resampler is None:
            return ()
        pcm = b"".join(frame.pcm for frame in resampler.finish())
        return (_with(last, pcm, event_id=None),) if pcm else ()

    def _sound(self, event: Sounding) -> Iterable[Any]:
        if isinstance(event, events.InputAudioAppend):
            rate, wanted, pcm = self._hears.input_rate, self._says.input_rate, event.audio
        else:
            rate, wanted, pcm = self._hears.output_rate, self._says.output_rate, event.delta
        if self._last is None and rate == wanted:
            return (event,)
        rest: Iterable[Any] = ()
        if self._last is not None and _part(event) != _part(self._last):
            rest = self.finish()
        resampler = self._resampler_to(wanted)
        pcm = b"".join(self._resampled(resampler, pcm, rate))
        self._last = event
        return (*rest, _with(event, pcm)) if pcm else rest

    def _shown(self, event: Any) -> Any:
        rate, wanted = self._hears.input_rate, self._says.input_rate
        item: Item | None = event.item
        if rate == wanted or not isinstance(item, Message):
            return event
        content = tuple(
            msgspec.structs.replace(part, audio=self._whole(part.audio, rate, wanted))
            if isinstance(part, AudioPart) and part.audio
            else part
            for part in item.content
        )
        item = msgspec.structs.replace(item, content=content)
        return msgspec.structs.replace(event, item=item)

    def _whole(self, pcm: bytes, rate: int, wanted: int) -> bytes:
        resampler = self._new(wanted)
        parts = [*self._resampled(resampler, pcm, rate)]
        return b"".join([*parts, *(frame.pcm for frame in resampler.finish())])

    def _resampled(self, resampler: "Resampler", pcm: bytes, rate: int) -> Iterable[bytes]:
        try:
            frames = tuple(resampler.process(Audio(pcm=pcm, rate=rate)))
        except ValueError as error:  # a rate that no one would have
            raise Unsayable(self._dialect, f"cannot be given this audio: {error}") from error
        return [frame.pcm for frame in frames if isinstance(frame, Audio)]

    def _resampler_to(self, rate: int) -> "Resampler":
        if self._resampler is None or self._resampler.gives_rate != rate:
            self._resampler = self._new(rate)
        return self._resampler

    def _new(self, rate: int) -> "Resampler":
        from antiphon.processors.resampler import Resampler  # numpy with it

        try:
            return Resampler(rate)
        except ValueError as error:
            raise Unsayable(self._dialect, f"cannot be given audio: {error}") from error

    def _forget(self) -> None:
        if self._resampler is not None:
            tuple(self._resampler.process(Interrupt()))
        self._last = None


def _with(event: Sounding, pcm: bytes, **changed: Any) -> Sounding:
    return msgspec.structs.replace(event, **{SOUND[type(event)]: pcm}, **changed)


def _part(event: Sounding) -> object:
    """Whose stream it belongs to."""
    if isinstance(event, events.AudioDelta):
        return event.response_id, event.item_id, event.content_index
    return type(event)


def _ends(event: Any, last: Sounding) -> bool:
    """Whether *event* ends the stream that *last* is of, and not another item's."""
    if not isinstance(last, events.AudioDelta):
        return True
    if isinstance(event, events.OutputEvent):
        return event.item_id == last.item_id
    return not isinstance(event, events.ResponseDone) or event.response_id == last.response_id
