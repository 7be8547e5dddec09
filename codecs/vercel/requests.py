"""What a client says, both ways."""

import msgspec

from antiphon.codecs import events
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.items import read_sent, write_sent
from antiphon.codecs.vercel.session import (
    Lines,
    read_config,
    read_options,
    write_config,
    write_options,
)
from antiphon.codecs.wire import Unknown, given, known, micros, millis


def read_request(said: wire.FromClient | Unknown, lines: Lines, at: int = 0) -> events.ClientEvent:
    match said:
        case wire.InputAudioAppend():
            return events.InputAudioAppend(
                audio=lines.heard.from_wire(said.audio, "$.audio"),
                event_id=known(said.event_id),
                at=at,
            )
        case wire.SessionUpdate():
            config = read_config(said.config, "$.config")
            return events.SessionUpdate(config=config, event_id=known(said.event_id), at=at)
        case wire.SessionStart():
            config = read_config(said.config, "$.config")
            return events.SessionStart(config=config, event_id=known(said.event_id), at=at)
        case wire.SessionClose():
            return events.SessionClose(event_id=known(said.event_id), at=at)
        case wire.InputAudioMute():
            return events.InputAudioMute(event_id=known(said.event_id), at=at)
        case wire.InputAudioUnmute():
            return events.InputAudioUnmute(event_id=known(said.event_id), at=at)
        case wire.ContextAppend():
            return events.ContextAppend(
                content=said.content,
                delegation_id=said.delegation_id,
                provider_options=known(said.provider_options),
                event_id=known(said.event_id),
                at=at,
            )
        case wire.InputAudioCommit():
            return events.InputAudioCommit(event_id=known(said.event_id), at=at)
        case wire.InputAudioClear():
            return events.InputAudioClear(event_id=known(said.event_id), at=at)
        case wire.ConversationItemCreate():
            return events.ConversationItemCreate(
                item=read_sent(said.item, "$.item", lines),
                previous_item_id=known(said.previous_item_id),
                event_id=known(said.event_id),
                at=at,
            )
        case wire.ConversationItemTruncate():
            return events.ConversationItemTruncate(
                item_id=said.item_id,
                content_index=said.content_index,
                audio_end=micros(said.audio_end_ms, wire.NAME, "$.audioEndMs"),
                event_id=known(said.event_id),
                at=at,
            )
        case wire.ResponseCreate():
            options = read_options(said.options, "$.options")
            return events.ResponseCreate(options=options, event_id=known(said.event_id), at=at)
        case wire.ResponseCancel():
            return events.ResponseCancel(
                response_id=known(said.response_id), event_id=known(said.event_id), at=at
            )
        case wire.ConversationItemRetrieve():
            return events.ConversationItemRetrieve(
                item_id=said.item_id, event_id=known(said.event_id), at=at
            )
        case wire.ConversationItemDelete():
            return events.ConversationItemDelete(
                item_id=said.item_id, event_id=known(said.event_id), at=at
            )
        case wire.OutputAudioClear():
            return events.OutputAudioClear(event_id=known(said.event_id), at=at)
        case wire.InputActivityStart():
            return events.InputActivityStart(event_id=known(said.event_id), at=at)
        case wire.InputDtmf():
            return events.InputDtmf(digit=said.digit, event_id=known(said.event_id), at=at)
        case Unknown():
            return events.Custom(dialect=wire.NAME, raw_type=said.type, raw=said.raw, at=at)


def write_request(event: events.ClientEvent, lines: Lines) -> msgspec.Struct | None:
    """None where the AI SDK has no word."""
    match event:
        case events.InputAudioAppend():
            audio = lines.heard.to_wire(event.audio)
            return wire.InputAudioAppend(audio=audio, event_id=given(event.event_id))
        case events.SessionUpdate():
            config = write_config(event.config)
            return wire.SessionUpdate(config=config, event_id=given(event.event_id))
        case events.SessionStart():
            config = write_config(event.config)
            return wire.SessionStart(config=config, event_id=given(event.event_id))
        case events.SessionClose():
            return wire.SessionClose(event_id=given(event.event_id))
        case events.InputAudioMute():
            return wire.InputAudioMute(event_id=given(event.event_id))
        case events.InputAudioUnmute():
            return wire.InputAudioUnmute(event_id=given(event.event_id))
        case events.ContextAppend():
            return wire.ContextAppend(
                content=event.content,
                delegation_id=event.delegation_id,
                event_id=given(event.event_id),
                provider_options=given(event.provider_options),
            )
        # The rest has no event id in the AI SDK.
        case events.InputAudioCommit():
            return wire.InputAudioCommit()
        case events.InputAudioClear():
            return wire.InputAudioClear()
        case events.ConversationItemCreate():
            return wire.ConversationItemCreate(item=write_sent(event.item, lines))
        case events.ConversationItemTruncate():
            return wire.ConversationItemTruncate(
                item_id=event.item_id,
                content_index=event.content_index,
                audio_end_ms=millis(event.audio_end),
            )
        case events.ResponseCreate():
            return wire.ResponseCreate(options=write_options(event.options))
        case events.ResponseCancel():
            return wire.ResponseCancel()
        case _:
            return None
