"""The client's end: what it says, what it understands of servers that leave things out."""

import base64
import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, ResponseOptions, SessionConfig, ToolDefinition
from antiphon.codecs.exchange import PATIENCE
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Message,
    TextPart,
)
from antiphon.codecs.openai import Client
from antiphon.codecs.usage import RateLimit, Usage
from antiphon.codecs.wire import Unsayable, WireError

Json = dict[str, Any]

CREATE = events.ResponseCreate()


def heard(client: Client, *messages: Json, at: int = 0) -> list[events.ServerEvent]:
    return [event for one in messages for event in client.decode(json.dumps(one), at)]


def hear(**fields: Any) -> events.ServerEvent:
    [event] = heard(Client(), fields, at=7)
    assert event.at == 7
    return event


def said(client: Client, *said: events.ClientEvent) -> list[Json]:
    return [json.loads(message) for event in said for message in client.encode(event)]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# What it says.


def test_the_model_is_in_the_session_unless_the_configuration_has_another() -> None:
    client = Client("gpt-realtime-2")

    plain, other = said(
        client,
        events.SessionUpdate(config=SessionConfig()),
        events.SessionUpdate(config=SessionConfig(model="gpt-realtime-mini")),
    )

    assert plain["session"]["model"] == "gpt-realtime-2"
    assert other["session"]["model"] == "gpt-realtime-mini"


def test_audio_is_coded_as_the_session_was_asked_for() -> None:
    client = Client()
    config = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcmu"),
        output_audio_format=AudioFormat(type="audio/pcma"),
    )

    said(client, events.SessionUpdate(config=config))
    [append] = said(client, events.InputAudioAppend(audio=bytes(4)))

    assert append == {"type": "input_audio_buffer.append", "audio": b64(b"\xff\xff")}
    assert (client.input_rate, client.output_rate) == (8000, 8000)


@pytest.mark.parametrize(
    "audio", [AudioFormat(type="audio/opus"), AudioFormat(type="audio/pcm", rate=-1)]
)
def test_audio_that_cannot_be_coded_is_refused(audio: AudioFormat) -> None:
    client = Client()
    config = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcmu"), output_audio_format=audio
    )

    with pytest.raises(Unsayable):
        said(client, events.SessionUpdate(config=config))

    assert (client.input_rate, client.output_rate) == (24_000, 24_000)


def test_tools_are_taken_away_only_if_there_were_some() -> None:
    client = Client()
    none = events.SessionUpdate(config=SessionConfig(tools=()))
    some = events.SessionUpdate(
        config=SessionConfig(tools=(ToolDefinition(name="f", parameters={}),))
    )

    sessions = [one["session"] for one in said(client, none, some, none)]

    assert [session.get("tools") for session in sessions] == [
        None,
        [{"type": "function", "name": "f", "parameters": {}}],
        [],
    ]


@pytest.mark.parametrize(
    ("item", "written"),
    [
        (
            Message(role="user", content=(AudioPart(audio=b"ab"),)),
            {"role": "user", "content": [{"type": "input_audio", "audio": "YWI="}]},
        ),
        (
            Message(role="user", content=(AudioPart(transcript="Hm"), TextPart(text="?"))),
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Hm"},
                    {"type": "input_text", "text": "?"},
                ],
            },
        ),
        (
            Message(role="assistant", id="i", content=(AudioPart(audio=b"a", transcript="Ah"),)),
            {"role": "assistant", "id": "i", "content": [{"type": "output_text", "text": "Ah"}]},
        ),
        (
            Message(role="system", content=(AudioPart(),), status="odd"),
            {"role": "system", "content": [{"type": "input_text", "text": ""}]},
        ),
        (
            Message(role="user", content=(ImagePart(data=b"a", detail="high"),)),
            {
                "role": "user",
                "content": [
                    {
                        "type": "input_image",
                        "image_url": "data:image/jpeg;base64,YQ==",
                        "detail": "high",
                    }
                ],
            },
        ),
        (
            Message(role="user", content=(ImagePart(url="https://host/a.png", detail="odd"),)),
            {
                "role": "user",
                "content": [{"type": "input_image", "image_url": "https://host/a.png"}],
            },
        ),
    ],
)
def test_messages_are_told(item: Message, written: Json) -> None:
    [create] = said(Client(), events.ConversationItemCreate(item=item))

    assert create["item"] == {"type": "message"} | written


def test_calls_and_outputs_are_told() -> None:
    call = FunctionCall(call_id="c", name="f", arguments="{}", status="completed")
    output = FunctionCallOutput(call_id="c", output="[]", name="f", failed=True)

    told = said(
        Client(),
        events.ConversationItemCreate(item=call, previous_item_id="root"),
        events.ConversationItemCreate(item=output),
    )

    assert told[0]["previous_item_id"] == "root"
    assert told[0]["item"] == {
        "type": "function_call",
        "call_id": "c",
        "name": "f",
        "arguments": "{}",
        "status": "completed",
    }
    assert told[1]["item"] == {"type": "function_call_output", "call_id": "c", "output": "[]"}


def test_options_of_a_response_are_told_with_what_it_sees() -> None:
    options = ResponseOptions(
        conversation="none",
        metadata={"topic": "a", "count": 1},
        input=(Message(role="user", content=(TextPart(text="Hi"),)),),
        voice="voice_own",
        output_audio_format=AudioFormat(type="audio/pcmu"),
        tools=(),
        provider_options={"prompt": {"id": "p"}},
    )

    [create] = said(Client(), events.ResponseCreate(options=options))

    assert create["response"] == {
        "conversation": "none",
        "metadata": {"topic": "a", "count": "1"},
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}],
            }
        ],
        "audio": {"output": {"voice": {"id": "voice_own"}, "format": {"type": "audio/pcmu"}}},
        "tools": [],
        "prompt": {"id": "p"},
    }


def test_an_event_is_named_if_its_sender_named_it() -> None:
    assert said(Client(), events.InputAudioClear(event_id="e")) == [
        {"type": "input_audio_buffer.clear", "event_id": "e"}
    ]


@pytest.mark.parametrize(
    "event",
    [
        events.SessionStart(config=SessionConfig()),
        events.SessionClose(),
        events.InputAudioMute(),
        events.InputActivityStart(),
        events.InputDtmf(digit="1"),
        events.OutputPlaybackStarted(response_id="r"),
        events.Custom(dialect="gemini", raw_type="x", raw=msgspec.Raw(b"{}")),
    ],
)
def test_what_openai_has_no_word_for_is_not_said(event: events.ClientEvent) -> None:
    assert said(Client(), event) == []


def test_its_own_words_are_said_as_they_are() -> None:
    own = events.Custom(dialect="openai", raw_type="x", raw=msgspec.Raw(b'{"type": "x"}'))

    assert list(Client().encode(own)) == ['{"type": "x"}']


# What has to wait.


def test_a_response_that_waited_is_due_once_the_other_is_done() -> None:
    client = Client()
    heard(
        client,
        {"type": "session.created", "session": {}},
        {"type": "response.created", "response": {"id": "r"}},
    )

    assert said(client, CREATE) == []
    assert client.due() == ()
    heard(client, {"type": "response.done", "response": {"id": "r"}})
    assert client.due() == ('{"type":"response.create"}',)
    assert client.due() == ()


def test_a_response_is_not_waited_for_without_end() -> None:
    client = Client()
    heard(client, {"type": "response.created", "response": {"id": "r"}})
    said(client, CREATE)

    assert client.deadline == PATIENCE
    assert client.expire(PATIENCE) == ()
    assert client.due() == ('{"type":"response.create"}',)
    assert client.deadline is None


def test_a_truncation_stays_within_what_came() -> None:
    client = Client()
    heard(
        client,
        {"type": "response.output_audio.delta", "item_id": "i", "delta": b64(bytes(4800))},
    )

    [truncate] = said(client, events.ConversationItemTruncate(item_id="i", audio_end=500_000))

    assert truncate["audio_end_ms"] == 100


# What it understands.


def test_ids_that_are_missing_are_those_of_the_last() -> None:
    client = Client()
    events_heard = heard(
        client,
        {"type": "response.created", "response": {"id": "r"}},
        {
            "type": "response.output_item.added",
            "item": {
                "id": "i",
                "type": "function_call",
                "call_id": "c",
                "name": "f",
                "arguments": "",
            },
        },
        {"type": "response.function_call_arguments.delta", "item_id": "i", "delta": "{"},
        {"type": "response.function_call_arguments.done", "arguments": "{}"},
        {"type": "response.done"},
    )

    of: Json = {"response_id": "r", "item_id": "i"}
    assert events_heard[2:] == [
        events.FunctionCallArgumentsDelta(**of, call_id="c", delta="{"),
        events.FunctionCallArgumentsDone(**of, call_id="c", name="f", arguments="{}"),
        events.ResponseDone(response_id="r", status="completed"),
    ]


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("response.audio.delta", events.AudioDelta),
        ("response.audio.done", events.AudioDone),
        ("response.audio_transcript.delta", events.AudioTranscriptDelta),
        ("response.audio_transcript.done", events.AudioTranscriptDone),
        ("response.text.delta", events.TextDelta),
        ("response.text.done", events.TextDone),
        ("conversation.item.created", events.ConversationItemAdded),
    ],
)
def test_names_of_the_beta_are_understood(kind: str, event: type) -> None:
    assert type(hear(type=kind, delta="YWI=", item={"id": "i"})) is event


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        ({"type": "input_audio_buffer.speech_started"}, events.SpeechStarted()),
        (
            {"type": "input_audio_buffer.speech_stopped", "item_id": "i", "audio_end_ms": 1.5},
            events.SpeechStopped(item_id="i", audio_end=1500),
        ),
        ({"type": "input_audio_buffer.committed"}, events.AudioCommitted()),
        (
            {"type": "input_audio_buffer.committed", "item_id": "i", "previous_item_id": None},
            events.AudioCommitted(item_id="i", previous_item_id=None),
        ),
        (
            {"type": "conversation.item.added", "item_id": "i"},
            events.ConversationItemAdded(item_id="i"),
        ),
        (
            {"type": "conversation.item.retrieved", "item_id": "i", "item": None},
            events.ConversationItemRetrieved(item_id="i", item=CustomItem(raw_type="")),
        ),
        (
            {"type": "response.created", "response_id": "r"},
            events.ResponseCreated(response_id="r"),
        ),
        (
            {"type": "response.done", "response": {"id": "r"}, "usage": {"input_tokens": 1}},
            events.ResponseDone(response_id="r", status="completed", usage=Usage(input_tokens=1)),
        ),
        (
            {"type": "response.done", "response": {"id": "r", "usage": {}}},
            events.ResponseDone(response_id="r", status="completed"),
        ),
        (
            {
                "type": "response.done",
                "response": {
                    "id": "r",
                    "status": "failed",
                    "status_details": {"error": {"message": "no", "code": 429}},
                },
            },
            events.ResponseDone(
                response_id="r",
                status="failed",
                error=events.ErrorDetail(message="no", code="429"),
            ),
        ),
        ({"type": "error"}, events.Error(message="Unknown error")),
        (
            {"type": "error", "error": None, "message": "top", "code": "tc"},
            events.Error(message="top", code="tc"),
        ),
        (
            {"type": "error", "error": {"message": "over", "code": "session_expired"}},
            events.Error(message="over", code="session_expired", fatal=True),
        ),
        (
            {"type": "rate_limits.updated", "rate_limits": [{"reset_seconds": 0.5}]},
            events.RateLimits(limits=(RateLimit(name="", reset=500_000),)),
        ),
        (
            {"type": "conversation.item.input_audio_transcription.failed", "item_id": "i"},
            events.InputTranscriptionFailed(item_id="i", error=events.ErrorDetail(message="")),
        ),
        (
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "i",
                "transcript": "a",
                "languages": ["de", {"code": "en"}, 1],
                "usage": {"type": "duration"},
            },
            events.InputTranscriptionCompleted(item_id="i", transcript="a", languages=("de", "en")),
        ),
    ],
)
def test_what_servers_leave_out_is_missed_by_nobody(wire: Json, event: Any) -> None:
    assert hear(**wire) == msgspec.structs.replace(event, at=7)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"type": "input_text", "text": "a"}, TextPart(text="a")),
        ({"type": "text"}, TextPart(text="")),
        ({"type": "output_audio", "transcript": "a"}, AudioPart(transcript="a")),
        ({"type": "audio", "audio": "YWI=", "transcript": None}, AudioPart(audio=b"ab")),
        (
            {"type": "input_image", "image_url": "data:image/png;base64,YWI"},
            ImagePart(data=b"ab", media_type="image/png"),
        ),
        (
            {"type": "input_image", "image_url": {"url": "https://host/a"}},
            ImagePart(url="https://host/a"),
        ),
        (
            {"type": "input_image", "image_url": "data:;base64,"},
            ImagePart(data=b"", media_type=None),
        ),
    ],
)
def test_content_is_understood_in_all_its_spellings(content: Json, part: Any) -> None:
    item = {"id": "i", "type": "message", "role": "user", "content": [content]}

    event = hear(type="conversation.item.added", item=item)

    assert isinstance(event, events.ConversationItemAdded)
    assert event.item == Message(role="user", id="i", content=(part,))


@pytest.mark.parametrize(
    "item",
    [
        {"id": "i", "type": "mcp_call", "server_label": "s"},
        {"id": "i", "type": "message", "role": "tool", "content": []},
        {"id": "i", "type": "message", "role": "user", "content": [{"type": "input_scent"}]},
        {"id": "i"},
    ],
)
def test_an_item_of_which_something_has_no_word_is_kept_as_it_is(item: Json) -> None:
    event = hear(type="conversation.item.added", item=item)

    assert isinstance(event, events.ConversationItemAdded)
    assert isinstance(event.item, CustomItem)
    assert json.loads(bytes(event.item.raw)) == item


def test_an_output_that_should_be_text_is_read_as_json() -> None:
    item = {"id": "i", "type": "function_call_output", "call_id": "c", "output": {"a": [1]}}

    event = hear(type="conversation.item.added", item=item)

    assert isinstance(event, events.ConversationItemAdded)
    assert event.item == FunctionCallOutput(id="i", call_id="c", output='{"a":[1]}')


def test_an_items_audio_has_nothing_to_do_with_the_stream() -> None:
    client = Client()
    item = {
        "id": "i",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "audio": b64(b"xyz")}],
    }

    deltas = heard(
        client,
        {"type": "response.output_audio.delta", "item_id": "o", "delta": b64(b"abc")},
        {"type": "conversation.item.retrieved", "item": item},
        {"type": "response.output_audio.delta", "item_id": "o", "delta": b64(b"d")},
    )

    assert [e.delta for e in deltas if isinstance(e, events.AudioDelta)] == [b"ab", b"cd"]
    [retrieved] = [e for e in deltas if isinstance(e, events.ConversationItemRetrieved)]
    assert isinstance(retrieved.item, Message)
    assert retrieved.item.content == (AudioPart(audio=b"xy"),)


def test_audio_is_read_in_the_format_that_the_server_settled_on() -> None:
    client = Client()
    audio = {
        "input": {"format": {"type": "audio/pcma"}},
        "output": {"format": {"type": "audio/pcmu"}},
    }

    heard(client, {"type": "session.updated", "session": {"audio": audio}})
    [delta] = heard(client, {"type": "response.output_audio.delta", "delta": b64(b"\xff")})

    assert isinstance(delta, events.AudioDelta)
    assert delta.delta == bytes(2)
    assert (client.input_rate, client.output_rate) == (8000, 8000)


def test_one_response_may_have_a_format_of_its_own() -> None:
    client = Client()
    own = {"output": {"format": {"type": "audio/pcmu"}}}
    odd = {"output": {"format": {"type": "audio/opus"}}}

    rates: list[int] = []
    for audio in (own, {"output": None}, own, odd):
        heard(client, {"type": "response.created", "response": {"id": "r", "audio": audio}})
        rates.append(client.output_rate)

    assert rates == [8000, 24_000, 8000, 24_000]


def test_a_message_of_a_new_type_is_kept_word_for_word() -> None:
    raw = '{"type":"response.dance","steps":[1, 2]}'

    [event] = Client().decode(raw, 3)

    assert isinstance(event, events.Custom)
    assert (event.raw_type, event.dialect, event.at) == ("response.dance", "openai", 3)
    assert bytes(event.raw).decode() == raw


# Mistakes.


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ({"type": "session.created", "session": {"id": 5}}, "$.session.id"),
        ({"type": "session.created", "session": 5}, "$.session"),
        (
            {"type": "session.updated", "session": {"audio": {"input": {"format": 5}}}},
            "$.session.audio.input.format",
        ),
        ({"type": "session.updated", "session": {"tools": [5]}}, "$.session.tools[0]"),
        ({"type": "session.updated", "session": {"x": {"y": 2**70}}}, "$.session"),
        (
            {
                "type": "session.updated",
                "session": {"audio": {"output": {"format": {"type": "audio/opus"}}}},
            },
            "$",
        ),
        (
            {
                "type": "session.updated",
                "session": {
                    "audio": {
                        "input": {
                            "turn_detection": {"type": "server_vad", "idle_timeout_ms": 1e300}
                        }
                    }
                },
            },
            "$.session.audio.input.turn_detection.idle_timeout_ms",
        ),
        ({"type": "response.output_audio.delta", "delta": "&"}, "$.delta"),
        ({"type": "response.output_audio.delta"}, "$"),
        (
            {"type": "response.output_audio.delta", "delta": "", "output_index": 2**63},
            "$.output_index",
        ),
        (
            {"type": "conversation.item.added", "item": {"type": "message", "content": 5}},
            "$.item.content",
        ),
        (
            {
                "type": "conversation.item.added",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_image"}],
                },
            },
            "$.item.content[0].image_url",
        ),
        (
            {
                "type": "conversation.item.added",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text"}, {"type": "input_audio", "audio": "&"}],
                },
            },
            "$.item.content[1].audio",
        ),
        ({"type": "response.done", "response": {"output": [{"id": 5}]}}, "$.response.output[0].id"),
        (
            {"type": "response.created", "response": {"metadata": {"a": 2**70}}},
            "$.response.metadata",
        ),
        (
            {"type": "input_audio_buffer.speech_started", "audio_start_ms": 1e300},
            "$.audio_start_ms",
        ),
        (
            {"type": "rate_limits.updated", "rate_limits": [{"reset_seconds": 1e306}]},
            "$.rate_limits[0].reset_seconds",
        ),
        (
            {"type": "input_audio_buffer.dtmf_event_received", "received_at": 1e306},
            "$.received_at",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(wire: Json, path: str) -> None:
    with pytest.raises(WireError) as error:
        list(Client().decode(json.dumps(wire)))

    assert error.value.path == path
    assert error.value.dialect == "openai"


def test_a_mistake_changes_nothing() -> None:
    client = Client()
    half = {
        "audio": {
            "input": {"format": {"type": "audio/pcmu"}},
            "output": {"format": {"type": "audio/opus"}},
        }
    }
    named = {"id": 5, "audio": {"input": {"format": {"type": "audio/pcmu"}}}}

    for wire in (
        {"type": "session.updated", "session": half},
        {"type": "session.created", "session": named},
    ):
        with pytest.raises(WireError):
            heard(client, wire)

    assert (client.input_rate, client.output_rate) == (24_000, 24_000)
