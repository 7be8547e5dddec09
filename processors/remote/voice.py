"""Whose speech a call's sound is.

Over WebRTC a server plays the speech itself: it comes as sound, at the pace at which it is heard
and without a word of what it is, beside the messages. No sockets and no clock: the sound that
comes is the time.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from antiphon.codecs import events
from antiphon.codecs.items import TextPart
from antiphon.codecs.wire import Recent
from antiphon.pipeline.frames import SAMPLE_WIDTH

SILENT = 64
"""The amplitude up to which nothing is heard: silence comes out of a codec a little uneven."""

BEFORE = 200_000
"""Microseconds of sound that are kept until it is known whose they are; messages may be later."""

PAUSE = 100_000
"""Microseconds of silence that are passed on, when what was said may have been the last."""

TAIL = 100_000
"""Microseconds of silence after which the sound is over, once the server has said so."""

FADING = 800_000
"""The same where the server does not say so, but has ended the response."""


class _Speech(msgspec.Struct):
    """A response that is to be heard; all its sound counts as that of its first spoken part."""

    part: events.ContentPartAdded
    done: events.AudioDone | None = None
    """Held back: there may be sound to come."""
    started: bool = False
    """The server has begun to play it."""
    ended: bool = False
    """The response is done, so that there will be no more than is on its way."""
    stopped: bool = False
    """The server has played it to its end."""


class Voice:
    """Sound and messages of a call in, what a WebSocket would have brought out; and back.

    Sound is AudioDelta of the response that is played, or, of a *continuous* model, AudioChunk.
    AudioDone is held back until its sound has come. Silence between speeches is nothing, and what
    is still on its way after an interruption is left out. What a client says of playback, which is
    the server's business here, becomes what the server knows: it cuts its own speech when it hears
    the user, and does so by OutputAudioClear otherwise.
    """

    def __init__(self, rate: int, *, continuous: bool = False) -> None:
        self._rate = rate
        self._continuous = continuous
        self._interrupts = True
        self._speeches = Recent[str, _Speech](16)
        """By response, those that are not over; the first is heard, or will be next."""
        self._over = Recent[str, None](64)
        self._sounds = False
        """The first of them is heard; or a continuous model."""
        self._announces = False
        """The server says when it begins and ends to play."""
        self._early: list[bytes] = []
        self._late = False
        """What was cut off may still be coming, until there is silence."""
        self._silence = 0
        self._due: list[events.AudioDone] = []
        """Held back until now."""

    # What the client says.

    def said(self, event: events.ClientEvent) -> Iterator[events.ClientEvent]:
        match event:
            case events.SessionStart():
                return  # the call was opened with it
            case events.ConversationItemTruncate():
                if any(one.part.item_id == event.item_id for one in self._speeches.values()):
                    yield self._clear(event.at)
                return
            case events.ResponseCancel():
                yield event
                if self._speeches and event.response_id in (None, *self._speeches):
                    yield self._clear(event.at)
                return
            case events.OutputAudioClear():
                self._cut()
            case events.SessionUpdate():
                detection = event.config.turn_detection
                if isinstance(detection, msgspec.Struct):
                    self._interrupts = detection.interrupt_response is not False
            case _:
                pass
        yield event

    def _clear(self, at: int) -> events.OutputAudioClear:
        self._cut()
        return events.OutputAudioClear(at=at)

    # What the server says.

    def heard(self, event: events.ServerEvent) -> Iterator[events.ServerEvent]:
        """*event* as part of a stream that `Complete` has made whole."""
        match event:
            case events.AudioDone() if self._holds(event):
                return
            case events.ContentPartAdded() if not isinstance(event.part, TextPart):
                known = event.response_id in self._speeches or event.response_id in self._over
                if not known and not self._continuous:
                    self._speeches[event.response_id] = _Speech(event)
            case events.ResponseDone():
                self._ended(event)
            case events.OutputPlaybackStarted():
                self._announces = True
                self._start(event.response_id)
            case events.OutputPlaybackStopped():
                if (speech := self._speeches.get(event.response_id)) is not None:
                    speech.stopped = True
                    self._silence = 0
            case events.OutputPlaybackCleared():
                self._cut(event.response_id)
            case events.SpeechStarted() if self._interrupts:
                self._cut()
            case events.ResponseInterrupted():
                self._cut()
            case _:
                pass
        yield event
        yield from self._released()

    def _holds(self, done: events.AudioDone) -> bool:
        speech = self._speeches.get(done.response_id)
        if speech is None or speech.part.item_id != done.item_id:
            return False
        speech.done = done
        return True

    def _ended(self, done: events.ResponseDone) -> None:
        speech = self._speeches.get(done.response_id)
        if speech is None:
            return
        speech.ended = True
        if done.status == "cancelled" and not (self._announces and speech.started):
            self._cut(done.response_id)

    def _start(self, response_id: str) -> None:
        """It is played, so that what stands before it no longer is."""
        speech = self._speeches.get(response_id)
        if speech is not None:
            speech.started = True
            while (first := next(iter(self._speeches))) != response_id:
                self._close(first)

    def _cut(self, response_id: str | None = None) -> None:
        """Nothing more is heard: of one response, or of all that are known."""
        self._late = self._late or self._sounds
        self._early.clear()
        for known in tuple(self._speeches) if response_id is None else (response_id,):
            self._close(known)
        self._sounds = False

    def _close(self, response_id: str) -> None:
        self._over[response_id] = None
        speech = self._speeches.pop(response_id, None)
        self._sounds = False
        if speech is not None and speech.done is not None:
            self._due.append(speech.done)

    def _released(self) -> Iterator[events.AudioDone]:
        while self._due:
            yield self._due.pop(0)

    # What sounds.

    def sound(self, pcm: bytes, at: int) -> Iterator[events.ServerEvent]:
        yield from self._released()
        quiet = is_quiet(pcm, SILENT)
        self._silence = self._silence + self._duration(pcm) if quiet else 0
        if self._late:
            self._late = not quiet
            return
        if not self._sounds:
            self._keep(pcm)
            if quiet:
                yield from self._forgotten(at)
                return
            if not self._known:
                return
            self._sounds = True
            pcm = b"".join(self._early)
            self._early.clear()
        if self._may_be_over and quiet and self._silence >= PAUSE:
            yield from self._forgotten(at)
            return
        yield self._piece(pcm, at)

    @property
    def _known(self) -> bool:
        """Whose the sound is."""
        first = next(iter(self._speeches.values()), None)
        return self._continuous if first is None else first.started or not self._announces

    @property
    def _may_be_over(self) -> bool:
        first = next(iter(self._speeches.values()), None)
        return first is None or first.stopped or (first.ended and not self._announces)

    def _forgotten(self, at: int) -> Iterator[events.ServerEvent]:
        """Ends the first speech, if there has been silence enough."""
        first = next(iter(self._speeches), None)
        if first is None:
            self._sounds = False
        elif self._may_be_over:
            soon = self._speeches[first].stopped or len(self._speeches) > 1
            if self._silence >= (TAIL if soon else FADING):
                self._close(first)
                yield from (msgspec.structs.replace(done, at=at) for done in self._released())

    def _keep(self, pcm: bytes) -> None:
        """The last of the silence before a speech, and the sound of which nothing is known."""
        self._early.append(pcm)
        if is_quiet(pcm, SILENT):
            del self._early[:-1]
        while sum(map(self._duration, self._early)) > BEFORE:
            del self._early[0]

    def _piece(self, pcm: bytes, at: int) -> events.AudioDelta | events.AudioChunk:
        speech = next(iter(self._speeches.values()), None)
        if speech is None:
            return events.AudioChunk(delta=pcm, at=at)
        part = speech.part
        return events.AudioDelta(
            response_id=part.response_id,
            item_id=part.item_id,
            output_index=part.output_index,
            content_index=part.content_index,
            delta=pcm,
            at=at,
        )

    def _duration(self, pcm: bytes) -> int:
        return len(pcm) // SAMPLE_WIDTH * 1_000_000 // self._rate


def is_quiet(pcm: bytes, amplitude: int) -> bool:
    """Whether nothing in *pcm* is louder."""
    samples = np.frombuffer(pcm, np.int16)
    return not len(samples) or (
        int(samples.max()) <= amplitude and int(samples.min()) >= -amplitude
    )
