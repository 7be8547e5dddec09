"""The server's end of a call: any model as a managed agent."""

from collections.abc import Iterable, Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import SAMPLE_WIDTH, AudioLine
from antiphon.codecs.cartesia import wire
from antiphon.codecs.cartesia.calls import Calls, as_json, parameters
from antiphon.codecs.cartesia.session import DEFAULT_FORMAT, created, format_of, name_of
from antiphon.codecs.cartesia.turns import Count, Turn
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.wire import (
    Message,
    NewId,
    Recent,
    Unknown,
    Unsayable,
    counted,
)


class Server(Unhurried):
    """Speaks to a client of a managed agent.

    Whoever listens hears whole turns: each begins once and ends once, with all its words, and
    what is still to be played is taken back when the user speaks over it. A tool's result makes
    the model go on by itself, once all calls have theirs.
    """

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        self._model = model
        self._new_id = new_id or counted()
        self._heard = AudioLine(wire.NAME, 24_000)
        self._said = AudioLine(wire.NAME, 24_000)
        self._asked: wire.Asked | None = None
        self._ready = False
        self._count = Count()
        self._responses = Recent[str, Turn](64)
        self._audible = 0
        """Until when the speech that was sent lasts."""
        self._cleared = False
        """What was sent of it was taken back."""
        self._users = Recent[str, Turn](64)
        self._user: Turn | None = None
        """The user's turn that is on."""
        self._calls = Calls()

    @property
    def input_rate(self) -> int:
        return self._heard.rate

    @property
    def output_rate(self) -> int:
        return self._said.rate

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ClientEvent]:
        if isinstance(message, bytes):  # as speech recognition takes it
            yield events.InputAudioAppend(audio=self._heard.from_bytes(message), at=at)
            return
        if message in wire.COMMANDS:
            raw = msgspec.Raw(f'"{message}"'.encode())
            yield events.Custom(dialect=wire.NAME, raw_type=message, raw=raw, at=at)
            return
        said = wire.read_client(message)
        match said:
            case wire.AudioInput():
                audio = self._heard.from_wire(said.audio, "$.audio")
                yield events.InputAudioAppend(audio=audio, at=at)
            case wire.SessionCreate():
                config = created(said, self._model)
                self._asked = said.audio or wire.Asked()
                self._carry(self._asked.input_format or DEFAULT_FORMAT)
                yield events.SessionUpdate(config=config, at=at)
            case wire.DtmfInput():
                yield events.InputDtmf(digit=said.digit, at=at)
            case wire.ClientToolResult():
                yield from self._result(said, at)
            case Unknown():
                yield events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)

    def encode(self, event: events.ServerEvent, /) -> Iterable[Message]:
        match event:
            case events.AudioDelta():
                if event.response_id not in self._responses:
                    _, started = self._begin(event.response_id, event.at)
                    yield from map(wire.write, started)
                self._speak(event)
                yield wire.write(wire.AudioOutput(audio=self._said.to_wire(event.delta)))
            case events.Custom():
                if event.dialect == wire.NAME:
                    yield wire.as_sent(event.raw)
            case _:
                yield from map(wire.write, self._say(event))

    def _say(self, event: events.ServerEvent) -> Iterator[wire.FromServer]:
        match event:
            case events.SessionCreated() | events.SessionUpdated() | events.SessionStarted():
                if not self._ready:
                    self._ready = True
                    session_id = (
                        None if isinstance(event, events.SessionUpdated) else event.session_id
                    )
                    yield self._session(session_id, event.config or SessionConfig())
            case events.ResponseCreated():
                _, started = self._begin(event.response_id, event.at)
                yield from started
            case events.AudioTranscriptDelta() | events.TextDelta():
                turn, started = self._begin(event.response_id, event.at)
                yield from started
                turn.say(event.delta, _part(event))
                yield wire.TurnOutputTextDelta(
                    turn=turn.number, role=wire.ASSISTANT, text=event.delta
                )
            case events.AudioTranscriptDone(transcript=text) | events.TextDone(text=text):
                turn, started = self._begin(event.response_id, event.at)
                yield from started
                if text is not None:
                    turn.said(text, _part(event))
            case events.ResponseInterrupted():
                if not self._cleared:
                    yield self._clear()
            case events.ResponseDone():
                yield from self._end(event)
            case events.SpeechStarted():
                if event.at < self._audible and not self._cleared:
                    yield self._clear()
                if self._user is not None:  # nothing was understood of it
                    yield self._user_ended(self._user, event.at)
                turn = self._user = self._count.turn(event.item_id, event.at)
                if event.item_id is not None:
                    turn.named = True
                    self._users[event.item_id] = turn
                yield wire.TurnStarted(
                    turn=turn.number, role=wire.USER, start_time=_seconds(event.at)
                )
            case events.SpeechStopped():
                if self._user is not None:
                    self._user.stopped = event.at
            case events.InputTranscriptionDelta():
                turn = self._user_turn(event.item_id, event.at)
                turn.say(event.delta)
                yield wire.TurnOutputTextDelta(turn=turn.number, role=wire.USER, text=event.delta)
            case events.InputTranscriptionCompleted():
                turn = self._user_turn(event.item_id, event.at)
                turn.said(event.transcript)
                yield self._user_ended(turn, event.at)
            case events.InputTranscriptionFailed():
                yield self._user_ended(self._user_turn(event.item_id, event.at), event.at)
            case events.FunctionCallArgumentsDone():
                _, started = self._begin(event.response_id, event.at)
                yield from started
                if event.expects_output:
                    self._calls.begin(event.call_id, event.response_id)
                yield wire.ClientToolCall(
                    tool_call_id=event.call_id,
                    tool_name=event.name,
                    parameters=parameters(event.arguments),
                    expects_response=event.expects_output,
                )
            case events.FunctionCallCancelled():
                self._calls.withdraw(event.call_ids)
            case events.OutputDtmf():
                yield wire.DtmfOutput(digit=event.digit)
            case events.Error():
                yield wire.Error(
                    code=event.code or "error", message=event.message, fatal=event.fatal
                )
            case _:
                pass

    def _session(self, session_id: str | None, config: SessionConfig) -> wire.FromServer:
        asked = self._asked
        if asked is None:
            asked = wire.Asked(input_format=_name_of(config))
            self._carry(asked.input_format or DEFAULT_FORMAT)
        version = (config.provider_options or {}).get("agent_version_id")
        return wire.SessionReady(
            call_id=session_id or self._new_id("call"),
            agent_id=self._model or config.model or self._new_id("agent"),
            agent_version_id=version if isinstance(version, str) else self._new_id("version"),
            audio=wire.Asked(
                input_format=asked.input_format or DEFAULT_FORMAT,
                output_delivery=asked.output_delivery or wire.SPEAKING_PACE,
            ),
        )

    # The agent's turns.

    def _begin(self, response_id: str, at: int) -> tuple[Turn, tuple[wire.FromServer, ...]]:
        """The turn of a response, and what says that it begins, if it was not said before."""
        turn = self._responses.get(response_id)
        if turn is not None:
            return turn, ()
        turn = self._responses[response_id] = self._count.turn(response_id, at)
        started = wire.TurnStarted(
            turn=turn.number, role=wire.ASSISTANT, start_time=_seconds(turn.started)
        )
        return turn, (started,)

    def _speak(self, event: events.AudioDelta) -> None:
        duration = len(event.delta) * 1_000_000 // (self._said.rate * SAMPLE_WIDTH)
        if self._cleared:
            self._cleared, self._audible = False, 0
        self._audible = max(self._audible, event.at) + duration

    def _clear(self) -> wire.FromServer:
        self._cleared = True
        return wire.AudioOutputClear()

    def _end(self, event: events.ResponseDone) -> Iterator[wire.FromServer]:
        turn, started = self._begin(event.response_id, event.at)
        if turn.over:
            return
        turn.over = True
        yield from started
        interrupted = event.status == "cancelled"
        if interrupted:
            self._calls.withdraw_all(event.response_id)
            if event.at < self._audible and not self._cleared:
                yield self._clear()
        if event.status == "failed" and event.error is not None:
            failure = event.error
            yield wire.Error(code=failure.code or "error", message=failure.message, fatal=False)
        yield _ended(turn, wire.ASSISTANT, event.at, interrupted=interrupted)

    # The user's turns.

    def _user_turn(self, item_id: str, at: int) -> Turn:
        """That of an item, which may be the one that began without a name."""
        turn = self._users.get(item_id)
        if turn is None:
            turn = self._user
            if turn is None or turn.named:
                turn = self._count.turn(item_id, at)
            turn.named = True
            self._users[item_id] = turn
        return turn

    def _user_ended(self, turn: Turn, at: int) -> wire.FromServer:
        if turn is self._user:
            self._user = None
        return _ended(turn, wire.USER, at if turn.stopped is None else turn.stopped)

    # Tools.

    def _result(self, said: wire.ClientToolResult, at: int) -> Iterator[events.ClientEvent]:
        output = said.result if isinstance(said.result, str) else as_json(said.result)
        item = FunctionCallOutput(
            call_id=said.tool_call_id, output=output, failed=said.is_error or False
        )
        goes_on = self._calls.answered(said.tool_call_id)
        yield events.ConversationItemCreate(item=item, at=at)
        if goes_on:
            yield events.ResponseCreate(at=at)

    def _carry(self, name: str) -> None:
        spoken = format_of(name)
        self._heard.carry(spoken)
        self._said.carry(spoken)


def _ended(turn: Turn, role: str, at: int, *, interrupted: bool = False) -> wire.FromServer:
    return wire.TurnEnded(
        turn=turn.number,
        role=role,
        text=turn.text,
        interrupted=interrupted,
        start_time=_seconds(turn.started),
        end_time=_seconds(max(at, turn.started)),
        tool_calls=[],
    )


def _part(event: events.ContentEvent) -> tuple[str, int]:
    return event.item_id, event.content_index


def _seconds(at: int) -> float:
    return max(at, 0) / 1_000_000


def _name_of(config: SessionConfig) -> str:
    try:
        return name_of(config)
    except Unsayable:  # it is the model's own affair what it speaks elsewhere
        return DEFAULT_FORMAT
