"""What a model says, as the service would tell its client."""

from collections.abc import Iterable, Iterator

from antiphon.codecs import events
from antiphon.codecs.audio import SAMPLE_WIDTH
from antiphon.codecs.gemini import tools, values, wire
from antiphon.codecs.gemini.transcribing import Transcribing
from antiphon.codecs.gemini.usage import usage_to_wire
from antiphon.codecs.wire import Recent, to_base64

_RATE = 24_000
_MIME = values.pcm_of(_RATE)

_MOST_HELD = 256

_WANTS_MORE = "NEED_MORE_INPUT"
_REJECTED = "RESPONSE_REJECTED"


class Speaking:
    """Keeps what a client of this dialect must be told in another way than it happened.

    `interrupted` is all that stops such a client's loudspeaker, so it is said, once a response,
    as soon as the user speaks over one that runs or that is still being played.
    """

    def __init__(self) -> None:
        self.interruptible = True
        """The user's speech ends a response."""
        self.running = False
        self._ready = False
        self._response: str | None = None
        self._interrupted = False
        self._plays_until = 0
        self._had_turn = False
        self._generated = False
        self._spoke = False
        """Something came but words of speech, so that these belong to no earlier turn."""
        self._held: list[str] = []
        self._worded = Recent[tuple[str, int], bool]()
        """Parts of items of which words were said."""
        self._calls = Recent[str, tuple[str, str] | None]()
        """Calls with the response and the name of each; None: nothing waits for its output."""
        self._user = Transcribing()

    def say(self, event: events.ServerEvent) -> Iterable[str]:
        match event:
            case events.AudioDelta():
                return self._audio(event)
            case events.AudioTranscriptDelta():
                return self._words(event, event.delta)
            case events.AudioTranscriptDone():
                return self._words_done(event)
            case events.TextDelta():
                return self._text(event, event.delta)
            case events.TextDone():
                return self._text_done(event)
            case events.FunctionCallArgumentsDone():
                return self._call(event)
            case events.FunctionCallCancelled():
                return (self._cancel(event.call_ids),)
            case events.ResponseCreated():
                self._begin(event.response_id)
                return ()
            case events.ResponseDone():
                return self._done(event)
            case events.ResponseInterrupted():
                return self._interrupt(event.response_id)
            case events.SpeechStarted():
                return self._speech_started(event)
            case events.SpeechStopped():
                return (_voice("ACTIVITY_END", event.audio_end),)
            case events.InputTranscriptionDelta():
                return self._user.delta(event)
            case events.InputTranscriptionCompleted():
                return self._user.completed(event)
            case events.SessionCreated() | events.SessionStarted():
                return self._session(event.session_id)
            case events.SessionUpdated():
                return self._session(None)
            case events.GoAway():
                left = None if event.time_left is None else values.duration_of(event.time_left)
                return (wire.write(wire.FromServer(go_away=wire.GoAway(time_left=left))),)
            case events.ResumptionHandle():
                return (_handle(event),)
            case events.Custom(dialect=wire.NAME):
                return self._custom(event)
            case _:
                return ()

    # The session.

    def _session(self, session_id: str | None) -> tuple[str, ...]:
        if self._ready:
            return ()
        complete = wire.SetupComplete(session_id=session_id)
        said = wire.write(wire.FromServer(setup_complete=complete))
        self._ready = True
        return (said,)

    def _custom(self, custom: events.Custom) -> tuple[str, ...]:
        if bytes(custom.raw) == b"null":  # other events say it
            return ()
        said = wire.text_of(custom.raw)
        self._generated |= custom.raw_type == "generationComplete"
        return (said,)

    # The model.

    def _begin(self, response_id: str) -> None:
        self.running = True
        if response_id != self._response:
            self._response = response_id
            self._interrupted = self._generated = self._spoke = False
            self._held.clear()

    def _audio(self, event: events.AudioDelta) -> tuple[str, ...]:
        blob = wire.Blob(mime_type=_MIME, data=to_base64(event.delta))
        turn = wire.Content(role="model", parts=(wire.Part(inline_data=blob),))
        self._begin(event.response_id)
        self._spoke = True
        lasts = len(event.delta) // SAMPLE_WIDTH * 1_000_000 // _RATE
        self._plays_until = max(self._plays_until, event.at) + lasts
        words = None
        if self._held:
            words = wire.Transcription(text="".join(self._held))
            self._held.clear()
        return (_content(wire.ServerContent(model_turn=turn, output_transcription=words)),)

    def _words(self, event: events.ContentEvent, words: str) -> Iterator[str]:
        """A client takes words that come before any speech for late ones of the last turn."""
        if not words:
            return
        self._begin(event.response_id)
        self._worded[event.item_id, event.content_index] = True
        if self._had_turn and not self._spoke and len(self._held) < _MOST_HELD:
            self._held.append(words)
            return
        self._spoke = self._spoke or bool(self._held)
        yield from self._release()
        yield _content(wire.ServerContent(output_transcription=wire.Transcription(text=words)))

    def _words_done(self, event: events.AudioTranscriptDone) -> Iterator[str]:
        if not self._worded.pop((event.item_id, event.content_index), False):
            yield from self._words(event, event.transcript or "")
            self._worded.pop((event.item_id, event.content_index), None)

    def _release(self) -> Iterator[str]:
        if self._held:
            words = wire.Transcription(text="".join(self._held))
            self._held.clear()
            yield _content(wire.ServerContent(output_transcription=words))

    def _text(self, event: events.ContentEvent, text: str) -> Iterator[str]:
        if not text:
            return
        self._begin(event.response_id)
        self._worded[event.item_id, event.content_index] = self._spoke = True
        turn = wire.Content(role="model", parts=(wire.Part(text=text),))
        yield _content(wire.ServerContent(model_turn=turn))

    def _text_done(self, event: events.TextDone) -> Iterator[str]:
        if not self._worded.pop((event.item_id, event.content_index), False):
            yield from self._text(event, event.text or "")
            self._worded.pop((event.item_id, event.content_index), None)

    def _done(self, event: events.ResponseDone) -> Iterator[str]:
        self._begin(event.response_id)
        yield from self._release()
        if event.status == "cancelled":
            yield from self._interrupt(event.response_id)
            calls = self._calls.items()
            if waiting := [one for one, call in calls if call and call[0] == event.response_id]:
                yield self._cancel(tuple(waiting))
        elif event.status == "completed" and not self._generated:
            yield _content(wire.ServerContent(generation_complete=True))
        complete = wire.ServerContent(turn_complete=True, turn_complete_reason=_reason(event))
        counted = usage_to_wire(event.usage)
        said = wire.write(wire.FromServer(server_content=complete, usage_metadata=counted))
        self.running, self._generated = False, True
        self._had_turn = True
        self._user.turn_ends()
        yield said

    def _interrupt(self, response_id: str | None) -> Iterator[str]:
        if response_id is not None:
            self._begin(response_id)
        if not self._interrupted:
            self._interrupted = self._had_turn = True
            self._plays_until = 0
            self._user.turn_ends()
            yield from self._release()
            yield _content(wire.ServerContent(interrupted=True))

    def _speech_started(self, event: events.SpeechStarted) -> Iterator[str]:
        yield _voice("ACTIVITY_START", event.audio_start)
        plays = self.running or event.at < self._plays_until
        if self.interruptible and plays:
            yield from self._interrupt(None)

    # Calls.

    @property
    def pending(self) -> bool:
        return any(call is not None for call in self._calls.values())

    def pending_named(self, response: wire.FunctionResponse) -> str | None:
        """Which call is answered, by its name where its id is missing."""
        if response.id:
            return None
        pending = self._calls.items()
        return next((c for c, call in pending if call and call[1] == response.name), None)

    def answered(self, call_id: str, *, last: bool) -> bool:
        """Whether something waited for it; of a call that was never made that is assumed."""
        awaited = self._calls.get(call_id, ("", "")) is not None
        if last:
            self._calls[call_id] = None
        return awaited

    def _call(self, event: events.FunctionCallArgumentsDone) -> tuple[str, ...]:
        args = tools.arguments_of(event.arguments)
        call = wire.FunctionCall(id=event.call_id, name=event.name, args=args)
        told = wire.ToolCall(function_calls=(call,))
        said = wire.write(wire.FromServer(tool_call=told))
        self._begin(event.response_id)
        self._spoke = True
        waits = event.response_id, event.name
        self._calls[event.call_id] = waits if event.expects_output else None
        return (*self._release(), said)

    def _cancel(self, call_ids: tuple[str, ...]) -> str:
        cancelled = wire.ToolCallCancellation(ids=call_ids)
        said = wire.write(wire.FromServer(tool_call_cancellation=cancelled))
        for call_id in call_ids:
            self._calls[call_id] = None
        return said


def _reason(event: events.ResponseDone) -> str | None:
    """The service has no word for most of what fails elsewhere."""
    reason = (event.reason or "").upper()
    if event.status == "completed":
        return reason if reason == _WANTS_MORE else None
    if event.status == "cancelled":
        return None
    return reason if reason in wire.FAILURES else _REJECTED if event.status == "failed" else None


def _voice(kind: str, offset: int | None) -> str:
    activity = wire.VoiceActivity(
        voice_activity_type=kind,
        audio_offset=None if offset is None else values.duration_of(offset),
    )
    return wire.write(wire.FromServer(voice_activity=activity))


def _handle(event: events.ResumptionHandle) -> str:
    update = wire.SessionResumptionUpdate(
        new_handle=event.handle,
        resumable=event.resumable,
        last_consumed_client_message_index=event.last_client_message,
    )
    return wire.write(wire.FromServer(session_resumption_update=update))


def _content(said: wire.ServerContent) -> str:
    return wire.write(wire.FromServer(server_content=said))
