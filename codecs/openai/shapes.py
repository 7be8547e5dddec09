"""The shape of a session, and of a response's options, on OpenAI's wire."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Count


class Format(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str
    rate: Count | None = None


class TranscriptionShape(msgspec.Struct, kw_only=True, omit_defaults=True):
    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: str | None = None


class Detection(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str | None = None
    threshold: float | None = None
    prefix_padding_ms: float | None = None
    silence_duration_ms: float | None = None
    idle_timeout_ms: float | None = None
    eagerness: str | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class Noise(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: Literal["near_field", "far_field"]
    strength: float | None = None


class Input(msgspec.Struct, kw_only=True, omit_defaults=True):
    format: Format | None = None
    transcription: TranscriptionShape | None | UnsetType = UNSET
    turn_detection: Detection | None | UnsetType = UNSET
    noise_reduction: Noise | None | UnsetType = UNSET


class Voice(msgspec.Struct, kw_only=True):
    """A voice of one's own."""

    id: str


class Output(msgspec.Struct, kw_only=True, omit_defaults=True):
    format: Format | None = None
    voice: str | Voice | None = None
    speed: float | None = None


class AudioShape(msgspec.Struct, kw_only=True, omit_defaults=True):
    input: Input | None = None
    output: Output | None = None


class Tool(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str | None = None
    name: str | None = None
    description: str | None = None
    parameters: JsonObject | None = None


class Reasoning(msgspec.Struct, kw_only=True, omit_defaults=True):
    effort: str | None = None


class Shape(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What of a session, or of a response's options, has a word here."""

    type: str | None = None
    id: str | None = None
    object: str | None = None
    expires_at: float | None = None
    model: str | None = None
    instructions: str | None = None
    output_modalities: list[Literal["text", "audio"]] | None = None
    audio: AudioShape | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Count | Literal["inf"] | None = None
    reasoning: Reasoning | None = None


class OptionsShape(Shape, kw_only=True, omit_defaults=True):
    conversation: Literal["auto", "none"] | None = None
    metadata: JsonObject | None = None
    input: list[Any] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    """As in the beta, and as xAI has it."""
