"""The conversation as messages with parts, as the AI SDK's hook assembles them.

What a message is made of has the names of the AI SDK's `UIMessage`: `msgspec.to_builtins` makes
of it what a page in JavaScript shows.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs import events
from antiphon.codecs.wire import Recent

REMEMBERED = 256
"""How many items and calls are known by id: what comes later of others opens a new part."""


class TextPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """What was said or written."""

    text: str
    state: Literal["streaming", "done"] = "done"


ToolState = Literal["input-streaming", "input-available", "output-available", "output-error"]


class ToolPart(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="dynamic-tool",
    rename="camel",
    omit_defaults=True,
):
    """A tool call and what came of it."""

    tool_name: str
    tool_call_id: str
    state: ToolState
    input: Any = UNSET
    output: Any = UNSET
    error_text: str | UnsetType = UNSET


Part = TextPart | ToolPart


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of one side; the model's grows while it answers, each time as a new object."""

    id: str
    role: Literal["user", "assistant"]
    parts: tuple[Part, ...] = ()


class Messages:
    """Assembles messages from what is heard.

    The model's message begins with the first words or the first call after a response began or
    ended, or the user spoke. The user's stands where the audio was committed, however late its
    transcript comes.
    """

    def __init__(self) -> None:
        self.all: list[Message] = []
        self._made = 0
        self.begin()

    def begin(self) -> None:
        """A new connection: ids of the last one mean nothing, the messages stay."""
        self._current: str | None = None
        self._texts = Recent[str, tuple[str, int]](REMEMBERED)
        """Where the parts of items stand that still grow."""
        self._calls = Recent[str, tuple[str, int]](REMEMBERED)
        self._places = Recent[str, int](REMEMBERED)
        """Where the user's spoken turns belong."""

    def typed(self, text: str) -> None:
        """The user wrote *text*."""
        self._add("user", TextPart(text=text))

    def hear(self, event: events.ServerEvent) -> bool:
        """Whether *event* has changed the messages."""
        match event:
            case events.TextDelta() | events.AudioTranscriptDelta():
                self._more(event.item_id, event.delta)
            case events.TextDone():
                return self._done(event.item_id, event.text)
            case events.AudioTranscriptDone():
                return self._done(event.item_id, event.transcript)
            case events.AudioCommitted(item_id=str(item_id)):
                self._places[item_id] = len(self.all)
                return False
            case events.InputTranscriptionCompleted():
                self._spoken(event.item_id, event.transcript)
            case events.FunctionCallArgumentsDelta():
                return self._call(event.call_id)
            case (
                events.ResponseCreated()
                | events.ResponseDone()
                | events.SpeechStarted()
                | events.ResponseInterrupted()
            ):
                self._current = None
                return False
            case _:
                return False
        return True

    def called(self, call_id: str, name: str, arguments: Any) -> None:
        """A call is complete."""
        self._call(call_id)
        self._settle(call_id, tool_name=name, state="input-available", input=arguments)

    def answered(self, call_id: str, output: Any) -> bool:
        return self._settle(call_id, state="output-available", output=output)

    def failed(self, call_id: str, problem: str) -> bool:
        return self._settle(call_id, state="output-error", error_text=problem)

    # What the model says.

    def _more(self, item_id: str, delta: str) -> None:
        place = self._texts.get(item_id)
        if place is None:
            self._texts[item_id] = self._append(TextPart(text=delta, state="streaming"))
        else:
            before = self._part(place)
            text = before.text if isinstance(before, TextPart) else ""
            self._put(place, TextPart(text=text + delta, state="streaming"))

    def _done(self, item_id: str, whole: str | None) -> bool:
        place = self._texts.pop(item_id, None)
        if place is None:
            return False
        before = self._part(place)
        grown = before.text if isinstance(before, TextPart) else ""
        self._put(place, TextPart(text=grown if whole is None else whole))
        return True

    def _call(self, call_id: str) -> bool:
        if call_id in self._calls:
            return False
        self._calls[call_id] = self._append(
            ToolPart(tool_name="", tool_call_id=call_id, state="input-streaming")
        )
        return True

    def _settle(self, call_id: str, **changed: Any) -> bool:
        place = self._calls.get(call_id)
        if place is None:
            return False
        self._put(place, msgspec.structs.replace(self._part(place), **changed))
        return True

    # Messages.

    def _spoken(self, item_id: str, transcript: str) -> None:
        said = Message(id=f"user-{item_id}", role="user", parts=(TextPart(text=transcript),))
        for index, message in enumerate(self.all):
            if message.id == said.id:
                self.all[index] = said
                return
        self.all.insert(self._places.get(item_id, len(self.all)), said)

    def _append(self, part: Part) -> tuple[str, int]:
        """Add *part* to what the model is saying; where it stands."""
        if self._current is None:
            self._current = self._add("assistant")
        index = self._index(self._current)
        message = self.all[index]
        self.all[index] = msgspec.structs.replace(message, parts=(*message.parts, part))
        return message.id, len(message.parts)

    def _add(self, role: Literal["user", "assistant"], *parts: Part) -> str:
        self._made += 1
        self.all.append(Message(id=f"{role}-{self._made}", role=role, parts=parts))
        return self.all[-1].id

    def _part(self, place: tuple[str, int]) -> Part:
        return self.all[self._index(place[0])].parts[place[1]]

    def _put(self, place: tuple[str, int], part: Part) -> None:
        index = self._index(place[0])
        parts = list(self.all[index].parts)
        parts[place[1]] = part
        self.all[index] = msgspec.structs.replace(self.all[index], parts=tuple(parts))

    def _index(self, message_id: str) -> int:
        """It is one of the last, as a rule."""
        return next(
            index for index in reversed(range(len(self.all))) if self.all[index].id == message_id
        )
