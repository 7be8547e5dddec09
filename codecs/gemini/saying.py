"""What a client wants, as the service is told it."""

from collections.abc import Iterator

from antiphon.codecs import events
from antiphon.codecs.audio import LAWS, AudioLine
from antiphon.codecs.config import AudioFormat, ResponseOptions, SessionConfig, merge
from antiphon.codecs.gemini import content, session, values, wire
from antiphon.codecs.items import (
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    JsonObject,
    TextPart,
)
from antiphon.codecs.items import Message as MessageItem
from antiphon.codecs.wire import Message, Recent, Unsayable, to_base64

_CHANGEABLE = frozenset({"systemInstruction", "tools"})

_STREAM_END = wire.RealtimeInput(audio_stream_end=True)
_ACTIVITY_START = wire.RealtimeInput(activity_start=wire.Activity())
_ACTIVITY_END = wire.RealtimeInput(activity_end=wire.Activity())


def input_rate_of(audio: AudioFormat | None, rate: int) -> int:
    """The wire always has PCM: G.711 is known by its rate only. *rate* is that where none is."""
    if audio is None:
        return rate
    return 8000 if audio.type in LAWS else audio.rate or rate


class Saying:
    """The service cannot be asked for a response: it answers by itself, or the end of a turn.

    - A user's text of one part is put as realtime input, which is answered by itself; so are outputs
      of tools, and speech. A ResponseCreate after them says nothing.
    - All other messages and calls become contents of the conversation, which wait: a
      ResponseCreate after them ends the turn, and then they are answered. As long as some wait,
      so does a user's text behind them. So does a text with a status, for it was said before.
    - A picture alone is put as realtime input too, so that a camera interrupts nobody; it is
      answered if a ResponseCreate comes next.
    - A ResponseCreate with instructions, when there is nothing to answer, puts these as a turn.
    """

    def __init__(self, model: str, audio: AudioLine, names: Recent[str, str]) -> None:
        self.ready = False
        """The setup is complete: there can be no other."""
        self.wants_thoughts = False
        self._model = model
        self._audio = audio
        self._mime = values.pcm_of(audio.rate)
        self._names = names
        self._told = Recent[str, bool]()
        """Calls that were told to the model, with their outputs, as history."""
        self._setup: JsonObject | None = None
        self._config = SessionConfig()
        self._detects: bool | None = None
        """Whether the service detects turns; before the setup that is not known."""
        self._active = False
        """The user's turn was begun, and shall be ended."""
        self._contents_wait = self._picture_waits = False
        self._asked = False
        """What was said last is answered by itself."""

    def answered(self) -> None:
        self._asked = False

    def say(self, event: events.ClientEvent) -> Iterator[Message] | tuple[Message, ...]:
        match event:
            case events.InputAudioAppend():
                return self._append(event.audio)
            case events.ConversationItemCreate():
                return self._item(event.item)
            case events.ResponseCreate():
                return self._respond(event.options or ResponseOptions())
            case events.InputAudioCommit():
                return self._commit()
            case events.InputActivityStart():
                return self._activity()
            case events.SessionUpdate():
                return self._update(event.config)
            case events.Custom(dialect=wire.NAME) if bytes(event.raw) != b"null":
                return self._custom(event)
            case _:
                return ()

    def _custom(self, custom: events.Custom) -> tuple[Message, ...]:
        said = wire.text_of(custom.raw)
        if custom.raw_type == "clientContent":
            contents = wire.from_client(said).client_content or wire.ClientContent()
            if contents.turn_complete:
                self._is_asked()
            else:
                self._contents_wait = True
        return (said,)

    def _append(self, pcm: bytes) -> tuple[Message, ...]:
        blob = wire.Blob(mime_type=self._mime, data=to_base64(pcm))
        message = _realtime(wire.RealtimeInput(audio=blob))
        if self._detects is False and not self._active:
            self._active = True
            return _realtime(_ACTIVITY_START), message
        return (message,)

    def _activity(self) -> tuple[Message, ...]:
        """A service that detects turns would refuse it."""
        if self._detects or self._active:
            return ()
        self._active = True
        return (_realtime(_ACTIVITY_START),)

    def _commit(self) -> tuple[Message, ...]:
        if self._detects is False and not self._active:
            return ()
        end = _ACTIVITY_END if self._active else _STREAM_END
        self._active = False
        self._is_asked()
        return (_realtime(end),)

    def _is_asked(self) -> None:
        self._asked = True
        self._contents_wait = self._picture_waits = False

    # The conversation.

    def _item(self, item: Item) -> tuple[Message, ...]:
        match item:
            case FunctionCallOutput():
                return self._output(item)
            case FunctionCall():
                said = (self._content(content.call_content(item)),)
                self._names[item.call_id] = item.name
                self._told[item.call_id] = True
                return said
            case MessageItem():
                return self._message(item)
            case CustomItem():
                return ()

    def _message(self, message: MessageItem) -> tuple[Message, ...]:
        if message.role == "user" and message.status is None and not self._contents_wait:
            match message.content:
                case (TextPart(text=text),):
                    said = _realtime(wire.RealtimeInput(text=text))
                    self._is_asked()
                    return (said,)
                case (ImagePart() as image,):
                    said = _realtime(wire.RealtimeInput(video=content.picture(image)))
                    self._picture_waits = True
                    return (said,)
                case _:
                    pass
        told = content.content_of(message, self._audio.rate)
        return (self._content(told),) if told.parts else ()

    def _content(self, told: wire.Content) -> str:
        said = _contents(wire.ClientContent(turns=(told,), turn_complete=False))
        self._contents_wait = True
        return said

    def _output(self, output: FunctionCallOutput) -> tuple[Message, ...]:
        response = content.response_wire(output, self._names.get(output.call_id))
        if self._told.pop(output.call_id, False):
            return (self._content(content.output_content(response)),)
        told = wire.ToolResponse(function_responses=(response,))
        said = wire.write(wire.FromClient(tool_response=told))
        self._is_asked()
        return (said,)

    def _respond(self, options: ResponseOptions) -> tuple[Message, ...]:
        if options.conversation == "none" or options.input is not None:
            raise Unsayable(wire.NAME, "has no responses beside the conversation")
        waits = self._contents_wait or self._picture_waits
        if not waits and (self._asked or not options.instructions):
            self._asked = False
            return ()
        turns = None
        if options.instructions:
            part = wire.Part(text=options.instructions)
            turns = (wire.Content(role="user", parts=(part,)),)
        said = _contents(wire.ClientContent(turns=turns, turn_complete=True))
        self._contents_wait = self._picture_waits = self._asked = False
        return (said,)

    # The session.

    def _update(self, patch: SessionConfig) -> tuple[Message, ...]:
        """A setup until one is complete; then what can change, and no more."""
        before = self._setup if self.ready else None
        config = patch if before is None else merge(self._config, patch)
        setup = session.setup_of(config, self._model)
        if before is not None:
            said = self._changed(before, setup)
        else:
            said = (wire.write(wire.FromClient(setup=setup)),)
        if patch.input_audio_format is not None:
            self._audio.rate = input_rate_of(patch.input_audio_format, self._audio.rate)
            self._mime = values.pcm_of(self._audio.rate)
        self._config, self._setup = config, setup
        self._detects = session.detects_turns(setup)
        self.wants_thoughts = session.includes_thoughts(setup)
        return said

    def _changed(self, before: JsonObject, after: JsonObject) -> tuple[Message, ...]:
        names = before.keys() | after.keys()
        changed = {name for name in names if before.get(name) != after.get(name)}
        if not changed:
            return ()
        if fixed := changed - _CHANGEABLE:
            what = ", ".join(sorted(fixed))
            raise Unsayable(wire.NAME, f"cannot change {what} once a session is set up")
        model = str(after.get("model", ""))
        if not session.takes_context(model):
            raise Unsayable(wire.NAME, f"cannot change a session with {model}")
        update = wire.ContextUpdate(
            system_instruction=after["systemInstruction"]
            if "systemInstruction" in changed
            else None,
            tools=wire.Tools(tools=tuple(after.get("tools", ()))) if "tools" in changed else None,
        )
        return (wire.write(wire.FromClient(context_update=update)),)


def _realtime(said: wire.RealtimeInput) -> str:
    return wire.write(wire.FromClient(realtime_input=said))


def _contents(said: wire.ClientContent) -> str:
    return wire.write(wire.FromClient(client_content=said))
