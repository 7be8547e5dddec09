"""Messages as lines of text: each as one JSON value."""

from typing import Any

import msgspec
import pybase64

from antiphon.codecs.wire import Message, WireError, from_base64


class _Binary(msgspec.Struct, forbid_unknown_fields=True):
    """How a binary frame is written that is no JSON: its bytes in base64."""

    binary: str


_binary = msgspec.json.Decoder(_Binary)
_text = msgspec.json.Decoder(str)
_any: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder()

_NO_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)


def read_line(line: bytes, dialect: str) -> Message | None:
    """The message that stands in *line*; None if there is none in it."""
    try:
        text = line.decode().strip()
    except UnicodeDecodeError as error:
        raise WireError(dialect, "$", "Expected UTF-8") from error
    if text.startswith('"'):
        try:
            return _text.decode(text)
        except _NO_JSON as error:
            raise WireError(dialect, "$", "Expected one JSON value in a line") from error
    if '"binary"' in text[:16]:
        try:
            frame = _binary.decode(text)
        except _NO_JSON:  # a message that begins with the same word
            return text
        return from_base64(frame.binary, dialect, "$.binary")
    return text or None


def write_line(message: Message) -> bytes:
    """JSON as it is, words that are none as a JSON string, sound as `{"binary": "..."}`."""
    if isinstance(message, str):
        if message[:1] not in ("{", "[") or "\n" in message:
            return _written(message.encode()) or msgspec.json.encode(message) + b"\n"
        return message.encode() + b"\n"
    return _written(message) or b'{"binary":"%b"}\n' % pybase64.b64encode(message)


def _written(message: bytes) -> bytes | None:
    """*message* in a line, None if it is no JSON."""
    try:
        value = _any.decode(message)
    except _NO_JSON:
        return None
    return message + b"\n" if b"\n" not in message else msgspec.json.encode(value) + b"\n"


def plain(text: str) -> str:
    """*text* of others, on one line and with nothing that could move a cursor."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
