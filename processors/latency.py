"""Measures every turn: from the end of what the user said to the first sound of the answer."""

from collections.abc import Callable, Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Frame, Speech


class TurnTimes(msgspec.Struct, kw_only=True):
    """Moments of one turn, in microseconds of session time; None for what did not occur."""

    item_id: str
    began: int | None = None
    """The user begins to speak."""
    ended: int | None = None
    """The last of his sound, which only shows when he has been silent for a while."""
    detected: int | None = None
    """He is taken to have finished."""
    understood: int | None = None
    created: int | None = None
    """The model begins to answer."""
    called: int | None = None
    """The model calls its first tool."""
    returned: int | None = None
    """The last tool's output is there."""
    received: int | None = None
    """The first sound of the answer arrives."""
    heard: int | None = None
    """It is played."""
    finished: int | None = None
    """The answer was played to its end or to where it was interrupted."""
    interrupted: bool = False

    @property
    def response_time(self) -> int | None:
        """From the end of the user's speech to the first sound of the answer."""
        return _between(self.ended, self.heard)

    @property
    def detection(self) -> int | None:
        """How long it took to hear that the user had finished."""
        return _between(self.ended, self.detected)

    @property
    def tools(self) -> int | None:
        return _between(self.called, self.returned)

    @property
    def thinking(self) -> int | None:
        """From then on to the first sound of the answer, without the tools' time before it."""
        if self.detected is None or self.received is None:
            return None
        whole = self.received - self.detected
        if self.called is None or self.returned is None:
            return whole
        return whole - max(0, min(self.returned, self.received) - self.called)

    @property
    def playout(self) -> int | None:
        return _between(self.received, self.heard)


def _between(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start


class Latency:
    """Keeps the times of every turn in `turns`; frames pass by.

    It stands right before the speaker, whose reports come back through it. *measured* is
    called with a turn whenever its answer begins to be heard. *origin* is when the
    user's audio began, in microseconds of session time.
    """

    def __init__(
        self, measured: Callable[[TurnTimes], None] | None = None, *, origin: int = 0
    ) -> None:
        self.turns: list[TurnTimes] = []
        self._measured = measured
        self._origin = origin
        self._turn: TurnTimes | None = None
        self._answering: dict[str, TurnTimes] = {}
        """The turn of each response."""
        self._calling: dict[str, TurnTimes] = {}
        """The turn of each tool call that has no output yet."""

    def process(self, frame: Frame) -> Iterator[Frame]:
        self._note(frame)
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        if isinstance(
            frame,
            events.OutputPlaybackStarted
            | events.OutputPlaybackStopped
            | events.OutputPlaybackCleared,
        ):
            self._note_playback(frame)
        yield frame

    def _note(self, frame: Frame) -> None:
        turn = self._turn
        match frame:
            case events.SpeechStarted():
                began = frame.at if frame.audio_start is None else frame.audio_start + self._origin
                self._turn = TurnTimes(item_id=frame.item_id or "", began=began)
                self.turns.append(self._turn)
            case events.SpeechStopped() if turn is not None:
                turn.detected = frame.at
                turn.ended = frame.at if frame.audio_end is None else frame.audio_end + self._origin
            case events.InputTranscriptionCompleted():
                for said in self.turns:
                    if said.item_id == frame.item_id:
                        said.understood = frame.at
            case events.ResponseCreated():
                if turn is None:  # the model speaks first
                    turn = self._turn = TurnTimes(item_id="")
                    self.turns.append(turn)
                self._answering[frame.response_id] = turn
                if turn.created is None:
                    turn.created = frame.at
            case events.FunctionCallArgumentsDone():
                caller = self._answering.get(frame.response_id, turn)
                if caller is not None:
                    self._calling[frame.call_id] = caller
                    if caller.called is None:
                        caller.called = frame.at
            case events.ConversationItemAdded(item=FunctionCallOutput(call_id=call_id)):
                if (caller := self._calling.pop(call_id, None)) is not None:
                    caller.returned = frame.at
            case Speech(response_id=response_id):
                answered = self._answering.get(response_id)
                if answered is not None and answered.received is None:
                    answered.received = frame.at
            case _:
                pass

    def _note_playback(self, report: events.Playback) -> None:
        turn = self._answering.get(report.response_id)
        if turn is None:
            return
        match report:
            case events.OutputPlaybackStarted():
                if turn.heard is None:
                    turn.heard = report.at
                    if self._measured is not None:
                        self._measured(turn)
            case events.OutputPlaybackStopped():
                turn.finished = report.at
            case events.OutputPlaybackCleared():
                turn.finished = report.at
                turn.interrupted = True
