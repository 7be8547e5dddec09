"""A session's configuration as xAI has it: OpenAI's, but flatter."""

from typing import Any

from msgspec import UNSET, UnsetType

from antiphon.codecs.audio import LAWS
from antiphon.codecs.config import (
    AudioFormat,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
    merge,
)
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai.session import (
    DEFAULTS,
    plain,
    read_choice,
    read_detection,
    read_format,
    read_tools,
    write_choice,
    write_detection,
    write_format,
    write_tool,
)
from antiphon.codecs.openai.shapes import Detection, Format, Reasoning, Voice
from antiphon.codecs.wire import Unsayable, WireError, convert
from antiphon.codecs.xai import wire
from antiphon.codecs.xai.shapes import (
    Audio,
    Input,
    Output,
    Resumption,
    Shape,
    TranscriptionShape,
)

TRANSCRIBER = "grok-transcribe"
"""The one that tells what it understands while the user speaks, and not only afterwards."""

RATES = frozenset({8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000})
"""Hz, of audio/pcm."""


def write_session(config: SessionConfig, model: str) -> JsonObject:
    """For session.update; the model is chosen by the address of the session."""
    _refuse(config)
    options = dict(config.provider_options or {})
    more = options.pop("tools", None)
    session = plain(_shape(config)) | options
    if isinstance(more, list):  # xAI's own tools beside the functions
        session["tools"] = [*session.get("tools", ()), *more]
    return session


def read_session(session: JsonObject, dialect: str, path: str = "$.session") -> SessionConfig:
    """What *session* says; what has no word here is kept among the provider's options."""
    shape = convert(dialect, session, Shape, path)
    audio = shape.audio or Audio()
    heard, spoken = audio.input or Input(), audio.output or Output()
    tools, others = read_tools(shape.tools, dialect, f"{path}.tools")
    choice, choice_known = read_choice(shape.tool_choice)
    detection = heard.turn_detection if shape.turn_detection is UNSET else shape.turn_detection
    transcription = heard.transcription
    if transcription is UNSET:
        transcription = shape.input_audio_transcription
    voice = spoken.voice if shape.voice is None else shape.voice
    tokens = shape.max_output_tokens
    modalities = shape.output_modalities or shape.modalities
    rest = {key: value for key, value in session.items() if key not in Shape.__struct_fields__}
    if others:
        rest["tools"] = [tool for tool in shape.tools or () if not _is_function(tool)]
    if not choice_known:
        rest["tool_choice"] = shape.tool_choice
    if shape.audio is not None and _says_more(session["audio"]):
        rest["audio"] = session["audio"]
    return SessionConfig(
        model=shape.model,
        instructions=shape.instructions,
        voice=voice.id if isinstance(voice, Voice) else voice,
        speed=spoken.speed,
        output_modalities=None if modalities is None else tuple(modalities),
        input_audio_format=_read_format(heard.format, dialect, f"{path}.audio.input.format"),
        output_audio_format=_read_format(spoken.format, dialect, f"{path}.audio.output.format"),
        input_audio_transcription=_read_transcription(transcription),
        turn_detection=read_detection(detection, dialect, path),
        tools=tools,
        tool_choice=choice,
        temperature=shape.temperature,
        max_output_tokens=shape.max_response_output_tokens if tokens is None else tokens,
        reasoning_effort=shape.reasoning.effort if shape.reasoning else None,
        resumption=shape.resumption.enabled if shape.resumption else None,
        provider_options=rest or None,
    )


def show_session(config: SessionConfig, model: str) -> JsonObject:
    """For session.created and session.updated: all of it, as xAI's strictest clients read it."""
    whole = merge(DEFAULTS, config)
    options = config.provider_options or {}
    session = plain(_shape(whole))
    chosen = config.model or model
    if chosen:
        session["model"] = chosen
    if isinstance(options.get("replace"), dict):
        session["replace"] = options["replace"]
    tools: list[Any] = session.get("tools", [])
    session["tools"] = [_described(tool) for tool in tools + _objects(options.get("tools"))]
    return session


def write_options(options: ResponseOptions) -> JsonObject:
    """For response.create."""
    if options.conversation == "none" or options.input is not None:
        raise Unsayable(wire.NAME, "has no response beside the conversation")
    response: JsonObject = {}
    if options.modalities is not None:
        response["modalities"] = list(options.modalities)
    if options.instructions is not None:
        response["instructions"] = options.instructions
    return response | (options.provider_options or {})


def audio_of(session: JsonObject | None, path: str = "$.session") -> Audio:
    """How *session*, or the provider's options, have the audio carried."""
    audio = (session or {}).get("audio")
    return convert(wire.NAME, {} if audio is None else audio, Audio, f"{path}.audio")


def formats_of(audio: Audio) -> dict[str, AudioFormat | None]:
    """Those of a session, by the names of its settings."""
    return {
        "input_audio_format": read_format(audio.input and audio.input.format),
        "output_audio_format": read_format(audio.output and audio.output.format),
    }


def _refuse(config: SessionConfig) -> None:
    """What xAI would do otherwise than it is told."""
    for audio in (config.input_audio_format, config.output_audio_format):
        if audio is None or audio.type in LAWS:
            continue
        if audio.type != "audio/pcm":
            raise Unsayable(wire.NAME, f"carries audio/pcm and G.711 here, not {audio.type!r}")
        if audio.rate is not None and audio.rate not in RATES:
            raise Unsayable(wire.NAME, f"carries no audio at {audio.rate} Hz")
    detection = config.turn_detection
    if isinstance(detection, TurnDetection) and detection.type != "disabled":
        if detection.create_response is False:
            raise Unsayable(wire.NAME, "answers each turn that it detects: detect turns elsewhere")
        if detection.interrupt_response is False:
            raise Unsayable(wire.NAME, "stops for whoever speaks, if it detects turns")


def _shape(config: SessionConfig) -> Shape:
    effort, resumption = config.reasoning_effort, config.resumption
    heard = Input(
        format=write_format(config.input_audio_format), transcription=_write_transcription(config)
    )
    spoken = Output(format=write_format(config.output_audio_format), speed=config.speed)
    audio = Audio(
        input=None if heard == Input() else heard, output=None if spoken == Output() else spoken
    )
    return Shape(
        instructions=config.instructions,
        voice=config.voice,
        turn_detection=_write_detection(config.turn_detection),
        audio=None if audio == Audio() else audio,
        tools=[_plain_tool(tool) for tool in config.tools] if config.tools else None,
        tool_choice=write_choice(config.tool_choice),
        temperature=config.temperature,
        max_response_output_tokens=config.max_output_tokens,
        reasoning=None if effort is None else Reasoning(effort=effort),
        resumption=None if resumption is None else Resumption(enabled=resumption),
    )


def _write_detection(
    detection: TurnDetection | None | UnsetType,
) -> Detection | None | UnsetType:
    """xAI detects turns in one way only."""
    if not isinstance(detection, TurnDetection):
        return detection
    if detection.type == "disabled":
        return None
    plain_one = TurnDetection(
        type="server-vad",
        threshold=detection.threshold,
        silence_duration=detection.silence_duration,
        prefix_padding=detection.prefix_padding,
        idle_timeout=detection.idle_timeout,
    )
    return write_detection(plain_one)


def _write_transcription(config: SessionConfig) -> TranscriptionShape | None | UnsetType:
    """Where nothing is chosen, of a transcript that was asked for all shall be heard."""
    asked, languages = config.input_audio_transcription, config.input_languages
    if asked is None:
        return None
    hint = (languages[0] or None) if languages else None
    if isinstance(asked, UnsetType):
        return UNSET if hint is None else TranscriptionShape(language_hint=hint)
    nothing_chosen = asked.language is None and asked.keywords is None
    return TranscriptionShape(
        model=asked.model or (TRANSCRIBER if nothing_chosen else None),
        language_hint=hint if asked.language is None else asked.language,
        keyterms=None if asked.keywords is None else list(asked.keywords),
    )


def _read_transcription(
    said: TranscriptionShape | None | UnsetType,
) -> Transcription | None | UnsetType:
    if not isinstance(said, TranscriptionShape):
        return said
    return Transcription(
        model=said.model,
        language=said.language_hint,
        keywords=None if said.keyterms is None else tuple(said.keyterms),
    )


def _read_format(audio: Format | None, dialect: str, path: str) -> AudioFormat | None:
    lowest, highest = min(RATES), max(RATES)
    if audio is not None and not lowest <= (audio.rate or lowest) <= highest:
        raise WireError(dialect, f"{path}.rate", f"Expected a rate of {lowest} to {highest} Hz")
    return read_format(audio)


def _plain_tool(tool: ToolDefinition) -> JsonObject:
    return plain(write_tool(tool))


def _objects(tools: Any) -> list[JsonObject]:
    if not isinstance(tools, list):
        return []
    given: list[Any] = [*tools]
    return [tool for tool in given if isinstance(tool, dict)]


def _described(tool: JsonObject) -> JsonObject:
    """Some clients know no function without a description."""
    return {"description": ""} | tool if _is_function(tool) else tool


def _is_function(tool: JsonObject) -> bool:
    return tool.get("type") in ("function", None) and bool(tool.get("name"))


WORDS: JsonObject = {
    "input": {
        "format": {"type": None, "rate": None},
        "transcription": {"model": None, "language_hint": None, "keyterms": None},
        "turn_detection": None,
    },
    "output": {"format": {"type": None, "rate": None}, "voice": None, "speed": None},
}
"""Of a session's audio: what is kept as a setting of everyone's."""


def _says_more(said: Any, words: Any = WORDS) -> bool:
    """Whether there is something in *said* that has no word here."""
    if words is None or not isinstance(said, dict):
        return False
    block: JsonObject = {**said}
    return any(key not in words or _says_more(value, words[key]) for key, value in block.items())
