"""What the client's end makes of xAI beside OpenAI's protocol."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import CustomItem, FunctionCall
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import WireError
from antiphon.codecs.xai import DIALECT, Client

Json = dict[str, Any]


def heard(client: Client, **message: Any) -> list[events.ServerEvent]:
    return list(client.decode(json.dumps(message), at=3))


def created(client: Client, conversation_id: str | None) -> list[events.ServerEvent]:
    return heard(
        client, type="conversation.created", event_id="e", conversation={"id": conversation_id}
    )


def ask(client: Client, **config: Any) -> None:
    list(client.encode(events.SessionUpdate(config=SessionConfig(**config))))


# Names of events.


def test_a_client_does_not_name_its_events() -> None:
    said: list[events.ClientEvent] = [
        events.InputAudioAppend(audio=b"\0\0", event_id="a"),
        events.SessionUpdate(config=SessionConfig(), event_id="b"),
        events.ResponseCreate(event_id="c"),
    ]

    messages = [json.loads(message) for event in said for message in Client().encode(event)]

    assert messages == [
        {"type": "input_audio_buffer.append", "audio": "AAA="},
        {"type": "session.update", "session": {}},
        {"type": "response.create"},
    ]


@pytest.mark.parametrize(
    "event",
    [
        events.ConversationItemTruncate(item_id="item_1", audio_end=900_000),
        events.ConversationItemRetrieve(item_id="item_1"),
        events.InputDtmf(digit="1"),
        events.Custom(raw_type="x", raw=msgspec.Raw(b'{"type":"x"}'), dialect="openai"),
    ],
)
def test_what_xai_does_not_listen_to_is_not_said(event: events.ClientEvent) -> None:
    assert list(Client().encode(event)) == []
    assert DIALECT.repertoire_of_client.how(type(event)) != "emulated"


def test_xais_own_items_can_be_said() -> None:
    raw = b'{"type":"force_message","role":"assistant","interruptible":false,"content":[]}'
    item = CustomItem(raw_type="force_message", raw=msgspec.Raw(raw))

    [message] = Client().encode(events.ConversationItemCreate(item=item))

    assert json.loads(message) == {"type": "conversation.item.create", "item": json.loads(raw)}


# Events that only xAI has.


def test_a_ping_wants_no_answer() -> None:
    client = Client()

    [ping] = heard(client, type="ping", event_id="e", timestamp=1)

    assert isinstance(ping, events.Custom)
    assert (ping.raw_type, ping.dialect, ping.at) == ("ping", "xai", 3)
    assert json.loads(bytes(ping.raw)) == {"type": "ping", "event_id": "e", "timestamp": 1}
    assert list(client.due()) == []


def test_both_names_of_written_text_are_understood() -> None:
    named = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}

    texts = [heard(Client(), type=f"response.{name}.delta", delta="Hi", **named)
             for name in ("text", "output_text")]  # fmt: skip

    assert texts == [[events.TextDelta(response_id="r", item_id="i", delta="Hi", at=3)]] * 2


def test_usage_may_be_counted_beside_the_response() -> None:
    [done] = heard(
        Client(),
        type="response.done",
        response={"id": "r", "status": "completed"},
        usage={"input_tokens": 10, "output_tokens": 2, "total_tokens": 12},
    )

    assert isinstance(done, events.ResponseDone)
    assert done.usage == Usage(input_tokens=10, output_tokens=2)


@pytest.mark.parametrize(
    ("said", "digit"), [({"event": "5"}, "5"), ({"digit": "#"}, "#"), ({}, "")]
)
def test_a_key_of_the_telephone_has_two_names(said: Json, digit: str) -> None:
    [event] = heard(Client(), type="input_audio_buffer.dtmf_event_received", **said)

    assert event == events.DtmfReceived(digit=digit, at=3)


def test_replayed_history_is_heard_as_items() -> None:
    [event] = heard(
        Client(),
        type="conversation.item.created",
        item={"id": "i", "type": "message", "role": "user", "content": []},
    )

    assert isinstance(event, events.ConversationItemAdded)
    assert event.item_id == "i"


# Tool calls.


def test_a_call_without_ids_is_the_one_that_was_announced() -> None:
    client = Client()
    heard(client, type="response.created", response={"id": "r1"})
    for name in ("a", "b"):
        item = {"id": f"item_{name}", "type": "function_call", "call_id": name, "name": f"f_{name}"}
        heard(
            client, type="response.output_item.added", response_id="r1", output_index=1, item=item
        )

    [done] = heard(
        client, type="response.function_call_arguments.done", call_id="a", arguments="{}"
    )

    assert done == events.FunctionCallArgumentsDone(
        response_id="r1",
        item_id="item_a",
        output_index=1,
        call_id="a",
        name="f_a",
        arguments="{}",
        at=3,
    )


def test_a_call_without_ids_is_where_its_arguments_were() -> None:
    client = Client()
    heard(
        client,
        type="response.function_call_arguments.delta",
        response_id="r1",
        item_id="i1",
        call_id="a",
        delta="{",
    )

    [done] = heard(
        client, type="response.function_call_arguments.done", call_id="a", name="f", arguments="{}"
    )

    assert isinstance(done, events.FunctionCallArgumentsDone)
    assert (done.response_id, done.item_id) == ("r1", "i1")


def test_a_call_out_of_nowhere_is_heard_all_the_same() -> None:
    [done] = heard(
        Client(),
        type="response.function_call_arguments.done",
        call_id="a",
        name="f",
        arguments="{}",
    )

    assert isinstance(done, events.FunctionCallArgumentsDone)
    assert (done.response_id, done.item_id, done.name) == ("", "", "f")


def test_a_call_that_is_done_as_an_item_is_remembered() -> None:
    client = Client()
    item = {"id": "i1", "type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
    [whole] = heard(client, type="response.output_item.done", response_id="r1", item=item)

    [done] = heard(client, type="response.function_call_arguments.done", call_id="a")

    assert isinstance(whole, events.OutputItemDone)
    assert isinstance(whole.item, FunctionCall)
    assert isinstance(done, events.FunctionCallArgumentsDone)
    assert (done.item_id, done.name) == ("i1", "f")


def test_calls_without_a_name_are_not_taken_for_each_other() -> None:
    client = Client()
    kind = "response.function_call_arguments.delta"
    for item_id in ("i1", "i2"):
        [event] = heard(client, type=kind, response_id="r", item_id=item_id, delta="{")

        assert isinstance(event, events.FunctionCallArgumentsDelta)
        assert event.item_id == item_id


def test_another_response_may_use_the_name_of_a_call_again() -> None:
    client = Client()
    for name in ("1", "2"):
        heard(client, type="response.created", response={"id": f"r{name}"})
        [event] = heard(
            client,
            type="response.function_call_arguments.done",
            response_id=f"r{name}",
            item_id=f"i{name}",
            call_id="call_1",
        )

        assert isinstance(event, events.FunctionCallArgumentsDone)
        assert (event.response_id, event.item_id) == (f"r{name}", f"i{name}")


# Resuming.


def test_a_conversation_is_no_handle_unless_the_session_is_kept() -> None:
    client = Client()

    [event] = created(client, "conv_1")
    settled = heard(client, type="session.updated", session={})

    assert isinstance(event, events.Custom)
    assert event.raw_type == "conversation.created"
    assert [type(one) for one in settled] == [events.SessionUpdated]


def test_a_session_that_is_kept_can_be_resumed_once_the_server_agrees() -> None:
    client = Client()
    ask(client, resumption=True)
    [announced] = created(client, "conv_1")

    settled = heard(client, type="session.updated", session={})
    again = heard(client, type="session.updated", session={"resumption": {"enabled": True}})

    assert isinstance(announced, events.Custom)
    assert settled == [
        events.SessionUpdated(config=SessionConfig(), at=3),
        events.ResumptionHandle(handle="conv_1", at=3),
    ]
    assert [type(one) for one in again] == [events.SessionUpdated]


def test_a_server_may_keep_the_session_by_itself() -> None:
    client = Client()
    heard(client, type="session.created", session={"id": "s", "resumption": {"enabled": True}})

    [handle] = created(client, "conv_1")

    assert handle == events.ResumptionHandle(handle="conv_1", event_id="e", at=3)


def test_a_server_may_refuse_to_keep_the_session() -> None:
    client = Client()
    ask(client, resumption=True)
    created(client, "conv_1")

    settled = heard(client, type="session.updated", session={"resumption": {"enabled": False}})

    assert [type(one) for one in settled] == [events.SessionUpdated]


def test_a_new_conversation_is_a_new_handle() -> None:
    client = Client()
    heard(client, type="session.created", session={"resumption": {"enabled": True}})
    created(client, "conv_1")

    [same] = created(client, "conv_1")
    [other] = created(client, "conv_2")
    [none] = created(client, None)

    assert [type(one) for one in (same, none)] == [events.Custom] * 2
    assert other == events.ResumptionHandle(handle="conv_2", event_id="e", at=3)


# Mistakes.


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": "conversation.created", "conversation": "c"}, "$.conversation"),
        ({"type": "conversation.created", "conversation": {"id": 1}}, "$.conversation.id"),
        (
            {
                "type": "conversation.item.input_audio_transcription.updated",
                "transcript": ["a"],
            },
            "$.transcript",
        ),
        ({"type": "input_audio_buffer.dtmf_event_received", "digit": 5}, "$.digit"),
        ({"type": "session.updated", "session": {"voice": []}}, "$.session.voice"),
        ({"type": "response.output_audio.delta", "delta": "%"}, "$.delta"),
        ({"type": "response.output_audio.delta"}, "$"),
        ({"foo": 1}, "$"),
    ],
)
def test_a_mistake_is_named_by_its_place(message: Json, path: str) -> None:
    with pytest.raises(WireError) as raised:
        Client().decode(json.dumps(message))

    assert (raised.value.dialect, raised.value.path) == ("xai", path)
