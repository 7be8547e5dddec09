"""Messages and calls as contents of the conversation, and back."""

from antiphon.codecs.gemini import tools, values, wire
from antiphon.codecs.items import (
    AudioPart,
    FunctionCall,
    FunctionCallOutput,
    ImagePart,
    Item,
    Message,
    Part,
    Role,
    TextPart,
)
from antiphon.codecs.wire import Unsayable, from_any_base64, to_base64

_JPEG = "image/jpeg"


def content_of(message: Message, rate: int) -> wire.Content:
    """Instructions in the midst of a conversation have no role of their own: the user says them."""
    role = "model" if message.role == "assistant" else "user"
    parts = [wired for part in message.content if (wired := _part(part, message.role, rate))]
    return wire.Content(role=role, parts=tuple(parts))


def call_content(call: FunctionCall) -> wire.Content:
    wired = wire.FunctionCall(
        id=call.call_id, name=call.name, args=tools.arguments_of(call.arguments)
    )
    return wire.Content(role="model", parts=(wire.Part(function_call=wired),))


def output_content(output: wire.FunctionResponse) -> wire.Content:
    return wire.Content(role="user", parts=(wire.Part(function_response=output),))


def picture(image: ImagePart) -> wire.Blob:
    if image.data is None:
        raise Unsayable(wire.NAME, "does not fetch pictures: their data is needed")
    return wire.Blob(mime_type=image.media_type or _JPEG, data=to_base64(image.data))


def picture_of(blob: wire.Blob, path: str) -> ImagePart:
    data = from_any_base64(blob.data or "", wire.NAME, f"{path}.data")
    return ImagePart(data=data, media_type=blob.mime_type)


def _part(part: Part, role: Role, rate: int) -> wire.Part | None:
    match part:
        case TextPart():
            return wire.Part(text=part.text)
        case ImagePart():
            return wire.Part(inline_data=picture(part))
        case AudioPart(transcript=str(words)) if role == "assistant" or part.audio is None:
            return wire.Part(text=words)
        case AudioPart(audio=bytes(audio)):
            blob = wire.Blob(mime_type=values.pcm_of(rate), data=to_base64(audio))
            return wire.Part(inline_data=blob)
        case AudioPart():
            return None


def rate_of(turns: tuple[wire.Content, ...], rate: int) -> int:
    """That of the first audio in them which says its rate, else *rate*."""
    blobs = [part.inline_data for turn in turns for part in turn.parts or () if part.inline_data]
    return next((found for blob in blobs if (found := values.rate_of(blob.mime_type))), rate)


def items_of(content: wire.Content, path: str, rate: int) -> list[Item] | None:
    """One content may be several items; None: it has something for which there is no word."""
    role = _role_of(content.role)
    items: list[Item] = []
    parts: list[Part] = []
    for position, wired in enumerate(content.parts or ()):
        if wired.function_call is not None:
            _close(items, role, parts)
            call = wired.function_call
            items.append(
                FunctionCall(
                    call_id=call.id or call.name or "",
                    name=call.name or "",
                    arguments=tools.text_of(call.args),
                )
            )
        elif wired.function_response is not None:
            _close(items, role, parts)
            items.append(output_item(wired.function_response))
        else:
            part = _part_of(wired, f"{path}.parts[{position}]", rate)
            if part is None:
                return None
            parts.append(part)
    if not items or parts:
        items.append(Message(role=role, content=tuple(parts)))
    return items


def _close(items: list[Item], role: Role, parts: list[Part]) -> None:
    if parts:
        items.append(Message(role=role, content=tuple(parts)))
        parts.clear()


def _role_of(role: str | None) -> Role:
    if role == "model":
        return "assistant"
    return "system" if role == "system" else "user"


def _part_of(wired: wire.Part, path: str, rate: int) -> Part | None:
    if wired.thought:
        return None
    if wired.text is not None:
        return TextPart(text=wired.text)
    blob = wired.inline_data
    if blob is None:
        return None
    if (blob.mime_type or "").startswith("image/"):
        return picture_of(blob, f"{path}.inlineData")
    audio = from_any_base64(blob.data or "", wire.NAME, f"{path}.inlineData.data")
    if not blob.mime_type or values.rate_of(blob.mime_type) not in (0, rate):
        return None
    return AudioPart(audio=audio[: len(audio) // 2 * 2])


def output_item(response: wire.FunctionResponse, call_id: str | None = None) -> FunctionCallOutput:
    output, failed = tools.output_of(response.response)
    options: dict[str, object] = {}
    if response.scheduling is not None:
        options["scheduling"] = response.scheduling
    if response.will_continue is not None:
        options["willContinue"] = response.will_continue
    return FunctionCallOutput(
        call_id=call_id or response.id or response.name or "",
        name=response.name,
        output=output,
        failed=failed,
        provider_options=options or None,
    )


def response_wire(output: FunctionCallOutput, name: str | None) -> wire.FunctionResponse:
    options = output.provider_options or {}
    scheduling, continues = options.get("scheduling"), options.get("willContinue")
    return wire.FunctionResponse(
        id=output.call_id,
        name=output.name or name,
        response=tools.response_of(output),
        scheduling=scheduling if isinstance(scheduling, str) else None,
        will_continue=continues if isinstance(continues, bool) else None,
    )
