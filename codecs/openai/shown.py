"""A session's configuration as OpenAI's clients are shown it, whoever's it is."""

from typing import Any, Literal

import msgspec
from msgspec import UnsetType

from antiphon.codecs.audio import LAWS
from antiphon.codecs.config import AudioFormat, SessionConfig, Transcription, TurnDetection, merge
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai.session import DEFAULTS, TRANSCRIPTION, write_session
from antiphon.codecs.wire import Count

DEGREES = frozenset({"minimal", "low", "medium", "high", "xhigh"})
EAGERNESS = frozenset({"low", "medium", "high", "auto"})


def show_session(config: SessionConfig, model: str) -> JsonObject:
    """For session.created and session.updated: all of it, since clients replace what they had.

    It may be another provider's configuration: what OpenAI's clients do not know is left out.
    """
    options = config.provider_options or {}
    whole = merge(DEFAULTS, config)
    shown = msgspec.structs.replace(
        whole,
        output_modalities=whole.output_modalities or DEFAULTS.output_modalities,
        input_audio_format=shown_format(whole.input_audio_format),
        output_audio_format=shown_format(whole.output_audio_format),
        reasoning_effort=_one_of(DEGREES, config.reasoning_effort),
        turn_detection=_shown_detection(config.turn_detection),
        input_audio_transcription=_shown_transcription(config.input_audio_transcription),
        provider_options={
            key: options[key] for key in OPTIONS.keys() & options.keys() if _is_shown(key, options)
        },
    )
    if options.get("type") == TRANSCRIPTION:
        heard = SessionConfig(
            model=shown.model,
            input_audio_format=shown.input_audio_format,
            input_audio_transcription=shown.input_audio_transcription,
            input_languages=shown.input_languages,
            turn_detection=shown.turn_detection,
            noise_reduction=shown.noise_reduction,
            provider_options={"type": TRANSCRIPTION},
        )
        included = {"include": options["include"]} if _is_shown("include", options) else {}
        return write_session(heard, model) | included
    nothing: JsonObject = {"tools": [], "tool_choice": "auto"}
    return nothing | write_session(shown, model)


def outspoken(
    detection: TurnDetection | None | UnsetType,
) -> TurnDetection | None | UnsetType:
    """*detection* with its defaults: clients take for no what is not said of interruptions."""
    if not isinstance(detection, TurnDetection):
        return detection
    return msgspec.structs.replace(
        detection,
        create_response=detection.create_response is not False,
        interrupt_response=detection.interrupt_response is not False,
    )


def _is_shown(key: str, options: JsonObject) -> bool:
    """Whether the option is one of OpenAI's, and not another provider's of the same name."""
    kind = OPTIONS[key]
    try:
        msgspec.convert(options[key], kind)
    except (KeyError, msgspec.ValidationError):
        return False
    return True


class _Strict(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What clients know, and no more."""


class _Trace(_Strict):
    group_id: str | None = None
    metadata: Any = None
    workflow_name: str | None = None


class _Limits(_Strict):
    post_instructions: Count | None = None


class _Retention(_Strict, tag_field="type", tag="retention_ratio", kw_only=True):
    retention_ratio: float
    token_limits: _Limits | None = None


class _Prompt(_Strict, kw_only=True):
    id: str
    variables: JsonObject | None = None
    version: str | None = None


class _Function(_Strict, tag_field="type", tag="function", kw_only=True):
    name: str
    description: str | None = None
    parameters: Any = None


class _Mcp(msgspec.Struct, tag_field="type", tag="mcp", kw_only=True):
    server_label: str


class _McpChoice(_Strict, tag_field="type", tag="mcp", kw_only=True):
    server_label: str
    name: str | None = None


OPTIONS: dict[str, Any] = {
    "truncation": Literal["auto", "disabled"] | _Retention,
    "tracing": Literal["auto"] | _Trace | None,
    "prompt": _Prompt | None,
    "include": list[Literal["item.input_audio_transcription.logprobs"]] | None,
    "tools": list[_Function | _Mcp],
    "tool_choice": _McpChoice,
}


def _shown_detection(
    detection: TurnDetection | None | UnsetType,
) -> TurnDetection | None | UnsetType:
    if not isinstance(detection, TurnDetection) or detection.type != "semantic-vad":
        return detection
    return TurnDetection(
        type="semantic-vad",
        eagerness=_one_of(EAGERNESS, detection.eagerness),
        create_response=detection.create_response,
        interrupt_response=detection.interrupt_response,
    )


def shown_format(audio: AudioFormat | None) -> AudioFormat | None:
    """G.711 has one rate, which is not told."""
    if audio is None or audio.type not in LAWS:
        return audio
    return AudioFormat(type=audio.type)


def _shown_transcription(
    transcription: Transcription | None | UnsetType,
) -> Transcription | None | UnsetType:
    if not isinstance(transcription, Transcription):
        return transcription
    return msgspec.structs.replace(transcription, delay=_one_of(DEGREES, transcription.delay))


def _one_of(known_values: frozenset[str], value: str | None) -> str | None:
    return value if value in known_values else None
