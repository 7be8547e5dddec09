"""The server's end of a Live session, for a continuous model or one that takes turns."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from antiphon.codecs import events
from antiphon.codecs.audio import SAMPLE_WIDTH, AudioLine
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.openai_live import wire
from antiphon.codecs.openai_live.session import DEFAULT_FORMAT, config_of
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import Message, NewId, Recent, Unknown, counted, known, millis, verbatim

CLOSE_REQUESTED = "close_requested"


class Server(Unhurried):
    """Speaks to a client of gpt-live-1, and writes what its strictest SDK accepts.

    A model that takes turns is heard as a continuous one: its speech as chunks, its words and
    the user's as fragments. Pieces without a time of their own get the time they are said, one
    behind the other.
    """

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        self._model = model
        self._new_id = new_id or counted()
        self._heard = AudioLine(wire.NAME, 24_000)
        self._said = AudioLine(wire.NAME, 24_000)
        self._session_id: str | None = None
        self._spoken = 0
        """Until when the speech that was sent lasts."""
        self._seconds = 0.0
        """What the session has cost, as last told."""
        self._partly = Recent[str, bool](256)
        """Items of the user of which words were sent."""

    @property
    def input_rate(self) -> int:
        return self._heard.rate

    @property
    def output_rate(self) -> int:
        return self._said.rate

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ClientEvent]:
        said = wire.read_client(message)
        match said:
            case wire.InputAudioAppend():
                yield events.InputAudioAppend(
                    audio=self._heard.from_wire(said.audio, "$.audio"),
                    event_id=said.event_id,
                    at=at,
                )
            case wire.SessionStart():
                config = config_of(said.session, self._model)
                self._carry(config)
                yield events.SessionStart(config=config, event_id=said.event_id, at=at)
            case wire.SessionClose():
                yield events.SessionClose(event_id=said.event_id, at=at)
            case wire.InputAudioMute():
                yield events.InputAudioMute(event_id=said.event_id, at=at)
            case wire.InputAudioUnmute():
                yield events.InputAudioUnmute(event_id=said.event_id, at=at)
            case wire.InstructionsAppend():
                yield _appended(said, "instructions", at)
            case wire.ThinkingAppend():
                yield _appended(said, None, at)
            case wire.CommentaryAppend():
                yield _appended(said, "commentary", at)
            case Unknown():
                yield events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)

    def encode(self, event: events.ServerEvent, /) -> Iterable[Message]:
        match event:
            case events.AudioChunk():
                yield self._speech(event, event.start, event.end)
            case events.AudioDelta():
                yield self._speech(event)
            case events.Custom():
                if event.dialect == wire.NAME:
                    yield verbatim(event.raw, wire.NAME)
            case _:
                for message in self._say(event):
                    yield wire.write(message)

    def _say(self, event: events.ServerEvent) -> Iterator[wire.FromServer]:
        match event:
            case events.SessionStarted():
                mode = event.delegation_mode
                said = None if mode is None else wire.Mode(type=_MODES[mode])
                yield from self._start(event, event.session_id, said)
            case events.SessionCreated():
                yield from self._start(event, event.session_id)
            case events.SessionUpdated():
                yield from self._start(event)
            case events.SessionUsage():
                ratio = event.context_window_usage_ratio
                yield wire.UsageUpdated(
                    usage=self._cost(event.usage),
                    context_window=(
                        None
                        if ratio is None
                        else wire.ContextWindow(usage_ratio=min(max(ratio, 0.0), 1.0))
                    ),
                    event_id=self._named(event),
                )
            case events.SessionClosed():
                session_id = event.session_id or self._session_id
                yield wire.SessionClosed(
                    session=None if session_id is None else wire.Snapshot(id=session_id),
                    usage=self._cost(event.usage),
                    reason=CLOSE_REQUESTED if event.reason is None else event.reason,
                    event_id=self._named(event),
                )
            case events.TranscriptFragment():
                fragment = _FRAGMENTS[event.speaker]
                start = max(event.start, 0)
                yield fragment(
                    delta=event.delta,
                    start_ms=millis(start),
                    end_ms=millis(max(event.end, start)),
                    event_id=self._named(event),
                )
            case events.AudioTranscriptDelta() | events.TextDelta():
                yield self._words(wire.OutputTranscriptDelta, event, event.delta)
            case events.InputTranscriptionDelta():
                self._partly[event.item_id] = True
                yield self._words(wire.InputTranscriptDelta, event, event.delta)
            case events.InputTranscriptionCompleted():
                if not self._partly.pop(event.item_id, False):
                    yield self._words(wire.InputTranscriptDelta, event, event.transcript)
            case events.ResponseInterrupted() | events.SpeechStarted():
                self._spoken = 0
            case events.DelegationCreated():
                target = event.target
                yield wire.DelegationCreated(
                    delegation=wire.Delegation(
                        id=event.delegation_id or self._new_id("delegation"),
                        target=None if target is None else _MODES[target],
                        response_id=event.response_id or None,
                    ),
                    offset_ms=None if event.offset is None else millis(max(event.offset, 0)),
                    event_id=self._named(event),
                )
            case events.CommandAcknowledged():
                yield from self._acknowledge(event)
            case events.Error():
                yield wire.Error(
                    error=wire.Failure(
                        message=event.message,
                        type=event.error_type,
                        code=event.code,
                        param=event.param,
                        client_event_id=event.client_event_id,
                    ),
                    event_id=self._named(event),
                )
            case _:
                pass

    def _start(
        self,
        event: events.ServerEvent,
        session_id: str | None = None,
        mode: wire.Mode | None = None,
    ) -> Iterator[wire.FromServer]:
        """The first of the events that say that the model is there."""
        if self._session_id is None:
            self._session_id = session_id or self._new_id("session")
            started = wire.Started(id=self._session_id, delegation=mode)
            yield wire.SessionStarted(session=started, event_id=self._named(event))

    def _speech(
        self,
        event: events.AudioChunk | events.AudioDelta,
        start: int | None = None,
        end: int | None = None,
    ) -> Message:
        start = max(event.at, self._spoken) if start is None else max(start, 0)
        if end is None:
            end = start + len(event.delta) * 1_000_000 // (self._said.rate * SAMPLE_WIDTH)
        self._spoken = end = max(end, start)
        return wire.write(
            wire.OutputAudioDelta(
                delta=self._said.to_wire(event.delta),
                start_ms=millis(start),
                end_ms=millis(end),
                event_id=self._named(event),
            )
        )

    def _words(
        self,
        kind: type[wire.InputTranscriptDelta] | type[wire.OutputTranscriptDelta],
        event: events.ServerEvent,
        delta: str,
    ) -> wire.FromServer:
        now = millis(max(event.at, 0))
        return kind(delta=delta, start_ms=now, end_ms=now, event_id=self._named(event))

    def _acknowledge(self, event: events.CommandAcknowledged) -> Iterator[wire.FromServer]:
        event_id, client_event_id = self._named(event), event.client_event_id
        now = millis(max(event.at, 0))
        if event.command == "session.update":
            self._session_id = self._session_id or self._new_id("session")
            session = wire.Snapshot(id=self._session_id)
            yield wire.SessionUpdated(
                session=session, event_id=event_id, client_event_id=client_event_id
            )
        elif (kind := _MUTINGS.get(event.command)) is not None:
            yield kind(event_id=event_id, client_event_id=client_event_id)
        elif (kind := _APPENDED.get(event.command)) is not None:
            yield kind(start_ms=now, end_ms=now, event_id=event_id, client_event_id=client_event_id)

    def _cost(self, usage: Usage | None) -> wire.Usage:
        """In seconds, and no less than was told before, by a model that counts something else."""
        seconds = None if usage is None else usage.seconds
        if seconds is not None:
            self._seconds = max(seconds, 0.0)
        return wire.Usage(seconds=self._seconds)

    def _named(self, event: events.ServerEvent) -> str:
        return event.event_id or self._new_id("event")

    def _carry(self, config: SessionConfig) -> None:
        spoken = config.input_audio_format or DEFAULT_FORMAT
        self._heard.carry(spoken)
        self._said.carry(spoken)


_MODES: Mapping[str, Literal["client", "responses"]] = {
    "client": "client",
    "provider": "responses",
}
_FRAGMENTS = {"user": wire.InputTranscriptDelta, "assistant": wire.OutputTranscriptDelta}
_MUTINGS = {
    "session.input_audio.mute": wire.InputAudioMuted,
    "session.input_audio.unmute": wire.InputAudioUnmuted,
}
_APPENDED = {
    "session.instructions.append": wire.InstructionsAppended,
    "session.thinking.append": wire.ThinkingAppended,
    "session.commentary.append": wire.CommentaryAppended,
}


def _appended(
    said: wire.InstructionsAppend | wire.ThinkingAppend | wire.CommentaryAppend,
    channel: wire.Channel | None,
    at: int,
) -> events.ContextAppend:
    return events.ContextAppend(
        content=said.content,
        delegation_id=known(said.delegation_id) or None,
        provider_options=None if channel is None else {"openai": {"channel": channel}},
        event_id=said.event_id,
        at=at,
    )
