"""What the service says, as a client hears it: responses and items get their names here."""

from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.gemini import tools, values, wire
from antiphon.codecs.gemini.notices import noticed
from antiphon.codecs.gemini.usage import usage_of
from antiphon.codecs.gemini.utterances import Utterances
from antiphon.codecs.items import JsonObject
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import Message, Recent, from_any_base64

Heard = list[events.ServerEvent]

_NOTHING = wire.ServerContent()
_WANTS_MORE = "NEED_MORE_INPUT"
_NO_REASON = None, "", "TURN_COMPLETE_REASON_UNSPECIFIED"
_GENERATED = msgspec.Raw(b'{"serverContent":{"generationComplete":true}}')
_WAITING = msgspec.Raw(b'{"serverContent":{"waitingForInput":true}}')
_FIRST = "$.serverContent.modelTurn.parts[0].inlineData.data"
_SAID_OTHERWISE = msgspec.Raw(b"null")


class Hearing:
    """The service names neither responses nor items, so both are counted.

    A turn opens with the first content or call of the model after the last was closed, by its
    end or by an interruption. A transcript alone does not open one, since it may be late.
    """

    def __init__(self, output: AudioLine, names: Recent[str, str]) -> None:
        self.thoughts_apart = False
        """Thoughts were asked for, and are not the answer."""
        self._output = output
        self._mime = values.pcm_of(output.rate)
        self._names = names
        self._utterances = Utterances()
        self._turn = self._calls = 0
        self._open()

    def _open(self) -> None:
        self._closed = self._interrupted = False
        self._response = f"google-resp-{self._turn}"
        self._item = f"google-item-{self._turn}"
        self._outputs = 0
        self._message: int | None = None
        self._said: dict[str, int] = {}
        """Which of `audio`, `transcript` and `text` the turn has, each with its content index."""

    def speech(self, mime: str, data: str, at: int) -> tuple[events.AudioDelta] | None:
        """A piece of speech in the usual format; None if it is in another."""
        if mime != self._mime:
            return None
        sound = from_any_base64(data, wire.NAME, _FIRST)
        self._begin()
        return (self._audio(sound, at),)

    def hear(self, frame: wire.FromServer, message: Message, at: int) -> Heard:
        """All that can be wrong is found before anything changes."""
        content = frame.server_content or _NOTHING
        parts = (content.model_turn and content.model_turn.parts) or ()
        sounds = [_sound(part, place) for place, part in enumerate(parts)]
        calls = _calls(frame.tool_call)
        heard = noticed(frame, at)
        customs = self._customs(frame, content, parts, message, at)

        if calls:
            self._call(heard, calls, at)
        if content.interrupted:
            self._interrupt(heard, at)
        for part, sound in zip(parts, sounds, strict=True):
            self._part(heard, part, sound, at)
        if content.output_transcription is not None and content.output_transcription.text:
            self._transcript(heard, content.output_transcription.text, at)
        if content.interim_input_transcription is not None:
            self._utterances.guess(heard, content.interim_input_transcription, at)
        if content.input_transcription is not None:
            self._utterances.hear(heard, content.input_transcription, at)
        if frame.input_transcription is not None:
            self._utterances.hear(heard, frame.input_transcription, at)
        if customs:
            heard.extend(customs)
        if content.turn_complete:
            self._end(heard, content.turn_complete_reason, frame.usage_metadata, at)
        for event in heard:
            if not _is_aside(event):
                return heard
        if frame.tool_call is None:
            heard.append(_unheard(message, known=bool(heard), at=at))
        return heard

    def _customs(
        self,
        frame: wire.FromServer,
        content: wire.ServerContent,
        parts: tuple[wire.Part, ...],
        message: Message,
        at: int,
    ) -> Heard:
        """What there is no word for, each for itself."""
        customs: Heard = []
        thoughts = [n for n, part in enumerate(parts) if self._is_thought(part)]
        others = [n for n, part in enumerate(parts) if _is_other(part)]
        metadata = content.grounding_metadata, content.url_context_metadata
        if thoughts or others or metadata != (None, None):
            whole: JsonObject = wire.tree(message, wire.FromServer)["serverContent"]
            for n in thoughts:
                raw = wire.raw({"serverContent": _only(whole, [n])})
                customs.append(_custom("thought", raw, at))
            rest = _only(whole, others) if others else {}
            rest |= {
                name: whole[name]
                for name in ("groundingMetadata", "urlContextMetadata")
                if whole.get(name) is not None
            }
            if rest:
                customs.append(_custom("serverContent", wire.raw({"serverContent": rest}), at))
        if content.generation_complete:
            customs.append(_custom("generationComplete", _GENERATED, at))
        if content.interaction_status:
            raw = wire.raw({"serverContent": {"interactionStatus": content.interaction_status}})
            customs.append(_custom("interactionStatus", raw, at))
        if content.waiting_for_input:
            customs.append(_custom("waitingForInput", _WAITING, at))
        if frame.usage_metadata is not None and not content.turn_complete:
            counted: Any = wire.tree(message, wire.FromServer)["usageMetadata"]
            raw, usage = wire.raw({"usageMetadata": counted}), usage_of(frame.usage_metadata)
            customs.append(_custom("usageMetadata", raw, at, usage))
        return customs

    def _begin(self) -> None:
        if self._closed:
            self._turn += 1
            self._open()

    def _place(self) -> int:
        """Where in its response the turn's message is: calls are outputs beside it."""
        if self._message is None:
            self._message, self._outputs = self._outputs, self._outputs + 1
        return self._message

    def _index(self, kind: str) -> int:
        """Speech and its words are one part of the message, text is another."""
        if kind not in self._said:
            beside = "audio" if kind == "transcript" else "transcript" if kind == "audio" else kind
            self._said[kind] = self._said.get(beside, len(set(self._said.values())))
        return self._said[kind]

    def _part(self, heard: Heard, part: wire.Part, sound: bytes | None, at: int) -> None:
        if sound is not None and part.inline_data is not None:
            self._begin()
            mime = part.inline_data.mime_type
            if mime is not None and mime != self._mime:
                self._mime, self._output.rate = mime, values.rate_of(mime) or self._output.rate
            heard.append(self._audio(sound, at))
        elif part.text and not self._is_thought(part):
            self._begin()
            heard.append(
                events.TextDelta(
                    response_id=self._response,
                    item_id=self._item,
                    output_index=self._place(),
                    content_index=self._index("text"),
                    delta=part.text,
                    at=at,
                )
            )

    def _audio(self, sound: bytes, at: int) -> events.AudioDelta:
        index = self._said.get("audio")
        return events.AudioDelta(
            response_id=self._response,
            item_id=self._item,
            output_index=self._place(),
            content_index=self._index("audio") if index is None else index,
            delta=self._output.from_bytes(sound, self._turn),
            at=at,
        )

    def _is_thought(self, part: wire.Part) -> bool:
        return self.thoughts_apart and part.thought is True

    def _transcript(self, heard: Heard, text: str, at: int) -> None:
        heard.append(
            events.AudioTranscriptDelta(
                response_id=self._response,
                item_id=self._item,
                output_index=self._place(),
                content_index=self._index("transcript"),
                delta=text,
                at=at,
            )
        )

    def _call(self, heard: Heard, calls: list[tuple[wire.FunctionCall, str]], at: int) -> None:
        self._begin()
        for call, arguments in calls:
            call_id, name = call.id, call.name or ""
            if not call_id:
                call_id = f"google-call-{self._calls}"
                self._calls += 1
            self._names[call_id] = name
            place, self._outputs = self._outputs, self._outputs + 1
            heard.append(
                events.FunctionCallArgumentsDelta(
                    response_id=self._response,
                    item_id=self._item,
                    output_index=place,
                    call_id=call_id,
                    delta=arguments,
                    at=at,
                )
            )
            heard.append(
                events.FunctionCallArgumentsDone(
                    response_id=self._response,
                    item_id=self._item,
                    output_index=place,
                    call_id=call_id,
                    name=name,
                    arguments=arguments,
                    at=at,
                )
            )

    def _interrupt(self, heard: Heard, at: int) -> None:
        runs = bool(self._outputs) and not self._closed
        heard.append(
            events.ResponseInterrupted(
                response_id=self._response if runs else None,
                item_id=self._item if runs else None,
                at=at,
            )
        )
        self._utterances.end(heard, at)
        self._closed = self._interrupted = True

    def _end(
        self, heard: Heard, reason: str | None, counted: wire.UsageMetadata | None, at: int
    ) -> None:
        self._utterances.turn_ends(heard, at)
        for kind, done in _DONE.items():
            if kind in self._said:
                heard.append(
                    done(
                        response_id=self._response,
                        item_id=self._item,
                        output_index=self._place(),
                        content_index=self._said[kind],
                        at=at,
                    )
                )
        failed = not self._interrupted and reason not in (*_NO_REASON, _WANTS_MORE)
        why = None if reason in _NO_REASON else str(reason)
        heard.append(
            events.ResponseDone(
                response_id=self._response,
                status="cancelled" if self._interrupted else "failed" if failed else "completed",
                reason="turn_detected" if self._interrupted else why and why.lower(),
                error=events.ErrorDetail(message=why, code=why) if failed and why else None,
                usage=None if counted is None else usage_of(counted),
                at=at,
            )
        )
        self._closed, self._interrupted = True, False
        self._said.clear()


_Done = type[events.AudioDone] | type[events.TextDone] | type[events.AudioTranscriptDone]

_DONE: dict[str, _Done] = {
    "audio": events.AudioDone,
    "text": events.TextDone,
    "transcript": events.AudioTranscriptDone,
}


def _sound(part: wire.Part, place: int) -> bytes | None:
    """The speech in a part; None if it is anything else."""
    blob = part.inline_data
    if blob is None or values.rate_of(blob.mime_type) is None:
        return None
    return from_any_base64(blob.data or "", wire.NAME, _path_of_data(place))


def _path_of_data(place: int) -> str:
    return f"$.serverContent.modelTurn.parts[{place}].inlineData.data"


def _is_other(part: wire.Part) -> bool:
    if part.inline_data is not None:
        return values.rate_of(part.inline_data.mime_type) is None
    return part.text is None


def _calls(tool_call: wire.ToolCall | None) -> list[tuple[wire.FunctionCall, str]]:
    if tool_call is None:
        return []
    return [(call, tools.text_of(call.args)) for call in tool_call.function_calls or ()]


def _only(content: JsonObject, places: list[int]) -> JsonObject:
    parts = content["modelTurn"]["parts"]
    return {"modelTurn": {"parts": [parts[place] for place in places]}}


def _is_aside(event: events.ServerEvent) -> bool:
    """Whether it goes beyond what the message is known by."""
    match event:
        case events.InputTranscriptionCompleted():
            return True
        case events.InputTranscriptionDelta():
            return event.transcript is None
        case _:
            return False


def _unheard(message: Message, *, known: bool, at: int) -> events.Custom:
    """A message of which nothing is understood, or nothing more than goes aside."""
    raw = _SAID_OTHERWISE if known else wire.verbatim(message)
    return _custom(wire.first_field(message, wire.FromServer), raw, at)


def _custom(raw_type: str, raw: msgspec.Raw, at: int, usage: Usage | None = None) -> events.Custom:
    return events.Custom(dialect=wire.NAME, raw_type=raw_type, raw=raw, usage=usage, at=at)
