"""What a server says that depends on nothing but the event."""

from typing import Any

from antiphon.codecs import events
from antiphon.codecs.openai import wire
from antiphon.codecs.openai.items import part_of_response
from antiphon.codecs.openai.usage import write_transcription_usage
from antiphon.codecs.wire import millis_if

LIMITS = frozenset({"requests", "tokens"})


def stateless(event: events.ServerEvent) -> wire.Said | None:
    """None if it takes more to say the event, or it is not said at all."""
    match event:
        case events.AudioTranscriptDelta():
            return wire.TranscriptDelta(**where(event), delta=event.delta)
        case events.AudioDone():
            return wire.AudioDone(**where(event))
        case events.AudioTranscriptDone():
            return wire.TranscriptDone(**where(event), transcript=event.transcript or "")
        case events.ContentPartAdded():
            return wire.ContentPartAdded(**where(event), part=part_of_response(event.part))
        case events.ContentPartDone():
            return wire.ContentPartDone(**where(event), part=part_of_response(event.part))
        case events.FunctionCallArgumentsDelta():
            return wire.ArgumentsDelta(**which(event), call_id=event.call_id, delta=event.delta)
        case events.FunctionCallArgumentsDone():
            return wire.ArgumentsDone(
                **which(event),
                call_id=event.call_id,
                name=event.name,
                arguments=event.arguments,
            )
        case _:
            return _of_user(event) or _of_conversation(event)


def _of_user(event: events.ServerEvent) -> wire.Said | None:
    match event:
        case events.InputAudioCleared():
            return wire.Cleared()
        case events.DtmfReceived():
            return wire.DtmfReceived(
                event=event.digit, received_at=(event.received or 0) // 1_000_000
            )
        case events.InputTranscriptionDelta():
            return wire.TranscriptionDelta(
                item_id=event.item_id, content_index=event.content_index, delta=event.delta
            )
        case events.InputTranscriptionCompleted():
            languages = event.languages
            return wire.TranscriptionCompleted(
                item_id=event.item_id,
                content_index=event.content_index,
                transcript=event.transcript,
                usage=write_transcription_usage(event.usage),
                languages=None if languages is None else [{"code": c} for c in languages],
            )
        case events.InputTranscriptionFailed():
            problem = event.error
            return wire.TranscriptionFailed(
                item_id=event.item_id,
                content_index=event.content_index,
                error=wire.Problem(
                    type=problem.error_type,
                    code=problem.code,
                    message=problem.message,
                    param=problem.param,
                ),
            )
        case _:
            return None


def _of_conversation(event: events.ServerEvent) -> wire.Said | None:
    match event:
        case events.RateLimits():
            return wire.RateLimitsUpdated(
                rate_limits=[
                    wire.Limit(
                        name=limit.name if limit.name in LIMITS else None,
                        limit=limit.limit,
                        remaining=limit.remaining,
                        reset_seconds=None if limit.reset is None else limit.reset / 1_000_000,
                    )
                    for limit in event.limits
                ]
            )
        case events.GoAway():
            return _problem(event.message or "The session ends.", event.code)
        case events.Error():
            return _problem(
                event.message,
                event.code,
                kind=event.error_type,
                param=event.param,
                client_event_id=event.client_event_id,
            )
        case events.OutputPlaybackStarted():
            return wire.PlaybackStarted(response_id=event.response_id)
        case events.OutputPlaybackStopped():
            return wire.PlaybackStopped(response_id=event.response_id)
        case events.OutputPlaybackCleared():
            return wire.PlaybackCleared(response_id=event.response_id)
        case events.ConversationItemTruncated():
            return wire.ConversationItemTruncated(
                item_id=event.item_id,
                content_index=event.content_index,
                audio_end_ms=millis_if(event.audio_end) or 0,
            )
        case events.ConversationItemDeleted():
            return wire.ConversationItemDeleted(item_id=event.item_id)
        case _:
            return None


def which(event: events.OutputEvent) -> dict[str, Any]:
    return {
        "response_id": event.response_id,
        "item_id": event.item_id,
        "output_index": event.output_index,
    }


def place(event: events.OutputEvent) -> dict[str, Any]:
    return {"response_id": event.response_id, "output_index": event.output_index}


def where(event: events.ContentEvent) -> dict[str, Any]:
    return {
        "response_id": event.response_id,
        "item_id": event.item_id,
        "output_index": event.output_index,
        "content_index": event.content_index,
    }


def _problem(
    message: str,
    code: str | None,
    *,
    kind: str | None = None,
    param: str | None = None,
    client_event_id: str | None = None,
) -> wire.Error:
    return wire.Error(
        error=wire.Problem(
            type=kind or "invalid_request_error",
            code=code,
            message=message,
            param=param,
            event_id=client_event_id,
        )
    )
