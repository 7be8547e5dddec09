"""What an emulator has heard from its clients, for tests to look at."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, merge
from antiphon.codecs.dialect import ServerEnd
from antiphon.codecs.items import FunctionCallOutput, Message
from antiphon.codecs.wire import Message as WireMessage
from antiphon.pipeline.frames import SAMPLE_WIDTH


class Heard:
    """What one client, or all of them, have said."""

    def __init__(self) -> None:
        self.events: list[events.ClientEvent] = []
        """All of it, whatever dialect it was said in."""
        self.texts: list[str] = []
        """What was written by users."""
        self.outputs: list[FunctionCallOutput] = []
        """What tools have answered."""
        self.audio_seconds = 0.0
        """Of the microphone."""

    def note(self, event: events.ClientEvent, rate: int) -> None:
        self.events.append(event)
        match event:
            case events.InputAudioAppend():
                self.audio_seconds += len(event.audio) / SAMPLE_WIDTH / rate
            case events.ConversationItemCreate(item=FunctionCallOutput() as output):
                self.outputs.append(output)
            case events.ConversationItemCreate(item=Message(role="user") as message):
                self.texts.append(message.text)
            case _:
                pass

    def of(self, kind: type[events.EventFrame]) -> list[Any]:
        """The events of one *kind*."""
        return [event for event in self.events if isinstance(event, kind)]

    def __repr__(self) -> str:
        names = ", ".join(_counted(type(event).__name__ for event in self.events))
        return f"Heard({names or 'nothing'})"


class Call:
    """One session with a client: what both have said, and how it ended.

    *front* is the dialect of the client, and *asked* the model that it has asked for.
    """

    def __init__(self, front: str, asked: str | None, headers: Mapping[str, str]) -> None:
        self.front = front
        self.model = asked
        self.headers = headers
        """Of the request that opened it, in lower case, with whatever key was shown."""
        self.config = SessionConfig()
        """As the client wants it, by all that it has said so far."""
        self.heard = Heard()
        self.said: list[events.ServerEvent] = []
        """What the client was told, as far as its dialect has words for it."""
        self.raw: list[WireMessage] = []
        """What the client has sent, as it was sent."""
        self.ended = False

    @property
    def messages(self) -> list[Any]:
        """What the client has sent, in its provider's words."""
        return [json.loads(message) for message in self.raw]

    @property
    def transcripts(self) -> list[str]:
        """What the model has made of the user's spoken turns."""
        done = [one for one in self.said if isinstance(one, events.InputTranscriptionCompleted)]
        return [one.transcript for one in done]

    @property
    def answers(self) -> list[str]:
        """What the model has said, or written, up to where it was interrupted."""
        texts = {events.AudioTranscriptDelta, events.TextDelta}
        found: dict[str, str] = {}
        for one in self.said:
            if type(one) in texts:
                found[one.item_id] = found.get(one.item_id, "") + one.delta  # pyright: ignore
        return list(found.values())

    def note(self, event: events.ClientEvent, rate: int) -> None:
        if isinstance(event, events.SessionUpdate | events.SessionStart):
            self.config = merge(self.config, event.config)
            self.model = self.model or event.config.model
        self.heard.note(event, rate)

    def __repr__(self) -> str:
        return f"Call({self.front}, {self.model}, {self.heard}, answers {self.answers})"


class Overhearing:
    """A server's end, of which somebody else hears all that passes."""

    def __init__(
        self,
        end: ServerEnd,
        *,
        heard: Callable[[WireMessage, Iterable[events.ClientEvent]], None],
        said: Callable[[events.ServerEvent], None],
    ) -> None:
        self._end = end
        self._heard = heard
        self._said = said

    @property
    def input_rate(self) -> int:
        return self._end.input_rate

    @property
    def output_rate(self) -> int:
        return self._end.output_rate

    @property
    def deadline(self) -> int | None:
        return self._end.deadline

    def encode(self, event: events.ServerEvent) -> Iterable[WireMessage]:
        messages = tuple(self._end.encode(event))
        self._said(event)
        return messages

    def decode(self, message: WireMessage, at: int = 0) -> Iterable[events.ClientEvent]:
        heard = tuple(self._end.decode(message, at=at))
        self._heard(message, heard)
        return heard

    def due(self) -> Iterable[WireMessage]:
        return self._end.due()

    def expire(self, at: int) -> Iterable[events.ClientEvent]:
        return self._end.expire(at)


def _counted(names: Iterable[str]) -> Iterable[str]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return (name if count == 1 else f"{count} {name}" for name, count in counts.items())
