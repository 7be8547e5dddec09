"""What of a conversation can be told at Opper: the user's words and pictures, tools' results."""

from collections.abc import Iterator

import msgspec

from antiphon.codecs.audio import AudioLine
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    Message,
    TextPart,
    text_message,
)
from antiphon.codecs.opper import wire
from antiphon.codecs.wire import Unsayable, from_any_base64, read, to_base64


def say_item(item: Item, line: AudioLine) -> Iterator[wire.FromClient]:
    """*item* as messages; its speech, if nobody knows its words, as if it were spoken now."""
    match item:
        case FunctionCallOutput():
            yield wire.ToolResult(tool_call_id=item.call_id, tool_result=_result(item))
        case Message(role="user"):
            yield from _say_parts(item, line)
        case Message():
            raise Unsayable(wire.NAME, f"cannot add words of the {item.role} to a conversation")
        case FunctionCall():
            raise Unsayable(wire.NAME, "cannot add a tool call to a conversation")
        case CustomItem():
            raise Unsayable(wire.NAME, f"cannot add a {item.raw_type!r} to a conversation")


def _say_parts(message: Message, line: AudioLine) -> Iterator[wire.FromClient]:
    words: list[str] = []
    for part in message.content:
        match part:
            case TextPart():
                words.append(part.text)
                continue
            case AudioPart(transcript=str(transcript)):
                words.append(transcript)
                continue
            case _:
                pass
        if words:
            yield wire.TextInput(text="".join(words))
            words = []
        match part:
            case ImagePart():
                yield wire.ImageInput(image_url=_address(part), image_detail=part.detail)
            case AudioPart():
                if part.audio:
                    yield wire.AudioAppend(audio=line.to_wire(part.audio))
                    yield wire.AudioCommit()
    if words:
        yield wire.TextInput(text="".join(words))


# Results of tools. That one failed is told by its `error`.


def _result(output: FunctionCallOutput) -> msgspec.Raw:
    result = wire.json_or_text(output.output)
    if not output.failed or _error(result) is not None:
        return result
    return msgspec.Raw(b'{"error":' + bytes(result) + b"}")


def output_of(said: wire.ToolResult, name: str | None) -> FunctionCallOutput:
    error = _error(said.tool_result)
    result = said.tool_result if error is None else error
    return FunctionCallOutput(
        call_id=said.tool_call_id,
        output=wire.text_or_json(result, "$.tool_result"),
        name=name,
        failed=error is not None,
    )


_results = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_ERROR = frozenset({b"null", b"false", b'""', b"[]", b"{}"})


def _error(result: msgspec.Raw) -> msgspec.Raw | None:
    """What a failed tool says: its error, or all that it says if that is more."""
    if not bytes(result).startswith(b"{"):
        return None
    said = read(wire.NAME, _results, result)
    error = said.get("error")
    if error is None or bytes(error) in _NO_ERROR:
        return None
    return error if len(said) == 1 else result


# Pictures, which are addressed by what they are: `data:image/png;base64,...`


def _address(image: ImagePart) -> str:
    if image.data is None:
        return image.url or ""
    return f"data:{image.media_type or _media_type(image.data)};base64,{to_base64(image.data)}"


def _media_type(data: bytes) -> str:
    if data.startswith(b"\x89PNG"):
        return "image/png"
    if data.startswith(b"GIF8"):
        return "image/gif"
    return "image/webp" if data[8:12] == b"WEBP" else "image/jpeg"


def image_of(said: wire.ImageInput) -> Iterator[Message]:
    """The picture, and the words that came with it."""
    head, comma, data = said.image_url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        part = ImagePart(
            data=from_any_base64(data, wire.NAME, "$.image_url"),
            media_type=head.removeprefix("data:").removesuffix(";base64") or None,
            detail=said.image_detail,
        )
    else:
        part = ImagePart(url=said.image_url, detail=said.image_detail)
    yield Message(role="user", content=(part,))
    if said.text:
        yield text_message(said.text)
