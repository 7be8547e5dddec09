"""Reading and writing at the edge: whatever is wrong with a message is a WireError."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from antiphon.codecs.wire import (
    DEEPEST,
    LARGEST,
    LARGEST_MS,
    Count,
    Reader,
    Recent,
    Unknown,
    WireError,
    Writer,
    bounded,
    convert,
    counted,
    from_any_base64,
    from_base64,
    known,
    micros,
    micros_if,
    millis,
    millis_if,
    read,
    to_base64,
    verbatim,
)
from antiphon.codecs.wire import (
    given as given_or_unset,
)
from tests.codecs.strategies import json_values


class One(msgspec.Struct, tag_field="type", tag="one"):
    number: Count | None = None
    inner: "Inner | None" = None


class Two(msgspec.Struct, tag_field="type", tag="two"):
    raw: msgspec.Raw = msgspec.Raw(b"null")


class Inner(msgspec.Struct):
    text: str


reader: Reader[One | Two] = Reader("test", msgspec.json.Decoder(One | Two))


def refused(message: str | bytes) -> WireError:
    with pytest.raises(WireError) as error:
        reader(message)
    assert error.value.dialect == "test"
    return error.value


def test_a_message_is_read_as_what_its_tag_says() -> None:
    assert reader('{"type":"one","number":1,"more":[]}') == One(number=1)
    assert reader(b'{"number":1,"type":"one"}') == One(number=1)


@pytest.mark.parametrize("message", ['{"type":"three","a":1}', b'{"a":1,"type":"three"}'])
def test_a_message_of_an_unknown_type_is_kept_word_for_word(message: str | bytes) -> None:
    unknown = reader(message)

    assert isinstance(unknown, Unknown)
    assert unknown.type == "three"
    assert bytes(unknown.raw) == (message if isinstance(message, bytes) else message.encode())


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ('{"type":"one","number":"1"}', "$.number"),
        ('{"type":"one","inner":{"text":1}}', "$.inner.text"),
        ('{"type":"one","inner":{}}', "$.inner"),
        ('{"type":1}', "$.type"),
        ("{}", "$"),
        ("[]", "$"),
        ("null", "$"),
        ("", "$"),
        ('{"type":"three"', "$"),
        ('{"type":"one"} more', "$"),
        ('{"type":"one","number":NaN}', "$"),
    ],
)
def test_a_mistake_is_named_with_its_place(message: str, path: str) -> None:
    assert refused(message).path == path


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"one","more":"\xff"}',
        b'{"type":"two","raw":"\xff"}',
        b'{"type":"three","more":"\xff"}',
        b"\xff",
        '{"type":"one","more":"\ud800"}',
        '{"type":"one","inner":{"text":"\\ud800"}}',
        '{"type":"three","more":' + "[" * 2000 + "]" * 2000 + "}",
        '{"type":"one","more":' + "[" * 2000 + "]" * 2000 + "}",
        '{"type":"two","raw":' + "[" * 200_000 + "]" * 200_000 + "}",
        '{"type":"one","number":1e400}',
        f'{{"type":"one","number":{10**400}}}',
        f'{{"type":"one","number":1{"0" * 5000}}}',
        f'{{"type":"one","number":{LARGEST + 1}}}',
    ],
)
def test_what_others_would_break_at_is_a_mistake_too(message: str | bytes) -> None:
    refused(message)


@given(st.binary(max_size=64) | st.text(max_size=64))
def test_nothing_else_is_raised(message: str | bytes) -> None:
    try:
        reader(message)
    except WireError as error:
        assert "\n" not in error.problem or len(error.problem) < 300


def test_a_part_of_a_message_is_named_by_its_own_place() -> None:
    with pytest.raises(WireError) as error:
        reader(msgspec.Raw(b'{"type":"one","number":"1"}'), "$.parts[2]")

    assert error.value.path == "$.parts[2].number"
    assert str(error.value).startswith("test: Expected `int | null`")


def test_a_body_has_one_type() -> None:
    decoder = msgspec.json.Decoder(Inner)

    assert read("test", decoder, b'{"text":"a"}') == Inner(text="a")
    with pytest.raises(WireError) as error:
        read("test", decoder, b'{"text":1}', "$.body")
    assert error.value.path == "$.body.text"
    with pytest.raises(WireError):
        read("test", decoder, "\ud800")


def test_json_that_was_read_already_is_converted() -> None:
    assert convert("test", {"text": "a"}, Inner) == Inner(text="a")
    with pytest.raises(WireError) as error:
        convert("test", {"text": 1}, Inner, "$.inner")
    assert error.value.path == "$.inner.text"


# Writing.


def test_a_message_is_written_as_text() -> None:
    assert Writer("test")(One(number=1)) == '{"type":"one","number":1,"inner":null}'


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_what_cannot_be_written_is_told(text: str) -> None:
    with pytest.raises(WireError):
        Writer("test")(Inner(text=text))


def test_words_of_others_are_sent_on_as_they_are() -> None:
    assert verbatim(msgspec.Raw(b'{"a": "\xc3\xa9"}'), "test") == '{"a": "é"}'
    with pytest.raises(WireError):
        verbatim(msgspec.Raw(b"\xff"), "test")


# What is kept as it came.


@given(json_values)
def test_json_that_can_be_written_again_is_kept(value: Any) -> None:
    assert bounded(value, "test", "$") is value


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_json_is_kept_so_deep_and_so_large() -> None:
    for value in (nested(DEEPEST - 1), {"a": [2**64 - 1, -(2**64) + 1]}):
        assert bounded(value, "test", "$") is value
    for value in (nested(DEEPEST), nested(10_000), {"a": [2**64]}, [{"a": -(10**400)}]):
        with pytest.raises(WireError):
            bounded(value, "test", "$.session")


# Values.


@given(st.binary(max_size=32))
def test_base64_is_read_in_every_spelling(data: bytes) -> None:
    text = to_base64(data)

    assert from_base64(text, "test", "$") == data
    for spelling in (text, text.rstrip("="), text.translate(str.maketrans("+/", "-_"))):
        assert from_any_base64(spelling, "test", "$") == data


@pytest.mark.parametrize("text", ["&", "a", "AA A", "AAA=\n", "é", "\ud800", "A=AA"])
def test_what_is_no_base64_is_a_mistake(text: str) -> None:
    with pytest.raises(WireError) as error:
        from_any_base64(text, "test", "$.audio")
    assert error.value.path == "$.audio"


def test_milliseconds_are_microseconds_here() -> None:
    assert micros(1.5, "test", "$") == 1500
    assert micros(-LARGEST_MS, "test", "$") == -1000 * LARGEST_MS
    assert micros_if(None, "test", "$") is None
    assert micros_if(UNSET, "test", "$") is None
    assert micros_if(2, "test", "$") == 2000


@pytest.mark.parametrize("ms", [float("nan"), float("inf"), -float("inf"), 1e300, 10**400])
def test_milliseconds_beyond_any_session_are_a_mistake(ms: float) -> None:
    with pytest.raises(WireError):
        micros(ms, "test", "$")


def test_what_was_heard_is_not_made_longer() -> None:
    assert (millis(1999), millis_if(1999), millis_if(None)) == (1, 1, None)


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_every_moment_can_be_told_and_read(us: int) -> None:
    assert us - 1000 < micros(millis(us), "test", "$") <= us


def test_nothing_is_left_out_or_null() -> None:
    assert (given_or_unset(1), given_or_unset(None)) == (1, UNSET)
    assert (known(1), known(None), known(UNSET)) == (1, None, None)


def test_names_are_counted_by_kind() -> None:
    new_id = counted()

    assert [new_id(kind) for kind in ("item", "item", "event")] == ["item_1", "item_2", "event_1"]


def test_what_was_put_in_first_is_forgotten_first() -> None:
    recent = Recent[str, int](2)

    recent["a"], recent["b"], recent["a"], recent["c"] = 1, 2, 3, 4

    assert recent == {"a": 3, "c": 4}
