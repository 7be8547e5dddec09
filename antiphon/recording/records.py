"""What is in a recording: its topics, and how frames are written in them and read again."""

import sys
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from antiphon.codecs import events
from antiphon.codecs.wire import Message
from antiphon.pipeline import Audio, Frame, Speech

PROFILE = "antiphon"
FORMAT = "1"
"""Of the file's contents; changes when an older reader would misread it."""


Side = Literal["model", "client"]
"""Who is at the other side of a connection."""


A_CALL = "a call"
"""The reason of a connection that also carries sound."""


class Topic(NamedTuple):
    name: str
    encoding: Literal["json", "msgpack"]
    about: str


AUDIO_IN = Topic("/audio/in", "msgpack", "Sound: what the source gave")
AUDIO_OUT = Topic("/audio/out", "msgpack", "Sound: what reached the sink")
EVENTS_IN = Topic("/events/in", "json", "Said: what the source gave, and what the sink sent back")
EVENTS_OUT = Topic("/events/out", "json", "Said: what else reached the sink")
WIRE_IN = Topic("/wire/in", "msgpack", "Wired: a message from the other side of a connection")
WIRE_OUT = Topic("/wire/out", "msgpack", "Wired: a message to the other side")
WIRE_STATE = Topic("/wire/state", "json", "Connected: a connection was opened, closed or failed")
TOOLS = Topic("/tools", "json", "Called: a tool call, or the answer to one")
CONFIG = Topic("/config", "json", "Said: how the model was told to be")
SESSION = Topic("/session", "json", "Happened: the input's end, records dropped, the end")

TOPICS = (
    *(AUDIO_IN, AUDIO_OUT, EVENTS_IN, EVENTS_OUT, WIRE_IN, WIRE_OUT, WIRE_STATE),
    *(TOOLS, CONFIG, SESSION),
)


class Sound(msgspec.Struct, frozen=True, omit_defaults=True):
    """Audio, or Speech where it has ids."""

    at: int
    pcm: bytes
    rate: int
    response_id: str | None = None
    item_id: str | None = None
    content_index: int = 0


class Said(msgspec.Struct, frozen=True):
    """A frame that is not audio, and the member that it came from."""

    member: str
    frame: str
    """The event's tag, such as speech-started; the class of what is no event, as module:name."""
    body: msgspec.Raw


class Wired(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of one connection, as it was on the wire but for secrets."""

    connection: int
    text: str | None = None
    data: bytes | None = None
    """Of a binary message, which has no *text*."""
    side: Side = "model"

    @property
    def message(self) -> Message:
        return self.text if self.text is not None else self.data or b""


class Connected(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a connection. They are numbered from 1."""

    connection: int
    what: Literal["opened", "closed", "failed"]
    side: Side = "model"
    code: int | None = None
    reason: str = ""
    retryable: bool = True


class Called(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call with its *arguments*, or, with *output*, the answer."""

    call_id: str
    name: str = ""
    arguments: str = ""
    output: str | None = None
    failed: bool = False


class Happened(msgspec.Struct, frozen=True, omit_defaults=True):
    what: Literal["input-ended", "dropped", "ended"]
    count: int = 0
    """Of records that were dropped since the last that says so."""
    problem: str = ""
    """What ended the session, unless it came to its own end."""


Body = Sound | Said | Wired | Connected | Called | Happened

_DECODERS: Mapping[Topic, Any] = {
    **dict.fromkeys((AUDIO_IN, AUDIO_OUT), msgspec.msgpack.Decoder(Sound)),
    **dict.fromkeys((EVENTS_IN, EVENTS_OUT, CONFIG), msgspec.json.Decoder(Said)),
    **dict.fromkeys((WIRE_IN, WIRE_OUT), msgspec.msgpack.Decoder(Wired)),
    WIRE_STATE: msgspec.json.Decoder(Connected),
    TOOLS: msgspec.json.Decoder(Called),
    SESSION: msgspec.json.Decoder(Happened),
}

_STRUCTS: Mapping[Topic, type[msgspec.Struct]] = {
    topic: decoder.type for topic, decoder in _DECODERS.items()
}

_EVENTS: Mapping[str, type[events.EventFrame]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (*get_args(events.ClientEvent), *get_args(events.ServerEvent))
}

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()


def schema_of(topic: Topic) -> bytes:
    """The JSON schema of a topic's messages, for who reads the file with another program."""
    return msgspec.json.encode(msgspec.json.schema(_STRUCTS[topic]))


def encoded(topic: Topic, body: Body | Audio) -> bytes:
    """Audio and Speech as they are say the same as the Sound that they would make."""
    return (_json if topic.encoding == "json" else _msgpack).encode(body)


def decoded(topic: Topic, data: bytes) -> Body:
    """Raises msgspec.DecodeError on what was not written by `encoded`."""
    return _DECODERS[topic].decode(data)


def wired(connection: int, message: Message, side: Side = "model") -> Wired:
    if isinstance(message, str):
        return Wired(connection, text=message, side=side)
    return Wired(connection, data=message, side=side)


def sound_of(frame: Audio) -> Sound:
    if isinstance(frame, Speech):
        return Sound(
            frame.at, frame.pcm, frame.rate, frame.response_id, frame.item_id, frame.content_index
        )
    return Sound(frame.at, frame.pcm, frame.rate)


def said_of(member: str, frame: Frame) -> Said:
    """What cannot be written as JSON is known by its class only."""
    try:
        body = msgspec.Raw(_json.encode(frame))
    except (TypeError, ValueError, RecursionError):
        body = msgspec.Raw(b"null")
    return Said(member, kind_of(frame), body)


def kind_of(frame: Frame) -> str:
    if isinstance(frame, events.EventFrame) and type(frame) in _KINDS:
        return _KINDS[type(frame)]
    return f"{type(frame).__module__}:{type(frame).__qualname__}"


def frame_of(body: Sound | Said) -> Frame | None:
    """The frame again; None for one of a class that this program does not have.

    A recording only chooses among the frames of modules that are loaded: reading it imports
    nothing.
    """
    if isinstance(body, Sound):
        if body.response_id is None or body.item_id is None:
            return Audio(at=body.at, pcm=body.pcm, rate=body.rate)
        return Speech(
            at=body.at,
            pcm=body.pcm,
            rate=body.rate,
            response_id=body.response_id,
            item_id=body.item_id,
            content_index=body.content_index,
        )
    kind = _EVENTS.get(body.frame) or _loaded(body.frame)
    if kind is None or bytes(body.body) == b"null":
        return None
    return msgspec.json.decode(body.body, type=kind)


_KINDS: Mapping[type, str] = {kind: tag for tag, kind in _EVENTS.items()}


def _loaded(name: str) -> type[Frame] | None:
    module, _, path = name.partition(":")
    found: object = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Frame) else None
