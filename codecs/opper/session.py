"""A session's configuration, in our words and in Opper's."""

from typing import Literal, cast

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs.config import (
    AudioFormat,
    Modality,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.dialect import Rates
from antiphon.codecs.items import JsonObject
from antiphon.codecs.opper.wire import NAME, PCM, Config
from antiphon.codecs.opper.wire import TurnDetection as WireTurnDetection
from antiphon.codecs.wire import Unsayable, convert, micros_if, millis

FUNCTION = "function/"
"""A model of this prefix is a function kept at Opper, which decides itself what to speak with."""


def upstream_of(model: str) -> str:
    """Who is behind a model: `openai`, `xai`, `gemini`, or nothing that is known yet."""
    provider, slash, _ = model.partition("/")
    return provider if slash and not model.startswith(FUNCTION) else ""


def rates_of(model: str) -> Rates:
    """Until the server says which they are."""
    return Rates(16_000 if upstream_of(model) == "gemini" else 24_000, 24_000)


# What a client asks for.

TURNS = {"server-vad": "server_vad", "semantic-vad": "semantic_vad", "disabled": "none"}

TURNS_OF: dict[str, tuple[str, ...]] = {
    "xai": ("server_vad",),
    "gemini": ("server_vad",),
}
"""Those that do not offer all of them."""


def to_wire(config: SessionConfig, model: str = "", *, partly: bool = False) -> JsonObject:
    """What *config* says, for *model* unless it names its own; *partly* leaves *model* unsaid."""
    named = config.model or ("" if partly else model)
    model = config.model or model
    said: JsonObject = {
        "model": None if named.startswith(FUNCTION) else named or None,
        "voice": config.voice,
        "instructions": config.instructions,
        "modalities": None if (chosen := config.output_modalities) is None else list(chosen),
        "tools": None if config.tools is None else [_tool(tool) for tool in config.tools],
        "turn_detection": _turns(config.turn_detection, model),
        "input_audio_format": _format(config.input_audio_format),
        "output_audio_format": _format(config.output_audio_format),
        "reasoning_effort": config.reasoning_effort,
        "temperature": config.temperature,
        "translation_target_language": config.translation_target,
    }
    heard, spoken = config.input_audio_transcription, config.output_audio_transcription
    if heard is not UNSET:
        said["input_transcription"] = heard is not None
        said["input_transcription_model"] = None if heard is None else heard.model
    if spoken is not UNSET:
        said["output_transcription"] = spoken is not None
    if config.resumption_handle is not None:
        raise Unsayable(NAME, "cannot resume a session")
    said = {name: value for name, value in said.items() if value is not None}
    return said | (config.provider_options or {})


def _turns(turns: TurnDetection | None | UnsetType, model: str) -> JsonObject | None:
    if turns is UNSET:
        return None
    kind = "none" if turns is None else TURNS[turns.type]
    upstream = upstream_of(model)
    if kind not in TURNS_OF.get(upstream, (kind,)):
        what = "switch turn detection off" if kind == "none" else "detect turns by their meaning"
        raise Unsayable(NAME, f"cannot {what} for models of {upstream}")
    said: JsonObject = {"type": kind}
    if turns is not None:
        if turns.threshold is not None:
            said["threshold"] = turns.threshold
        if turns.prefix_padding is not None:
            said["prefix_padding_ms"] = millis(turns.prefix_padding)
        if turns.silence_duration is not None:
            said["silence_duration_ms"] = millis(turns.silence_duration)
    return said


def _tool(tool: ToolDefinition) -> JsonObject:
    said: JsonObject = {"name": tool.name}
    if tool.description is not None:
        said["description"] = tool.description
    said["parameters"] = tool.parameters
    return said | (tool.provider_options or {})


def _format(audio: AudioFormat | None) -> str | None:
    if audio is not None and audio.type != "audio/pcm":
        raise Unsayable(NAME, f"carries {PCM}, not {audio.type!r}")
    return None if audio is None else PCM


# What a server is asked for.


def of_wire(said: JsonObject | None) -> SessionConfig:
    """What has no word here goes along as it is."""
    said = said or {}
    config = convert(NAME, said, Config, "$.config")
    other = {
        name: value
        for name, value in said.items()
        if name not in Config.__struct_fields__ and value is not None
    }
    modalities, turns = _modalities(config.modalities), _detection(config.turn_detection)
    if modalities is None and config.modalities:
        other["modalities"] = list(config.modalities)
    if turns is UNSET and config.turn_detection is not None:
        other["turn_detection"] = msgspec.to_builtins(config.turn_detection)
    heard = _transcription(config.input_transcription, config.input_transcription_model)
    if config.input_transcription_model and not isinstance(heard, Transcription):
        other["input_transcription_model"] = config.input_transcription_model
    for name in "input_audio_format", "output_audio_format":
        if (audio := getattr(config, name)) and audio != PCM:
            other[name] = audio
    return SessionConfig(
        model=config.model or None,
        voice=config.voice or None,
        instructions=config.instructions or None,
        output_modalities=modalities,
        tools=None if config.tools is None else tuple(
            ToolDefinition(
                name=tool.name, description=tool.description, parameters=tool.parameters or {}
            )
            for tool in config.tools
        ),
        turn_detection=turns,
        input_audio_format=_pcm(config.input_audio_format),
        output_audio_format=_pcm(config.output_audio_format),
        input_audio_transcription=heard,
        output_audio_transcription=_transcription(config.output_transcription, None),
        reasoning_effort=config.reasoning_effort or None,
        temperature=config.temperature,
        translation_target=config.translation_target_language or None,
        provider_options=other or None,
    )  # fmt: skip


def _modalities(said: tuple[str, ...] | None) -> tuple[Modality, ...] | None:
    if not said or not {"text", "audio"}.issuperset(said):
        return None
    return cast(tuple[Modality, ...], said)


_DETECTIONS: dict[str | None, Literal["server-vad", "semantic-vad", "disabled"]] = {
    "server_vad": "server-vad",
    "semantic_vad": "semantic-vad",
    "none": "disabled",
}


def _detection(said: WireTurnDetection | None) -> TurnDetection | UnsetType:
    if said is None or said.type not in _DETECTIONS:
        return UNSET
    path = "$.config.turn_detection"
    return TurnDetection(
        type=_DETECTIONS[said.type],
        threshold=said.threshold,
        prefix_padding=micros_if(said.prefix_padding_ms, NAME, f"{path}.prefix_padding_ms"),
        silence_duration=micros_if(said.silence_duration_ms, NAME, f"{path}.silence_duration_ms"),
    )


def _transcription(on: bool | None, model: str | None) -> Transcription | None | UnsetType:
    if on is None:
        return UNSET
    return Transcription(model=model or None) if on else None


def _pcm(said: str | None) -> AudioFormat | None:
    return AudioFormat(type="audio/pcm") if said == PCM else None
