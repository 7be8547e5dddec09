"""Items, as clients send them and as a server shows them."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    JsonObject,
    Message,
    Role,
    TextPart,
    text_message,
)
from antiphon.codecs.vercel import Client, Server


def sent(item: Item) -> JsonObject:
    (message,) = Client().encode(events.ConversationItemCreate(item=item))
    return json.loads(message)["item"]


def received(item: Any) -> Item:
    (event,) = Server().decode(json.dumps({"type": "conversation-item-create", "item": item}))
    assert isinstance(event, events.ConversationItemCreate)
    return event.item


def shown(item: Item) -> Any:
    (message,) = Server().encode(events.ConversationItemAdded(item_id="i", item=item))
    return json.loads(message)["item"]


def seen(item: Any) -> Item | None:
    message = {"type": "conversation-item-added", "itemId": "i", "item": item}
    (event,) = Client().decode(json.dumps(message))
    assert isinstance(event, events.ConversationItemAdded)
    return event.item


def user(*parts: Any) -> Message:
    return Message(role="user", content=parts)


SENT: list[tuple[Item, JsonObject]] = [
    (text_message("hi"), {"type": "text-message", "role": "user", "text": "hi"}),
    (
        user(AudioPart(audio=b"\1\2\3\4")),
        {"type": "audio-message", "role": "user", "audio": "AQIDBA=="},
    ),
    (
        FunctionCallOutput(call_id="c", name="f", output="plain text"),
        {"type": "function-call-output", "callId": "c", "name": "f", "output": "plain text"},
    ),
    # In our own JSON, for servers of ours.
    (
        text_message("hello", role="assistant", id="i"),
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "hello"}],
            "id": "i",
        },
    ),
    (
        FunctionCall(call_id="c", name="f", arguments="{}"),
        {"type": "function-call", "callId": "c", "name": "f", "arguments": "{}"},
    ),
    (
        user(TextPart(text="What is it?"), ImagePart(url="https://example.org/cat.png")),
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image", "url": "https://example.org/cat.png"},
            ],
        },
    ),
    (user(), {"type": "message", "role": "user", "content": []}),
]


@pytest.mark.parametrize(("item", "written"), SENT)
def test_an_item_is_sent_as_what_it_is(item: Item, written: JsonObject) -> None:
    assert sent(item) == written
    assert received(written) == item


@pytest.mark.parametrize(
    "item",
    [
        user(TextPart(text="a "), TextPart(text="b")),
        user(AudioPart(transcript="a b")),
        text_message("a b", id="i"),
    ],
)
def test_words_of_the_user_are_sent_as_text(item: Item) -> None:
    assert sent(item) == {"type": "text-message", "role": "user", "text": "a b"}


def test_whose_a_message_is_is_read_though_the_sdk_knows_the_user_alone() -> None:
    said = {"type": "text-message", "role": "assistant", "text": "hello"}

    assert received(said) == text_message("hello", role="assistant")


def test_how_a_tool_failed_is_told_by_its_output_alone() -> None:
    item = FunctionCallOutput(call_id="c", output="no such city", failed=True, id="i")

    assert sent(item) == {"type": "function-call-output", "callId": "c", "output": "no such city"}


@pytest.mark.parametrize(
    "item", [{"type": "image-message", "role": "user", "image": "x", "id": "i"}, {"id": "i"}]
)
def test_an_item_that_is_new_is_passed_on_as_it_is(item: JsonObject) -> None:
    unknown = received(item)

    assert isinstance(unknown, CustomItem)
    assert (unknown.raw_type, unknown.id) == (item.get("type", ""), "i")
    assert sent(unknown) == item


SHOWN: list[tuple[Item, JsonObject]] = [
    (
        Message(role="user", content=(TextPart(text="hi"),), id="i", status="completed"),
        {
            "id": "i",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": "hi"}],
        },
    ),
    (
        Message(role="assistant", content=(TextPart(text="hi"), AudioPart(transcript="ho"))),
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "hi"},
                {"type": "output_audio", "transcript": "ho"},
            ],
        },
    ),
    (
        user(
            AudioPart(audio=b"\1\2"),
            ImagePart(data=b"cat", media_type="image/png", detail="low"),
            ImagePart(data=b"cat"),
            ImagePart(url="https://example.org/cat.png"),
        ),
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_audio", "audio": "AQI=", "transcript": None},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,Y2F0",
                    "detail": "low",
                },
                {"type": "input_image", "image_url": "data:;base64,Y2F0"},
                {"type": "input_image", "image_url": "https://example.org/cat.png"},
            ],
        },
    ),
    (
        FunctionCall(call_id="c", name="f", arguments="{}", id="i", status="in_progress"),
        {
            "id": "i",
            "type": "function_call",
            "status": "in_progress",
            "call_id": "c",
            "name": "f",
            "arguments": "{}",
        },
    ),
    (
        FunctionCallOutput(call_id="c", output="{}"),
        {"type": "function_call_output", "call_id": "c", "output": "{}"},
    ),
    (CustomItem(raw_type="x", raw=msgspec.Raw(b'{"type": "x"}')), {"type": "x"}),
]


@pytest.mark.parametrize(("item", "written"), SHOWN)
def test_an_item_is_shown_as_openai_shows_it(item: Item, written: JsonObject) -> None:
    assert shown(item) == written
    assert seen(written) == item


@pytest.mark.parametrize(("role", "coded"), [("user", "CAAIAA=="), ("assistant", "1dU=")])
def test_speech_in_an_item_is_coded_as_that_of_its_speaker(role: Role, coded: str) -> None:
    config = SessionConfig(output_audio_format=AudioFormat(type="audio/pcma"))
    client, server = Client(), Server()
    for message in client.encode(events.SessionUpdate(config=config)):
        list(server.decode(message))
    item = Message(role=role, content=(AudioPart(audio=b"\x08\x00" * 2),))

    (message,) = server.encode(events.ConversationItemAdded(item_id="i", item=item))
    (heard,) = client.decode(message)

    assert json.loads(message)["item"]["content"][0]["audio"] == coded
    assert heard == events.ConversationItemAdded(item_id="i", item=item)


@pytest.mark.parametrize(
    "item",
    [
        {"id": "i"},
        {"type": "mcp_call", "id": "i", "server_label": "s"},
        {"type": "message", "id": "i", "role": "developer", "content": []},
        {"type": "message", "id": "i", "role": "user", "content": [{"type": "input_file"}]},
        {"type": "message", "id": "i", "role": "user", "content": [{"type": "input_image"}]},
        {"type": "message", "id": "i", "role": "user", "content": "text"},
        {
            "type": "message",
            "id": "i",
            "role": "user",
            "content": [{"type": "input_audio", "audio": "%"}],
        },
        {"type": "function_call", "id": "i", "arguments": {}},
    ],
)
def test_an_item_of_another_provider_is_kept_as_it_is(item: JsonObject) -> None:
    kept = seen(item)

    assert isinstance(kept, CustomItem)
    assert kept.id == "i"
    assert shown(kept) == item


@pytest.mark.parametrize("item", [5, "x", [], True])
def test_an_item_may_be_anything(item: Any) -> None:
    kept = seen(item)

    assert isinstance(kept, CustomItem)
    assert json.loads(bytes(kept.raw)) == item
    assert shown(kept) == item


def test_what_is_missing_of_a_shown_item_is_not_missed() -> None:
    assert seen({"type": "message", "role": "user"}) == user()
    assert seen({"type": "function_call"}) == FunctionCall(call_id="", name="", arguments="")
    assert seen({"type": "function_call_output", "output": None}) == FunctionCallOutput(
        call_id="", output=""
    )
    assert seen(
        {"type": "message", "role": "assistant", "content": [{"type": "text"}, {"type": "audio"}]}
    ) == Message(role="assistant", content=(TextPart(text=""), AudioPart()))
