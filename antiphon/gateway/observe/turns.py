"""Measures what passes through the gateway: turns, responses, tool calls.

The moments of a turn are those of `antiphon.processors.latency`, so that they mean the same in a
bot and in the gateway; only the first sound is as it arrives from the model. Whether and when it
was heard the gateway knows only of clients that report it, and of calls by WebRTC.
"""

from typing import Protocol

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput, Message
from antiphon.codecs.usage import Usage
from antiphon.gateway.observe.arrivals import Arrivals
from antiphon.pipeline import Frame, Speech
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.latency import Latency, TurnTimes

MOST = 64
"""Responses, and tool calls, under way at the same time."""

REMEMBERED = 256
"""Responses after which the books are begun anew."""


class Response(msgspec.Struct, kw_only=True):
    """One response: moments in microseconds of session time, None for what did not occur."""

    response_id: str
    turn: TurnTimes
    asked: int
    """The user's turn was over, the client asked for a response or gave a tool's output."""
    created: int
    first_token: int | None = None
    """The first of its words, of a call's arguments or of its sound."""
    first_audio: int | None = None
    ended: int | None = None
    opens: bool = False
    """Its sound is the first of the turn's answer."""
    called: bool = False
    """It calls tools."""
    status: str = ""
    """As in ResponseDone; `closed` where the session ended before it did."""
    reason: str | None = None
    failure: str | None = None
    """The code of what went wrong."""
    usage: Usage | None = None

    @property
    def response_time(self) -> int | None:
        """From the end of the user's speech, if this is the answer to it."""
        if not self.opens or self.first_audio is None or self.turn.ended is None:
            return None
        return self.first_audio - self.turn.ended


class Call(msgspec.Struct, kw_only=True):
    """One call of a tool, which the client carries out."""

    call_id: str
    name: str
    response: Response | None
    called: int
    ended: int | None = None
    outcome: str = ""
    """`returned`, `failed`, `cancelled`, or `closed`."""


class Watcher(Protocol):
    """Is told of things as they happen."""

    def created(self, response: Response, /) -> None: ...

    def sounded(self, response: Response, /) -> None:
        """Its first sound is there."""
        ...

    def ended(self, response: Response, /) -> None: ...

    def called(self, call: Call, /) -> None: ...

    def returned(self, call: Call, /) -> None:
        """It has an output, or will have none any more."""
        ...

    def played(self, turn: TurnTimes, /) -> None:
        """The answer begins to be heard."""
        ...


class Turns:
    """Told of every event of one session, it tells *watchers* what that means.

    *input_rate* is in Hz, of the user's audio in events; it may be set anew. Of models that listen
    and speak without turns there is nothing to tell.
    """

    def __init__(self, *watchers: Watcher, input_rate: int = 24_000) -> None:
        self.input_rate = input_rate
        self._watchers = watchers
        self._arrivals = Arrivals()
        self._latency = Latency(self._played)
        self._responses: dict[str, Response] = {}
        self._calls: dict[str, Call] = {}
        self._asked: int | None = None
        self._speaks: int | None = None
        """Since when there is audio that belongs to no turn yet."""
        self._count = 0

    def heard(self, event: events.ClientEvent) -> None:
        """The client says *event*."""
        match event:
            case events.InputAudioAppend():
                samples = len(event.audio) // SAMPLE_WIDTH
                self._arrivals.add(samples * 1_000_000 // self.input_rate, event.at)
                if self._speaks is None:
                    self._speaks = event.at
            case events.InputActivityStart():
                self._note(events.SpeechStarted(at=event.at))
            case events.InputAudioCommit():
                self._committed(event.at)
            case events.InputAudioClear():
                self._speaks = None
            case events.ResponseCreate():
                self._asked = event.at
            case events.ConversationItemCreate(item=FunctionCallOutput() as item):
                self._asked = event.at
                self._output(item, event.at)
            case events.ConversationItemCreate(item=Message(role="user")):
                self._asked = event.at
            case (
                events.OutputPlaybackStarted()
                | events.OutputPlaybackStopped()
                | events.OutputPlaybackCleared()
            ):
                self._note_back(event)
            case _:
                pass

    def said(self, event: events.ServerEvent) -> None:
        """The model says *event*."""
        match event:
            case events.AudioDelta() | events.AudioTranscriptDelta() | events.TextDelta():
                self._sounded(event)
            case events.SpeechStarted():
                self._asked = None
                self._renew(starts=True)
                start = self._moment(event.audio_start, event.at)
                self._note(msgspec.structs.replace(event, audio_start=start))
            case events.SpeechStopped():
                self._asked = event.at
                end = self._moment(event.audio_end, event.at)
                self._note(msgspec.structs.replace(event, audio_end=end))
            case events.AudioCommitted():
                self._speaks = None
            case events.InputTimeoutTriggered():
                self._asked = event.at
            case events.InputTranscriptionCompleted():
                self._note(event)
            case events.ResponseCreated():
                self._created(event)
            case events.FunctionCallArgumentsDelta():
                self._spoke(event)
            case events.FunctionCallArgumentsDone():
                self._called(event)
            case events.FunctionCallCancelled():
                for call_id in event.call_ids:
                    self._returned(call_id, "cancelled", event.at)
            case events.ConversationItemAdded(item=FunctionCallOutput() as item):
                self._output(item, event.at)
            case events.ResponseDone():
                self._done(event)
            case (
                events.OutputPlaybackStarted()
                | events.OutputPlaybackStopped()
                | events.OutputPlaybackCleared()
            ):
                self._note_back(event)
            case _:
                pass

    def close(self, at: int) -> None:
        """The session is over, and with it what is under way."""
        for response in tuple(self._responses.values()):
            self._end(response, at, "closed")
        for call_id in tuple(self._calls):
            self._returned(call_id, "closed", at)

    def _committed(self, at: int) -> None:
        """By the client, which tells turns itself: its button is the end of the speech."""
        turns = self._latency.turns
        if not turns or turns[-1].detected is not None:
            self._renew(starts=True)
            self._note(events.SpeechStarted(at=at if self._speaks is None else self._speaks))
        self._note(events.SpeechStopped(at=at))
        self._asked = at
        self._speaks = None

    def _created(self, event: events.ResponseCreated) -> None:
        self._renew()
        self._count += 1
        self._note(event)
        response = Response(
            response_id=event.response_id,
            turn=self._latency.turns[-1],
            asked=event.at if self._asked is None else self._asked,
            created=event.at,
        )
        self._asked = None
        old = self._responses.get(event.response_id)
        if old is None and len(self._responses) >= MOST:
            old = next(iter(self._responses.values()))
        if old is not None:
            self._end(old, event.at, "closed")
        self._responses[event.response_id] = response
        for watcher in self._watchers:
            watcher.created(response)

    def _spoke(
        self,
        event: events.AudioDelta
        | events.AudioTranscriptDelta
        | events.TextDelta
        | events.FunctionCallArgumentsDelta
        | events.FunctionCallArgumentsDone,
    ) -> Response | None:
        response = self._responses.get(event.response_id)
        if response is not None and response.first_token is None:
            response.first_token = event.at
        return response

    def _sounded(
        self, event: events.AudioDelta | events.AudioTranscriptDelta | events.TextDelta
    ) -> None:
        response = self._spoke(event)
        if response is None or response.first_audio is not None:
            return
        if not isinstance(event, events.AudioDelta):
            return
        response.first_audio = event.at
        response.opens = response.turn.received is None
        self._note(
            Speech(pcm=b"", response_id=event.response_id, item_id=event.item_id, at=event.at)
        )
        for watcher in self._watchers:
            watcher.sounded(response)

    def _done(self, event: events.ResponseDone) -> None:
        response = self._responses.get(event.response_id)
        if response is None:
            return
        response.reason = event.reason
        response.usage = event.usage
        if event.error is not None:
            response.failure = event.error.code or event.error.error_type or "failed"
        self._end(response, event.at, event.status)

    def _end(self, response: Response, at: int, status: str) -> None:
        del self._responses[response.response_id]
        response.status = status
        response.ended = at
        for watcher in self._watchers:
            watcher.ended(response)

    def _called(self, event: events.FunctionCallArgumentsDone) -> None:
        response = self._spoke(event)
        if response is not None:
            response.called = True
        self._note(event)
        if not event.expects_output:
            return
        call = Call(call_id=event.call_id, name=event.name, response=response, called=event.at)
        if event.call_id in self._calls:
            self._returned(event.call_id, "closed", event.at)
        elif len(self._calls) >= MOST:
            self._returned(next(iter(self._calls)), "closed", event.at)
        self._calls[event.call_id] = call
        for watcher in self._watchers:
            watcher.called(call)

    def _output(self, item: FunctionCallOutput, at: int) -> None:
        self._note(events.ConversationItemAdded(item_id=item.id or "", item=item, at=at))
        self._returned(item.call_id, "failed" if item.failed else "returned", at)

    def _returned(self, call_id: str, outcome: str, at: int) -> None:
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        call.outcome = outcome
        call.ended = at
        for watcher in self._watchers:
            watcher.returned(call)

    def _played(self, turn: TurnTimes) -> None:
        for watcher in self._watchers:
            watcher.played(turn)

    def _moment(self, position: int | None, at: int) -> int:
        moment = None if position is None else self._arrivals.reached(position)
        return at if moment is None else min(moment, at)

    def _renew(self, *, starts: bool = False) -> None:
        """A session may last for hours, and old turns are of no use."""
        del self._latency.turns[:-MOST]
        if self._count < REMEMBERED or self._responses:
            return
        if starts or self._latency.turns[-1].received is not None:
            self._count = 0
            self._latency = Latency(self._played)

    def _note(self, frame: Frame) -> None:
        for _ in self._latency.process(frame):
            pass

    def _note_back(self, frame: Frame) -> None:
        for _ in self._latency.process_back(frame):
            pass
