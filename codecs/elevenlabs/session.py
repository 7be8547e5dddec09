"""What a client may settle as a conversation begins, and the formats that a server answers with.

All else about an agent (its tools, its turn taking, its formats) is configured at the provider;
even this must be allowed there. What has no word elsewhere is kept among the provider's options,
in the message's own shape.
"""

import re
from collections.abc import Sequence
from typing import Any, TypeGuard

from msgspec import UNSET

from antiphon.codecs.config import AudioFormat, SessionConfig, Transcription, TurnDetection
from antiphon.codecs.elevenlabs import wire
from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Unsayable, WireError, known

RATE = 16_000
"""Hz, of both directions, until a server says otherwise."""

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)

INITIATION = "conversation_initiation_client_data"
OVERRIDE = "conversation_config_override"

_TAKEN = (
    ("agent", "prompt", "prompt"),
    ("agent", "first_message"),
    ("agent", "language"),
    ("tts", "voice_id"),
    ("tts", "speed"),
    ("asr", "keywords"),
)
"""Where in the override the fields are that have a word elsewhere."""


def refuse(config: SessionConfig) -> None:
    """Raises Unsayable for what would not be as whoever asked must believe."""
    detection = config.turn_detection
    if detection is None or (isinstance(detection, TurnDetection) and detection.type == "disabled"):
        raise Unsayable(wire.NAME, "always detects turns itself")


def write_start(config: SessionConfig) -> JsonObject:
    """The first message; the provider's options are laid over it, object by object."""
    heard = known(config.input_audio_transcription) or Transcription()
    override: JsonObject = {
        "agent": {
            "prompt": {"prompt": config.instructions},
            "first_message": config.first_message,
            "language": _language(config, heard),
        },
        "tts": {"voice_id": config.voice, "speed": config.speed},
        "asr": {"keywords": list(heard.keywords) if heard.keywords else None},
        "conversation": {"text_only": True if config.output_modalities == ("text",) else None},
    }
    start = _said({OVERRIDE: override})
    return _laid_over(start, config.provider_options or {}) | {"type": INITIATION}


def text_only(start: JsonObject, config: SessionConfig) -> bool | None:
    """Whether the agent will only write, as far as the client's side can know."""
    match start:
        case {"conversation_config_override": {"conversation": {"text_only": bool(only)}}}:
            return only
        case _:
            return False if "audio" in (config.output_modalities or ()) else None


def read_start(start: wire.ConversationInitiation, message: JsonObject) -> SessionConfig:
    """*message* is the same as *start*, with all that is in it."""
    override = start.conversation_config_override or wire.ConfigOverride()
    agent = override.agent or wire.AgentOverride()
    tts = override.tts or wire.TtsOverride()
    keywords = (override.asr or wire.AsrOverride()).keywords
    written = (override.conversation or wire.ConversationOverride()).text_only or override.text_only
    rest = {key: value for key, value in message.items() if key != "type"}
    taken = (*_TAKEN, ("conversation", "text_only"), ("text_only",)) if written else _TAKEN
    for path in taken:
        rest = _without(rest, (OVERRIDE, *path))
    return SessionConfig(
        instructions=(agent.prompt or wire.Prompt()).prompt,
        first_message=agent.first_message,
        output_language=agent.language or None,
        voice=tts.voice_id,
        speed=tts.speed,
        output_modalities=("text",) if written else None,
        input_audio_transcription=Transcription(keywords=tuple(keywords)) if keywords else UNSET,
        provider_options=rest or None,
    )


def listed_events(start: wire.ConversationInitiation) -> frozenset[str] | None:
    """What the client wants to be told, beside the metadata, pings and errors; None is all."""
    override = start.conversation_config_override or wire.ConfigOverride()
    events = (override.conversation or wire.ConversationOverride()).client_events
    return None if events is None else frozenset(events)


# Formats.

_FORMAT = re.compile(r"(pcm|ulaw)_(\d{4,6})")


def read_format(name: str | None, path: str) -> AudioFormat:
    if name is None:
        return AudioFormat(type="audio/pcm", rate=RATE)
    match = _FORMAT.fullmatch(name)
    rate = int(match[2]) if match else 0
    if match and match[1] == "ulaw" and rate == 8_000:
        return AudioFormat(type="audio/pcmu", rate=rate)
    if match and match[1] == "pcm" and RATES[0] <= rate <= RATES[-1]:
        return AudioFormat(type="audio/pcm", rate=rate)
    raise WireError(wire.NAME, path, "Expected `pcm_16000`, `ulaw_8000` or the like")


def possible(audio: AudioFormat | None) -> AudioFormat:
    """*audio* if there is such a format here, else the usual one."""
    if audio is not None and audio.type == "audio/pcmu":
        return AudioFormat(type="audio/pcmu", rate=8_000)
    if audio is not None and audio.type == "audio/pcm" and audio.rate in RATES:
        return AudioFormat(type="audio/pcm", rate=audio.rate)
    return AudioFormat(type="audio/pcm", rate=RATE)


def format_name(audio: AudioFormat) -> str:
    """Of a possible format."""
    return "ulaw_8000" if audio.type == "audio/pcmu" else f"pcm_{audio.rate}"


# Objects of objects.


def _language(config: SessionConfig, heard: Transcription) -> str | None:
    """One language for both directions: of BCP 47 only Brazil's keeps its region here."""
    spoken = config.output_language or heard.language
    if spoken is None and config.input_languages:
        spoken = config.input_languages[0]
    if not spoken:
        return None
    tag = spoken.lower().replace("_", "-")
    return tag if tag == "pt-br" else tag.partition("-")[0] or None


def _said(message: JsonObject) -> JsonObject:
    """*message* without what is None, and without what is then empty."""
    said: JsonObject = {}
    for key, value in message.items():
        kept = _said(value) if _is_object(value) else value
        if kept is not None and kept != {}:
            said[key] = kept
    return said


def _laid_over(message: JsonObject, options: JsonObject) -> JsonObject:
    whole = dict(message)
    for key, value in options.items():
        under = whole.get(key)
        whole[key] = _laid_over(under, value) if _is_object(under) and _is_object(value) else value
    return whole


def _without(message: JsonObject, path: Sequence[str]) -> JsonObject:
    """*message* without what is at *path*, nor what is empty without it."""
    key, rest = path[0], path[1:]
    left: JsonObject = {}
    if rest:
        inner = message.get(key)
        if not _is_object(inner):
            return message
        left = _without(inner, rest)
    return {k: left if k == key else v for k, v in message.items() if k != key or left}


def _is_object(value: Any) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)
