"""Items, both ways: as clients of the AI SDK send them, and as a server shows them.

The AI SDK has three kinds of item to send, all of the user. Others go as what they are in our own
JSON, which our server reads. What a server shows is to the AI SDK its provider's own; ours shows
items as OpenAI does.
"""

import copy
from collections.abc import Iterable

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.audio import AudioLine
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    Message,
    Part,
    Role,
    TextPart,
)
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.session import Lines
from antiphon.codecs.wire import (
    Unknown,
    WireError,
    from_any_base64,
    given,
    known,
    read,
    to_base64,
)

OUR_TYPES = frozenset({"message", "function-call"})

_ours: Decoder[Message | FunctionCall] = Decoder(Message | FunctionCall)

ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def read_sent(raw: Raw, path: str, lines: Lines) -> Item:
    """What a client adds to the conversation."""
    kind, name = wire.head(raw)
    if kind in OUR_TYPES:
        return read(wire.NAME, _ours, raw, path)
    said = wire.read_item(raw, path) if kind else Unknown("", raw)
    match said:
        case wire.TextMessage():
            return Message(role=said.role, content=(TextPart(text=said.text),))
        case wire.AudioMessage():
            audio = _samples(lines.heard, said.audio, f"{path}.audio")
            return Message(role=said.role, content=(AudioPart(audio=audio),))
        case wire.FunctionCallOutput():
            output = known(said.output)
            return FunctionCallOutput(
                call_id=said.call_id,
                name=known(said.name),
                # A tool that returned `undefined` has answered all the same: with nothing.
                output="null" if output is None else output,
            )
        case Unknown():
            return CustomItem(raw_type=said.type, raw=raw.copy(), id=name)


def write_sent(item: Item, lines: Lines) -> Raw:
    match item:
        case CustomItem():
            return item.raw
        case FunctionCallOutput():
            sent = wire.FunctionCallOutput(
                call_id=item.call_id, name=given(item.name), output=item.output
            )
            return Raw(wire.write(sent))
        case Message(role="user", content=(AudioPart(audio=bytes(audio)),)):
            return Raw(wire.write(wire.AudioMessage(audio=lines.heard.to_wire(audio))))
        case Message(role="user", content=content) if content and _all_words(content):
            return Raw(wire.write(wire.TextMessage(text=item.text)))
        case Message() | FunctionCall():
            return Raw(wire.write(item))


def read_shown(raw: Raw | UnsetType, lines: Lines) -> Item | None:
    """An item of whatever provider: what is not as OpenAI's are is kept as it is."""
    if raw is UNSET or bytes(raw) == b"null":
        return None
    kind, name = wire.head(raw)
    try:
        item = _as_of_openai(read(wire.NAME, wire.shown_item, raw), lines)
    except (WireError, ValueError):
        item = None
    return item or CustomItem(raw_type=kind or "", raw=raw.copy(), id=name)


def write_shown(item: Item | None, lines: Lines) -> Raw | UnsetType:
    if item is None:
        return UNSET
    if isinstance(item, CustomItem):
        return item.raw
    return Raw(wire.write(_show(item, lines)))


def _all_words(content: Iterable[Part]) -> bool:
    return all(
        isinstance(part, TextPart)
        or (isinstance(part, AudioPart) and part.audio is None and part.transcript is not None)
        for part in content
    )


def _as_of_openai(item: wire.ShownItem, lines: Lines) -> Item | None:
    match item.type:
        case "message":
            role = ROLES.get(known(item.role) or "")
            parts = [_part(part, role, lines) for part in known(item.content) or ()]
            content = tuple(part for part in parts if part is not None)
            if role is None or len(content) < len(parts):
                return None
            return Message(role=role, content=content, id=known(item.id), status=known(item.status))
        case "function_call":
            return FunctionCall(
                call_id=known(item.call_id) or "",
                name=known(item.name) or "",
                arguments=known(item.arguments) or "",
                id=known(item.id),
                status=known(item.status),
            )
        case "function_call_output":
            return FunctionCallOutput(
                call_id=known(item.call_id) or "",
                output=known(item.output) or "",
                id=known(item.id),
                status=known(item.status),
            )
        case _:
            return None


def _part(part: wire.ShownPart, role: Role | None, lines: Lines) -> Part | None:
    match part.type:
        case "input_text" | "output_text" | "text":
            return TextPart(text=known(part.text) or "")
        case "input_audio" | "output_audio" | "audio":
            line = lines.spoken if role == "assistant" else lines.heard
            coded = known(part.audio)
            audio = None if coded is None else _samples(line, coded, "$")
            return AudioPart(audio=audio, transcript=known(part.transcript))
        case "input_image":
            url = known(part.image_url)
            found = None if url is None else _image(url)
            return found and msgspec.structs.replace(found, detail=known(part.detail))
        case _:
            return None


def _image(url: str) -> ImagePart:
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return ImagePart(url=url)
    media_type = head.removeprefix("data:").removesuffix(";base64")
    return ImagePart(data=from_any_base64(data, wire.NAME, "$"), media_type=media_type or None)


def _show(item: Message | FunctionCall | FunctionCallOutput, lines: Lines) -> wire.ShownItem:
    match item:
        case Message():
            return wire.ShownItem(
                id=given(item.id),
                type="message",
                status=given(item.status),
                role=item.role,
                content=tuple(_show_part(part, item.role, lines) for part in item.content),
            )
        case FunctionCall():
            return wire.ShownItem(
                id=given(item.id),
                type="function_call",
                status=given(item.status),
                call_id=item.call_id,
                name=item.name,
                arguments=item.arguments,
            )
        case FunctionCallOutput():
            return wire.ShownItem(
                id=given(item.id),
                type="function_call_output",
                status=given(item.status),
                call_id=item.call_id,
                output=item.output,
            )


def _show_part(part: Part, role: Role, lines: Lines) -> wire.ShownPart:
    spoken = role == "assistant"
    match part:
        case TextPart():
            return wire.ShownPart(type="output_text" if spoken else "input_text", text=part.text)
        case AudioPart():
            line = lines.spoken if spoken else lines.heard
            return wire.ShownPart(
                type="output_audio" if spoken else "input_audio",
                audio=UNSET if part.audio is None else line.to_wire(part.audio),
                transcript=part.transcript,
            )
        case ImagePart():
            return wire.ShownPart(
                type="input_image", image_url=_address(part), detail=given(part.detail)
            )


def _address(image: ImagePart) -> str:
    if image.data is None:
        return image.url or ""
    return f"data:{image.media_type or ''};base64,{to_base64(image.data)}"


def _samples(line: AudioLine, text: str, path: str) -> bytes:
    """Whole samples, and none that belong to the stream on *line*."""
    return copy.copy(line).from_wire(text, path, object())
