"""Cartesia's managed agents on the wire, and how messages of its other surfaces are told apart.

https://docs.cartesia.ai/api-reference/agents/agent-websocket

Times are seconds since the call began; they are read as text too, as some are dates.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Message, Reader, Unknown, WireError, Writer, verbatim

NAME = "cartesia"

SPEAKING_PACE = "speaking_pace"

USER, ASSISTANT = "user", "assistant"

COMMANDS = ("finalize", "close")
"""What speech recognition is told in plain text."""

Number = Annotated[int, Meta(ge=0, le=2**53)]
"""Turns are counted, those of both sides together."""

T = TypeVar("T")


class _Object(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of a message."""


class _Message(_Object, frozen=True, kw_only=True, tag_field="type"):
    pass


# The client.


class Asked(_Object, frozen=True, kw_only=True):
    input_format: str | None = None
    output_delivery: str | None = None


class SessionCreate(_Message, frozen=True, kw_only=True, tag="session_create"):
    audio: Asked | None = None
    dynamic_variables: JsonObject | None = None


class AudioInput(_Message, frozen=True, kw_only=True, tag="audio_input"):
    audio: str


class DtmfInput(_Message, frozen=True, kw_only=True, tag="dtmf_input"):
    digit: str


class ClientToolResult(_Message, frozen=True, kw_only=True, tag="client_tool_result"):
    tool_call_id: str
    result: Any = None
    is_error: bool | None = None


# The server.


class SessionReady(_Message, frozen=True, kw_only=True, tag="session_ready"):
    call_id: str | None = None
    agent_id: str | None = None
    agent_version_id: str | None = None
    audio: Asked | None = None


class AudioOutput(_Message, frozen=True, kw_only=True, tag="audio_output"):
    audio: str


class AudioOutputClear(_Message, frozen=True, kw_only=True, tag="audio_output_clear"):
    pass


class DtmfOutput(_Message, frozen=True, kw_only=True, tag="dtmf_output"):
    digit: str


class ClientToolCall(_Message, frozen=True, kw_only=True, tag="client_tool_call"):
    tool_call_id: str
    tool_name: str
    parameters: msgspec.Raw | UnsetType = UNSET
    expects_response: bool | None = None


class TurnStarted(_Message, frozen=True, kw_only=True, tag="turn_started"):
    turn: Number
    role: str
    start_time: float | str | None = None


class TurnOutputTextDelta(_Message, frozen=True, kw_only=True, tag="turn_output_text_delta"):
    turn: Number
    role: str
    text: str


class TurnEnded(_Message, frozen=True, kw_only=True, tag="turn_ended"):
    turn: Number
    role: str
    text: str | UnsetType | None = UNSET
    interrupted: bool | UnsetType | None = UNSET
    start_time: float | str | None = None
    end_time: float | str | None = None
    tool_calls: list[Any] | UnsetType | None = UNSET


class Error(_Message, frozen=True, kw_only=True, tag="error"):
    message: str | None = None
    code: str | None = None
    fatal: bool | UnsetType | None = UNSET


FromClient = SessionCreate | AudioInput | DtmfInput | ClientToolResult

FromServer = (
    AudioOutput
    | SessionReady
    | AudioOutputClear
    | DtmfOutput
    | ClientToolCall
    | TurnStarted
    | TurnOutputTextDelta
    | TurnEnded
    | Error
)


class _Foreign(_Object, frozen=True, kw_only=True):
    """By which fields messages of other surfaces are known."""

    type: object = None
    event: str | None = None
    """Of the line stream: what elsewhere is the type."""
    transcript: object = None
    context_id: object = None
    cancel: object = None
    request_id: object = None
    status_code: object = None
    error_code: object = None


_from_client: Decoder[FromClient] = Decoder(FromClient)
_from_server: Decoder[FromServer] = Decoder(FromServer)
_foreign: Decoder[_Foreign] = Decoder(_Foreign)

_read_client = Reader(NAME, _from_client)
_read_server = Reader(NAME, _from_server)
write = Writer(NAME)


def read_client(message: Message) -> FromClient | Unknown:
    return _own(_read_client, message)


def read_server(message: Message) -> FromServer | Unknown:
    said = _own(_read_server, message)
    if isinstance(said, Error) and _surface(message) is not None:
        return _unknown("error", message)
    return said


def as_sent(raw: msgspec.Raw) -> str:
    """A message that is passed on as it came; a command in its plain text."""
    text = verbatim(raw, NAME)
    return next((command for command in COMMANDS if text == f'"{command}"'), text)


def _own(read: Reader[T], message: Message) -> T | Unknown:
    """What *message* says here, or Unknown when it belongs to another surface."""
    try:
        return read(message)
    except WireError:
        surface = _surface(message)
        if surface is None:
            raise
        return _unknown(surface, message)


def _surface(message: Message) -> str | None:
    """What a message of another surface would be called; None: it is none."""
    try:
        said = _foreign.decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if said.type is None:
        if said.event is not None:
            return said.event
        if said.context_id is not None or said.transcript is not None:
            return "generation" if said.cancel is None else "cancel"
        return None
    marks = said.request_id, said.context_id, said.status_code, said.error_code
    return "error" if said.type == "error" and any(mark is not None for mark in marks) else None


def _unknown(kind: str, message: Message) -> Unknown:
    raw = message.encode() if isinstance(message, str) else bytes(message)
    return Unknown(kind, msgspec.Raw(raw))
