"""The server's end: what it understands, and what it fills in for clients that need it."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import (
    AudioFormat,
    ResponseOptions,
    SessionConfig,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Message,
    TextPart,
    text_message,
)
from antiphon.codecs.openai import Client, Server
from antiphon.codecs.usage import RateLimit, Usage
from antiphon.codecs.wire import WireError
from tests.codecs.openai import strict

Json = dict[str, Any]
OF: Json = {"response_id": "r", "item_id": "i"}


def hear(server: Server, **wire: Any) -> events.ClientEvent:
    [event] = server.decode(json.dumps(wire), 7)
    assert event.at == 7
    return event


def said(server: Server, *stream: events.ServerEvent) -> list[Json]:
    return [strict.from_server(message) for event in stream for message in server.encode(event)]


def only(event: events.ServerEvent) -> Json:
    """The one message that is said."""
    [message] = said(Server("gpt-realtime-2"), event)
    return message


# What it understands.


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        (
            {"type": "response.create", "response": {}},
            events.ResponseCreate(options=ResponseOptions()),
        ),
        (
            {
                "type": "response.create",
                "response": {
                    "input": [
                        {
                            "type": "message",
                            "role": "user",
                            "content": [{"type": "input_text", "text": "a"}],
                        }
                    ],
                    "modalities": ["text"],
                    "conversation": "auto",
                    "audio": {"output": {"voice": {"id": "voice_a"}}},
                    "tools": [{"type": "mcp"}],
                    "tool_choice": {"type": "mcp"},
                    "other": 1,
                },
            },
            events.ResponseCreate(
                options=ResponseOptions(
                    conversation="auto",
                    input=(text_message("a"),),
                    modalities=("text",),
                    voice="voice_a",
                    tools=(),
                    provider_options={
                        "other": 1,
                        "tools": [{"type": "mcp"}],
                        "tool_choice": {"type": "mcp"},
                    },
                )
            ),
        ),
        (
            {
                "type": "conversation.item.truncate",
                "item_id": "i",
                "content_index": 0,
                "audio_end_ms": 1,
            },
            events.ConversationItemTruncate(item_id="i", audio_end=1000),
        ),
        ({"type": "response.cancel", "event_id": "e"}, events.ResponseCancel(event_id="e")),
        ({"type": "output_audio_buffer.clear"}, events.OutputAudioClear()),
    ],
)
def test_what_clients_say_is_understood(wire: Json, event: Any) -> None:
    assert hear(Server(), **wire) == msgspec.structs.replace(event, at=7)


def test_an_items_audio_has_nothing_to_do_with_the_stream() -> None:
    server = Server()
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "audio": "eHl6"}],
    }

    first = hear(server, type="input_audio_buffer.append", audio="YWJj")
    create = hear(server, type="conversation.item.create", item=item)
    second = hear(server, type="input_audio_buffer.append", audio="ZA==")

    assert isinstance(first, events.InputAudioAppend)
    assert isinstance(create, events.ConversationItemCreate)
    assert isinstance(second, events.InputAudioAppend)
    assert (first.audio, second.audio) == (b"ab", b"cd")
    assert create.item == Message(role="user", content=(AudioPart(audio=b"xy"),))


def test_a_message_of_a_new_type_is_kept_word_for_word() -> None:
    event = hear(Server(), type="session.dance", steps=2)

    assert isinstance(event, events.Custom)
    assert json.loads(bytes(event.raw)) == {"type": "session.dance", "steps": 2}
    assert list(Client().encode(event)) == ['{"type": "session.dance", "steps": 2}']


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ({"type": "session.update"}, "$"),
        ({"type": "session.update", "session": {"tools": {}}}, "$.session.tools"),
        ({"type": "session.update", "session": {"a": 2**64}}, "$.session"),
        ({"type": "input_audio_buffer.append", "audio": "&"}, "$.audio"),
        ({"type": "response.create", "response": {"input": 5}}, "$.response.input"),
        ({"type": "response.create", "response": {"input": [5]}}, "$.response.input[0]"),
        (
            {"type": "response.create", "response": {"input": [{"id": 5}]}},
            "$.response.input[0].id",
        ),
        (
            {
                "type": "conversation.item.truncate",
                "item_id": "i",
                "content_index": 2**63,
                "audio_end_ms": 0,
            },
            "$.content_index",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(wire: Json, path: str) -> None:
    with pytest.raises(WireError) as error:
        hear(Server(), **wire)

    assert error.value.path == path


def test_a_mistake_changes_nothing() -> None:
    server = Server()
    half = {
        "instructions": "Sing.",
        "audio": {
            "input": {"format": {"type": "audio/pcmu"}},
            "output": {"format": {"type": "audio/pcm", "rate": 0}},
        },
    }

    with pytest.raises(WireError):
        hear(server, type="session.update", session=half)

    assert (server.input_rate, server.output_rate) == (24_000, 24_000)
    [shown] = said(server, events.SessionCreated())
    assert "instructions" not in shown["session"]


# The session.


def test_a_session_is_shown_as_a_whole() -> None:
    shown = only(events.SessionCreated(session_id="s"))

    pcm = {"format": {"type": "audio/pcm", "rate": 24_000}}
    assert shown["session"] == {
        "type": "realtime",
        "object": "realtime.session",
        "id": "s",
        "model": "gpt-realtime-2",
        "output_modalities": ["audio"],
        "audio": {"input": pcm, "output": pcm},
        "tools": [],
        "tool_choice": "auto",
    }


def test_a_session_has_one_id() -> None:
    server = Server()

    created, updated = said(server, events.SessionCreated(), events.SessionUpdated())

    assert created["session"]["id"] == updated["session"]["id"]


def test_what_was_settled_before_is_shown_with_what_is_new() -> None:
    server = Server()
    said(server, events.SessionCreated(config=SessionConfig(voice="marin")))
    hear(server, type="session.update", session={"instructions": "Sing.", "prompt": {"id": "p"}})
    hear(server, type="session.update", session={"tracing": None})

    [shown] = said(server, events.SessionUpdated(config=SessionConfig(speed=1.5)))

    session = shown["session"]
    assert session["instructions"] == "Sing."
    assert session["audio"]["output"] | {"format": 0} == {
        "voice": "marin",
        "speed": 1.5,
        "format": 0,
    }
    assert (session["tracing"], session["prompt"]) == (None, {"id": "p"})


def test_a_detection_of_turns_is_shown_with_its_defaults() -> None:
    """Else some clients cancel what the server has cancelled already."""
    server = Server()
    said(server, events.SessionCreated())
    audio = {"input": {"turn_detection": {"type": "semantic_vad"}}}
    hear(server, type="session.update", session={"audio": audio})

    [shown] = said(server, events.SessionUpdated())

    assert shown["session"]["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "create_response": True,
        "interrupt_response": True,
    }


def test_a_session_begins_once() -> None:
    server = Server()

    messages = said(
        server, events.SessionStarted(session_id="s"), events.SessionCreated(session_id="t")
    )

    assert [message["type"] for message in messages] == ["session.created", "session.updated"]
    assert messages[0]["session"]["id"] == "s"


def test_formats_are_those_that_the_client_asked_for_whatever_is_behind() -> None:
    server = Server()
    audio = {"output": {"format": {"type": "audio/pcmu"}}}
    hear(server, type="session.update", session={"audio": audio})
    behind = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcm", rate=16_000),
        output_audio_format=AudioFormat(type="audio/pcm", rate=16_000),
    )

    [shown] = said(server, events.SessionCreated(config=behind))

    assert shown["session"]["audio"] == {
        "input": {"format": {"type": "audio/pcm", "rate": 24_000}},
        "output": {"format": {"type": "audio/pcmu"}},
    }
    assert (server.input_rate, server.output_rate) == (24_000, 8000)


@pytest.mark.parametrize(
    ("audio", "rate"),
    [
        (AudioFormat(type="audio/pcma", rate=8000), 8000),
        (AudioFormat(type="audio/opus"), 24_000),
        (AudioFormat(type="audio/pcm", rate=48_000), 24_000),
        (AudioFormat(type="audio/pcm"), 24_000),
    ],
)
def test_a_format_behind_is_taken_over_if_clients_have_it(audio: AudioFormat, rate: int) -> None:
    server = Server()

    said(server, events.SessionCreated(config=SessionConfig(output_audio_format=audio)))

    assert server.output_rate == rate


def test_a_session_that_only_transcribes_is_shown_so() -> None:
    server = Server("gpt-4o-transcribe")
    hear(server, type="session.update", session={"type": "transcription", "include": [1]})
    behind = SessionConfig(instructions="Sing.", turn_detection=TurnDetection(type="server-vad"))

    [shown] = said(server, events.SessionUpdated(config=behind))

    assert shown["session"].keys() == {"type", "id", "object", "audio"}
    assert shown["session"]["audio"] == {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": {"model": "gpt-4o-transcribe"},
            "turn_detection": {"type": "server_vad"},
        }
    }


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"tracing": "auto", "truncation": "disabled", "prompt": None}, True),
        ({"tracing": {"workflow_name": "w"}, "prompt": {"id": "p", "version": "1"}}, True),
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 0.5}}, True),
        ({"include": ["item.input_audio_transcription.logprobs"]}, True),
        ({"tools": [{"type": "mcp", "server_label": "s"}]}, True),
        ({"tool_choice": {"type": "mcp", "server_label": "s"}}, True),
        ({"tools": [{"type": "web_search"}]}, False),
        ({"tool_choice": {"type": "any"}}, False),
        ({"include": ["usage"]}, False),
        ({"tracing": {"id": 1}}, False),
        ({"resumption": True}, False),
    ],
)
def test_options_are_shown_if_they_are_openais(options: Json, shown: bool) -> None:
    session = only(events.SessionCreated(config=SessionConfig(provider_options=options)))["session"]

    assert all((session.get(key, "none") == value) is shown for key, value in options.items())


def test_choices_of_other_providers_are_not_shown() -> None:
    config = SessionConfig(
        reasoning_effort="none",
        input_audio_transcription=Transcription(delay="long"),
        turn_detection=TurnDetection(type="semantic-vad", eagerness="very", threshold=0.5),
    )

    session = only(events.SessionCreated(config=config))["session"]

    assert "reasoning" not in session
    assert session["audio"]["input"]["transcription"] == {"model": "gpt-realtime-whisper"}
    assert session["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}


# What it fills in.


def test_every_event_has_a_name_its_own_if_it_has_one() -> None:
    messages = said(Server(), events.InputAudioCleared(event_id="mine"), events.InputAudioCleared())

    assert [message["event_id"] for message in messages] == ["mine", "event_1"]


def test_what_the_user_says_is_one_item_until_it_is_committed() -> None:
    server = Server()
    turn = (events.SpeechStarted(at=5000), events.SpeechStopped(at=9000), events.AudioCommitted())

    first, second = said(server, *turn), said(server, *turn)

    assert [message["item_id"] for message in first] == ["item_1"] * 3
    assert [message["item_id"] for message in second] == ["item_2"] * 3
    assert (first[0]["audio_start_ms"], first[1]["audio_end_ms"]) == (5, 9)


def test_an_id_that_is_known_is_kept() -> None:
    messages = said(
        Server(), events.SpeechStarted(item_id="a"), events.SpeechStopped(), events.AudioCommitted()
    )

    assert [message["item_id"] for message in messages] == ["a"] * 3


def test_an_interruption_is_told_as_speech_once() -> None:
    server = Server()
    interrupted = events.ResponseInterrupted(response_id="r")

    assert len(said(server, interrupted)) == 1
    assert said(server, interrupted) == []
    said(server, events.ResponseCreated(response_id="s"))
    assert len(said(server, events.SpeechStarted())) == 1
    assert said(server, interrupted) == []


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("completed", ("completed", None)),
        ("cancelled", ("cancelled", {"type": "cancelled", "reason": "turn_detected"})),
        ("odd", ("failed", {"type": "failed", "reason": "turn_detected"})),
        ("in_progress", ("failed", {"type": "failed", "reason": "turn_detected"})),
    ],
)
def test_a_response_ends_in_one_of_four_ways(status: str, told: Any) -> None:
    done = events.ResponseDone(response_id="r", status=status, reason="turn_detected")

    response = said(Server(), done)[-1]["response"]

    assert (response["status"], response["status_details"]) == told


def test_a_failure_is_told_with_its_error() -> None:
    done = events.ResponseDone(
        response_id="r",
        status="failed",
        reason="of its own",
        error=events.ErrorDetail(message="no", code="c", error_type="t", param="p"),
    )

    details = said(Server(), done)[-1]["response"]["status_details"]

    assert details == {"type": "failed", "error": {"type": "t", "code": "c", "message": "no"}}


def test_a_response_is_told_with_how_it_sounds() -> None:
    config = SessionConfig(voice="marin", output_audio_format=AudioFormat(type="audio/pcmu"))

    created = said(
        Server(), events.SessionCreated(config=config), events.ResponseCreated(response_id="r")
    )[-1]

    assert created["response"]["audio"] == {
        "output": {"voice": "marin", "format": {"type": "audio/pcmu"}}
    }


def test_metadata_is_text() -> None:
    created = events.ResponseCreated(response_id="r", metadata={"a": "b", "c": [1]})

    assert only(created)["response"]["metadata"] == {"a": "b", "c": "[1]"}


USAGE = Usage(
    input_tokens=60,
    input_text_tokens=20,
    input_audio_tokens=35,
    input_image_tokens=5,
    cached_input_tokens=33,
    cached_input_text_tokens=11,
    cached_input_audio_tokens=20,
    cached_input_image_tokens=2,
    output_tokens=40,
    output_text_tokens=10,
    output_audio_tokens=30,
)
TOLD_USAGE = {
    "total_tokens": 100,
    "input_tokens": 60,
    "output_tokens": 40,
    "input_token_details": {
        "text_tokens": 20,
        "audio_tokens": 35,
        "image_tokens": 5,
        "cached_tokens": 33,
        "cached_tokens_details": {"text_tokens": 11, "audio_tokens": 20, "image_tokens": 2},
    },
    "output_token_details": {"text_tokens": 10, "audio_tokens": 30},
}


def test_what_a_response_cost_is_told_and_read() -> None:
    done = events.ResponseDone(response_id="r", status="completed", usage=USAGE)

    told = said(Server(), done)[-1]
    [heard] = Client().decode(json.dumps(told))

    assert told["response"]["usage"] == TOLD_USAGE
    assert isinstance(heard, events.ResponseDone)
    assert heard.usage == USAGE


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (None, {"type": "duration", "seconds": 0}),
        (Usage(seconds=1.5), {"type": "duration", "seconds": 1.5}),
        (
            Usage(output_tokens=3),
            {
                "type": "tokens",
                "total_tokens": 3,
                "input_tokens": 0,
                "output_tokens": 3,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 0},
            },
        ),
        (
            Usage(input_tokens=2, input_audio_tokens=2, output_tokens=3),
            {
                "type": "tokens",
                "total_tokens": 5,
                "input_tokens": 2,
                "output_tokens": 3,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 2},
            },
        ),
    ],
)
def test_a_transcript_always_has_its_price(usage: Usage | None, told: Json) -> None:
    completed = events.InputTranscriptionCompleted(item_id="i", transcript="a", usage=usage)

    assert said(Server(), completed)[-1]["usage"] == told


def test_a_users_audio_has_a_transcript_though_it_is_not_known() -> None:
    item = Message(role="user", id="i", content=(AudioPart(audio=b"ab"),))

    shown = only(events.ConversationItemAdded(item_id="i", item=item))["item"]

    assert shown["content"] == [{"type": "input_audio", "transcript": None}]


def test_audio_is_shown_to_who_asks_for_it() -> None:
    item = Message(role="user", id="i", content=(AudioPart(audio=b"ab"),))

    shown = only(events.ConversationItemRetrieved(item_id="i", item=item))["item"]

    assert shown["content"] == [{"type": "input_audio", "audio": "YWI=", "transcript": None}]


def test_a_picture_is_shown_whole() -> None:
    item = Message(role="user", content=(TextPart(text="See:"), ImagePart(url="https://a")))

    shown = only(events.ConversationItemAdded(item_id="i", item=item))["item"]

    assert shown["content"][1] == {"type": "input_image", "image_url": "https://a"}
    assert shown["id"] == "i"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b'{"type":"mcp_list_tools","id":"m","server_label":"s","tools":[]}', True),
        (b'{"type":5}', False),
        (b"null", False),
        (b"{", False),
    ],
)
def test_an_item_of_ones_own_is_shown_if_it_is_one(raw: bytes, kept: bool) -> None:
    item = CustomItem(raw_type="mcp_list_tools", raw=msgspec.Raw(raw))
    done = events.ResponseDone(response_id="r", status="completed", output=(item,))

    [added] = said(Server(), events.ConversationItemAdded(item_id="m", item=item))
    output = said(Server(), done)[-1]["response"]["output"]

    assert added["item"]["type"] == ("mcp_list_tools" if kept else "message")
    assert added["item"]["id"] == "m"
    assert len(output) == kept


@pytest.mark.parametrize("status", [None, "odd", "completed"])
def test_a_call_is_completed_when_it_is_done_and_not_before(status: str | None) -> None:
    call = FunctionCall(call_id="c", name="f", arguments="{}", status=status)

    messages = said(
        Server(), events.OutputItemAdded(**OF, item=call), events.OutputItemDone(**OF, item=call)
    )

    statuses = {
        message["type"]: message["item"]["status"]
        for message in messages
        if message["type"].startswith("response.output_item")
    }
    assert statuses == {
        "response.output_item.added": "in_progress",
        "response.output_item.done": "completed",
    }


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (
            events.Error(message="no", code="c", client_event_id="e"),
            {"type": "invalid_request_error", "code": "c", "message": "no", "event_id": "e"},
        ),
        (
            events.GoAway(time_left=1, code="session_expired"),
            {
                "type": "invalid_request_error",
                "code": "session_expired",
                "message": "The session ends.",
            },
        ),
    ],
)
def test_what_goes_wrong_is_told(event: events.ServerEvent, error: Json) -> None:
    assert only(event)["error"] == error


def test_limits_have_openais_names_or_none() -> None:
    limits = (RateLimit(name="tokens", reset=500_000), RateLimit(name="sessions", limit=1))

    assert only(events.RateLimits(limits=limits))["rate_limits"] == [
        {"name": "tokens", "reset_seconds": 0.5},
        {"limit": 1},
    ]


@pytest.mark.parametrize(
    "event",
    [
        events.SessionClosed(),
        events.AudioChunk(delta=b"ab"),
        events.Reconnecting(attempt=1),
        events.FunctionCallCancelled(call_ids=("c",)),
        events.Custom(dialect="gemini", raw_type="x"),
    ],
)
def test_what_openai_has_no_word_for_is_not_said(event: events.ServerEvent) -> None:
    assert said(Server(), event) == []


def test_speech_is_coded_as_the_session_was_asked_for() -> None:
    server = Server()
    audio = {"output": {"format": {"type": "audio/pcma"}}}
    hear(server, type="session.update", session={"audio": audio})

    delta = said(server, events.AudioDelta(**OF, delta=bytes(4)))[-1]

    assert delta["delta"] == "1dU="


def test_half_a_sample_is_never_said() -> None:
    assert said(Server(), events.AudioDelta(**OF, delta=b"abc"))[-1]["delta"] == "YWI="


def test_items_show_calls_and_outputs() -> None:
    output = FunctionCallOutput(id="o", call_id="c", output="1", name="f")

    shown = only(events.ConversationItemAdded(item_id="o", item=output))["item"]

    assert shown == {
        "id": "o",
        "object": "realtime.item",
        "type": "function_call_output",
        "call_id": "c",
        "output": "1",
    }
