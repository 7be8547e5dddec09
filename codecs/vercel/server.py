"""The server's end, for clients of the AI SDK and for ours."""

from collections.abc import Iterable
from typing import Literal

from antiphon.codecs import events
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.replies import write_reply
from antiphon.codecs.vercel.requests import read_request
from antiphon.codecs.vercel.session import Lines
from antiphon.codecs.wire import Message, NewId, Recent

_SAYS = (
    events.AudioDelta,
    events.AudioTranscriptDelta,
    events.TextDelta,
    events.AudioChunk,
    events.ResponseCreated,
)
"""What makes a client listen again, so that it may be interrupted anew."""


class Server(Unhurried):
    """Says to a client of the AI SDK what it has words for, and the rest as `custom`."""

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        # The AI SDK names no model in a message, and its events have no ids.
        self._lines = Lines()
        self._hushed: Literal["", "by speech", "by interruption"] = ""
        """The client was told to fall silent, and nothing was said to it since."""
        self._called = Recent[str, None](256)
        self._transcripts = Recent[str, str](64)
        """As they were told last, by item."""

    @property
    def input_rate(self) -> int:
        return self._lines.heard.rate

    @property
    def output_rate(self) -> int:
        return self._lines.spoken.rate

    def encode(self, event: events.ServerEvent, /) -> Iterable[Message]:
        if isinstance(event, events.Custom) and event.dialect == wire.NAME:
            return (wire.text_of(event.raw),)
        if self._is_told(event):
            return ()
        message = wire.write(write_reply(event, self._lines))
        self._told(event)
        return (message,)

    def decode(self, message: Message, /, at: int = 0) -> Iterable[events.ClientEvent]:
        event = read_request(wire.read_client(wire.text_of(message)), self._lines, at)
        if isinstance(event, events.SessionUpdate | events.SessionStart):
            self._lines.settle(event.config)
        return (event,)

    def _is_told(self, event: events.ServerEvent) -> bool:
        """Whether the client knows it already, and would act on it twice."""
        match event:
            case events.ResponseInterrupted():
                return self._hushed != ""
            case events.SpeechStarted():
                return self._hushed == "by interruption"
            case events.FunctionCallArgumentsDone():
                return event.call_id != "" and event.call_id in self._called
            case events.InputTranscriptionCompleted(usage=None):
                return self._transcripts.get(event.item_id) == event.transcript
            case _:
                return False

    def _told(self, event: events.ServerEvent) -> None:
        match event:
            case events.ResponseInterrupted():
                self._hushed = "by interruption"
            case events.SpeechStarted():
                self._hushed = "by speech"
            case events.SpeechStopped():
                if self._hushed == "by interruption":
                    self._hushed = "by speech"  # who speaks after this begins anew
            case events.FunctionCallArgumentsDone():
                self._called[event.call_id] = None
            case events.InputTranscriptionCompleted():
                self._transcripts[event.item_id] = event.transcript
            case events.InputTranscriptionDelta(transcript=str(transcript)):
                self._transcripts[event.item_id] = transcript
            case _:
                if isinstance(event, _SAYS):
                    self._hushed = ""
