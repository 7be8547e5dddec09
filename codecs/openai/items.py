"""Items and their content, as OpenAI writes them and as everyone here does."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from msgspec import UNSET, Raw

from antiphon.codecs.audio import AudioLine
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    JsonObject,
    Message,
    Part,
    Role,
    TextPart,
)
from antiphon.codecs.openai import wire
from antiphon.codecs.wire import (
    Unsayable,
    WireError,
    Writer,
    from_any_base64,
    read,
    to_base64,
)

ROLES: frozenset[str] = frozenset(get_args(Role))

STATUSES = frozenset({"completed", "incomplete", "in_progress"})
DETAILS = frozenset({"auto", "low", "high"})


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


class Items:
    """Reads and writes items for one end; the user's audio in them is coded as on *line*.

    *parts* are the types of what an assistant's message has in it: written and spoken.
    """

    def __init__(
        self,
        dialect: str,
        line: AudioLine,
        *,
        server: bool,
        parts: tuple[str, str] = ("output_text", "output_audio"),
    ) -> None:
        self._dialect = dialect
        self._text, self._audio = parts
        self._line = line
        self._server = server
        self._write = Writer(dialect)

    def read(self, raw: Raw, path: str) -> Item:
        item = read(self._dialect, wire.from_item, raw, path)
        match item.type:
            case "message" if item.role in ROLES:
                parts = self._parts(item.content or (), f"{path}.content")
                if parts is not None:
                    role: Any = item.role
                    return Message(role=role, content=parts, id=item.id, status=item.status)
            case "function_call":
                return FunctionCall(
                    call_id=item.call_id or "",
                    name=item.name or "",
                    arguments=item.arguments or "",
                    id=item.id,
                    status=item.status,
                )
            case "function_call_output":
                return FunctionCallOutput(
                    call_id=item.call_id or "",
                    output=_text(item.output),
                    id=item.id,
                    status=item.status,
                )
            case _:
                pass
        return CustomItem(raw_type=item.type or "", raw=raw.copy(), id=item.id)

    def write(self, item: Item, *, audio: bool = False) -> Raw:
        """*item* as JSON. A server shows an item without its *audio*, unless it is asked for."""
        if isinstance(item, CustomItem):
            return self._custom(item)
        shown = wire.Item(id=item.id, object="realtime.item" if self._server else None)
        shown.status = item.status if item.status in STATUSES else None
        match item:
            case Message():
                shown.type, shown.role = "message", item.role
                shown.content = [
                    written
                    for part in item.content
                    if (written := self._content(part, item.role, audio)) is not None
                ]
            case FunctionCall():
                shown.type, shown.call_id, shown.name = "function_call", item.call_id, item.name
                shown.arguments = item.arguments
            case FunctionCallOutput():
                shown.type, shown.call_id = "function_call_output", item.call_id
                shown.output = item.output
        return Raw(self._write(shown).encode())

    def part(self, part: wire.Part | None, path: str) -> Part | None:
        """Of a response's content."""
        if part is None:
            return None
        parts = self._parts((part,), path)
        return parts[0] if parts else None

    def _parts(self, content: Sequence[wire.Part], path: str) -> tuple[Part, ...] | None:
        """None if there is a kind of content that has no word here."""
        parts: list[Part] = []
        for number, one in enumerate(content):
            match one.type:
                case "input_text" | "output_text" | "text":
                    parts.append(TextPart(text=one.text or ""))
                case "input_audio" | "output_audio" | "audio":
                    audio = one.audio and self._line.whole(one.audio, f"{path}[{number}].audio")
                    parts.append(AudioPart(audio=audio or None, transcript=one.transcript or None))
                case "input_image":
                    parts.append(self._image(one, f"{path}[{number}]"))
                case _:
                    return None
        return tuple(parts)

    def _image(self, part: wire.Part, path: str) -> ImagePart:
        url = part.image_url
        if isinstance(url, dict):  # as in OpenAI's other interfaces
            url = url.get("url")
        if not isinstance(url, str):
            raise WireError(self._dialect, f"{path}.image_url", "Expected `str`")
        head, comma, data = url.partition(",")
        if not (comma and head.startswith("data:") and head.endswith(";base64")):
            return ImagePart(url=url, detail=part.detail)
        return ImagePart(
            data=from_any_base64(data, self._dialect, f"{path}.image_url"),
            media_type=head[len("data:") : -len(";base64")] or None,
            detail=part.detail,
        )

    def _custom(self, item: CustomItem) -> Raw:
        """Word for word, if it is an item at all; of another dialect it may be anything."""
        if is_item(item):
            return item.raw
        raise Unsayable(self._dialect, f"has no item of type {item.raw_type!r}")

    def _content(self, part: Part, role: Role, audio: bool) -> wire.Part | None:
        """None for pictures from any but the user: the rest of the message is told."""
        text = self._text if role == "assistant" else "input_text"
        match part:
            case TextPart():
                return wire.Part(type=text, text=part.text)
            case ImagePart() if role == "user":
                detail = part.detail if part.detail in DETAILS else None
                return wire.Part(type="input_image", image_url=address(part), detail=detail)
            case ImagePart():
                return None
            case AudioPart() if self._server and role != "system":
                # Clients fail on an input_audio without a transcript, though it may be null.
                kind = self._audio if role == "assistant" else "input_audio"
                sound = self._line.to_wire(part.audio) if audio and part.audio else None
                return wire.Part(type=kind, audio=sound, transcript=part.transcript)
            case AudioPart() if part.audio and role == "user":
                return wire.Part(type="input_audio", audio=self._line.to_wire(part.audio))
            case AudioPart():  # a client may only tell the words
                return wire.Part(type=text, text=part.transcript or "")


def is_item(item: CustomItem) -> bool:
    """Whether it is of a type that the protocol has, though we have no word for it."""
    try:
        return bool(_typed.decode(item.raw).type)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False


def address(image: ImagePart) -> str:
    """Where a picture is: its own address, or itself as a data URL."""
    if image.data is None:
        return image.url or ""
    return f"data:{image.media_type or 'image/jpeg'};base64,{to_base64(image.data)}"


def part_of_response(part: Part | None) -> wire.Part:
    """A part as a response announces it, of which there are two types."""
    if isinstance(part, TextPart):
        return wire.Part(type="text", text=part.text)
    transcript = part.transcript if isinstance(part, AudioPart) else None
    return wire.Part(type="audio", transcript=transcript or "")


def metadata(given: JsonObject | None) -> JsonObject | None:
    """Only what may be metadata: text by text."""
    if given is None:
        return None
    return {key: value if isinstance(value, str) else _json(value) for key, value in given.items()}


def _text(output: Any) -> str:
    """A tool's output: text, as it should be, or what some servers send instead."""
    if output is UNSET or output is None:
        return ""
    return output if isinstance(output, str) else _json(output)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
