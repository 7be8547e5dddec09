"""The configuration of a call, both ways: what opens it, and what a ticket binds to it."""

import re
from typing import cast

import msgspec

from antiphon.codecs.audio import HIGHEST
from antiphon.codecs.cartesia import wire
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Unsayable, WireError

DEFAULT_FORMAT = "pcm_24000"

FORMATS = {
    "mulaw_8000": AudioFormat(type="audio/pcmu", rate=8_000),
    "pcm_16000": AudioFormat(type="audio/pcm", rate=16_000),
    "pcm_24000": AudioFormat(type="audio/pcm", rate=24_000),
    "pcm_44100": AudioFormat(type="audio/pcm", rate=44_100),
}
"""Of the user's audio, and of the agent's in answer to it."""

_NAMES = {spoken: name for name, spoken in FORMATS.items()}
_PCM = re.compile(r"pcm_([1-9][0-9]{3,5})")


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    voice_id: str | None = None
    speed: float | None = None


class Audio(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    output: Output | None = None


class Overrides(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of the agent is otherwise in one call."""

    instructions: str | None = None
    initial_message: str | None = None
    language: str | None = None
    audio: Audio | None = None


def require_sayable(config: SessionConfig) -> None:
    """Raises Unsayable for what the agent would do otherwise than asked."""
    detection = config.turn_detection
    if detection is None or (
        isinstance(detection, msgspec.Struct) and detection.type == "disabled"
    ):
        raise Unsayable(wire.NAME, "always detects the user's turns itself")
    if config.output_modalities is not None and "audio" not in config.output_modalities:
        raise Unsayable(wire.NAME, "always speaks")


def create(config: SessionConfig) -> wire.SessionCreate:
    require_sayable(config)
    options = config.provider_options or {}
    return wire.SessionCreate(
        audio=wire.Asked(
            input_format=name_of(config),
            output_delivery=_text(options.get("output_delivery")) or wire.SPEAKING_PACE,
        ),
        dynamic_variables=variables(config),
    )


def created(said: wire.SessionCreate, model: str) -> SessionConfig:
    """How a server reads it."""
    asked = said.audio or wire.Asked()
    spoken = format_of(asked.input_format or DEFAULT_FORMAT)
    options: JsonObject = {}
    if asked.output_delivery not in (None, wire.SPEAKING_PACE):
        options["output_delivery"] = asked.output_delivery
    if said.dynamic_variables is not None:
        options["dynamic_variables"] = said.dynamic_variables
    return SessionConfig(
        model=model or None,
        input_audio_format=spoken,
        output_audio_format=spoken,
        provider_options=options or None,
    )


def overrides(config: SessionConfig) -> Overrides | None:
    """What a ticket binds to its call; None: nothing."""
    languages = (config.output_language, *(config.input_languages or ()))
    output = Output(voice_id=config.voice, speed=config.speed)
    said = Overrides(
        instructions=config.instructions,
        initial_message=config.first_message,
        language=next((language for language in languages if language), None),
        audio=None if output == Output() else Audio(output=output),
    )
    return None if said == Overrides() else said


def overridden(said: Overrides | None, variables: JsonObject | None) -> SessionConfig:
    said = said or Overrides()
    output = (said.audio and said.audio.output) or Output()
    return SessionConfig(
        instructions=said.instructions,
        first_message=said.initial_message,
        output_language=said.language,
        voice=output.voice_id,
        speed=output.speed,
        provider_options=None if variables is None else {"dynamic_variables": variables},
    )


def variables(config: SessionConfig) -> JsonObject | None:
    """What the agent's instructions leave to be filled in."""
    given = (config.provider_options or {}).get("dynamic_variables")
    if given is not None and not isinstance(given, dict):
        raise Unsayable(wire.NAME, "takes dynamic_variables as an object")
    return cast("JsonObject | None", given)


def name_of(config: SessionConfig) -> str:
    """What both directions carry, in the provider's words, or Unsayable."""
    names = {
        _name(spoken)
        for spoken in (config.input_audio_format, config.output_audio_format)
        if spoken is not None
    }
    if len(names) > 1:
        raise Unsayable(wire.NAME, "answers in the format of the user's audio")
    return names.pop() if names else DEFAULT_FORMAT


def format_of(name: str) -> AudioFormat:
    known = FORMATS.get(name)
    if known is not None:
        return known
    pcm = _PCM.fullmatch(name)
    if pcm is None or int(pcm[1]) > HIGHEST:
        raise WireError(wire.NAME, "$.audio.input_format", f"Expected a format, got {name[:40]!r}")
    return AudioFormat(type="audio/pcm", rate=int(pcm[1]))


def _name(spoken: AudioFormat) -> str:
    rate = spoken.rate or (24_000 if spoken.type == "audio/pcm" else 8_000)
    name = _NAMES.get(AudioFormat(type=spoken.type, rate=rate))
    if name is None:
        raise Unsayable(wire.NAME, f"does not carry {spoken.type} at {rate} Hz")
    return name


def _text(given: object) -> str | None:
    if given is not None and not isinstance(given, str):
        raise Unsayable(wire.NAME, "takes output_delivery as a word")
    return given
