"""Stands between the model and the loudspeaker: what is played, and what is cut off."""

from collections.abc import Callable, Iterator
from typing import TypeGuard, get_args

import msgspec

from antiphon.codecs import events
from antiphon.codecs.wire import Recent
from antiphon.pipeline import Audio, Frame, Interrupt, Speech
from antiphon.pipeline.frames import SAMPLE_WIDTH

REMEMBERED = 64
"""How many responses and parts of items are known by id."""

STOPPED = "the program stopped the playback"
"""The reason of an Interrupt of which the model is told nothing."""

SERVER_EVENTS: tuple[type[Frame], ...] = get_args(events.ServerEvent)

Part = tuple[str, int]
"""An item and the index of its content."""


class Desk:
    """A processor: server events in, speech and interruptions for a loudspeaker out.

    *playing* is told when the loudspeaker begins and ends; *heard* is given every server event
    once what follows from it here is settled. When the user speaks while something is played, the
    rest is not, late audio of what the model was saying is dropped, and for each item that was cut
    off a truncation goes back to the model.
    """

    def __init__(
        self,
        rate: int,
        *,
        playing: Callable[[bool], None],
        heard: Callable[[events.ServerEvent], None],
        interrupts: bool = True,
    ) -> None:
        self.gives_rate = rate
        self._rate = rate
        self._playing = playing
        self._heard = heard
        self._interrupts = interrupts
        self.deadline: int | None = None
        """When all that came will have been played."""
        self._running: set[str] = set()
        self._sounding: set[str] = set()
        """Responses of which something is played."""
        self._silenced = Recent[str, None](REMEMBERED)
        self._take = 0
        """Counts interruptions: what comes after one is not what the loudspeaker has dropped."""
        self._untold: set[int] = set()
        """Takes that the program stopped."""
        self._received = Recent[Part, int](REMEMBERED)
        """Bytes of parts of items."""
        self._begun = Recent[tuple[int, Part], int](REMEMBERED)
        """How much of a part had come when it began to be played in a take."""

    def resume(self) -> None:
        """Play again what still comes of interrupted responses."""
        self._silenced.clear()

    def expire(self, at: int) -> Iterator[Frame]:
        self._quiet()
        return iter(())

    def process(self, frame: Frame) -> Iterator[Frame]:
        match frame:
            case Interrupt():
                if frame.reason == STOPPED:
                    self._untold = {self._take}
                yield self._cut(frame)
                return
            case events.AudioDelta():
                out = self._speech(frame)
            case events.AudioChunk():
                out = Audio(at=frame.at, pcm=frame.delta, rate=self._rate)
                self._lengthen(out)
            case events.AudioDone():
                out = msgspec.structs.replace(frame, response_id=self._label(frame.response_id))
            case events.SpeechStarted():
                out = self._interruption(frame.at, "the user speaks")
            case events.ResponseInterrupted():
                out = self._interruption(frame.at, "the model was interrupted")
            case _:
                out = self._follow(frame)
        if _is_from_model(frame):
            self._heard(frame)
        if out is not None:
            yield out

    def process_back(
        self,
        frame: events.OutputPlaybackStarted
        | events.OutputPlaybackStopped
        | events.OutputPlaybackCleared,
    ) -> Iterator[events.ConversationItemTruncate]:
        if not isinstance(frame, events.OutputPlaybackCleared) or not frame.item_id:
            return
        take = int(frame.response_id.partition("/")[0])
        if take in self._untold:
            return
        part = frame.item_id, frame.content_index
        heard = self._begun.get((take, part), 0) // SAMPLE_WIDTH * 1_000_000 // self._rate
        received = self._received.get(part, 0) // SAMPLE_WIDTH * 1_000_000 // self._rate
        yield events.ConversationItemTruncate(
            at=frame.at,
            item_id=frame.item_id,
            content_index=frame.content_index,
            # A loudspeaker at another rate may count a sample more than there are.
            audio_end=min(heard + (frame.played or 0), received),
        )

    def _speech(self, delta: events.AudioDelta) -> Speech | None:
        part = delta.item_id, delta.content_index
        before = self._received.get(part, 0)
        self._received[part] = before + len(delta.delta)
        if delta.response_id in self._silenced:
            return None
        self._begun.setdefault((self._take, part), before)
        self._sounding.add(delta.response_id)
        speech = Speech(
            at=delta.at,
            pcm=delta.delta,
            rate=self._rate,
            response_id=self._label(delta.response_id),
            item_id=delta.item_id,
            content_index=delta.content_index,
        )
        self._lengthen(speech)
        return speech

    def _label(self, response_id: str) -> str:
        return f"{self._take}/{response_id}"

    def _follow(self, frame: Frame) -> None:
        match frame:
            case events.ResponseCreated():
                self._running.add(frame.response_id)
                self._silenced.pop(frame.response_id, None)
            case events.ResponseDone():
                self._running.discard(frame.response_id)
                if not frame.response_id:  # of a model that names none: the next is another
                    self._silenced.pop("", None)
            case _:
                pass

    def _interruption(self, at: int, reason: str) -> Interrupt | None:
        if not self._interrupts:
            return None
        for response_id in self._running | self._sounding:
            self._silenced[response_id] = None
        if self.deadline is None:
            return None
        return self._cut(Interrupt(at=at, reason=reason))

    def _cut(self, interrupt: Interrupt) -> Interrupt:
        self._take += 1
        self._quiet()
        return interrupt

    def _lengthen(self, audio: Audio) -> None:
        """An empty piece is played too, for no time to speak of."""
        self.deadline = max(self.deadline or 0, audio.at) + max(audio.duration, 1)
        self._playing(True)

    def _quiet(self) -> None:
        self.deadline = None
        self._sounding.clear()
        self._playing(False)


def _is_from_model(frame: Frame) -> TypeGuard[events.ServerEvent]:
    return isinstance(frame, SERVER_EVENTS)
