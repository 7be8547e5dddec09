"""The client's end of Gemini Live."""

from collections.abc import Iterable

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.gemini import sound, wire
from antiphon.codecs.gemini.hearing import Hearing
from antiphon.codecs.gemini.saying import Saying
from antiphon.codecs.wire import Message, Recent

INPUT_RATE = 16_000
OUTPUT_RATE = 24_000


class Client(Unhurried):
    """Says what a client wants to Gemini Live, and hears what it says."""

    def __init__(self, model: str = "") -> None:
        self._input = AudioLine(wire.NAME, INPUT_RATE)
        self._output = AudioLine(wire.NAME, OUTPUT_RATE)
        names = Recent[str, str]()
        self._saying = Saying(model, self._input, names)
        self._hearing = Hearing(self._output, names)

    @property
    def input_rate(self) -> int:
        return self._input.rate

    @property
    def output_rate(self) -> int:
        return self._output.rate

    def encode(self, event: events.ClientEvent) -> Iterable[Message]:
        return self._saying.say(event)

    def decode(self, message: Message, at: int = 0) -> Iterable[events.ServerEvent]:
        found = sound.model_sound(message)
        if found is not None and (heard := self._hearing.speech(*found, at)) is not None:
            return heard
        frame = wire.from_server(message)
        self._hearing.thoughts_apart = self._saying.wants_thoughts
        heard = self._hearing.hear(frame, message, at)
        if frame.setup_complete is not None:
            self._saying.ready = True
        if frame.server_content is not None and frame.server_content.turn_complete:
            self._saying.answered()
        return heard
