"""The server's end of a session as Opper holds it."""

from collections.abc import Iterable, Iterator

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.items import text_message
from antiphon.codecs.opper import wire
from antiphon.codecs.opper.items import image_of, output_of
from antiphon.codecs.opper.session import of_wire, rates_of, upstream_of
from antiphon.codecs.wire import Message, NewId, Recent, Unknown, counted, verbatim

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000


class Server(Unhurried):
    """Speaks as Opper does, and writes what all clients known of it understand.

    A tool's result is the whole reply: with the last that was waited for, a response is asked
    for. Clients that ask for one themselves all the same are not answered twice.
    """

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        self._model = model
        self._new_id = new_id or counted()
        rates = rates_of(model)
        self._heard = AudioLine(wire.NAME, rates.input)
        self._said = AudioLine(wire.NAME, rates.output)
        self._started = False
        self._told = Recent[tuple[str, int], bool](256)
        """Parts of which words were sent."""
        self._names = Recent[str, str](256)
        """Of the tools that were called, by call."""
        self._pending = Recent[str, str](256)
        """Calls without result, each with its response."""
        self._asked = False
        """Results of tools have asked for a response that has not ended."""
        self._answer: str | None = None
        """That response, once it has begun."""
        self._interrupted = False
        """The client knows that the user speaks over what the model said."""

    @property
    def input_rate(self) -> int:
        return self._heard.rate

    @property
    def output_rate(self) -> int:
        return self._said.rate

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ClientEvent]:
        said = wire.read_client(message)
        match said:
            case wire.AudioAppend():
                pcm = self._heard.from_wire(said.audio, "$.audio")
                yield events.InputAudioAppend(audio=pcm, at=at)
            case wire.SessionStart():
                config = of_wire(said.config)
                self._model = config.model or self._model
                rates = rates_of(self._model)
                self._carry(rates.input, rates.output)
                yield events.SessionUpdate(config=config, at=at)
            case wire.SessionUpdate():
                config = of_wire(said.config)
                yield events.SessionUpdate(config=config, at=at)
            case wire.AudioCommit():
                self._forget_answer()
                yield events.InputAudioCommit(at=at)
            case wire.AudioClear():
                yield events.InputAudioClear(at=at)
            case wire.TextInput():
                self._forget_answer()
                yield events.ConversationItemCreate(item=text_message(said.text), at=at)
            case wire.ImageInput():
                pictured = tuple(image_of(said))
                self._forget_answer()
                for item in pictured:
                    yield events.ConversationItemCreate(item=item, at=at)
            case wire.ToolResult():
                output = output_of(said, self._names.get(said.tool_call_id))
                yield events.ConversationItemCreate(item=output, at=at)
                if self._pending.pop(said.tool_call_id, None) is not None and not self._pending:
                    self._asked, self._answer = True, None
                    yield events.ResponseCreate(at=at)
            case wire.ResponseCreate():
                if self._asked:
                    self._forget_answer()
                else:
                    yield events.ResponseCreate(at=at)
            case wire.ResponseCancel():
                yield events.ResponseCancel(at=at)
            case Unknown():
                yield events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)

    def encode(self, event: events.ServerEvent, /) -> Iterable[Message]:
        match event:
            case events.AudioDelta() | events.AudioChunk():
                self._interrupted = False
                yield wire.write(wire.AudioDelta(audio=self._said.to_wire(event.delta)))
            case events.Custom():
                if event.dialect == wire.NAME:
                    yield verbatim(event.raw, wire.NAME)
            case _:
                for message in self._say(event):
                    yield wire.write(message)

    def _say(self, event: events.ServerEvent) -> Iterator[wire.FromServer]:
        match event:
            case events.AudioTranscriptDelta() | events.TextDelta():
                self._told[event.item_id, event.content_index] = True
                yield wire.TextDelta(delta=event.delta)
            case events.AudioTranscriptDone():
                yield from self._whole(event, event.transcript)
            case events.TextDone():
                yield from self._whole(event, event.text)
            case events.TranscriptFragment():
                if event.speaker == "assistant":
                    yield wire.TextDelta(delta=event.delta)
            case events.SessionCreated() | events.SessionStarted():
                yield from self._start(event.session_id, event.config)
            case events.SessionUpdated():
                yield from self._start(None, event.config)
            case events.SessionClosed():
                yield wire.SessionEnded()
            case events.GoAway():
                yield _terminating(event.code, event.message)
            case events.Error():
                yield _error(event.code, event.message)
                if event.fatal:
                    yield _terminating(event.code, event.message)
            case events.SpeechStarted():
                self._interrupted = True
                self._forget_answer()
                yield wire.SpeechStarted()
            case events.ResponseInterrupted():
                if not self._interrupted:
                    self._interrupted = True
                    yield wire.SpeechStarted()
            case events.SpeechStopped():
                yield wire.SpeechStopped()
            case events.InputTranscriptionCompleted():
                yield wire.TranscriptCommitted(transcript=event.transcript)
            case events.ResponseCreated():
                self._interrupted = False
                if self._asked and self._answer is None:
                    self._answer = event.response_id
                yield wire.ResponseStarted()
            case events.ResponseDone():
                yield from self._end(event)
            case events.FunctionCallArgumentsDone():
                arguments = wire.text_as_json(event.arguments)
                self._names[event.call_id] = event.name
                if event.expects_output:
                    self._pending[event.call_id] = event.response_id
                yield wire.ToolCall(
                    tool_call_id=event.call_id, tool_name=event.name, tool_arguments=arguments
                )
            case events.FunctionCallCancelled():
                for call_id in event.call_ids:
                    self._pending.pop(call_id, None)
            case _:
                pass

    def _start(
        self, session_id: str | None, config: SessionConfig | None
    ) -> Iterator[wire.FromServer]:
        """The first of the events that say that the model is there."""
        if self._started:
            return
        if not upstream_of(self._model) and config is not None:  # else the model decides
            self._carry(
                _rate(config.input_audio_format, self.input_rate),
                _rate(config.output_audio_format, self.output_rate),
            )
        self._started = True
        yield wire.SessionStarted(
            session_id=session_id or self._new_id("sess"),
            input_sample_rate=self.input_rate,
            output_sample_rate=self.output_rate,
            audio_format=wire.PCM,
        )

    def _whole(
        self, event: events.AudioTranscriptDone | events.TextDone, words: str | None
    ) -> Iterator[wire.FromServer]:
        """Words that were not sent as they came."""
        part = event.item_id, event.content_index
        if words and part not in self._told:
            self._told[part] = True
            yield wire.TextDelta(delta=words)

    def _end(self, event: events.ResponseDone) -> Iterator[wire.FromServer]:
        """By the name that Opper's own examples all know; that it failed is told before."""
        if event.response_id == self._answer:
            self._forget_answer()
        if event.status == "cancelled":  # no one waits for the results of its calls
            for call_id in [c for c, r in self._pending.items() if r == event.response_id]:
                del self._pending[call_id]
        if event.error is not None:
            yield _error(event.error.code, event.error.message)
        yield wire.ResponseCompleted()

    def _forget_answer(self) -> None:
        """Whoever asks for a response now means another."""
        self._asked, self._answer = False, None

    def _carry(self, heard: int, spoken: int) -> None:
        self._heard.carry(AudioFormat(type="audio/pcm", rate=heard))
        self._said.carry(AudioFormat(type="audio/pcm", rate=spoken))


def _rate(audio: AudioFormat | None, otherwise: int) -> int:
    if audio is None or audio.type != "audio/pcm" or audio.rate is None:
        return otherwise
    return audio.rate if LOWEST_RATE <= audio.rate <= HIGHEST_RATE else otherwise


def _error(code: str | None, message: str) -> wire.Error:
    """Some clients look for the words inside, some outside."""
    return wire.Error(message=message, error=wire.Problem(code=code, message=message))


def _terminating(code: str | None, message: str | None) -> wire.SessionTerminating:
    told = code is not None or message is not None
    return wire.SessionTerminating(error=wire.Problem(code=code, message=message) if told else None)
