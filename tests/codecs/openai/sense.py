"""Client events with the words that OpenAI has for its choices, where ours are any text."""

from typing import Any, cast

import msgspec
from hypothesis import strategies as st

from antiphon.codecs.config import AudioFormat, Transcription, TurnDetection
from antiphon.codecs.items import CustomItem, ImagePart
from tests.codecs.strategies import of

FORMATS = (
    AudioFormat(type="audio/pcm", rate=24_000),
    AudioFormat(type="audio/pcmu"),
    AudioFormat(type="audio/pcma"),
)
DEGREES = ("minimal", "low", "medium", "high", "xhigh")


def sensible(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Events of a *kind* that a provider could obey."""
    return of(kind).map(_sensible)


def _sensible(value: Any) -> Any:
    match value:
        case AudioFormat():
            return FORMATS[len(value.type) % 3]
        case tuple():
            return tuple(map(_sensible, cast("tuple[Any, ...]", value)))
        case CustomItem():
            raw = b'{"type":"mcp_approval_response","id":"a","approval_request_id":"b","approve":true}'
            return CustomItem(raw_type="mcp_approval_response", raw=msgspec.Raw(raw), id="a")
        case ImagePart():
            return msgspec.structs.replace(value, detail=value.detail and "high")
        case msgspec.Struct():
            fields = {name: _sensible(getattr(value, name)) for name in value.__struct_fields__}
            return _in_its_words(type(value)(**fields))
        case _:
            return value


def _in_its_words(value: Any) -> Any:
    changes: dict[str, Any] = {}
    if getattr(value, "provider_options", None) is not None:
        changes["provider_options"] = None
    if getattr(value, "reasoning_effort", None) is not None:
        changes["reasoning_effort"] = DEGREES[len(value.reasoning_effort) % 5]
    if isinstance(value, Transcription) and value.delay is not None:
        changes["delay"] = DEGREES[len(value.delay) % 5]
    if isinstance(value, TurnDetection):
        changes["eagerness"] = None if value.eagerness is None else "auto"
        if value.type == "semantic-vad":
            changes |= {"threshold": None, "silence_duration": None, "prefix_padding": None}
    return msgspec.structs.replace(value, **changes)
