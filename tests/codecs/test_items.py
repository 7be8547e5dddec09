"""Messages, tool calls and outputs as values."""

import msgspec
import pytest
from hypothesis import given

from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCallOutput,
    ImagePart,
    Item,
    Message,
    TextPart,
    text_message,
)
from tests.codecs.strategies import items


@given(item=items)
def test_an_item_survives_a_log(item: Item) -> None:
    assert msgspec.json.decode(msgspec.json.encode(item), type=Item) == item


def test_the_text_of_a_message_is_what_is_written_and_what_is_said() -> None:
    message = Message(
        role="user",
        content=(
            TextPart(text="What is "),
            ImagePart(data=b"\xff\xd8", media_type="image/jpeg"),
            AudioPart(transcript="this?"),
            AudioPart(audio=b"\x00\x00"),
        ),
    )

    assert message.text == "What is this?"


def test_a_text_message_is_the_users_unless_said_otherwise() -> None:
    assert text_message("Hello.") == Message(role="user", content=(TextPart(text="Hello."),))
    assert text_message("Be brief.", role="system").role == "system"


def test_an_image_has_either_bytes_or_an_address() -> None:
    with pytest.raises(ValueError, match="either data or a url"):
        ImagePart()
    with pytest.raises(msgspec.ValidationError, match="either data or a url"):
        msgspec.json.decode(b'{"type":"image","data":"/9g=","url":"https://a"}', type=ImagePart)


def test_an_output_is_a_success_unless_it_says_that_it_failed() -> None:
    assert not FunctionCallOutput(call_id="c", output="{}").failed
    assert b"failed" not in msgspec.json.encode(FunctionCallOutput(call_id="c", output="{}"))


def test_an_item_that_only_its_provider_knows_is_carried_to_the_letter() -> None:
    item = CustomItem(raw_type="mcp_call", raw=msgspec.Raw(b'{"server_label": "x"}'))

    said = msgspec.json.decode(msgspec.json.encode(item), type=Item)

    assert isinstance(said, CustomItem)
    assert bytes(said.raw) == b'{"server_label": "x"}'
