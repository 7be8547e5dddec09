"""What the server's end says so that xAI's own clients understand it."""

import json
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import CustomItem
from antiphon.codecs.usage import RateLimit, Usage
from antiphon.codecs.wire import WireError
from antiphon.codecs.xai import DIALECT, Client, Server
from antiphon.codecs.xai.server import PING_EVERY

Json = dict[str, Any]

HEARD_BY_ITS_CLIENTS = {
    "session.created",
    "session.updated",
    "conversation.created",
    "conversation.item.added",
    "conversation.item.deleted",
    "conversation.item.truncated",
    "conversation.item.input_audio_transcription.updated",
    "conversation.item.input_audio_transcription.completed",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "input_audio_buffer.cleared",
    "input_audio_buffer.timeout_triggered",
    "input_audio_buffer.dtmf_event_received",
    "response.created",
    "response.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.text.delta",
    "response.text.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "ping",
    "error",
}
"""xAI's clients know of no others on a WebSocket, or pass over them."""


def says(server: Server, *said: events.ServerEvent) -> list[Json]:
    return [json.loads(message) for event in said for message in server.encode(event)]


def types(messages: list[Json]) -> list[str]:
    return [message["type"] for message in messages]


# The beginning.


def test_a_conversation_is_created_along_with_the_session() -> None:
    server = Server("grok-voice-latest")

    messages = says(server, events.SessionCreated(session_id="sess_1", at=5))

    assert types(messages) == ["session.created", "conversation.created"]
    assert messages[1]["conversation"] == {"id": "conv_1", "object": "realtime.conversation"}
    assert messages[0]["event_id"] != messages[1]["event_id"]


def test_there_is_one_conversation_in_a_session() -> None:
    server = Server()

    messages = says(server, events.SessionCreated(), events.SessionCreated())

    assert types(messages).count("conversation.created") == 1


def test_ids_come_from_outside() -> None:
    server = Server("m", lambda kind: f"{kind}-x")

    _, conversation = says(server, events.SessionCreated())

    assert conversation["conversation"]["id"] == "conv-x"
    assert conversation["event_id"] == "event-x"


def test_a_handle_is_the_conversations_id() -> None:
    server = Server()
    says(server, events.SessionCreated())

    messages = says(
        server,
        events.ResumptionHandle(handle="h1", event_id="e1"),
        events.ResumptionHandle(handle="h1"),
        events.ResumptionHandle(handle="h2", resumable=False),
        events.ResumptionHandle(resumable=False),
    )

    assert [(m["type"], m["conversation"]["id"], m["event_id"]) for m in messages] == [
        ("conversation.created", "h1", "e1")
    ]


def test_a_conversation_that_has_its_id_already_is_not_created_again() -> None:
    server = Server()

    messages = says(server, events.ResumptionHandle(handle="h1"), events.SessionCreated())

    assert types(messages) == ["conversation.created", "session.created"]
    assert server.deadline == PING_EVERY


def test_a_handle_gets_to_a_client_that_asked_for_it() -> None:
    server, client = Server(), Client()
    update = events.SessionUpdate(config=SessionConfig(resumption=True))
    for message in client.encode(update):
        [asked] = server.decode(message)
        assert asked == update

    heard = [
        event
        for said in (
            events.SessionCreated(),
            events.SessionUpdated(config=SessionConfig(resumption=True)),
            events.ResumptionHandle(handle="h1"),
        )
        for message in server.encode(said)
        for event in client.decode(message)
    ]

    handles = [event.handle for event in heard if isinstance(event, events.ResumptionHandle)]
    assert handles == ["conv_1", "h1"]


# Pings.


def test_a_session_is_pinged_now_and_then() -> None:
    server = Server()
    assert server.deadline is None
    says(server, events.SessionCreated(at=1_000_000))
    first = server.deadline

    early = server.expire(PING_EVERY), server.due()
    late = server.expire(PING_EVERY + 1_234_567), list(server.due()), list(server.due())

    assert first == 1_000_000 + PING_EVERY
    assert early == ((), ())
    assert late[0] == ()
    assert [json.loads(message) for message in late[1]] == [
        {"type": "ping", "event_id": "event_3", "timestamp": (PING_EVERY + 1_234_567) // 1000}
    ]
    assert late[2] == []
    assert server.deadline == 2 * PING_EVERY + 1_234_567


def test_a_session_that_is_not_open_is_not_pinged() -> None:
    server = Server()

    server.expire(10 * PING_EVERY)

    assert list(server.due()) == []


def test_pings_that_nobody_fetched_do_not_pile_up() -> None:
    server = Server()
    says(server, events.SessionCreated())

    for times in range(1, 10):
        server.expire(times * PING_EVERY)

    assert len(list(server.due())) == 1


# What it says, and what not.


def test_text_has_the_name_that_all_its_clients_know() -> None:
    messages = says(
        Server(),
        events.TextDelta(response_id="r", item_id="i", delta="Hi"),
        events.TextDone(response_id="r", item_id="i", text="Hi"),
    )

    texts = [m for m in messages if "text" in m["type"]]
    assert [(m["type"], m.get("delta", m.get("text"))) for m in texts] == [
        ("response.text.delta", "Hi"),
        ("response.text.done", "Hi"),
    ]


@pytest.mark.parametrize(
    "event",
    [
        events.ConversationItemDone(item_id="i", item=CustomItem(raw_type="x", id="i")),
        events.ConversationItemRetrieved(item_id="i", item=CustomItem(raw_type="x")),
        events.InputTranscriptionFailed(item_id="i", error=events.ErrorDetail(message="m")),
        events.RateLimits(limits=(RateLimit(name="tokens"),)),
    ],
)
def test_what_its_clients_do_not_know_is_not_said(event: events.ServerEvent) -> None:
    messages = says(Server(), event)

    assert set(types(messages)) <= {"conversation.item.added"}
    assert DIALECT.repertoire_of_server.how(type(event)) is None


def test_a_whole_turn_has_only_names_that_its_clients_know() -> None:
    messages = says(
        Server(),
        events.SessionCreated(),
        events.SessionUpdated(config=SessionConfig()),
        events.SpeechStarted(),
        events.SpeechStopped(),
        events.AudioCommitted(item_id="u"),
        events.InputTranscriptionDelta(item_id="u", delta="Hi"),
        events.InputTranscriptionCompleted(item_id="u", transcript="Hi."),
        events.InputTimeoutTriggered(),
        events.DtmfReceived(digit="5", received=1_730_000_000_000_000),
        events.ResponseCreated(response_id="r"),
        events.AudioDelta(response_id="r", item_id="i", delta=b"\0\0"),
        events.AudioTranscriptDelta(response_id="r", item_id="i", delta="Hello"),
        events.FunctionCallArgumentsDone(
            response_id="r", item_id="f", call_id="c", name="n", arguments="{}"
        ),
        events.ResponseDone(
            response_id="r", status="completed", usage=Usage(input_tokens=1, output_tokens=2)
        ),
        events.ConversationItemTruncated(item_id="i", audio_end=5_000),
        events.ConversationItemDeleted(item_id="i"),
        events.Error(message="no"),
        events.GoAway(message="The end.", code="session_expired"),
    )

    assert set(types(messages)) <= HEARD_BY_ITS_CLIENTS
    assert all(message["event_id"] for message in messages)
    called = next(m for m in messages if m["type"] == "response.function_call_arguments.done")
    assert (called["name"], called["call_id"]) == ("n", "c")
    spent = next(m for m in messages if m["type"] == "response.done")["response"]["usage"]
    assert (spent["input_tokens"], spent["output_tokens"], spent["total_tokens"]) == (1, 2, 3)


def test_a_key_of_the_telephone_has_both_names() -> None:
    received = 1_730_000_000_500_000

    [message] = says(Server(), events.DtmfReceived(digit="#", received=received, event_id="e"))

    assert message == {
        "type": "input_audio_buffer.dtmf_event_received",
        "event_id": "e",
        "event": "#",
        "digit": "#",
        "received_at": 1_730_000_000,
    }


def test_when_the_user_was_silent_is_said_if_it_is_known() -> None:
    unknown, known = says(
        Server(),
        events.InputTimeoutTriggered(event_id="e"),
        events.InputTimeoutTriggered(item_id="i", audio_start=0, audio_end=6_000_000, event_id="e"),
    )

    kind = "input_audio_buffer.timeout_triggered"
    assert unknown == {"type": kind, "event_id": "e"}
    assert known == {
        "type": kind,
        "event_id": "e",
        "item_id": "i",
        "audio_start_ms": 0,
        "audio_end_ms": 6000,
    }


def test_its_own_words_are_passed_on_and_those_of_others_are_not() -> None:
    ping = '{"type":"ping","event_id":"e","timestamp":1}'
    [heard] = Client().decode(ping)
    assert isinstance(heard, events.Custom)

    assert list(Server().encode(heard)) == [ping]
    assert list(Server().encode(events.Custom(raw_type="ping", dialect="openai"))) == []


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ('{"type":"input_audio_buffer.append"}', "$"),
        ('{"type":"input_audio_buffer.append","audio":"%"}', "$.audio"),
        ('{"type":"session.update","session":{"audio":1}}', "$.session.audio"),
        ('{"type":"response.create","response":{"modalities":["x"]}}', "$.response.modalities[0]"),
        ("null", "$"),
        ("", "$"),
    ],
)
def test_a_mistake_is_named_by_its_place(message: str, path: str) -> None:
    with pytest.raises(WireError) as raised:
        Server().decode(message)

    assert (raised.value.dialect, raised.value.path) == ("xai", path)


def test_a_session_that_is_refused_changes_nothing() -> None:
    server = Server()
    session = {"audio": {"input": {"format": {"type": "audio/opus"}, "transport": "binary"}}}

    with pytest.raises(WireError):
        server.decode(json.dumps({"type": "session.update", "session": session}))

    with pytest.raises(WireError):
        server.decode(b"{\0")
    assert server.input_rate == 24_000
