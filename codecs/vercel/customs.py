"""Events that the AI SDK has no word for, as its `custom` event.

It is named as by the provider that has the event, as the AI SDK would name it, and its `raw` is
our event in our own JSON: a client of the AI SDK sees that it happened, ours reads all of it.
"""

from typing import get_args

import msgspec
from msgspec import UNSET, Raw
from msgspec.json import Decoder

from antiphon.codecs import events
from antiphon.codecs.usage import Usage
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.usage import read_usage, write_usage
from antiphon.codecs.wire import given, known, read

Wordless = (
    events.InputTranscriptionDelta
    | events.InputTranscriptionFailed
    | events.ConversationItemDone
    | events.ConversationItemRetrieved
    | events.ConversationItemTruncated
    | events.ConversationItemDeleted
    | events.InputAudioCleared
    | events.InputTimeoutTriggered
    | events.DtmfReceived
    | events.OutputPlaybackStarted
    | events.OutputPlaybackStopped
    | events.OutputPlaybackCleared
    | events.RateLimits
    | events.GoAway
    | events.ResumptionHandle
    | events.FunctionCallCancelled
    | events.OutputDtmf
    | events.Reconnecting
    | events.Reconnected
)

NAMES: dict[type[events.EventFrame], str] = {
    events.InputTranscriptionDelta: "conversation.item.input_audio_transcription.delta",
    events.InputTranscriptionFailed: "conversation.item.input_audio_transcription.failed",
    events.ConversationItemDone: "conversation.item.done",
    events.ConversationItemRetrieved: "conversation.item.retrieved",
    events.ConversationItemTruncated: "conversation.item.truncated",
    events.ConversationItemDeleted: "conversation.item.deleted",
    events.InputAudioCleared: "input_audio_buffer.cleared",
    events.InputTimeoutTriggered: "input_audio_buffer.timeout_triggered",
    events.DtmfReceived: "input_audio_buffer.dtmf_event_received",
    events.OutputPlaybackStarted: "output_audio_buffer.started",
    events.OutputPlaybackStopped: "output_audio_buffer.stopped",
    events.OutputPlaybackCleared: "output_audio_buffer.cleared",
    events.RateLimits: "rate_limits.updated",
    events.GoAway: "goAway",
    events.ResumptionHandle: "sessionResumptionUpdate",
    events.FunctionCallCancelled: "toolCallCancellation",
    events.OutputDtmf: "dtmf_output",
    events.Reconnecting: "antiphon.reconnecting",
    events.Reconnected: "antiphon.reconnected",
}

_TAGS: dict[str, str] = {
    NAMES[kind]: str(kind.__struct_config__.tag) for kind in get_args(Wordless)
}
"""What `raw` is in our vocabulary, by the name of the event."""

_decoder: Decoder[Wordless] = Decoder(Wordless)


def read_custom(said: wire.Custom, at: int) -> Wordless | events.Custom:
    name = known(said.raw_type) or ""
    raw = Raw(b"null") if said.raw is UNSET else said.raw.copy()
    if name in _TAGS and wire.head(raw)[0] == _TAGS[name]:
        event = read(wire.NAME, _decoder, raw, "$.raw")
        return msgspec.structs.replace(event, at=at)
    # Whose words it is in, a gateway does not say.
    return events.Custom(raw_type=name, raw=raw, usage=read_usage(said.usage), at=at)


def write_wordless(event: Wordless) -> wire.Custom:
    raw = Raw(wire.write(msgspec.structs.replace(event, at=0)))
    return _custom(NAMES[type(event)], raw, None)


def write_foreign(event: events.Custom) -> wire.Custom:
    """What a provider said in words of its own."""
    return _custom(event.raw_type, event.raw, event.usage)


def _custom(name: str, raw: Raw, usage: Usage | None) -> wire.Custom:
    return wire.Custom(
        raw_type=given(name or None),
        usage=write_usage(usage),
        raw=UNSET if bytes(raw) == b"null" else raw,
    )
