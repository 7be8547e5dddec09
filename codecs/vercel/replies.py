"""What a server says, both ways.

An id that is missing on the wire is empty here, and the other way round.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from antiphon.codecs import events
from antiphon.codecs.audio import SAMPLE_WIDTH
from antiphon.codecs.usage import Usage
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.customs import read_custom, write_foreign, write_wordless
from antiphon.codecs.vercel.items import read_shown, write_shown
from antiphon.codecs.vercel.session import Lines
from antiphon.codecs.vercel.usage import read_usage, write_seconds, write_usage
from antiphon.codecs.wire import (
    Unknown,
    given,
    known,
    micros,
    micros_if,
    millis,
    millis_if,
    to_base64,
)


def read_reply(
    said: wire.FromServer | Unknown, lines: Lines, path: str = "$", at: int = 0
) -> events.ServerEvent:
    match said:
        case wire.AudioDelta():
            item_id = known(said.item_id) or ""
            return events.AudioDelta(
                response_id=known(said.response_id) or "",
                item_id=item_id,
                delta=lines.spoken.from_wire(said.delta, f"{path}.delta", item_id),
                at=at,
            )
        case wire.AudioTranscriptDelta():
            return events.AudioTranscriptDelta(**_whose(said), delta=said.delta, at=at)
        case wire.TextDelta():
            return events.TextDelta(**_whose(said), delta=said.delta, at=at)
        case wire.FunctionCallArgumentsDelta():
            call_id = known(said.call_id) or ""
            return events.FunctionCallArgumentsDelta(
                **_whose(said), call_id=call_id, delta=said.delta, at=at
            )
        case wire.AudioChunk():
            return events.AudioChunk(
                delta=lines.spoken.from_wire(said.delta, f"{path}.delta"), at=at
            )
        case wire.TranscriptFragment():
            return events.TranscriptFragment(
                speaker=said.speaker,
                delta=said.delta,
                start=micros(said.start_ms, wire.NAME, f"{path}.startMs"),
                end=micros(said.end_ms, wire.NAME, f"{path}.endMs"),
                at=at,
            )
        case wire.SessionCreated():
            return events.SessionCreated(session_id=known(said.session_id), at=at)
        case wire.SessionUpdated():
            return events.SessionUpdated(at=at)
        case wire.SpeechStarted():
            return events.SpeechStarted(item_id=known(said.item_id), at=at)
        case wire.SpeechStopped():
            return events.SpeechStopped(item_id=known(said.item_id), at=at)
        case wire.AudioCommitted():
            return events.AudioCommitted(
                item_id=known(said.item_id), previous_item_id=said.previous_item_id, at=at
            )
        case wire.ConversationItemAdded():
            item = read_shown(said.item, lines)
            item_id = known(said.item_id) or (item.id if item else None) or ""
            return events.ConversationItemAdded(item_id=item_id, item=item, at=at)
        case wire.InputTranscriptionCompleted():
            return events.InputTranscriptionCompleted(
                item_id=known(said.item_id) or "",
                transcript=known(said.transcript) or "",
                usage=read_usage(said.usage),
                at=at,
            )
        case wire.ResponseCreated():
            return events.ResponseCreated(response_id=known(said.response_id) or "", at=at)
        case wire.ResponseDone():
            return events.ResponseDone(
                response_id=known(said.response_id) or "",
                status=_status(known(said.status)),
                usage=read_usage(said.usage),
                at=at,
            )
        case wire.OutputItemAdded():
            return events.OutputItemAdded(**_whose(said), at=at)
        case wire.OutputItemDone():
            return events.OutputItemDone(**_whose(said), at=at)
        case wire.ContentPartAdded():
            return events.ContentPartAdded(**_whose(said), at=at)
        case wire.ContentPartDone():
            return events.ContentPartDone(**_whose(said), at=at)
        case wire.AudioDone():
            return events.AudioDone(**_whose(said), at=at)
        case wire.AudioTranscriptDone():
            return events.AudioTranscriptDone(
                **_whose(said), transcript=known(said.transcript), at=at
            )
        case wire.TextDone():
            return events.TextDone(**_whose(said), text=known(said.text), at=at)
        case wire.FunctionCallArgumentsDone():
            return events.FunctionCallArgumentsDone(
                **_whose(said),
                call_id=known(said.call_id) or "",
                name=known(said.name) or "",
                arguments=known(said.arguments) or "",
                at=at,
            )
        case wire.Error():
            return events.Error(
                message=known(said.message) or "Unknown error",
                code=known(said.code),
                client_event_id=known(said.client_event_id),
                at=at,
            )
        case wire.Custom():
            return read_custom(said, at)
        case wire.SessionStarted():
            return events.SessionStarted(
                session_id=known(said.session_id) or "",
                delegation_mode=known(said.delegation_mode),
                at=at,
            )
        case wire.SessionClosed():
            return events.SessionClosed(
                session_id=known(said.session_id),
                usage=read_usage(said.usage),
                reason=known(said.reason),
                at=at,
            )
        case wire.SessionUsage():
            return events.SessionUsage(
                usage=read_usage(said.usage) or Usage(),
                context_window_usage_ratio=known(said.context_window_usage_ratio),
                at=at,
            )
        case wire.DelegationCreated():
            return events.DelegationCreated(
                delegation_id=known(said.delegation_id) or "",
                target=known(said.target),
                offset=micros_if(said.offset_ms, wire.NAME, f"{path}.offsetMs"),
                response_id=known(said.response_id),
                at=at,
            )
        case wire.CommandAcknowledged():
            return events.CommandAcknowledged(
                command=said.command, client_event_id=known(said.client_event_id), at=at
            )
        case Unknown():
            return events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)


def write_reply(event: events.ServerEvent, lines: Lines) -> msgspec.Struct:
    """With the fields that the AI SDK documents, and nothing of ours beside them."""
    match event:
        case events.AudioDelta():
            return wire.AudioDelta(
                response_id=event.response_id or UNSET,
                item_id=event.item_id or UNSET,
                delta=_speech(event.delta, lines),
            )
        case events.AudioTranscriptDelta():
            return wire.AudioTranscriptDelta(**_of(event), delta=event.delta)
        case events.TextDelta():
            return wire.TextDelta(**_of(event), delta=event.delta)
        case events.FunctionCallArgumentsDelta():
            call_id = event.call_id or UNSET
            return wire.FunctionCallArgumentsDelta(**_of(event), call_id=call_id, delta=event.delta)
        case events.AudioChunk():
            return wire.AudioChunk(delta=_speech(event.delta, lines))
        case events.TranscriptFragment():
            return wire.TranscriptFragment(
                speaker=event.speaker,
                delta=event.delta,
                start_ms=millis(event.start),
                end_ms=millis(event.end),
            )
        case events.SessionCreated():
            return wire.SessionCreated(session_id=given(event.session_id))
        case events.SessionUpdated():
            return wire.SessionUpdated()
        case events.SpeechStarted():
            return wire.SpeechStarted(item_id=given(event.item_id))
        case events.ResponseInterrupted():
            # Clients of the AI SDK fall silent at this alone.
            return wire.SpeechStarted()
        case events.SpeechStopped():
            return wire.SpeechStopped(item_id=given(event.item_id))
        case events.AudioCommitted():
            return wire.AudioCommitted(
                item_id=given(event.item_id), previous_item_id=event.previous_item_id
            )
        case events.ConversationItemAdded():
            return wire.ConversationItemAdded(
                item_id=event.item_id or UNSET, item=write_shown(event.item, lines)
            )
        case events.InputTranscriptionCompleted():
            return wire.InputTranscriptionCompleted(
                item_id=event.item_id or UNSET,
                transcript=event.transcript,
                usage=write_usage(event.usage),
            )
        case events.InputTranscriptionDelta(transcript=str(transcript)):
            return wire.InputTranscriptionCompleted(
                item_id=event.item_id or UNSET, transcript=transcript
            )
        case events.ResponseCreated():
            return wire.ResponseCreated(response_id=event.response_id or UNSET)
        case events.ResponseDone():
            return wire.ResponseDone(
                response_id=event.response_id or UNSET,
                status=event.status,
                usage=write_usage(event.usage),
            )
        case events.OutputItemAdded():
            return wire.OutputItemAdded(**_of(event))
        case events.OutputItemDone():
            return wire.OutputItemDone(**_of(event))
        case events.ContentPartAdded():
            return wire.ContentPartAdded(**_of(event))
        case events.ContentPartDone():
            return wire.ContentPartDone(**_of(event))
        case events.AudioDone():
            return wire.AudioDone(**_of(event))
        case events.AudioTranscriptDone():
            return wire.AudioTranscriptDone(**_of(event), transcript=given(event.transcript))
        case events.TextDone():
            return wire.TextDone(**_of(event), text=given(event.text))
        case events.FunctionCallArgumentsDone():
            return wire.FunctionCallArgumentsDone(
                **_of(event),
                call_id=event.call_id or UNSET,
                name=event.name or UNSET,
                arguments=event.arguments,
            )
        case events.Error():
            return wire.Error(
                message=event.message,
                code=given(event.code),
                client_event_id=given(event.client_event_id),
            )
        case events.SessionStarted():
            return wire.SessionStarted(
                session_id=event.session_id or UNSET,
                delegation_mode=given(event.delegation_mode),
            )
        case events.SessionClosed():
            return wire.SessionClosed(
                session_id=given(event.session_id),
                usage=UNSET if event.usage is None else write_seconds(event.usage),
                reason=given(event.reason),
            )
        case events.SessionUsage():
            return wire.SessionUsage(
                usage=write_seconds(event.usage),
                context_window_usage_ratio=given(event.context_window_usage_ratio),
            )
        case events.DelegationCreated():
            return wire.DelegationCreated(
                delegation_id=event.delegation_id or UNSET,
                target=given(event.target),
                offset_ms=given(millis_if(event.offset)),
                response_id=given(event.response_id),
            )
        case events.CommandAcknowledged():
            return wire.CommandAcknowledged(
                command=event.command, client_event_id=given(event.client_event_id)
            )
        case events.Custom():
            return write_foreign(event)
        case _:
            return write_wordless(event)


def _whose(said: wire.OfItem) -> dict[str, Any]:
    return {"response_id": known(said.response_id) or "", "item_id": known(said.item_id) or ""}


def _status(status: str | None) -> str:
    # Of a provider whose interrupted responses were not yet `cancelled` behind the gateway.
    return "cancelled" if status == "interrupted" else status or "completed"


def _of(event: events.OutputEvent) -> dict[str, Any]:
    return {"response_id": event.response_id or UNSET, "item_id": event.item_id or UNSET}


def _speech(pcm: bytes, lines: Lines) -> str:
    """Never an odd number of bytes: clients of the AI SDK take G.711 too for samples of two.

    Half a sample ends their session.
    """
    data = lines.spoken.to_bytes(pcm)
    return to_base64(data + data[-1:] if len(data) % SAMPLE_WIDTH else data)
