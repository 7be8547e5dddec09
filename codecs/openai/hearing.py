"""What OpenAI's messages mean: each is one event."""

from typing import Any

from antiphon.codecs import events
from antiphon.codecs.audio import HIGHEST, LAWS, AudioLine
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.items import CustomItem, FunctionCall, Item, JsonObject
from antiphon.codecs.openai import wire
from antiphon.codecs.openai.items import Items
from antiphon.codecs.openai.profile import Profile
from antiphon.codecs.openai.usage import read_transcription_usage, read_usage
from antiphon.codecs.usage import RateLimit
from antiphon.codecs.wire import Recent, WireError, bounded, known, micros_if


class Hearing:
    """Knows what a server's messages leave out.

    Ids that are missing are those of the response and the item that it spoke of last. Names of
    tools are known from the item of the call. The lines follow the formats that it settles on.
    """

    def __init__(
        self, profile: Profile, input_line: AudioLine, output_line: AudioLine, items: Items
    ) -> None:
        self._profile = profile
        self._dialect = profile.name
        self._input = input_line
        self._output = output_line
        self._items = items
        self._response = ""
        self._item = ""
        self._names = Recent[str, str](256)
        """Of tools, by call."""
        self._calls = Recent[str, str](256)
        """By item."""
        self._spoken: AudioFormat | None = None
        """The session's format of speech; one response may have another."""

    def carry(self, config: SessionConfig) -> None:
        """From now on audio is as *config* has it, where it speaks of that."""
        if config.input_audio_format is not None:
            self._input.check(config.input_audio_format)
        if config.output_audio_format is not None:
            self._output.check(config.output_audio_format)
            self._output.carry(config.output_audio_format)
            self._spoken = config.output_audio_format
        if config.input_audio_format is not None:
            self._input.carry(config.input_audio_format)

    def audio(self, said: wire.AudioDelta | wire.BetaAudioDelta, at: int) -> events.AudioDelta:
        item_id = said.item_id or self._item
        return events.AudioDelta(
            response_id=said.response_id or self._response,
            item_id=item_id,
            output_index=said.output_index or 0,
            content_index=said.content_index or 0,
            delta=self._output.from_wire(said.delta, "$.delta", item_id),
            event_id=said.event_id,
            at=at,
        )

    def event(self, said: wire.FromServer, at: int) -> events.ServerEvent:
        """Grouped, since a message is compared with one kind after the other."""
        match said:
            case wire.OfContent():
                return self._of_content(said, at)
            case wire.OfOutput():
                return self._of_output(said, at)
            case wire.AboutItem():
                return self._about_item(said, {"event_id": said.event_id, "at": at})
            case wire.OfItem():
                return self._of_item(said, {"event_id": said.event_id, "at": at})
            case wire.ResponseCreated() | wire.ResponseDone():
                return self._of_response(said, {"event_id": said.event_id, "at": at})
            case _:
                return self._of_session(said, {"event_id": said.event_id, "at": at})

    def _of_content(
        self,
        said: wire.AudioDelta
        | wire.BetaAudioDelta
        | wire.TranscriptDelta
        | wire.BetaTranscriptDelta
        | wire.TextDelta
        | wire.BetaTextDelta
        | wire.AudioDone
        | wire.BetaAudioDone
        | wire.TranscriptDone
        | wire.BetaTranscriptDone
        | wire.TextDone
        | wire.BetaTextDone
        | wire.ContentPartAdded
        | wire.ContentPartDone,
        at: int,
    ) -> events.ServerEvent:
        """Something is said or written."""
        match said:
            case wire.AudioDelta() | wire.BetaAudioDelta():
                return self.audio(said, at)
            case wire.TranscriptDelta() | wire.BetaTranscriptDelta():
                return events.AudioTranscriptDelta(
                    response_id=said.response_id or self._response,
                    item_id=said.item_id or self._item,
                    output_index=said.output_index or 0,
                    content_index=said.content_index or 0,
                    delta=said.delta,
                    event_id=said.event_id,
                    at=at,
                )
            case wire.TextDelta() | wire.BetaTextDelta():
                return events.TextDelta(**self._where(said, at), delta=said.delta)
            case wire.AudioDone() | wire.BetaAudioDone():
                return events.AudioDone(**self._where(said, at))
            case wire.TranscriptDone() | wire.BetaTranscriptDone():
                return events.AudioTranscriptDone(
                    **self._where(said, at), transcript=said.transcript
                )
            case wire.TextDone() | wire.BetaTextDone():
                return events.TextDone(**self._where(said, at), text=said.text)
            case wire.ContentPartAdded():
                part = self._items.part(said.part, "$.part")
                return events.ContentPartAdded(**self._where(said, at), part=part)
            case wire.ContentPartDone():
                part = self._items.part(said.part, "$.part")
                return events.ContentPartDone(**self._where(said, at), part=part)

    def _of_output(
        self,
        said: wire.ArgumentsDelta | wire.ArgumentsDone | wire.OutputItemAdded | wire.OutputItemDone,
        at: int,
    ) -> events.ServerEvent:
        """A response brings forth an item."""
        match said:
            case wire.ArgumentsDelta():
                return events.FunctionCallArgumentsDelta(
                    **self._which(said, at), call_id=self._call(said), delta=said.delta
                )
            case wire.ArgumentsDone():
                call_id = self._call(said)
                return events.FunctionCallArgumentsDone(
                    **self._which(said, at),
                    call_id=call_id,
                    name=said.name or self._names.get(call_id, ""),
                    arguments=said.arguments or "",
                )
            case wire.OutputItemAdded():
                item = self._item_of(said)
                return events.OutputItemAdded(**self._which(said, at, item), item=item)
            case wire.OutputItemDone():
                item = self._item_of(said)
                return events.OutputItemDone(**self._which(said, at, item), item=item)

    def _about_item(
        self,
        said: wire.ConversationItemAdded
        | wire.ConversationItemCreated
        | wire.ConversationItemDone
        | wire.ConversationItemRetrieved,
        named: dict[str, Any],
    ) -> events.ServerEvent:
        """The conversation has an item."""
        match said:
            case wire.ConversationItemAdded() | wire.ConversationItemCreated():
                return events.ConversationItemAdded(**self._added(said, named))
            case wire.ConversationItemDone():
                return events.ConversationItemDone(**self._added(said, named))
            case wire.ConversationItemRetrieved():
                item = self._item_of(said) or CustomItem(raw_type="")
                item_id = item.id or said.item_id or ""
                return events.ConversationItemRetrieved(item_id=item_id, item=item, **named)

    def _of_response(
        self, said: wire.ResponseCreated | wire.ResponseDone, named: dict[str, Any]
    ) -> events.ServerEvent:
        match said:
            case wire.ResponseCreated():
                response = said.response or wire.Response()
                metadata = self._metadata(response)
                self._output.carry(_format(response) or self._spoken)
                self._response = response.id or said.response_id or ""
                return events.ResponseCreated(
                    response_id=self._response,
                    status=response.status,
                    conversation_id=known(response.conversation_id),
                    metadata=metadata,
                    **named,
                )
            case wire.ResponseDone():
                return self._done(said, named)

    def _of_session(
        self,
        said: wire.Cleared
        | wire.DtmfReceived
        | wire.RateLimitsUpdated
        | wire.SessionCreated
        | wire.SessionUpdated
        | wire.PlaybackStarted
        | wire.PlaybackStopped
        | wire.PlaybackCleared
        | wire.Error,
        named: dict[str, Any],
    ) -> events.ServerEvent:
        match said:
            case wire.RateLimitsUpdated():
                limits = tuple(
                    self._limit(limit, n) for n, limit in enumerate(said.rate_limits or ())
                )
                return events.RateLimits(limits=limits, **named)
            case wire.SessionCreated() | wire.SessionUpdated():
                return self._settled(said, named)
            case wire.PlaybackStarted():
                return events.OutputPlaybackStarted(response_id=said.response_id or "", **named)
            case wire.PlaybackStopped():
                return events.OutputPlaybackStopped(response_id=said.response_id or "", **named)
            case wire.PlaybackCleared():
                return events.OutputPlaybackCleared(response_id=said.response_id or "", **named)
            case wire.Error():
                return _error(said, named)
            case wire.Cleared():
                return events.InputAudioCleared(**named)
            case wire.DtmfReceived():
                received = said.received_at and said.received_at * 1000
                return events.DtmfReceived(
                    digit=said.event or "",
                    received=micros_if(received, self._dialect, "$.received_at"),
                    **named,
                )

    def _of_item(
        self,
        said: wire.SpeechStarted
        | wire.SpeechStopped
        | wire.Committed
        | wire.TimeoutTriggered
        | wire.TranscriptionDelta
        | wire.TranscriptionCompleted
        | wire.TranscriptionFailed
        | wire.ConversationItemTruncated
        | wire.ConversationItemDeleted,
        named: dict[str, Any],
    ) -> events.ServerEvent:
        """What was heard of the user, or is no longer known."""
        match said:
            case wire.SpeechStarted():
                start = micros_if(said.audio_start_ms, self._dialect, "$.audio_start_ms")
                return events.SpeechStarted(item_id=said.item_id, audio_start=start, **named)
            case wire.SpeechStopped():
                end = micros_if(said.audio_end_ms, self._dialect, "$.audio_end_ms")
                return events.SpeechStopped(item_id=said.item_id, audio_end=end, **named)
            case wire.Committed():
                return events.AudioCommitted(
                    item_id=said.item_id, previous_item_id=said.previous_item_id, **named
                )
            case wire.TimeoutTriggered():
                return events.InputTimeoutTriggered(
                    item_id=said.item_id,
                    audio_start=micros_if(said.audio_start_ms, self._dialect, "$.audio_start_ms"),
                    audio_end=micros_if(said.audio_end_ms, self._dialect, "$.audio_end_ms"),
                    **named,
                )
            case wire.TranscriptionDelta():
                return events.InputTranscriptionDelta(
                    item_id=said.item_id or "",
                    content_index=said.content_index or 0,
                    delta=said.delta or "",
                    **named,
                )
            case wire.TranscriptionCompleted():
                return events.InputTranscriptionCompleted(
                    item_id=said.item_id or "",
                    content_index=said.content_index or 0,
                    transcript=said.transcript or "",
                    languages=_languages(said.languages),
                    usage=read_transcription_usage(said.usage),
                    **named,
                )
            case wire.TranscriptionFailed():
                problem = said.error or wire.Problem()
                return events.InputTranscriptionFailed(
                    item_id=said.item_id or "",
                    content_index=said.content_index or 0,
                    error=_detail(problem),
                    **named,
                )

            case wire.ConversationItemTruncated():
                return events.ConversationItemTruncated(
                    item_id=said.item_id or "",
                    content_index=said.content_index or 0,
                    audio_end=micros_if(said.audio_end_ms, self._dialect, "$.audio_end_ms"),
                    **named,
                )
            case wire.ConversationItemDeleted():
                return events.ConversationItemDeleted(item_id=said.item_id or "", **named)

    def _settled(
        self,
        said: wire.SessionCreated | wire.SessionUpdated,
        named: dict[str, Any],
    ) -> events.ServerEvent:
        session = bounded(said.session or {}, self._dialect, "$.session")
        config = self._profile.read_session(session, self._dialect, "$.session")
        session_id = session.get("id")
        if not isinstance(session_id, str | None):
            raise WireError(self._dialect, "$.session.id", "Expected `str`")
        self.carry(config)
        if isinstance(said, wire.SessionUpdated):
            return events.SessionUpdated(config=config, **named)
        return events.SessionCreated(session_id=session_id, config=config, **named)

    def _done(self, said: wire.ResponseDone, named: dict[str, Any]) -> events.ResponseDone:
        response = said.response or wire.Response()
        details = known(response.status_details) or wire.StatusDetails()
        output = response.output
        return events.ResponseDone(
            response_id=response.id or said.response_id or self._response,
            status=response.status or "completed",
            reason=details.reason,
            error=None if details.error is None else _detail(details.error),
            usage=read_usage(known(response.usage) or said.usage),
            output=None
            if output is None
            else tuple(
                self._items.read(item, f"$.response.output[{n}]") for n, item in enumerate(output)
            ),
            conversation_id=known(response.conversation_id),
            metadata=self._metadata(response),
            **named,
        )

    def _metadata(self, response: wire.Response) -> JsonObject | None:
        metadata = known(response.metadata)
        return bounded(metadata, self._dialect, "$.response.metadata")

    def _call(self, said: wire.ArgumentsDelta | wire.ArgumentsDone) -> str:
        """The call's id, which is known from its item as well."""
        return said.call_id or self._calls.get(said.item_id or self._item, "")

    def _item_of(self, said: wire.AboutItem | wire.AboutOutputItem) -> Item | None:
        return None if said.item == wire.NULL else self._items.read(said.item, "$.item")

    def _added(self, said: wire.AboutItem, named: dict[str, Any]) -> dict[str, Any]:
        item = self._item_of(said)
        return {
            "item_id": (item and item.id) or said.item_id or "",
            "item": item,
            "previous_item_id": said.previous_item_id,
            **named,
        }

    def _which(self, said: wire.OfOutput, at: int, item: Item | None = None) -> dict[str, Any]:
        if item is not None:
            self._item = item.id or said.item_id or ""
            if isinstance(item, FunctionCall):
                self._names[item.call_id] = item.name
                self._calls[self._item] = item.call_id
        return {
            "response_id": said.response_id or self._response,
            "item_id": said.item_id or self._item,
            "output_index": said.output_index or 0,
            "event_id": said.event_id,
            "at": at,
        }

    def _where(self, said: wire.OfContent, at: int) -> dict[str, Any]:
        return {
            "response_id": said.response_id or self._response,
            "item_id": said.item_id or self._item,
            "output_index": said.output_index or 0,
            "content_index": said.content_index or 0,
            "event_id": said.event_id,
            "at": at,
        }

    def _limit(self, limit: wire.Limit, number: int) -> RateLimit:
        reset = limit.reset_seconds and limit.reset_seconds * 1000
        return RateLimit(
            name=limit.name or "",
            limit=limit.limit,
            remaining=limit.remaining,
            reset=micros_if(reset, self._dialect, f"$.rate_limits[{number}].reset_seconds"),
        )


def _format(response: wire.Response) -> AudioFormat | None:
    """What the response says of its speech; an odd word there spoils nothing."""
    match response.audio:
        case {"output": {"format": {"type": "audio/pcm", "rate": int(rate)}}} if (
            0 < rate <= HIGHEST
        ):
            return AudioFormat(type="audio/pcm", rate=rate)
        case {"output": {"format": {"type": str(law)}}} if law in LAWS:
            return AudioFormat(type=law)
        case _:
            return None


def _error(said: wire.Error, named: dict[str, Any]) -> events.Error:
    problem = said.error or wire.Problem()
    code = said.code if problem.code is None else problem.code
    return events.Error(
        message=problem.message or said.message or "Unknown error",
        code=None if code is None else str(code),
        client_event_id=problem.event_id,
        error_type=problem.type,
        param=problem.param,
        # The socket stays open after every error but this one.
        fatal=code == "session_expired",
        **named,
    )


def _detail(problem: wire.Problem) -> events.ErrorDetail:
    return events.ErrorDetail(
        message=problem.message or "",
        code=None if problem.code is None else str(problem.code),
        error_type=problem.type,
        param=problem.param,
    )


def _languages(languages: list[Any] | None) -> tuple[str, ...] | None:
    """Each is a code, or an object with one."""
    if languages is None:
        return None
    codes: list[str] = []
    for language in languages:
        match language:
            case str(code) | {"code": str(code)}:
                codes.append(code)
            case _:
                pass
    return tuple(codes)
