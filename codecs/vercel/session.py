"""How a session and a response are to be, both ways.

A client writes what the AI SDK documents: what our configuration has beyond it is left to
`provider_options`. A server reads the rest too, under our own names, for tools of ours.
"""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from antiphon.codecs.audio import AudioLine
from antiphon.codecs.config import (
    AudioFormat,
    ResponseOptions,
    SessionConfig,
    ToolDefinition,
    Transcription,
    TurnDetection,
)
from antiphon.codecs.dialect import Rates
from antiphon.codecs.vercel import wire
from antiphon.codecs.wire import Unsayable, WireError, given, micros_if, millis_if, read

RATE = 24_000


class Lines:
    """The audio of both directions, as it was configured."""

    def __init__(self) -> None:
        self.heard = AudioLine(wire.NAME, RATE)
        """The user's."""
        self.spoken = AudioLine(wire.NAME, RATE)
        """The model's."""

    def settle(self, config: SessionConfig) -> None:
        """From now on audio is as *config* says, as far as it says something of it."""
        rates(config)
        if config.input_audio_format is not None:
            self.heard.carry(config.input_audio_format)
        if config.output_audio_format is not None:
            self.spoken.carry(config.output_audio_format)


def rates(config: SessionConfig) -> Rates:
    return Rates(
        _rate(config.input_audio_format, "$.config.inputAudioFormat"),
        _rate(config.output_audio_format, "$.config.outputAudioFormat"),
    )


def read_config(raw: Raw, path: str) -> SessionConfig:
    config = read(wire.NAME, wire.ours, raw, path)
    turns = config.turn_detection
    said = read(wire.NAME, wire.durations, raw, path).turn_detection
    if isinstance(turns, TurnDetection) and isinstance(said, wire.Durations):
        where = f"{path}.turnDetection"
        silence = micros_if(said.silence_duration_ms, wire.NAME, f"{where}.silenceDurationMs")
        padding = micros_if(said.prefix_padding_ms, wire.NAME, f"{where}.prefixPaddingMs")
        turns = msgspec.structs.replace(
            turns,
            silence_duration=turns.silence_duration if silence is None else silence,
            prefix_padding=turns.prefix_padding if padding is None else padding,
        )
        config = msgspec.structs.replace(config, turn_detection=turns)
    return config


def write_config(config: SessionConfig) -> Raw:
    written = wire.Config(
        instructions=given(config.instructions),
        voice=given(config.voice),
        output_modalities=given(config.output_modalities),
        input_audio_format=_format(config.input_audio_format),
        output_audio_format=_format(config.output_audio_format),
        input_audio_transcription=_transcription(config.input_audio_transcription),
        output_audio_transcription=_transcription(config.output_audio_transcription),
        turn_detection=_turn_detection(config.turn_detection),
        tools=UNSET if config.tools is None else tuple(write_tool(tool) for tool in config.tools),
        provider_options=given(config.provider_options),
    )
    return Raw(wire.write(written))


def write_tool(tool: ToolDefinition) -> wire.Tool:
    return wire.Tool(
        name=tool.name, description=given(tool.description), parameters=tool.parameters
    )


def read_options(raw: Raw | UnsetType, path: str) -> ResponseOptions | None:
    if raw is UNSET or bytes(raw) == b"null":
        return None
    return read(wire.NAME, wire.our_options, raw, path)


def write_options(options: ResponseOptions | None) -> Raw | UnsetType:
    if options is None:
        return UNSET
    if options.conversation == "none":
        raise Unsayable(wire.NAME, "has no response beside the conversation: all are heard")
    written = wire.Options(
        modalities=given(options.modalities),
        instructions=given(options.instructions),
        metadata=given(options.metadata),
    )
    return Raw(wire.write(written))


def _rate(audio: AudioFormat | None, path: str) -> int:
    try:
        _, rate = AudioLine(wire.NAME, RATE).check(audio)
    except WireError as error:
        raise WireError(wire.NAME, path, error.problem) from error
    return rate


def _format(audio: AudioFormat | None) -> wire.Format | UnsetType:
    return UNSET if audio is None else wire.Format(type=audio.type, rate=given(audio.rate))


def _transcription(asked: Transcription | None | UnsetType) -> wire.Transcription | UnsetType:
    if asked is None or asked is UNSET:
        return UNSET
    return wire.Transcription(
        model=given(asked.model), language=given(asked.language), prompt=given(asked.prompt)
    )


def _turn_detection(
    turns: TurnDetection | None | UnsetType,
) -> wire.TurnDetection | None | UnsetType:
    if not isinstance(turns, TurnDetection):
        return turns
    return wire.TurnDetection(
        type=turns.type,
        threshold=given(turns.threshold),
        silence_duration_ms=given(millis_if(turns.silence_duration)),
        prefix_padding_ms=given(millis_if(turns.prefix_padding)),
    )
