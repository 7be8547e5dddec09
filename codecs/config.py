"""How a session, or one response, is to be: voice, tools, turn taking, formats."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs.items import Item, JsonObject

Modality = Literal["text", "audio"]


class _Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Choices; one that is None is left to the provider."""


class AudioFormat(_Settings, frozen=True, kw_only=True):
    """What the wire carries; an event's audio is 16-bit PCM at its rate all the same."""

    type: str
    """`audio/pcm`, `audio/pcmu` or `audio/pcma`."""
    rate: int | None = None
    """In Hz; G.711 has 8000."""


class Transcription(_Settings, frozen=True, kw_only=True):
    """Asks for a transcript, with the provider's defaults where nothing is chosen."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None
    keywords: tuple[str, ...] | None = None
    delay: str | None = None
    """How long the transcriber may think, in the provider's words."""


class TurnDetection(_Settings, frozen=True, kw_only=True):
    """How the model's side hears where a turn of the user begins and ends.

    Durations are in microseconds.
    """

    type: Literal["server-vad", "semantic-vad", "disabled"]
    threshold: float | None = None
    """How sure of speech to be, from 0 to 1."""
    silence_duration: int | None = None
    prefix_padding: int | None = None
    eagerness: str | None = None
    """Of semantic detection: `low`, `medium`, `high` or `auto`."""
    create_response: bool | None = None
    interrupt_response: bool | None = None
    idle_timeout: int | None = None
    """Silence of the user after which the model speaks up."""


class NoiseReduction(_Settings, frozen=True, kw_only=True):
    type: Literal["near-field", "far-field"]
    strength: float | None = None


class ToolDefinition(_Settings, frozen=True, kw_only=True, tag_field="type", tag="function"):
    name: str
    description: str | None = None
    parameters: JsonObject
    """The JSON schema of the arguments, an object's."""
    provider_options: JsonObject | None = None


class NamedTool(_Settings, frozen=True, kw_only=True):
    """The one tool that the model must call."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


class SessionConfig(_Settings, frozen=True, kw_only=True):
    """What a client wishes, or a server has settled on.

    None means that nothing is said of a field. Where nothing said and switched off are two
    things, UNSET is the first and None the second.
    """

    model: str | None = None
    instructions: str | None = None
    first_message: str | None = None
    """What the model says before anyone has spoken."""
    voice: str | None = None
    speed: float | None = None
    """Of speech, 1 being the voice's own."""
    output_modalities: tuple[Modality, ...] | None = None
    input_audio_format: AudioFormat | None = None
    output_audio_format: AudioFormat | None = None
    input_audio_transcription: Transcription | None | UnsetType = UNSET
    output_audio_transcription: Transcription | None | UnsetType = UNSET
    turn_detection: TurnDetection | None | UnsetType = UNSET
    noise_reduction: NoiseReduction | None | UnsetType = UNSET
    input_languages: tuple[str, ...] | None = None
    """What the user may speak, the likeliest first (BCP 47); a transcription's own goes before."""
    output_language: str | None = None
    """What the model speaks (BCP 47)."""
    translation_target: str | None = None
    """The language into which a translating model translates (BCP 47)."""
    tools: tuple[ToolDefinition, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    """`minimal`, `low`, `medium`, `high`, `xhigh` or `none`, as the model offers."""
    temperature: float | None = None
    max_output_tokens: int | Literal["inf"] | None = None
    """Of one response."""
    resumption: bool | None = None
    """Asks for what a session can be resumed with: see ResumptionHandle."""
    resumption_handle: str | None = None
    """Resumes the session that gave it."""
    provider_options: JsonObject | None = None
    """What has no word here, in the provider's own."""


class ResponseOptions(_Settings, frozen=True, kw_only=True):
    """What is otherwise than in the session for one response."""

    modalities: tuple[Modality, ...] | None = None
    instructions: str | None = None
    metadata: JsonObject | None = None
    conversation: Literal["auto", "none"] | None = None
    """`none`: the response stays out of the conversation, and may run beside another."""
    input: tuple[Item, ...] | None = None
    """What the model sees in place of the conversation."""
    voice: str | None = None
    output_audio_format: AudioFormat | None = None
    tools: tuple[ToolDefinition, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | Literal["inf"] | None = None
    reasoning_effort: str | None = None
    provider_options: JsonObject | None = None


_NOTHING_SAID = SessionConfig()


def merge(config: SessionConfig, patch: SessionConfig) -> SessionConfig:
    """*config* changed by all that *patch* speaks of; each field is taken as a whole."""
    given: dict[str, Any] = {
        name: value
        for name in SessionConfig.__struct_fields__
        if (value := getattr(patch, name)) is not getattr(_NOTHING_SAID, name)
    }
    return msgspec.structs.replace(config, **given)
