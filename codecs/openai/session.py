"""A session's configuration, in OpenAI's shape and in everyone's."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs.config import (
    AudioFormat,
    NamedTool,
    NoiseReduction,
    ResponseOptions,
    SessionConfig,
    ToolChoice,
    ToolDefinition,
    Transcription,
    TurnDetection,
    merge,
)
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai.items import metadata
from antiphon.codecs.openai.shapes import (
    AudioShape,
    Detection,
    Format,
    Input,
    Noise,
    OptionsShape,
    Output,
    Reasoning,
    Shape,
    Tool,
    TranscriptionShape,
    Voice,
)
from antiphon.codecs.wire import Unsayable, convert, known, micros_if, millis_if

TRANSCRIBER = "gpt-realtime-whisper"
"""Of the user's speech, where a transcript is asked for and no model is named."""

TRANSCRIPTION = "transcription"
"""The type of a session that only writes down what it hears."""


def write_session(config: SessionConfig, model: str) -> JsonObject:
    """For session.update and for minting: only what *config* speaks of."""
    shape = Shape(
        type="realtime",
        model=config.model or model or None,
        instructions=config.instructions,
        output_modalities=_list(config.output_modalities),
        audio=_audio(config),
        tools=[write_tool(tool) for tool in config.tools] if config.tools else None,
        tool_choice=write_choice(config.tool_choice or ("auto" if config.tools else None)),
        parallel_tool_calls=config.parallel_tool_calls,
        max_output_tokens=config.max_output_tokens,
        reasoning=_reasoning(config.reasoning_effort),
    )
    options = config.provider_options or {}
    if options.get("type") == TRANSCRIPTION:
        return _only_heard(config, shape, model) | options
    return plain(shape) | options


def _only_heard(config: SessionConfig, shape: Shape, model: str) -> JsonObject:
    """Of a session that only writes down what it hears, the model is the transcriber."""
    spoken = (config.instructions, config.voice, config.output_modalities, config.tools)
    if any(spoken) or config.output_audio_format or known(config.output_audio_transcription):
        raise Unsayable(
            "openai", "only writes down what it hears here: it has no instructions, voice or tools"
        )
    heard = (shape.audio and shape.audio.input) or Input()
    asked = known(config.input_audio_transcription) or Transcription()
    if config.input_audio_transcription is not None:
        named = msgspec.structs.replace(asked, model=asked.model or config.model or model or None)
        heard.transcription = _write_transcription(named, config.input_languages)
    return plain(Shape(type=TRANSCRIPTION, audio=AudioShape(input=heard)))


def read_session(session: JsonObject, dialect: str, path: str = "$.session") -> SessionConfig:
    """What *session* says; what has no word here is kept among the provider's options."""
    shape = convert(dialect, session, Shape, path)
    audio = shape.audio or AudioShape()
    heard, spoken = audio.input or Input(), audio.output or Output()
    tools, others = read_tools(shape.tools, dialect, f"{path}.tools")
    rest = {key: value for key, value in session.items() if key not in Shape.__struct_fields__}
    if shape.type == TRANSCRIPTION:
        rest["type"] = TRANSCRIPTION
    if others:
        rest["tools"] = shape.tools
    choice, choice_known = read_choice(shape.tool_choice)
    if not choice_known:
        rest["tool_choice"] = shape.tool_choice
    return SessionConfig(
        model=shape.model,
        instructions=shape.instructions,
        voice=spoken.voice.id if isinstance(spoken.voice, Voice) else spoken.voice,
        speed=spoken.speed,
        output_modalities=_tuple(shape.output_modalities),
        input_audio_format=read_format(heard.format),
        output_audio_format=read_format(spoken.format),
        input_audio_transcription=read_transcription(heard.transcription),
        turn_detection=read_detection(heard.turn_detection, dialect, f"{path}.audio.input"),
        noise_reduction=_read_noise(heard.noise_reduction),
        input_languages=_tuple(t.languages if (t := known(heard.transcription)) else None),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=shape.parallel_tool_calls,
        reasoning_effort=shape.reasoning.effort if shape.reasoning else None,
        max_output_tokens=shape.max_output_tokens,
        provider_options=rest or None,
    )


SHOWN_OPTIONS = frozenset({"truncation", "tracing", "prompt", "include", "tools", "tool_choice"})
"""What clients know of a session beside all that has a word here."""

DEFAULTS = SessionConfig(
    output_modalities=("audio",),
    input_audio_format=AudioFormat(type="audio/pcm", rate=24_000),
    output_audio_format=AudioFormat(type="audio/pcm", rate=24_000),
)


def merged(config: SessionConfig, patch: SessionConfig) -> SessionConfig:
    """*config* changed by *patch*, each of the provider's options for itself."""
    options = (config.provider_options or {}) | (patch.provider_options or {})
    return msgspec.structs.replace(merge(config, patch), provider_options=options or None)


def write_options(options: ResponseOptions) -> JsonObject:
    """For response.create, without the input."""
    shape = OptionsShape(
        instructions=options.instructions,
        metadata=metadata(options.metadata),
        conversation=options.conversation,
        output_modalities=_list(options.modalities),
        audio=_spoken(options.voice, None, options.output_audio_format),
        tools=None if options.tools is None else [write_tool(tool) for tool in options.tools],
        tool_choice=write_choice(options.tool_choice),
        parallel_tool_calls=options.parallel_tool_calls,
        max_output_tokens=options.max_output_tokens,
        reasoning=_reasoning(options.reasoning_effort),
    )
    return plain(shape) | (options.provider_options or {})


def read_options(response: JsonObject, dialect: str, path: str = "$.response") -> ResponseOptions:
    """Of response.create, without the input."""
    shape = convert(dialect, response, OptionsShape, path)
    spoken = (shape.audio or AudioShape()).output or Output()
    tools, others = read_tools(shape.tools, dialect, f"{path}.tools")
    choice, choice_known = read_choice(shape.tool_choice)
    rest = {k: v for k, v in response.items() if k not in OptionsShape.__struct_fields__}
    if others:
        rest["tools"] = shape.tools
    if not choice_known:
        rest["tool_choice"] = shape.tool_choice
    return ResponseOptions(
        modalities=_tuple(shape.output_modalities or shape.modalities),
        instructions=shape.instructions,
        metadata=shape.metadata,
        conversation=shape.conversation,
        voice=spoken.voice.id if isinstance(spoken.voice, Voice) else spoken.voice,
        output_audio_format=read_format(spoken.format),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=shape.parallel_tool_calls,
        max_output_tokens=shape.max_output_tokens,
        reasoning_effort=shape.reasoning.effort if shape.reasoning else None,
        provider_options=rest or None,
    )


# Parts that other providers have in the same shape.


def write_format(audio: AudioFormat | None) -> Format | None:
    return audio and Format(type=audio.type, rate=audio.rate)


def read_format(audio: Format | None) -> AudioFormat | None:
    return audio and AudioFormat(type=audio.type, rate=audio.rate)


def write_tool(tool: ToolDefinition) -> Tool:
    return Tool(
        type="function",
        name=tool.name,
        description=tool.description,
        parameters=tool.parameters,
    )


def read_tools(
    tools: list[Any] | None, dialect: str, path: str
) -> tuple[tuple[ToolDefinition, ...] | None, bool]:
    """The functions among *tools*, and whether there were others."""
    if tools is None:
        return None, False
    functions: list[ToolDefinition] = []
    for number, one in enumerate(tools):
        tool = convert(dialect, one, Tool, f"{path}[{number}]")
        if tool.type in ("function", None) and tool.name:
            functions.append(
                ToolDefinition(
                    name=tool.name,
                    description=tool.description,
                    parameters=tool.parameters or {"type": "object", "properties": {}},
                )
            )
    return tuple(functions), len(functions) < len(tools)


def write_choice(choice: ToolChoice | None) -> Any:
    return {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice


def read_choice(choice: Any) -> tuple[ToolChoice | None, bool]:
    """The choice, and whether it has a word here."""
    match choice:
        case None | "auto" | "none" | "required":
            return choice, True
        case {"type": "function", "name": str(name)}:
            return NamedTool(name=name), True
        case _:
            return None, False


def write_detection(detection: TurnDetection) -> Detection:
    return Detection(
        type=detection.type.replace("-", "_"),
        threshold=detection.threshold,
        prefix_padding_ms=millis_if(detection.prefix_padding),
        silence_duration_ms=millis_if(detection.silence_duration),
        idle_timeout_ms=None
        if detection.type == "semantic-vad"
        else millis_if(detection.idle_timeout),
        eagerness=detection.eagerness if detection.type == "semantic-vad" else None,
        create_response=detection.create_response,
        interrupt_response=detection.interrupt_response,
    )


def read_detection(
    detection: Detection | None | UnsetType, dialect: str, path: str
) -> TurnDetection | None | UnsetType:
    """What has no type, as some servers write it, is switched off; so is the type "none"."""
    if detection is UNSET or detection is None:
        return detection
    if detection.type in (None, "none", "disabled"):
        return None
    path = f"{path}.turn_detection"
    return TurnDetection(
        type="semantic-vad" if detection.type == "semantic_vad" else "server-vad",
        threshold=detection.threshold,
        silence_duration=micros_if(
            detection.silence_duration_ms, dialect, f"{path}.silence_duration_ms"
        ),
        prefix_padding=micros_if(detection.prefix_padding_ms, dialect, f"{path}.prefix_padding_ms"),
        idle_timeout=micros_if(detection.idle_timeout_ms, dialect, f"{path}.idle_timeout_ms"),
        eagerness=detection.eagerness,
        create_response=detection.create_response,
        interrupt_response=detection.interrupt_response,
    )


def read_transcription(
    transcription: TranscriptionShape | None | UnsetType,
) -> Transcription | None | UnsetType:
    if transcription is UNSET or transcription is None:
        return transcription
    return Transcription(
        model=transcription.model,
        language=transcription.language,
        prompt=transcription.prompt,
        keywords=_tuple(transcription.keywords),
        delay=transcription.delay,
    )


def plain(shape: msgspec.Struct) -> JsonObject:
    """*shape* as JSON's own types, without what is not said."""
    return msgspec.to_builtins(shape)


def _audio(config: SessionConfig) -> AudioShape | None:
    detection = config.turn_detection
    off = isinstance(detection, TurnDetection) and detection.type == "disabled"
    heard = Input(
        format=write_format(config.input_audio_format),
        transcription=_write_transcription(
            config.input_audio_transcription, config.input_languages
        ),
        turn_detection=None
        if off or detection is None
        else UNSET
        if isinstance(detection, UnsetType)
        else write_detection(detection),
        noise_reduction=_write_noise(config.noise_reduction),
    )
    spoken = _spoken(config.voice, config.speed, config.output_audio_format)
    if heard == Input():
        return spoken
    return AudioShape(input=heard, output=spoken.output if spoken else None)


def _spoken(voice: str | None, speed: float | None, audio: AudioFormat | None) -> AudioShape | None:
    spoken = Output(
        # Only voices that users made have such ids, and they go by them alone.
        voice=Voice(id=voice) if voice and voice.startswith("voice_") else voice,
        speed=speed,
        format=write_format(audio),
    )
    return None if spoken == Output() else AudioShape(output=spoken)


def _write_transcription(
    transcription: Transcription | None | UnsetType, languages: tuple[str, ...] | None
) -> TranscriptionShape | None | UnsetType:
    if not isinstance(transcription, Transcription):
        return transcription
    if transcription.language:
        languages = None
    return TranscriptionShape(
        model=transcription.model or TRANSCRIBER,
        language=transcription.language
        or (languages[0] if languages and len(languages) == 1 else None)
        or None,
        languages=_list(languages) if languages and len(languages) > 1 else None,
        prompt=transcription.prompt,
        keywords=_list(transcription.keywords),
        delay=transcription.delay,
    )


def _write_noise(noise: NoiseReduction | None | UnsetType) -> Noise | None | UnsetType:
    if not isinstance(noise, NoiseReduction):
        return noise
    return Noise(
        type="near_field" if noise.type == "near-field" else "far_field", strength=noise.strength
    )


def _read_noise(noise: Noise | None | UnsetType) -> NoiseReduction | None | UnsetType:
    if noise is UNSET or noise is None:
        return noise
    return NoiseReduction(
        type="near-field" if noise.type == "near_field" else "far-field", strength=noise.strength
    )


def _reasoning(effort: str | None) -> Reasoning | None:
    return None if effort is None else Reasoning(effort=effort)


def _list(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)
