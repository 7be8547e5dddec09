"""Whether a stream of server events is whole: what is opened is opened once, and closed once."""

from collections.abc import Iterable

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, FunctionCall, Message, TextPart

PartId = tuple[str, str, int]


class Ledger:
    """Reads events in their order, and objects to whatever a strict client would."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.ended: list[str] = []
        self.items: dict[tuple[str, str], int] = {}
        """The indexes of those that are open."""
        self.indexes: dict[str, set[int]] = {}
        self.parts: dict[PartId, bool] = {}
        """Those that are open, and whether they are spoken."""
        self.telling: dict[tuple[PartId, str], list[str]] = {}
        """What was said of sound, words and arguments that is not over."""
        self.conversation: list[str] = []
        self.unfinished: set[str] = set()
        self.called: set[str] = set()

    def read(self, stream: Iterable[events.ServerEvent]) -> "Ledger":
        for event in stream:
            self._read(event)
        return self

    def _read(self, event: events.ServerEvent) -> None:
        match event:
            case events.ResponseCreated():
                assert event.response_id not in self.running, "it runs already"
                self.running.add(event.response_id)
                self.indexes[event.response_id] = set()
            case events.ResponseDone():
                self._ended(event)
            case events.ConversationItemAdded():
                assert event.item_id not in self.conversation, "it is there already"
                last = self.conversation[-1] if self.conversation else None
                assert event.previous_item_id == last
                self.conversation.append(event.item_id)
                self.unfinished.add(event.item_id)
            case events.ConversationItemDone():
                self.unfinished.remove(event.item_id)
            case events.OutputEvent():
                if event.response_id in self.ended and event.response_id not in self.running:
                    return  # too late for order
                assert event.response_id in self.running, "it does not run"
                self._of_output(event)
            case _:
                pass

    def _ended(self, event: events.ResponseDone) -> None:
        response = event.response_id
        self.running.remove(response)
        self.ended.append(response)
        assert not [item for item in self.items if item[0] == response], "an item is open"
        assert not [part for part in self.parts if part[0] == response], "a part is open"
        words = [part for part, _ in self.telling if part[0] == response and part[2] >= 0]
        assert not words, "words are open"
        assert event.output is not None

    def _of_output(self, event: events.OutputEvent) -> None:
        item = event.response_id, event.item_id
        match event:
            case events.OutputItemAdded():
                assert item not in self.items, "it is open"
                assert event.output_index not in self.indexes[event.response_id], "taken"
                assert event.item is not None
                self.indexes[event.response_id].add(event.output_index)
                self.items[item] = event.output_index
            case events.OutputItemDone():
                assert self.items.pop(item) == event.output_index
                assert not [part for part in self.parts if part[:2] == item], "a part is open"
                assert event.item_id in self.conversation
                assert event.item_id not in self.unfinished, "the conversation's comes first"
                assert event.item is not None
            case events.FunctionCallArgumentsDelta():
                assert self.items[item] == event.output_index
                self._tell((*item, -1), event.call_id, event.delta)
            case events.FunctionCallArgumentsDone():
                assert self.items[item] == event.output_index
                assert event.call_id not in self.called, "it was called already"
                self.called.add(event.call_id)
                told = self.telling.pop(((*item, -1), event.call_id), [])
                assert "".join(told) == event.arguments or not event.arguments
            case events.ContentEvent():
                assert self.items[item] == event.output_index
                self._of_part(event)
            case _:
                raise AssertionError("there are no others")

    def _of_part(self, event: events.ContentEvent) -> None:
        part = event.response_id, event.item_id, event.content_index
        if isinstance(event, events.ContentPartAdded):
            assert part not in self.parts, "it is open"
            self.parts[part] = isinstance(event.part, AudioPart)
            return
        spoken = self.parts[part]
        match event:
            case events.ContentPartDone():
                del self.parts[part]
                assert not [told for told in self.telling if told[0] == part], "words are open"
                assert isinstance(event.part, AudioPart if spoken else TextPart)
            case events.AudioDelta():
                assert spoken
                self._tell(part, "sound", "")
            case events.AudioDone():
                assert spoken
                self.telling.pop((part, "sound"), None)
            case events.AudioTranscriptDelta():
                assert spoken
                self._tell(part, "words", event.delta)
            case events.AudioTranscriptDone():
                assert spoken
                self.telling.pop((part, "words"), None)
                assert event.transcript is not None
            case events.TextDelta():
                assert not spoken
                self._tell(part, "words", event.delta)
            case events.TextDone():
                assert not spoken
                self.telling.pop((part, "words"), None)
                assert event.text is not None
            case _:
                raise AssertionError("there are no others")

    def _tell(self, part: PartId, what: str, more: str) -> None:
        self.telling.setdefault((part, what), []).append(more)


def calls_of(stream: Iterable[events.ServerEvent]) -> list[FunctionCall]:
    """The calls that a client makes which waits for items to be completed."""
    return [
        event.item
        for event in stream
        if isinstance(event, events.OutputItemDone)
        and isinstance(event.item, FunctionCall)
        and event.item.status == "completed"
    ]


def texts_of(stream: Iterable[events.ServerEvent]) -> list[str]:
    """The messages that a client shows which waits for items to be complete."""
    return [
        event.item.text
        for event in stream
        if isinstance(event, events.OutputItemDone) and isinstance(event.item, Message)
    ]
