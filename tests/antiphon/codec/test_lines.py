"""Messages as lines, and lines as messages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codec.lines import plain, read_line, write_line
from antiphon.codecs.wire import WireError


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"a","text":"Zürich"}',
        '[{"type":"a"}]',
        "finalize",
        "[not json",
        b"\x00\x01\xff\xfe",
        b"{ sound that begins like json",
    ],
)
def test_a_message_is_the_same_when_its_line_was_read(message: str | bytes) -> None:
    line = write_line(message)

    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert read_line(line, "plain") == message


@given(st.binary())
def test_every_binary_frame_is_a_line_of_json(message: bytes) -> None:
    line = write_line(message)

    json.loads(line)
    assert line.count(b"\n") == 1


@given(st.text(st.characters(codec="utf-8")))
def test_every_text_is_a_line_of_json_or_begins_as_one(message: str) -> None:
    line = write_line(message)

    assert line.count(b"\n") == 1
    if message[:1] not in ("{", "["):
        json.loads(line)


def test_json_in_a_binary_frame_is_written_as_that_json() -> None:
    assert write_line(b'{"setupComplete":{}}') == b'{"setupComplete":{}}\n'


@pytest.mark.parametrize("pretty", ['{\n  "a": [1,\n 2.5]\n}', b'{\n  "a": [1,\n 2.5]\n}'])
def test_json_on_several_lines_is_written_on_one(pretty: str | bytes) -> None:
    line = write_line(pretty)

    assert line.count(b"\n") == 1
    assert json.loads(line) == {"a": [1, 2.5]}


@pytest.mark.parametrize("line", [b"", b"\n", b"  \r\n"])
def test_an_empty_line_is_no_message(line: bytes) -> None:
    assert read_line(line, "plain") is None


def test_the_end_of_a_line_may_be_that_of_any_system() -> None:
    assert read_line(b' {"type":"a"} \r\n', "plain") == '{"type":"a"}'


def test_more_than_the_frame_is_a_message_of_its_own() -> None:
    line = b'{"binary":"AAAA","type":"a"}'

    assert read_line(line, "plain") == line.decode()


@pytest.mark.parametrize("line", [b'{"binary":"A"}', b'{ "binary" : "%%%%" }'])
def test_a_frame_of_no_base64_is_an_error_there(line: bytes) -> None:
    with pytest.raises(WireError, match=r"Expected base64 - at `\$.binary`"):
        read_line(line, "plain")


@pytest.mark.parametrize("line", [b"\xff\xfe", b'"not closed', b'"a" "b"', b'"\\ud800"'])
def test_what_is_no_line_of_json_is_an_error(line: bytes) -> None:
    with pytest.raises(WireError):
        read_line(line, "plain")


def test_text_of_others_moves_no_cursor() -> None:
    assert plain("a\x1b[2J\r\nb\u2028é") == "a\\x1b[2J\\r\\nb\\u2028é"
