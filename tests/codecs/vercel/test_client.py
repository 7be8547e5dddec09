"""What a gateway is told, and what is heard of it."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, ResponseOptions, SessionConfig
from antiphon.codecs.items import CustomItem, FunctionCallOutput, JsonObject, text_message
from antiphon.codecs.usage import Usage
from antiphon.codecs.vercel import Client
from antiphon.codecs.wire import Unsayable, WireError


def heard(*messages: Any, by: Client | None = None) -> list[events.ServerEvent]:
    client = by or Client()
    return [event for message in messages for event in client.decode(json.dumps(message))]


def told(client: Client, *said: events.ClientEvent) -> list[JsonObject]:
    sent = [message for event in said for message in (*client.encode(event), *client.due())]
    return [json.loads(message) for message in sent]


# Hearing.


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"type": "session-created"}, events.SessionCreated()),
        (
            {"type": "text-delta", "responseId": "r", "delta": "a"},
            events.TextDelta(response_id="r", item_id="", delta="a"),
        ),
        (
            {"type": "response-done", "responseId": "r"},
            events.ResponseDone(response_id="r", status="completed"),
        ),
        (
            {"type": "response-done", "responseId": "r", "status": "interrupted"},
            events.ResponseDone(response_id="r", status="cancelled"),
        ),
        ({"type": "error"}, events.Error(message="Unknown error")),
        ({"type": "error", "message": "m", "code": None}, events.Error(message="m")),
        (
            {"type": "input-transcription-completed", "itemId": "u"},
            events.InputTranscriptionCompleted(item_id="u", transcript=""),
        ),
        (
            {"type": "conversation-item-added", "item": {"id": "u"}},
            events.ConversationItemAdded(
                item_id="u", item=CustomItem(raw_type="", raw=msgspec.Raw(b'{"id": "u"}'), id="u")
            ),
        ),
        (
            {"type": "conversation-item-added", "itemId": "u", "item": None},
            events.ConversationItemAdded(item_id="u"),
        ),
        (
            {"type": "function-call-arguments-done", "callId": "c", "arguments": "{}"},
            events.FunctionCallArgumentsDone(
                response_id="", item_id="", call_id="c", name="", arguments="{}"
            ),
        ),
        ({"type": "session-usage", "usage": None}, events.SessionUsage(usage=Usage())),
        (
            {"type": "custom", "rawType": "mcp_list_tools.completed", "raw": {"a": 1}},
            events.Custom(raw_type="mcp_list_tools.completed", raw=msgspec.Raw(b'{"a": 1}')),
        ),
        ({"type": "custom"}, events.Custom(raw_type="")),
    ],
)
def test_what_is_missing_is_not_missed(message: JsonObject, event: events.ServerEvent) -> None:
    assert heard(message) == [event]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "custom", "rawType": "rate_limits.updated", "raw": {"rate_limits": []}},
        {"type": "custom", "rawType": "goAway", "raw": {"type": "rate-limits", "limits": []}},
        {"type": "custom", "rawType": "x", "raw": {"type": "go-away"}},
        {"type": "custom", "rawType": "goAway"},
    ],
)
def test_what_is_not_our_own_stays_custom(message: JsonObject) -> None:
    (event,) = heard(message)

    assert isinstance(event, events.Custom)
    assert event.raw_type == message["rawType"]
    assert json.loads(bytes(event.raw)) == message.get("raw")


def test_an_event_of_our_own_is_heard_at_its_moment() -> None:
    message = {"type": "custom", "rawType": "goAway", "raw": {"type": "go-away", "at": 3}}

    assert list(Client().decode(json.dumps(message), at=9)) == [events.GoAway(at=9)]


def test_a_malformed_event_of_our_own_is_refused() -> None:
    message = {"type": "custom", "rawType": "goAway", "raw": {"type": "go-away", "timeLeft": "x"}}

    with pytest.raises(WireError, match=r"\$\.raw\.timeLeft"):
        heard(message)


def test_the_providers_own_message_is_not_read() -> None:
    assert heard({"type": "speech-started", "itemId": "u", "raw": {"item_id": 5}}) == [
        events.SpeechStarted(item_id="u")
    ]


@pytest.mark.parametrize("message", [{"type": "new-event", "x": [1]}, {"x": 1}])
def test_what_is_new_is_kept_whole(message: JsonObject) -> None:
    (event,) = heard(message)

    assert isinstance(event, events.Custom)
    assert (event.dialect, event.raw_type) == ("vercel", message.get("type", ""))
    assert json.loads(bytes(event.raw)) == message
    assert told(Client(), event) == [message]


def test_a_binary_frame_is_read_like_text() -> None:
    assert list(Client().decode(b'{"type":"session-updated"}')) == [events.SessionUpdated()]


def test_an_array_is_several_events() -> None:
    delta = {"type": "text-delta", "responseId": "r", "itemId": "i"}

    assert heard([{**delta, "delta": "a"}, {**delta, "delta": "b"}]) == [
        events.TextDelta(response_id="r", item_id="i", delta="a"),
        events.TextDelta(response_id="r", item_id="i", delta="b"),
    ]
    assert heard([]) == []


def test_an_array_with_a_mistake_is_as_if_it_had_not_come() -> None:
    client = Client()
    delta = {"type": "audio-delta", "responseId": "r", "itemId": "i"}
    heard({**delta, "delta": "AQID"}, by=client)

    with pytest.raises(WireError, match=r"\$\[1\]\.delta"):
        heard([{**delta, "delta": "AQID"}, {**delta, "delta": "%"}], by=client)

    assert heard({**delta, "delta": "BA=="}, by=client) == [
        events.AudioDelta(response_id="r", item_id="i", delta=b"\x03\x04")
    ]


def test_half_a_sample_waits_for_its_own_item() -> None:
    delta = {"type": "audio-delta", "responseId": "r", "delta": "AQID"}

    first, second, third = heard(*({**delta, "itemId": item} for item in "iij"))

    assert isinstance(first, events.AudioDelta) and first.delta == b"\x01\x02"
    assert isinstance(second, events.AudioDelta) and second.delta == b"\x03\x01\x02\x03"
    assert isinstance(third, events.AudioDelta) and third.delta == b"\x01\x02"


def test_responses_that_were_not_announced_are_not_made_up() -> None:
    delta = {"type": "audio-delta", "responseId": "r", "itemId": "i", "delta": "AAA="}

    assert [type(event) for event in heard(delta)] == [events.AudioDelta]


# Telling.


def test_a_name_of_an_event_goes_where_the_sdk_has_one() -> None:
    update = events.SessionUpdate(config=SessionConfig(), event_id="e")

    assert told(Client(), update, events.InputAudioCommit(event_id="e")) == [
        {"type": "session-update", "config": {}, "eventId": "e"},
        {"type": "input-audio-commit"},
    ]


def test_a_delegation_without_an_id_is_null() -> None:
    event = events.ContextAppend(content="c", delegation_id=None, provider_options={"openai": {}})

    assert told(Client(), event) == [
        {
            "type": "context-append",
            "content": "c",
            "delegationId": None,
            "providerOptions": {"openai": {}},
        }
    ]


def test_where_an_item_goes_cannot_be_told() -> None:
    event = events.ConversationItemCreate(item=text_message("a"), previous_item_id="root")

    assert "previousItemId" not in told(Client(), event)[0]


def test_an_item_is_truncated_where_it_was_heard() -> None:
    event = events.ConversationItemTruncate(item_id="i", audio_end=1_234_999)

    assert told(Client(), event) == [
        {
            "type": "conversation-item-truncate",
            "itemId": "i",
            "contentIndex": 0,
            "audioEndMs": 1234,
        }
    ]


def test_words_of_another_dialect_are_not_said() -> None:
    raw = msgspec.Raw(b'{"type":"x"}')

    assert told(Client(), events.Custom(dialect="openai", raw_type="x", raw=raw)) == []


def test_a_response_beside_the_conversation_is_refused() -> None:
    options = ResponseOptions(conversation="none", instructions="Classify.")
    client = Client()

    with pytest.raises(Unsayable, match="beside the conversation"):
        list(client.encode(events.ResponseCreate(options=options)))
    assert told(client, events.ResponseCreate()) == [{"type": "response-create"}]


def test_a_session_that_is_refused_changes_nothing() -> None:
    client = Client()
    config = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcmu"),
        output_audio_format=AudioFormat(type="audio/opus"),
    )

    with pytest.raises(WireError):
        list(client.encode(events.SessionUpdate(config=config)))

    assert (client.input_rate, client.output_rate) == (24_000, 24_000)


def test_audio_is_as_the_session_is_configured() -> None:
    client = Client()
    pcm = AudioFormat(type="audio/pcm", rate=16_000)
    config = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcma"), output_audio_format=pcm
    )

    told(client, events.SessionUpdate(config=config))

    assert (client.input_rate, client.output_rate) == (8_000, 16_000)
    assert told(client, events.InputAudioAppend(audio=b"\x08\x00" * 2)) == [
        {"type": "input-audio-append", "audio": "1dU="}
    ]


# Responses in their order.


def created(response_id: str) -> JsonObject:
    return {"type": "response-created", "responseId": response_id}


def done(response_id: str) -> JsonObject:
    return {"type": "response-done", "responseId": response_id, "status": "completed"}


def called(call_id: str) -> JsonObject:
    return {
        "type": "function-call-arguments-done",
        "responseId": "r",
        "itemId": "i",
        "callId": call_id,
        "name": "f",
        "arguments": "{}",
    }


def output(call_id: str) -> events.ConversationItemCreate:
    return events.ConversationItemCreate(item=FunctionCallOutput(call_id=call_id, output="{}"))


def test_a_response_waits_for_the_one_before() -> None:
    client = Client()
    heard(created("r"), by=client)

    assert told(client, events.ResponseCreate()) == []
    heard(done("r"), by=client)
    assert [json.loads(message) for message in client.due()] == [{"type": "response-create"}]
    assert client.due() == ()


def test_a_response_that_never_ends_is_not_waited_for_without_end() -> None:
    client = Client()
    heard({"type": "session-created"}, created("r1"), by=client)
    assert told(client, events.ResponseCreate()) == []

    assert client.deadline is not None
    client.expire(client.deadline)

    assert [json.loads(message) for message in client.due()] == [{"type": "response-create"}]


def test_a_response_that_cannot_be_written_is_refused_before_its_time() -> None:
    client = Client()
    heard(created("r"), by=client)
    metadata: JsonObject = {}
    for _ in range(100_000):
        metadata = {"": metadata}

    with pytest.raises(WireError, match="nested too deeply"):
        list(client.encode(events.ResponseCreate(options=ResponseOptions(metadata=metadata))))

    heard(done("r"), by=client)
    assert client.due() == ()


def test_a_response_waits_for_the_outputs_of_all_calls() -> None:
    client = Client()
    heard(created("r"), called("a"), called("b"), done("r"), by=client)

    first = told(client, output("a"), events.ResponseCreate())
    second = told(client, output("b"))

    assert [message["type"] for message in first] == ["conversation-item-create"]
    assert [m["type"] for m in second] == ["conversation-item-create", "response-create"]


def test_only_a_response_that_runs_is_cancelled() -> None:
    client = Client()
    heard(created("r"), by=client)

    assert told(client, events.ResponseCancel()) == [{"type": "response-cancel"}]
    heard(done("r"), by=client)
    assert told(client, events.ResponseCancel()) == []


def test_no_more_of_an_item_is_kept_than_there_is() -> None:
    client = Client()
    second = {"type": "audio-delta", "responseId": "r", "itemId": "i", "delta": "AAAA" * 16_000}
    heard(second, by=client)

    (message,) = told(client, events.ConversationItemTruncate(item_id="i", audio_end=5_000_000))

    assert message["audioEndMs"] == 1000


def test_silence_means_nothing_to_it() -> None:
    client = Client()

    assert client.deadline is None
    assert client.expire(10**9) == ()
