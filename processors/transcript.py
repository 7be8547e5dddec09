"""Writes down what was said, by whom, and what of it was heard."""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput, Message
from antiphon.pipeline import Frame


class Said(msgspec.Struct, kw_only=True):
    """One utterance, or one tool call.

    *at* is when it began, in microseconds of session time. *heard* is how much of the
    speech was played before the user interrupted it, in microseconds; None when it was
    not interrupted. *failed* is a tool that did not do it, or speech that was not understood.
    """

    who: Literal["user", "assistant", "tool"]
    item_id: str
    at: int
    text: str = ""
    done: bool = False
    heard: int | None = None
    arguments: str = ""
    output: str | None = None
    failed: bool = False


class Transcript:
    """Keeps the conversation in `said`, in the order in which it began; frames pass by.

    It stands behind Realtime. *changed* is called with an entry whenever that is new or
    has grown.
    """

    def __init__(self, changed: Callable[[Said], None] | None = None) -> None:
        self.said: list[Said] = []
        self._changed = changed
        self._by_id: dict[str, Said] = {}
        self._parts: dict[str, dict[int, str]] = {}
        """What the parts of the model's items say."""

    def process(self, frame: Frame) -> Iterator[Frame]:
        self._write(frame)
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        match frame:
            case events.OutputPlaybackCleared(item_id=str(item_id), played=played):
                if (said := self._by_id.get(item_id)) is not None:
                    said.heard = played or 0
                    self._tell(said)
            case _:
                pass
        yield frame

    def _write(self, frame: Frame) -> None:
        match frame:
            case events.SpeechStarted(item_id=str(item_id)):
                self._tell(self._entry("user", item_id, frame.at))
            case events.ConversationItemAdded(item=Message(role="user") as message):
                said = self._entry("user", frame.item_id, frame.at)
                said.text, said.done = said.text or message.text, said.done or bool(message.text)
                self._tell(said)
            case events.ConversationItemAdded(item=FunctionCallOutput() as output):
                if (said := self._by_id.get(output.call_id)) is not None:
                    said.output, said.failed, said.done = output.output, output.failed, True
                    self._tell(said)
            case events.InputTranscriptionDelta():
                said = self._entry("user", frame.item_id, frame.at)
                said.text = frame.delta if frame.restart else said.text + frame.delta
                self._tell(said)
            case events.InputTranscriptionCompleted():
                said = self._entry("user", frame.item_id, frame.at)
                said.text, said.done = frame.transcript, True
                self._tell(said)
            case events.InputTranscriptionFailed():
                said = self._entry("user", frame.item_id, frame.at)
                said.failed = said.done = True
                self._tell(said)
            case events.AudioTranscriptDelta() | events.TextDelta():
                self._say(frame, frame.delta)
            case events.AudioTranscriptDone(transcript=whole) | events.TextDone(text=whole):
                self._say(frame, "", whole=whole, done=True)
            case events.FunctionCallArgumentsDone():
                said = self._entry("tool", frame.call_id, frame.at, frame.name)
                said.arguments = frame.arguments
                self._tell(said)
            case _:
                pass

    def _say(
        self, of: events.ContentEvent, more: str, *, whole: str | None = None, done: bool = False
    ) -> None:
        """The model said *more* in a part of an item, or *whole* was all of it."""
        said = self._entry("assistant", of.item_id, of.at)
        parts = self._parts.setdefault(of.item_id, {})
        part = of.content_index
        parts[part] = parts.get(part, "") + more if whole is None else whole
        said.text, said.done = "".join(parts[i] for i in sorted(parts)), done
        self._tell(said)

    def _entry(
        self, who: Literal["user", "assistant", "tool"], item_id: str, at: int, text: str = ""
    ) -> Said:
        said = self._by_id.get(item_id)
        if said is None:
            said = self._by_id[item_id] = Said(who=who, item_id=item_id, at=at, text=text)
            self.said.append(said)
        return said

    def _tell(self, said: Said) -> None:
        if self._changed is not None:
            self._changed(said)
