"""The client's end of a call with a managed agent."""

from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

from msgspec import UNSET

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.cartesia import wire
from antiphon.codecs.cartesia.session import DEFAULT_FORMAT, create, format_of, require_sayable
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.wire import Message, Recent, Unknown, Unsayable, known, verbatim


class _Response(NamedTuple):
    """An assistant's turn: the response and its one item."""

    response_id: str
    item_id: str


class Client(Unhurried):
    """Speaks with an agent that the provider hosts, tools' names and all.

    Its instructions and voice can be changed for one call, but only when a ticket is minted, so
    here they are not said. Nothing can be typed, and nothing be asked for or taken back.
    """

    def __init__(self, model: str = "") -> None:
        self._model = model
        self._heard = AudioLine(wire.NAME, 24_000)
        self._said = AudioLine(wire.NAME, 24_000)
        self._carry(DEFAULT_FORMAT)
        self._created = False
        self._last = 0
        """The highest number of a turn so far."""
        self._open = Recent[int, _Response](16)
        self._over = Recent[int, _Response](64)
        self._current: _Response | None = None
        self._early: _Response | None = None
        """It began without being announced; the next announcement is of it."""
        self._spoken = Recent[str, bool](64)
        """Responses that were heard speaking."""

    @property
    def input_rate(self) -> int:
        return self._heard.rate

    @property
    def output_rate(self) -> int:
        return self._said.rate

    def encode(self, event: events.ClientEvent, /) -> Iterable[Message]:
        match event:
            case events.InputAudioAppend():
                yield wire.write(wire.AudioInput(audio=self._heard.to_wire(event.audio)))
            case events.SessionUpdate():
                require_sayable(event.config)
                if not self._created:
                    asked = create(event.config)
                    message = wire.write(asked)
                    self._created = True
                    if asked.audio is not None and asked.audio.input_format is not None:
                        self._carry(asked.audio.input_format)
                    yield message
            case events.ConversationItemCreate(item=FunctionCallOutput() as output):
                yield wire.write(
                    wire.ClientToolResult(
                        tool_call_id=output.call_id, result=output.output, is_error=output.failed
                    )
                )
            case events.ConversationItemCreate():
                raise Unsayable(wire.NAME, "hears speech only: there is no writing to it")
            case events.InputAudioMute() | events.ContextAppend() | events.SessionStart():
                raise Unsayable(wire.NAME, f"has no word for {type(event).__name__}")
            case events.InputDtmf():
                yield wire.write(wire.DtmfInput(digit=event.digit))
            case events.Custom():
                if event.dialect == wire.NAME:
                    yield wire.as_sent(event.raw)
            case _:
                pass

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ServerEvent]:
        said = wire.read_server(message)
        match said:
            case wire.AudioOutput():
                stream = self._current or _turn(self._last + 1)
                pcm = self._said.from_wire(said.audio, "$.audio", stream)
                current = self._current or (yield from self._begin_early(at))
                response_id, item_id = current
                if response_id not in self._spoken:
                    self._spoken[response_id] = True
                yield events.AudioDelta(response_id=response_id, item_id=item_id, delta=pcm, at=at)
            case wire.AudioOutputClear():
                response_id, item_id = self._current or (None, None)
                yield events.ResponseInterrupted(response_id=response_id, item_id=item_id, at=at)
            case wire.TurnStarted():
                if said.role == wire.USER:
                    self._last = max(self._last, said.turn)
                    yield events.SpeechStarted(item_id=_user(said.turn), at=at)
                else:
                    yield from self._begin(said.turn, at)
            case wire.TurnOutputTextDelta():
                yield from self._words(said, at)
            case wire.TurnEnded():
                self._last = max(self._last, said.turn)
                if said.role == wire.USER:
                    item_id = _user(said.turn)
                    yield events.SpeechStopped(item_id=item_id, at=at)
                    yield events.InputTranscriptionCompleted(
                        item_id=item_id, transcript=known(said.text) or "", at=at
                    )
                else:
                    yield from self._end(said, at)
            case wire.ClientToolCall():
                yield from self._call(said, at)
            case wire.SessionReady():
                yield self._ready(said, at)
            case wire.DtmfOutput():
                yield events.OutputDtmf(digit=said.digit, at=at)
            case wire.Error():
                yield events.Error(
                    message=said.message or "",
                    code=said.code,
                    fatal=known(said.fatal) or False,
                    at=at,
                )
            case Unknown():
                yield events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)

    def _ready(self, said: wire.SessionReady, at: int) -> events.SessionCreated:
        name = None if said.audio is None else said.audio.input_format
        spoken = None if name is None else format_of(name)
        if name is not None:
            self._carry(name)
        version = said.agent_version_id
        return events.SessionCreated(
            session_id=said.call_id,
            config=SessionConfig(
                model=said.agent_id or self._model or None,
                input_audio_format=spoken,
                output_audio_format=spoken,
                provider_options=None if version is None else {"agent_version_id": version},
            ),
            at=at,
        )

    def _begin(self, turn: int, at: int) -> Iterator[events.ServerEvent]:
        """The assistant's turn of this number is on, if it was not."""
        self._last = max(self._last, turn)
        if turn in self._open or turn in self._over:
            return
        response, self._early = self._early, None
        if response is None:
            response = _turn(turn)
            yield events.ResponseCreated(response_id=response.response_id, at=at)
        self._open[turn] = self._current = response

    def _begin_early(self, at: int) -> Generator[events.ServerEvent, None, _Response]:
        """There is a response, though its turn was not announced."""
        self._last += 1
        self._current = self._early = response = _turn(self._last)
        yield events.ResponseCreated(response_id=response.response_id, at=at)
        return response

    def _words(self, said: wire.TurnOutputTextDelta, at: int) -> Iterator[events.ServerEvent]:
        if said.role == wire.USER:
            self._last = max(self._last, said.turn)
            yield events.InputTranscriptionDelta(item_id=_user(said.turn), delta=said.text, at=at)
            return
        yield from self._begin(said.turn, at)
        response = self._open.get(said.turn) or self._over.get(said.turn) or _turn(said.turn)
        yield events.AudioTranscriptDelta(
            response_id=response.response_id, item_id=response.item_id, delta=said.text, at=at
        )

    def _call(self, said: wire.ClientToolCall, at: int) -> Iterator[events.ServerEvent]:
        """Belongs to the assistant's turn, which need not have begun to speak."""
        arguments = "null" if said.parameters is UNSET else verbatim(said.parameters, wire.NAME)
        if arguments == "null":
            arguments = "{}"
        response_id, _ = self._current or (yield from self._begin_early(at))
        yield events.FunctionCallArgumentsDelta(
            response_id=response_id,
            item_id=said.tool_call_id,
            call_id=said.tool_call_id,
            delta=arguments,
            at=at,
        )
        yield events.FunctionCallArgumentsDone(
            response_id=response_id,
            item_id=said.tool_call_id,
            call_id=said.tool_call_id,
            name=said.tool_name,
            arguments=arguments,
            expects_output=said.expects_response is not False,
            at=at,
        )

    def _end(self, said: wire.TurnEnded, at: int) -> Iterator[events.ServerEvent]:
        if said.turn in self._over:
            return
        yield from self._begin(said.turn, at)
        response = self._open.pop(said.turn, None) or _turn(said.turn)
        self._over[said.turn] = response
        if self._current == response:
            self._current = None
        response_id, item_id = response
        if self._spoken.pop(response_id, False):
            yield events.AudioDone(response_id=response_id, item_id=item_id, at=at)
        if said.text:
            yield events.AudioTranscriptDone(
                response_id=response_id, item_id=item_id, transcript=said.text, at=at
            )
        interrupted = known(said.interrupted) or False
        yield events.ResponseDone(
            response_id=response_id,
            status="cancelled" if interrupted else "completed",
            reason="turn_detected" if interrupted else None,
            at=at,
        )

    def _carry(self, name: str) -> None:
        spoken = format_of(name)
        self._heard.carry(spoken)
        self._said.carry(spoken)


def _turn(number: int) -> _Response:
    return _Response(f"turn_{number}", f"assistant_{number}")


def _user(number: int) -> str:
    return f"user_{number}"
