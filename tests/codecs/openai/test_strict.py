"""Whatever is said, in whatever order, the strictest clients and servers understand it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from antiphon.codecs import events
from antiphon.codecs.complete import Complete
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.codecs.items import AudioPart, CustomItem, ImagePart, Message, TextPart
from antiphon.codecs.openai import Client, Server
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.ledger import Ledger
from tests.codecs.openai import strict
from tests.codecs.openai.sense import sensible
from tests.codecs.strategies import CLIENT_EVENTS, SERVER_EVENTS, of

RECORDED = Path(__file__).parents[2] / "data" / "wire"


def said(*stream: events.ServerEvent, server: Server | None = None) -> list[strict.Json]:
    end = server or Server()
    return [
        strict.from_server(message)
        for event in stream
        if not isinstance(event, events.Custom)
        for message in end.encode(event)
    ]


def types(messages: Iterable[strict.Json]) -> list[str]:
    return [message["type"] for message in messages]


# Any event at all.


@pytest.mark.parametrize("kind", SERVER_EVENTS, ids=lambda kind: kind.__name__)
@settings(deadline=None)
@given(data=st.data())
def test_any_event_of_a_server_is_understood(kind: type[Any], data: st.DataObject) -> None:
    said(data.draw(of(kind)))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of([of(kind) for kind in SERVER_EVENTS]), max_size=12))
def test_events_in_any_order_are_understood(stream: list[events.ServerEvent]) -> None:
    messages = said(*stream)

    names = [message["event_id"] for message in messages if "event_id" in message]
    assert len(names) + types(messages).count("input_audio_buffer.dtmf_event_received") == len(
        messages
    )


@pytest.mark.parametrize("kind", CLIENT_EVENTS, ids=lambda kind: kind.__name__)
@settings(deadline=None)
@given(data=st.data())
def test_any_event_of_a_client_is_understood(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(sensible(kind))
    if isinstance(event, events.Custom):
        return

    for message in Client("gpt-realtime-2").encode(event):
        strict.from_client(message)


def test_a_client_says_nothing_that_is_no_item() -> None:
    foreign = events.ConversationItemCreate(item=CustomItem(raw_type="executable_code"))

    with pytest.raises(Unsayable):
        list(Client().encode(foreign))


@pytest.mark.parametrize("role", ["assistant", "system"])
def test_pictures_are_the_users(role: Any) -> None:
    item = Message(role=role, content=(TextPart(text="See:"), ImagePart(data=b"a")))

    [message] = Client().encode(events.ConversationItemCreate(item=item))
    [shown] = said(events.ConversationItemAdded(item_id="i", item=item))

    assert len(strict.from_client(message)["item"]["content"]) == 1
    assert len(shown["item"]["content"]) == 1


# Other providers' events.


def recorded() -> list[Any]:
    names = [name for name in DIALECTS if (RECORDED / f"{name}.server.jsonl").exists()]
    return [pytest.param(name, id=name) for name in names]


@pytest.mark.parametrize("name", recorded())
def test_what_other_providers_say_is_understood(name: str) -> None:
    client, server = find_dialect(name).client(""), Server()

    for line in (RECORDED / f"{name}.server.jsonl").read_text().splitlines():
        row = json.loads(line)
        if "wire" not in row:
            continue
        try:
            heard = list(client.decode(json.dumps(row["wire"])))
        except WireError:
            continue  # as said to a session that is not as the recorded one was
        for event in heard:
            if isinstance(event, events.Custom):
                continue
            for message in server.encode(event):
                strict.from_server(message)


# Whole conversations.

OF: dict[str, Any] = {"response_id": "r", "item_id": "i"}
DONE = events.ResponseDone(response_id="r", status="completed")

ANSWER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
"""The order in which OpenAI's server tells an answer."""


def local_answer() -> list[events.ServerEvent]:
    """As the local model tells it."""
    begun = Message(role="assistant", id="i", status="in_progress", content=())
    part = AudioPart(transcript="Hello.")
    whole = Message(role="assistant", id="i", status="completed", content=(part,))
    return [
        events.ResponseCreated(response_id="r", status="in_progress"),
        events.OutputItemAdded(**OF, item=begun),
        events.ConversationItemAdded(item_id="i", item=begun, previous_item_id=None),
        events.ContentPartAdded(**OF, part=AudioPart(transcript="")),
        events.AudioTranscriptDelta(**OF, delta="Hello."),
        events.AudioDelta(**OF, delta=b"ab"),
        events.AudioDone(**OF),
        events.AudioTranscriptDone(**OF, transcript="Hello."),
        events.ContentPartDone(**OF, part=part),
        events.ConversationItemDone(item_id="i", item=whole, previous_item_id=None),
        events.OutputItemDone(**OF, item=whole),
        events.ResponseDone(response_id="r", status="completed", output=(whole,)),
    ]


def test_an_answer_of_the_local_model_is_told_as_openai_tells_it() -> None:
    assert types(said(*local_answer())) == ANSWER


def test_an_answer_of_which_only_speech_and_words_come_is_told_alike() -> None:
    bare = (
        events.AudioTranscriptDelta(**OF, delta="Hello."),
        events.AudioDelta(**OF, delta=b"ab"),
        DONE,
    )

    assert types(said(*bare)) == ANSWER


def test_a_provider_that_announces_nothing_and_gives_one_id_to_all_is_understood() -> None:
    called = events.FunctionCallArgumentsDone(**OF, call_id="c", name="f", arguments="{}")

    messages = said(
        events.AudioDelta(**OF, delta=b"ab"),
        events.AudioTranscriptDelta(**OF, delta="Wait."),
        called,
        DONE,
        events.AudioTranscriptDelta(**OF, delta="late"),
    )

    [done] = [message for message in messages if message["type"] == "response.done"]
    assert [item["type"] for item in done["response"]["output"]] == ["message", "function_call"]
    assert [item["id"] for item in done["response"]["output"]] == ["i", "i-c"]
    assert messages[-1]["delta"] == "late"


def test_a_call_is_completed_for_clients_that_wait_for_that() -> None:
    called = events.FunctionCallArgumentsDone(**OF, call_id="c", name="f", arguments="{}")

    items = [
        (message["type"], message["item"]["status"], message["item"]["arguments"])
        for message in said(called)
        if message["type"].startswith("response.output_item.")
    ]

    assert items == [
        ("response.output_item.added", "in_progress", ""),
        ("response.output_item.done", "completed", "{}"),
    ]


@settings(deadline=None)
@given(st.lists(st.one_of([of(kind) for kind in SERVER_EVENTS]), max_size=8))
def test_what_a_client_hears_is_whole(stream: list[events.ServerEvent]) -> None:
    server, client = Server(), Client()

    heard = [
        one
        for event in stream
        if not isinstance(event, events.Custom)
        for message in server.encode(_of_one_name(event))
        for one in client.decode(message)
    ]

    complete = Complete()
    again = [event for one in heard for event in complete.process(one)]
    added = [type(event) for event in again if event not in heard]
    assert not [kind for kind in added if issubclass(kind, events.OutputEvent)]


def _of_one_name(event: Any) -> Any:
    """*event* with an item that is called as the event calls it, and with ids that are some."""
    ids = {name for name in ("item_id", "response_id") if getattr(event, name, None) == ""}
    changes: dict[str, Any] = {name: "x" for name in ids}
    if (item := getattr(event, "item", None)) is not None:
        changes["item"] = replace(item, id=None)
    return replace(event, **changes)


def test_a_whole_answer_is_whole_for_the_client_too() -> None:
    server, client = Server(), Client()

    heard = [
        one
        for event in local_answer()
        for message in server.encode(event)
        for one in client.decode(message)
    ]

    Ledger().read(heard)
