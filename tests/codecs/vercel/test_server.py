"""What a client of the AI SDK is told: exactly its events, and none that would harm it."""

import base64
import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import FunctionCallOutput, JsonObject, text_message
from antiphon.codecs.usage import RateLimit, Usage
from antiphon.codecs.vercel import Server
from antiphon.codecs.wire import WireError

PCM = b"\x01\x02\x03\x04"
AUDIO = "AQIDBA=="

OF_ITEM: Any = {"response_id": "r", "item_id": "i"}

TOLD: list[tuple[events.ServerEvent, JsonObject]] = [
    (events.SessionCreated(session_id="s"), {"type": "session-created", "sessionId": "s"}),
    (events.SessionCreated(config=SessionConfig(voice="v")), {"type": "session-created"}),
    (events.SessionUpdated(config=SessionConfig(voice="v")), {"type": "session-updated"}),
    (
        events.SpeechStarted(item_id="u", audio_start=5_000),
        {"type": "speech-started", "itemId": "u"},
    ),
    (events.SpeechStopped(audio_end=5_000), {"type": "speech-stopped"}),
    (events.AudioCommitted(item_id="u"), {"type": "audio-committed", "itemId": "u"}),
    (
        events.AudioCommitted(item_id="u", previous_item_id=None),
        {"type": "audio-committed", "itemId": "u", "previousItemId": None},
    ),
    (
        events.AudioCommitted(item_id="u", previous_item_id="p"),
        {"type": "audio-committed", "itemId": "u", "previousItemId": "p"},
    ),
    (
        events.ConversationItemAdded(
            item_id="u", item=text_message("hi", id="u"), previous_item_id="p"
        ),
        {
            "type": "conversation-item-added",
            "itemId": "u",
            "item": {
                "type": "message",
                "id": "u",
                "role": "user",
                "content": [{"type": "input_text", "text": "hi"}],
            },
        },
    ),
    (
        events.InputTranscriptionCompleted(
            item_id="u", content_index=1, transcript="", languages=("de",), usage=Usage(seconds=2.5)
        ),
        {
            "type": "input-transcription-completed",
            "itemId": "u",
            "transcript": "",
            "usage": {"seconds": 2.5},
        },
    ),
    (
        events.ResponseCreated(response_id="r", status="in_progress", metadata={"a": 1}),
        {"type": "response-created", "responseId": "r"},
    ),
    (
        events.ResponseDone(response_id="r", status="cancelled", reason="turn_detected", output=()),
        {"type": "response-done", "responseId": "r", "status": "cancelled"},
    ),
    (
        events.ResponseDone(
            response_id="r",
            status="completed",
            usage=Usage(
                input_tokens=0,
                output_tokens=2,
                cached_input_tokens=3,
                input_text_tokens=4,
                input_audio_tokens=5,
                output_text_tokens=6,
                output_audio_tokens=7,
                cached_input_text_tokens=8,
                cached_input_audio_tokens=9,
                input_image_tokens=10,
                cached_input_image_tokens=11,
                seconds=12.5,
            ),
        ),
        {
            "type": "response-done",
            "responseId": "r",
            "status": "completed",
            "usage": {
                "inputTokens": 0,
                "outputTokens": 2,
                "cachedInputTokens": 3,
                "inputTextTokens": 4,
                "inputAudioTokens": 5,
                "outputTextTokens": 6,
                "outputAudioTokens": 7,
                "cachedInputTextTokens": 8,
                "cachedInputAudioTokens": 9,
                "seconds": 12.5,
            },
        },
    ),
    (
        events.ResponseDone(response_id="r", status="failed", usage=Usage()),
        {"type": "response-done", "responseId": "r", "status": "failed"},
    ),
    (
        events.OutputItemAdded(**OF_ITEM, output_index=2, item=text_message("x")),
        {"type": "output-item-added", "responseId": "r", "itemId": "i"},
    ),
    (
        events.ContentPartAdded(**OF_ITEM, content_index=1),
        {"type": "content-part-added", "responseId": "r", "itemId": "i"},
    ),
    (
        events.AudioDelta(**OF_ITEM, delta=PCM, event_id="e", at=7),
        {"type": "audio-delta", "responseId": "r", "itemId": "i", "delta": AUDIO},
    ),
    (
        events.AudioDelta(**OF_ITEM, delta=b""),
        {"type": "audio-delta", "responseId": "r", "itemId": "i", "delta": ""},
    ),
    (events.AudioDone(**OF_ITEM), {"type": "audio-done", "responseId": "r", "itemId": "i"}),
    (
        events.AudioTranscriptDone(**OF_ITEM),
        {"type": "audio-transcript-done", "responseId": "r", "itemId": "i"},
    ),
    (
        events.TextDone(**OF_ITEM, text=""),
        {"type": "text-done", "responseId": "r", "itemId": "i", "text": ""},
    ),
    (
        events.FunctionCallArgumentsDone(**OF_ITEM, call_id="c", name="", arguments="{}"),
        {
            "type": "function-call-arguments-done",
            "responseId": "r",
            "itemId": "i",
            "callId": "c",
            "arguments": "{}",
        },
    ),
    (
        events.Error(
            message="m", code="c", client_event_id="x", error_type="t", param="p", fatal=True
        ),
        {"type": "error", "message": "m", "code": "c", "clientEventId": "x"},
    ),
    (
        events.SessionStarted(session_id="s", delegation_mode="client"),
        {"type": "session-started", "sessionId": "s", "delegationMode": "client"},
    ),
    (
        events.SessionClosed(usage=Usage(seconds=3, input_tokens=1), reason="client"),
        {"type": "session-closed", "usage": {"seconds": 3}, "reason": "client"},
    ),
    (events.SessionClosed(), {"type": "session-closed"}),
    (
        events.SessionUsage(usage=Usage(seconds=3), context_window_usage_ratio=0.25),
        {"type": "session-usage", "usage": {"seconds": 3}, "contextWindowUsageRatio": 0.25},
    ),
    (
        events.AudioChunk(delta=PCM, start=0, end=1_000),
        {"type": "audio-chunk", "delta": AUDIO},
    ),
    (
        events.TranscriptFragment(speaker="user", delta="a", start=1_999, end=2_000),
        {
            "type": "transcript-fragment",
            "speaker": "user",
            "delta": "a",
            "startMs": 1,
            "endMs": 2,
        },
    ),
    (
        events.DelegationCreated(delegation_id="d", target="provider", offset=9_000),
        {"type": "delegation-created", "delegationId": "d", "target": "provider", "offsetMs": 9},
    ),
    (
        events.CommandAcknowledged(command="session.update", client_event_id="x"),
        {"type": "command-acknowledged", "command": "session.update", "clientEventId": "x"},
    ),
]

ERROR = events.ErrorDetail(message="m")

WORDLESS: list[tuple[events.ServerEvent, str]] = [
    (
        events.InputTranscriptionDelta(item_id="u", delta="a"),
        "conversation.item.input_audio_transcription.delta",
    ),
    (
        events.InputTranscriptionFailed(item_id="u", error=ERROR),
        "conversation.item.input_audio_transcription.failed",
    ),
    (events.ConversationItemDone(item_id="u"), "conversation.item.done"),
    (
        events.ConversationItemRetrieved(item_id="u", item=text_message("x")),
        "conversation.item.retrieved",
    ),
    (events.ConversationItemTruncated(item_id="u"), "conversation.item.truncated"),
    (events.ConversationItemDeleted(item_id="u"), "conversation.item.deleted"),
    (events.InputAudioCleared(), "input_audio_buffer.cleared"),
    (events.InputTimeoutTriggered(), "input_audio_buffer.timeout_triggered"),
    (events.DtmfReceived(digit="5"), "input_audio_buffer.dtmf_event_received"),
    (events.OutputPlaybackStarted(response_id="r"), "output_audio_buffer.started"),
    (events.OutputPlaybackStopped(response_id="r"), "output_audio_buffer.stopped"),
    (events.OutputPlaybackCleared(response_id="r"), "output_audio_buffer.cleared"),
    (events.RateLimits(limits=(RateLimit(name="tokens"),)), "rate_limits.updated"),
    (events.GoAway(time_left=10_000_000), "goAway"),
    (events.ResumptionHandle(handle="h"), "sessionResumptionUpdate"),
    (events.FunctionCallCancelled(call_ids=("c",)), "toolCallCancellation"),
    (events.OutputDtmf(digit="5"), "dtmf_output"),
    (events.Reconnecting(attempt=1), "antiphon.reconnecting"),
    (events.Reconnected(), "antiphon.reconnected"),
]


def told(*said: events.ServerEvent, by: Server | None = None) -> list[JsonObject]:
    server = by or Server()
    return [json.loads(message) for event in said for message in server.encode(event)]


def types(*said: events.ServerEvent) -> list[str]:
    return [event["type"] for event in told(*said)]


def asked(server: Server, **message: Any) -> Any:
    (event,) = server.decode(json.dumps(message))
    return event


@pytest.mark.parametrize(("event", "message"), TOLD)
def test_an_event_has_the_documented_fields_and_no_others(
    event: events.ServerEvent, message: JsonObject
) -> None:
    assert told(event) == [message]


@pytest.mark.parametrize(("event", "name"), WORDLESS)
def test_what_the_sdk_has_no_word_for_is_custom_and_named_as_its_provider_does(
    event: events.ServerEvent, name: str
) -> None:
    (message,) = told(msgspec.structs.replace(event, at=12))

    assert message.pop("raw") == json.loads(msgspec.json.encode(event))
    assert message == {"type": "custom", "rawType": name}


def test_words_of_another_dialect_are_custom_with_their_usage() -> None:
    event = events.Custom(
        dialect="gemini",
        raw_type="usageMetadata",
        raw=msgspec.Raw(b'{"usageMetadata":{}}'),
        usage=Usage(input_tokens=1),
    )

    assert told(event) == [
        {
            "type": "custom",
            "rawType": "usageMetadata",
            "usage": {"inputTokens": 1},
            "raw": {"usageMetadata": {}},
        }
    ]


def test_words_without_a_name_are_custom_without_one() -> None:
    raw = msgspec.Raw(b'{"foo":1}')

    assert told(events.Custom(dialect="openai", raw_type="", raw=raw)) == [
        {"type": "custom", "raw": {"foo": 1}}
    ]


def test_words_of_this_dialect_are_passed_on_as_they_are() -> None:
    raw = b'{"type":"new-event",  "x":1}'

    assert list(
        Server().encode(events.Custom(dialect="vercel", raw_type="new-event", raw=msgspec.Raw(raw)))
    ) == [raw.decode()]


# Silence.


def speech_started(item_id: str | None = None) -> JsonObject:
    return {"type": "speech-started"} | ({"itemId": item_id} if item_id else {})


SPEECH = events.SpeechStarted(item_id="u")
INTERRUPTED = events.ResponseInterrupted(response_id="r", item_id="i")
DELTA = events.AudioDelta(**OF_ITEM, delta=PCM)


def test_an_interruption_is_told_as_speech() -> None:
    assert told(INTERRUPTED) == [speech_started()]


def test_an_interruption_by_speech_that_was_told_is_not_told_again() -> None:
    done = events.ResponseDone(response_id="r", status="cancelled")

    assert types(SPEECH, events.AudioDone(**OF_ITEM), INTERRUPTED, done) == [
        "speech-started",
        "audio-done",
        "response-done",
    ]


def test_speech_after_an_interruption_that_was_told_is_not_told_again() -> None:
    assert types(INTERRUPTED, SPEECH) == ["speech-started"]


def test_speech_of_another_turn_is_told_again() -> None:
    stopped = events.SpeechStopped(item_id="u")

    assert told(INTERRUPTED, stopped, SPEECH)[2] == speech_started("u")


def test_speech_is_told_as_often_as_it_starts() -> None:
    assert types(SPEECH, SPEECH) == ["speech-started", "speech-started"]


@pytest.mark.parametrize(
    "late",
    [
        DELTA,
        events.AudioTranscriptDelta(**OF_ITEM, delta="a"),
        events.TextDelta(**OF_ITEM, delta="a"),
        events.AudioChunk(delta=PCM),
        events.ResponseCreated(response_id="r"),
    ],
)
def test_what_was_said_since_can_be_interrupted_anew(late: events.ServerEvent) -> None:
    assert types(SPEECH, late, INTERRUPTED)[2:] == ["speech-started"]


# Calls, transcripts.


def called(call_id: str) -> events.FunctionCallArgumentsDone:
    return events.FunctionCallArgumentsDone(**OF_ITEM, call_id=call_id, name="f", arguments="{}")


def test_a_tool_is_called_once() -> None:
    assert [e["callId"] for e in told(called("a"), called("b"), called("a"))] == ["a", "b"]


def test_calls_without_an_id_are_all_told() -> None:
    assert len(told(called(""), called(""))) == 2


def test_a_call_whose_arguments_came_whole_is_told_without_a_delta() -> None:
    assert types(called("a")) == ["function-call-arguments-done"]


def understood(transcript: str, **more: Any) -> events.InputTranscriptionCompleted:
    return events.InputTranscriptionCompleted(item_id="u", transcript=transcript, **more)


def fragment(transcript: str) -> events.InputTranscriptionDelta:
    return events.InputTranscriptionDelta(item_id="u", delta="x", transcript=transcript)


def test_a_transcript_that_may_never_be_complete_is_told_as_it_grows() -> None:
    assert told(fragment("The quick"), fragment("The quick fox")) == [
        {"type": "input-transcription-completed", "itemId": "u", "transcript": "The quick"},
        {"type": "input-transcription-completed", "itemId": "u", "transcript": "The quick fox"},
    ]


def test_a_complete_transcript_that_was_told_is_not_told_again() -> None:
    assert len(told(fragment("a"), fragment("a b"), understood("a b"))) == 2


def test_a_complete_transcript_that_differs_is_told() -> None:
    assert [e["transcript"] for e in told(fragment("a"), understood("a b"))] == ["a", "a b"]


def test_the_same_words_of_another_item_are_told() -> None:
    other = events.InputTranscriptionCompleted(item_id="u2", transcript="a")

    assert [e["itemId"] for e in told(understood("a"), other)] == ["u", "u2"]


def test_a_transcript_that_was_told_is_told_again_for_its_usage() -> None:
    assert told(understood("a"), understood("a", usage=Usage(seconds=1)))[1:] == [
        {
            "type": "input-transcription-completed",
            "itemId": "u",
            "transcript": "a",
            "usage": {"seconds": 1},
        }
    ]


# Audio.


def test_audio_is_24_khz_until_the_client_says_otherwise() -> None:
    server = Server()
    assert (server.input_rate, server.output_rate) == (24_000, 24_000)

    asked(server, type="session-update", config={"outputAudioFormat": {"type": "audio/pcmu"}})
    assert (server.input_rate, server.output_rate) == (24_000, 8_000)

    asked(
        server,
        type="session-update",
        config={"inputAudioFormat": {"type": "audio/pcm", "rate": 16000}},
    )
    assert (server.input_rate, server.output_rate) == (16_000, 8_000)


def test_a_delta_has_whole_samples_for_a_client_that_takes_g711_for_pcm() -> None:
    server = Server()
    asked(server, type="session-update", config={"outputAudioFormat": {"type": "audio/pcma"}})

    (message,) = told(events.AudioDelta(**OF_ITEM, delta=b"\x08\x00" * 3), by=server)

    assert base64.b64decode(message["delta"]) == b"\xd5\xd5\xd5\xd5"


def test_half_a_sample_waits_for_the_next_message() -> None:
    server = Server()

    heard = [asked(server, type="input-audio-append", audio="AQID") for _ in range(2)]

    assert [event.audio for event in heard] == [b"\x01\x02", b"\x03\x01\x02\x03"]


def test_an_audio_message_is_no_part_of_the_stream() -> None:
    server = Server()

    asked(server, type="input-audio-append", audio="AQID")
    item = {"type": "audio-message", "role": "user", "audio": "BwgJ"}
    (part,) = asked(server, type="conversation-item-create", item=item).item.content

    assert part.audio == b"\x07\x08"
    assert asked(server, type="input-audio-append", audio="BA==").audio == b"\x03\x04"


def test_a_format_that_there_is_not_is_refused_and_changes_nothing() -> None:
    server = Server()

    for bad in ({"type": "audio/opus"}, {"type": "audio/pcm", "rate": -1}):
        config = {"inputAudioFormat": {"type": "audio/pcmu"}, "outputAudioFormat": bad}
        with pytest.raises(WireError, match=r"\$\.config\.outputAudioFormat"):
            asked(server, type="session-update", config=config)

    assert (server.input_rate, server.output_rate) == (24_000, 24_000)


# What a client asks.


def test_a_first_message_settles_the_session() -> None:
    event = asked(Server(), type="session-update", config={"voice": "alloy"}, eventId="e")

    assert event == events.SessionUpdate(config=SessionConfig(voice="alloy"), event_id="e")


def test_a_tool_that_returned_nothing_has_answered() -> None:
    item = {"type": "function-call-output", "callId": "c", "name": "f"}

    event = asked(Server(), type="conversation-item-create", item=item)

    assert event.item == FunctionCallOutput(call_id="c", name="f", output="null")


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (
            {"type": "conversation-item-retrieve", "itemId": "i"},
            events.ConversationItemRetrieve(item_id="i"),
        ),
        (
            {"type": "conversation-item-delete", "itemId": "i", "eventId": "e"},
            events.ConversationItemDelete(item_id="i", event_id="e"),
        ),
        ({"type": "output-audio-clear"}, events.OutputAudioClear()),
        ({"type": "input-activity-start"}, events.InputActivityStart()),
        ({"type": "input-dtmf", "digit": "5"}, events.InputDtmf(digit="5")),
        ({"type": "response-cancel", "responseId": "r"}, events.ResponseCancel(response_id="r")),
        (
            {
                "type": "conversation-item-create",
                "item": {"type": "text-message", "text": "hi"},
                "previousItemId": "root",
            },
            events.ConversationItemCreate(item=text_message("hi"), previous_item_id="root"),
        ),
        ({"type": "response-create", "options": None}, events.ResponseCreate()),
    ],
)
def test_more_is_heard_than_clients_of_the_sdk_say(
    message: JsonObject, event: events.ClientEvent
) -> None:
    assert asked(Server(), **message) == event


def test_every_event_is_of_its_moment() -> None:
    (event,) = Server().decode('{"type":"input-audio-commit"}', at=7)

    assert event == events.InputAudioCommit(at=7)
