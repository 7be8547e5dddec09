"""What a conversation consists of: messages, tool calls and their outputs."""

from typing import Any, Literal

import msgspec

JsonObject = dict[str, Any]

Role = Literal["user", "assistant", "system"]


class _Tagged(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    rename="camel",
    omit_defaults=True,
):
    """What is told apart by its type."""


class TextPart(_Tagged, frozen=True, kw_only=True, tag="text"):
    text: str


class AudioPart(_Tagged, frozen=True, kw_only=True, tag="audio"):
    """Something spoken: its samples, its words, or both, as far as they are known."""

    audio: bytes | None = None
    transcript: str | None = None


class ImagePart(_Tagged, frozen=True, kw_only=True, tag="image"):
    """A picture: its own bytes, or the address from which the provider fetches it."""

    data: bytes | None = None
    media_type: str | None = None
    url: str | None = None
    detail: str | None = None

    def __post_init__(self) -> None:
        if (self.data is None) == (self.url is None):
            raise ValueError("an image has either data or a url")


Part = TextPart | AudioPart | ImagePart


class Message(_Tagged, frozen=True, kw_only=True, tag="message"):
    role: Role
    content: tuple[Part, ...]
    id: str | None = None
    status: str | None = None

    @property
    def text(self) -> str:
        """What is written and said in it, without pictures."""
        return "".join(
            part.text if isinstance(part, TextPart) else part.transcript or ""
            for part in self.content
            if not isinstance(part, ImagePart)
        )


class FunctionCall(_Tagged, frozen=True, kw_only=True, tag="function-call"):
    call_id: str
    name: str
    arguments: str
    """JSON as the model wrote it, which need not be valid."""
    id: str | None = None
    status: str | None = None


class FunctionCallOutput(_Tagged, frozen=True, kw_only=True, tag="function-call-output"):
    call_id: str
    output: str
    """JSON, or plain text where it is none."""
    name: str | None = None
    failed: bool = False
    """The tool did not do it; *output* tells the model why."""
    id: str | None = None
    status: str | None = None
    provider_options: JsonObject | None = None


class CustomItem(_Tagged, frozen=True, kw_only=True, tag="custom"):
    """An item that only its provider knows, as the provider wrote it."""

    raw_type: str
    raw: msgspec.Raw = msgspec.Raw(b"null")
    id: str | None = None


Item = Message | FunctionCall | FunctionCallOutput | CustomItem


def text_message(text: str, *, role: Role = "user", id: str | None = None) -> Message:
    return Message(role=role, content=(TextPart(text=text),), id=id)
