"""The client's end of a session at Opper."""

from collections.abc import Iterable, Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.config import AudioFormat, ResponseOptions, SessionConfig
from antiphon.codecs.exchange import REFUSED, Exchange
from antiphon.codecs.opper import wire
from antiphon.codecs.opper.items import say_item
from antiphon.codecs.opper.responses import CLIENT_CANCELLED, TURN_DETECTED, Responses, Turns
from antiphon.codecs.opper.session import rates_of, to_wire, upstream_of
from antiphon.codecs.wire import Message, Unknown, Unsayable, WireError, verbatim

ANSWERS_RESULTS = frozenset({"gemini"})
"""Those behind Opper that answer a tool's result by themselves.

Opper describes `tool.result` as the whole reply, and `response.create` as needed only where the
one behind it requires it, as OpenAI and xAI do on their own wires. One too many is refused there,
which harms nothing as long as it is not repeated; one too few leaves the user without an answer.
So whoever is not known to answer by itself is asked.
"""


class Client:
    """Speaks to Opper, whichever model is behind it.

    The session is begun by the first event, whatever it is: Opper wants to hear of it first.
    """

    def __init__(self, model: str = "") -> None:
        self._model = model
        self._begun = False
        rates = rates_of(model)
        self._heard = AudioLine(wire.NAME, rates.input)
        self._said = AudioLine(wire.NAME, rates.output)
        self._settled = False
        self._speaks = True
        """The model speaks, so that its words are those of its speech."""
        self._exchange = Exchange()
        self._responses = Responses()
        self._turns = Turns()
        self._told = False
        """There is a tool's result whose answer has not ended."""
        self._answer: str | None = None
        """That answer, once it has begun."""

    @property
    def input_rate(self) -> int:
        return self._heard.rate

    @property
    def output_rate(self) -> int:
        return self._said.rate

    def encode(self, event: events.ClientEvent, /) -> Iterable[Message]:
        match event:
            case events.InputAudioAppend():
                yield from self._begin()
                yield wire.write(wire.AudioAppend(audio=self._heard.to_wire(event.audio)))
            case events.SessionUpdate() | events.SessionStart():
                yield self._configure(event.config)
            case events.InputAudioCommit():
                yield from self._say(event, wire.AudioCommit())
            case events.InputAudioClear():
                yield from self._say(event, wire.AudioClear())
            case events.ConversationItemCreate():
                yield from self._say(event, *say_item(event.item, self._heard))
            case events.ResponseCreate():
                self._refuse(event.options)
                if self._told and upstream_of(self._model) in ANSWERS_RESULTS:
                    self._told = False
                else:
                    yield from self._say(event)
            case events.ResponseCancel():
                running = self._responses.running
                if running is None or event.response_id in (None, running):
                    yield from self._say(event)
            case events.Custom():
                if event.dialect == wire.NAME:
                    said = verbatim(event.raw, wire.NAME)
                    if event.raw_type != "session.start":
                        yield from self._begin()
                    self._begun = True
                    yield said
            case _:
                pass

    def due(self) -> tuple[Message, ...]:
        return tuple(wire.write(wire.ResponseCreate()) for _ in self._exchange.due())

    @property
    def deadline(self) -> int | None:
        return self._exchange.deadline

    def expire(self, at: int, /) -> tuple[()]:
        self._exchange.expire(at)
        return ()

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ServerEvent]:
        for event in self._hear(message, at):
            self._exchange.heard(self._noted(event))
            yield event

    def _hear(self, message: Message, at: int) -> Iterator[events.ServerEvent]:
        said = wire.read_server(message)
        match said:
            case wire.AudioDelta():
                pcm = self._said.from_wire(said.audio, "$.audio", self._responses.stream)
                response = yield from self._responses.message(at)
                response.heard = True
                yield events.AudioDelta(
                    response_id=response.id,
                    item_id=response.item_id or "",
                    output_index=response.output_index,
                    delta=pcm,
                    at=at,
                )
            case wire.TextDelta():
                response = yield from self._responses.message(at)
                response.say(words := said.delta or "", written=not self._speaks)
                kind = events.AudioTranscriptDelta if self._speaks else events.TextDelta
                yield kind(
                    response_id=response.id,
                    item_id=response.item_id or "",
                    output_index=response.output_index,
                    delta=words,
                    at=at,
                )
            case wire.SpeechStarted():
                self._responses.stop(TURN_DETECTED)
                yield events.SpeechStarted(item_id=self._turns.started(), at=at)
            case wire.SpeechStopped():
                self._responses.turn_over()
                yield events.SpeechStopped(item_id=self._turns.stopped(), at=at)
            case wire.TranscriptCommitted():
                yield events.InputTranscriptionCompleted(
                    item_id=self._turns.transcribed(), transcript=said.transcript or "", at=at
                )
            case wire.ResponseStarted():
                yield from self._responses.start(at)
            case wire.ResponseCompleted():
                yield from self._responses.end("completed", at)
            case wire.ResponseDone():
                yield from self._responses.end("done", at)
            case wire.ToolCall():
                arguments = wire.text_or_json(said.tool_arguments, "$.tool_arguments")
                yield from self._responses.call(
                    at,
                    call_id=said.tool_call_id,
                    name=said.tool_name,
                    arguments="{}" if arguments == "null" else arguments,
                )
            case wire.SessionStarted():
                yield self._started(said, at)
            case wire.SessionTerminating():
                code, words = _problem(said.error)
                yield events.GoAway(time_left=0, code=code, message=words, at=at)
            case wire.SessionEnded():
                yield events.SessionClosed(at=at)
            case wire.Error():
                code, words = _problem(said.error)
                words = words or said.message or code or "an error without words"
                yield events.Error(message=words, code=code, at=at)
            case Unknown():
                yield events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)

    def _noted(self, event: events.ServerEvent) -> events.ServerEvent:
        """*event* as the exchange shall know it."""
        match event:
            case events.AudioDelta():
                pass
            case events.ResponseCreated():
                if self._told:
                    self._answer = event.response_id
            case events.ResponseDone():
                if event.response_id == self._answer:
                    self._told = False
            case events.SpeechStarted():
                self._told = False
            case events.Error():
                if self._told and event.code == REFUSED:  # what runs is the answer
                    return msgspec.structs.replace(event, code=None)
            case _:
                pass
        return event

    def _begin(self) -> Iterator[Message]:
        if not self._begun:
            yield self._configure(SessionConfig())

    def _configure(self, config: SessionConfig) -> Message:
        if self._begun:
            update = to_wire(config, self._model, partly=True)
            message = wire.write(wire.SessionUpdate(config=update))
        else:
            model = config.model or self._model
            message = wire.write(wire.SessionStart(config=to_wire(config, model)))
            self._begun, self._model = True, model
            if not self._settled:
                rates = rates_of(model)
                self._carry(rates.input, rates.output)
        if config.output_modalities:
            self._speaks = "audio" in config.output_modalities
        return message

    def _say(self, event: events.ClientEvent, *said: wire.FromClient) -> Iterator[Message]:
        """*said* is what *event* is on the wire, unless it asks for a response."""
        messages = [wire.write(one) for one in said]
        yield from self._begin()
        if said and not isinstance(said[-1], wire.AudioClear):
            self._told, self._answer = isinstance(said[-1], wire.ToolResult), None
        for allowed in self._exchange.say(event, self.output_rate):
            match allowed:
                case events.ResponseCreate():
                    yield wire.write(wire.ResponseCreate())
                case events.ResponseCancel():
                    self._responses.stop(CLIENT_CANCELLED)
                    yield wire.write(wire.ResponseCancel())
                case _:
                    yield from messages

    def _refuse(self, options: ResponseOptions | None) -> None:
        """What is asked for one response alone, and would be answered as if it were not."""
        if options is None:
            return
        asked = msgspec.structs.asdict(options)
        del asked["metadata"]
        if asked["conversation"] == "auto":
            del asked["conversation"]
        if options.modalities and ("audio" in options.modalities) == self._speaks:
            del asked["modalities"]
        if wishes := [name for name, wish in asked.items() if wish is not None]:
            raise Unsayable(wire.NAME, f"has no {' or '.join(wishes)} for one response alone")

    def _started(self, said: wire.SessionStarted, at: int) -> events.SessionCreated:
        if (said.audio_format or wire.PCM) != wire.PCM:
            raise WireError(wire.NAME, "$.audio_format", f"Expected {wire.PCM!r}")
        heard = said.input_sample_rate or said.sample_rate or self.input_rate
        spoken = said.output_sample_rate or said.sample_rate or self.output_rate
        self._carry(heard, spoken)
        self._settled = True
        config = SessionConfig(
            input_audio_format=AudioFormat(type="audio/pcm", rate=heard),
            output_audio_format=AudioFormat(type="audio/pcm", rate=spoken),
        )
        return events.SessionCreated(session_id=said.session_id, config=config, at=at)

    def _carry(self, heard: int, spoken: int) -> None:
        self._heard.carry(AudioFormat(type="audio/pcm", rate=heard))
        self._said.carry(AudioFormat(type="audio/pcm", rate=spoken))


def _problem(error: wire.Problem | str | None) -> tuple[str | None, str | None]:
    """Its code and its words."""
    if error is None or isinstance(error, str):
        return None, error
    return None if error.code is None else str(error.code), error.message
