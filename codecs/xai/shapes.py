"""The shape of a session on xAI's wire."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs.openai.shapes import Detection, Format, Reasoning, Voice
from antiphon.codecs.wire import Count

Transport = Literal["json", "binary"]


class TranscriptionShape(msgspec.Struct, kw_only=True, omit_defaults=True):
    model: str | None = None
    language_hint: str | None = None
    keyterms: list[str] | None = None


class Input(msgspec.Struct, kw_only=True, omit_defaults=True):
    format: Format | None = None
    transcription: TranscriptionShape | None | UnsetType = UNSET
    turn_detection: Detection | None | UnsetType = UNSET
    """Where OpenAI has it."""
    transport: Transport | None = None


class Output(msgspec.Struct, kw_only=True, omit_defaults=True):
    format: Format | None = None
    voice: str | Voice | None = None
    """Where OpenAI has it."""
    speed: float | None = None
    transport: Transport | None = None


class Audio(msgspec.Struct, kw_only=True, omit_defaults=True):
    input: Input | None = None
    output: Output | None = None


class Resumption(msgspec.Struct, kw_only=True, omit_defaults=True):
    enabled: bool | None = None


class Shape(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What of a session has a word here, with the names of xAI's several clients."""

    type: str | None = None
    id: str | None = None
    object: str | None = None
    expires_at: float | None = None
    model: str | None = None
    instructions: str | None = None
    voice: str | Voice | None = None
    turn_detection: Detection | None | UnsetType = UNSET
    audio: Audio | None = None
    input_audio_transcription: TranscriptionShape | None | UnsetType = UNSET
    modalities: list[Literal["text", "audio"]] | None = None
    output_modalities: list[Literal["text", "audio"]] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    temperature: float | None = None
    max_output_tokens: Count | Literal["inf"] | None = None
    max_response_output_tokens: Count | Literal["inf"] | None = None
    reasoning: Reasoning | None = None
    resumption: Resumption | None = None
