"""The server's end of OpenAI Realtime, and of whoever speaks like it."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.complete import Complete
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.items import CustomItem, FunctionCall, Item
from antiphon.codecs.items import Message as Said
from antiphon.codecs.openai import wire
from antiphon.codecs.openai.items import STATUSES as ITEM_STATUSES
from antiphon.codecs.openai.items import Items, is_item, metadata
from antiphon.codecs.openai.profile import OPENAI, RATE, Profile
from antiphon.codecs.openai.saying import place, stateless, where
from antiphon.codecs.openai.session import merged, read_options, write_format
from antiphon.codecs.openai.shown import shown_format
from antiphon.codecs.openai.usage import write_usage
from antiphon.codecs.wire import (
    Message,
    NewId,
    Unknown,
    Writer,
    bounded,
    convert,
    counted,
    known,
    micros,
    millis,
    millis_if,
    verbatim,
)

REASONS = frozenset({"turn_detected", "client_cancelled", "max_output_tokens", "content_filter"})
OUTCOMES = frozenset({"completed", "cancelled", "failed", "incomplete"})


class Server(Unhurried):
    """OpenAI's client messages to client events, and server events to its wire.

    What it writes is what the strictest client accepts: every event is named, every response and
    item announced and finished (see `Complete`), and the session always shown as a whole.
    """

    def __init__(
        self, model: str = "", new_id: NewId | None = None, *, profile: Profile = OPENAI
    ) -> None:
        self.model = model
        self._profile = profile
        self._dialect = profile.name
        self._new_id = new_id or counted()
        self._input = AudioLine(profile.name, RATE)
        self._output = AudioLine(profile.name, RATE)
        self._items = Items(profile.name, self._input, server=True, parts=profile.parts)
        self._read = wire.client_reader(profile.name)
        self._write = Writer(profile.name)
        beta = profile.text_events == "response.text"
        self._text_delta = wire.BetaTextDelta if beta else wire.TextDelta
        self._text_done = wire.BetaTextDone if beta else wire.TextDone
        self._complete = Complete()
        self._config = SessionConfig()
        self._asked = SessionConfig()
        """What the client has said of the session."""
        self._session_id: str | None = None
        self._ready = False
        """The client knows that there is a session."""
        self._interrupted = False
        """The client was told that the user speaks, and no response has begun since."""
        self._utterance: str | None = None
        """The item that what the user says now will be."""

    @property
    def input_rate(self) -> int:
        return self._input.rate

    @property
    def output_rate(self) -> int:
        return self._output.rate

    # What the client says.

    def decode(self, message: Message, at: int = 0) -> Iterable[events.ClientEvent]:
        said = self._read(message)
        if isinstance(said, Unknown):
            return (
                events.Custom(
                    raw_type=said.type, raw=said.raw.copy(), dialect=self._dialect, at=at
                ),
            )
        return (self._heard(said, {"event_id": said.event_id, "at": at}),)

    def _heard(self, said: wire.FromClient, named: dict[str, Any]) -> events.ClientEvent:
        match said:
            case wire.InputAudioBufferAppend():
                audio = self._input.from_wire(said.audio, "$.audio")
                return events.InputAudioAppend(audio=audio, **named)
            case wire.SessionUpdate():
                session = bounded(said.session, self._dialect, "$.session")
                config = self._profile.read_session(session, self._dialect, "$.session")
                self._settle(config)
                self._asked = merged(self._asked, config)
                return events.SessionUpdate(config=config, **named)
            case wire.InputAudioBufferCommit():
                return events.InputAudioCommit(**named)
            case wire.InputAudioBufferClear():
                return events.InputAudioClear(**named)
            case wire.OutputAudioBufferClear():
                return events.OutputAudioClear(**named)
            case wire.ConversationItemCreate():
                return events.ConversationItemCreate(
                    item=self._items.read(said.item, "$.item"),
                    previous_item_id=said.previous_item_id,
                    **named,
                )
            case wire.ConversationItemRetrieve():
                return events.ConversationItemRetrieve(item_id=said.item_id, **named)
            case wire.ConversationItemTruncate():
                return events.ConversationItemTruncate(
                    item_id=said.item_id,
                    content_index=said.content_index,
                    audio_end=micros(said.audio_end_ms, self._dialect, "$.audio_end_ms"),
                    **named,
                )
            case wire.ConversationItemDelete():
                return events.ConversationItemDelete(item_id=said.item_id, **named)
            case wire.ResponseCreate():
                return events.ResponseCreate(options=self._options(said.response), **named)
            case wire.ResponseCancel():
                return events.ResponseCancel(response_id=said.response_id, **named)

    def _options(self, response: dict[str, Any] | None) -> Any:
        if response is None:
            return None
        options = read_options(bounded(response, self._dialect, "$.response"), self._dialect)
        if response.get("input") is None:
            return options
        raws = convert(self._dialect, response["input"], list[dict[str, Any]], "$.response.input")
        items = tuple(
            self._items.read(msgspec.Raw(msgspec.json.encode(raw)), f"$.response.input[{number}]")
            for number, raw in enumerate(raws)
        )
        return msgspec.structs.replace(options, input=items)

    def _settle(self, config: SessionConfig) -> None:
        whole = merged(self._config, config)
        for line, audio in self._lines(whole):
            line.check(audio)
        for line, audio in self._lines(whole):
            line.carry(audio)
        self._config = whole

    def _lines(self, config: SessionConfig) -> tuple[tuple[AudioLine, AudioFormat | None], ...]:
        return (
            (self._input, config.input_audio_format),
            (self._output, config.output_audio_format),
        )

    # What the server says.

    def encode(self, event: events.ServerEvent) -> Iterator[Message]:
        if isinstance(event, events.SessionCreated | events.SessionStarted):
            event = self._begun(event)
        return self._whole(event)

    def _begun(
        self, event: events.SessionCreated | events.SessionStarted
    ) -> events.SessionCreated | events.SessionUpdated:
        """A session is created once, whoever it is that says so."""
        kind = events.SessionUpdated if self._ready else events.SessionCreated
        named: dict[str, Any] = {} if self._ready else {"session_id": event.session_id}
        return kind(config=event.config, event_id=event.event_id, at=event.at, **named)

    def _whole(self, event: events.ServerEvent) -> Iterator[Message]:
        for whole in self._complete.process(event):
            frame = self._frame(whole)
            if frame is not None:
                yield frame

    def _frame(self, event: events.ServerEvent) -> Message | None:
        if isinstance(event, events.Custom):
            return verbatim(event.raw, self._dialect) if event.dialect == self._dialect else None
        message = self._message(event)
        if message is None:
            return None
        if not isinstance(message, wire.DtmfReceived):  # the one event without a name
            message.event_id = event.event_id or self._new_id("event")
        return self._write(message)

    def _message(self, event: events.ServerEvent) -> wire.Said | None:
        match event:
            case events.AudioDelta():
                return wire.AudioDelta(
                    response_id=event.response_id,
                    item_id=event.item_id,
                    output_index=event.output_index,
                    content_index=event.content_index,
                    delta=self._output.to_wire(event.delta),
                )
            case events.TextDelta():
                return self._text_delta(**where(event), delta=event.delta)
            case events.TextDone():
                return self._text_done(**where(event), text=event.text or "")
            case events.OutputItemAdded():
                item = self._shown(event.item, event.item_id, "in_progress")
                return wire.OutputItemAdded(**place(event), item=item)
            case events.OutputItemDone():
                item = self._shown(event.item, event.item_id, "completed")
                return wire.OutputItemDone(**place(event), item=item)
            case events.ResponseCreated():
                self._interrupted = False
                return wire.ResponseCreated(response=self._response(event, "in_progress", ()))
            case events.ResponseDone():
                return wire.ResponseDone(response=self._done(event))
            case events.SessionCreated():
                self._ready = True
                self._session_id = event.session_id or self._session_id
                return wire.SessionCreated(session=self._session(event.config))
            case events.SessionUpdated():
                return wire.SessionUpdated(session=self._session(event.config))
            case _:
                return stateless(event) or self._of_user(event) or self._of_conversation(event)

    def _of_user(self, event: events.ServerEvent) -> wire.Said | None:
        match event:
            case events.SpeechStarted():
                self._interrupted = True
                start = millis(event.at if event.audio_start is None else event.audio_start)
                self._utterance = event.item_id
                return wire.SpeechStarted(item_id=self._spoken(None), audio_start_ms=start)
            case events.ResponseInterrupted() if not self._interrupted:
                self._interrupted = True
                return wire.SpeechStarted(
                    item_id=self._spoken(None), audio_start_ms=millis(event.at)
                )
            case events.SpeechStopped():
                end = millis(event.at if event.audio_end is None else event.audio_end)
                return wire.SpeechStopped(item_id=self._spoken(event.item_id), audio_end_ms=end)
            case events.AudioCommitted():
                item_id, self._utterance = self._spoken(event.item_id), None
                return wire.Committed(item_id=item_id, previous_item_id=event.previous_item_id)
            case events.InputTimeoutTriggered():
                return wire.TimeoutTriggered(
                    item_id=self._spoken(event.item_id),
                    audio_start_ms=millis_if(event.audio_start) or 0,
                    audio_end_ms=millis_if(event.audio_end) or 0,
                )
            case _:
                return None

    def _of_conversation(self, event: events.ServerEvent) -> wire.Said | None:
        match event:
            case events.ConversationItemAdded():
                return wire.ConversationItemAdded(
                    item=self._shown(event.item, event.item_id),
                    previous_item_id=event.previous_item_id,
                )
            case events.ConversationItemDone():
                return wire.ConversationItemDone(
                    item=self._shown(event.item, event.item_id),
                    previous_item_id=event.previous_item_id,
                )
            case events.ConversationItemRetrieved():
                item = self._shown(event.item, event.item_id, audio=True)
                return wire.ConversationItemRetrieved(item=item)
            case _:
                return None

    def _spoken(self, item_id: str | None) -> str:
        """The id of what the user says, from its beginning until it is an item."""
        self._utterance = item_id or self._utterance or self._new_id("item")
        return self._utterance

    def _session(self, config: SessionConfig | None) -> dict[str, Any]:
        if config is not None:
            self._settle(self._promised(config))
        if self._session_id is None:
            self._session_id = self._new_id("sess")
        whole = self._config
        if known(self._asked.turn_detection) and "type" not in (whole.provider_options or {}):
            settled = self._profile.settle_detection(whole.turn_detection)
            whole = msgspec.structs.replace(whole, turn_detection=settled)
        shown = self._profile.show_session(whole, self.model)
        return shown | {"id": self._session_id, "object": "realtime.session"}

    def _promised(self, config: SessionConfig) -> SessionConfig:
        """*config* with formats that the client asked for, or can at least play."""
        asked = self._asked
        return msgspec.structs.replace(
            config,
            input_audio_format=asked.input_audio_format
            or self._profile.playable(config.input_audio_format),
            output_audio_format=asked.output_audio_format
            or self._profile.playable(config.output_audio_format),
        )

    def _shown(
        self, item: Item | None, item_id: str, status: str | None = None, *, audio: bool = False
    ) -> msgspec.Raw:
        """*item*, or, if nothing that clients know is known of it, an empty one of that id.

        A tool's call has to have the *status* of its moment: clients make it when it is
        completed, and at no other time.
        """
        shown = Said(role="user", id=item_id, content=())
        if item is not None and not (isinstance(item, CustomItem) and not is_item(item)):
            shown = item
        if item_id and shown.id != item_id:
            shown = msgspec.structs.replace(shown, id=item_id)
        if status is not None and not isinstance(shown, CustomItem):
            wrong = shown.status not in ITEM_STATUSES
            if wrong or (isinstance(shown, FunctionCall) and status == "in_progress"):
                shown = msgspec.structs.replace(shown, status=status)
        return self._items.write(shown, audio=audio)

    def _response(
        self,
        event: events.ResponseCreated | events.ResponseDone,
        status: str,
        output: tuple[Item, ...],
    ) -> wire.Response:
        config = self._config
        spoken = write_format(shown_format(config.output_audio_format))
        audio: dict[str, Any] = {}
        if config.voice is not None:
            audio["voice"] = config.voice
        if spoken is not None:
            audio["format"] = msgspec.to_builtins(spoken)
        return wire.Response(
            object="realtime.response",
            id=event.response_id,
            status=status,
            status_details=None,
            output=[
                self._items.write(item)
                for item in output
                if not isinstance(item, CustomItem) or is_item(item)
            ],
            conversation_id=event.conversation_id,
            output_modalities=list(config.output_modalities or ("audio",)),
            audio={"output": audio} if audio else None,
            metadata=metadata(event.metadata),
            usage=None,
        )

    def _done(self, event: events.ResponseDone) -> wire.Response:
        status = event.status if event.status in OUTCOMES else "failed"
        response = self._response(event, status, event.output or ())
        response.usage = write_usage(event.usage)
        if response.status != "completed":
            problem = event.error
            response.status_details = wire.StatusDetails(
                type=status,
                reason=event.reason if event.reason in REASONS else None,
                error=problem
                and wire.Problem(
                    type=problem.error_type, code=problem.code, message=problem.message
                ),
            )
        return response
