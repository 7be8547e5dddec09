"""What a setup asks for, as a configuration; session.py says what becomes of the rest."""

from typing import Any

import msgspec

from antiphon.codecs.config import Modality, SessionConfig, Transcription, TurnDetection
from antiphon.codecs.gemini import session, tools, wire
from antiphon.codecs.gemini.spelling import object_of, respelled, shaped
from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import micros_if


class _PrebuiltVoice(msgspec.Struct, rename="camel"):
    voice_name: str | None = None


class _Voice(msgspec.Struct, rename="camel"):
    prebuilt_voice_config: _PrebuiltVoice | None = None


class _Speech(msgspec.Struct, rename="camel"):
    voice_config: _Voice | None = None
    language_code: str | None = None


class _Thinking(msgspec.Struct, rename="camel"):
    thinking_level: str | None = None
    thinking_budget: int | None = None
    include_thoughts: bool | None = None


class _Translation(msgspec.Struct, rename="camel"):
    target_language_code: str | None = None
    echo_target_language: bool | None = None


class _Generation(msgspec.Struct, rename="camel"):
    response_modalities: tuple[str, ...] | None = None
    temperature: float | None = None
    max_output_tokens: wire.Count | None = None
    speech_config: _Speech | None = None
    thinking_config: _Thinking | None = None
    translation_config: _Translation | None = None


class _Hints(msgspec.Struct, rename="camel"):
    language_codes: tuple[str, ...] | None = None


class _Listening(msgspec.Struct, rename="camel"):
    language_codes: tuple[str, ...] | None = None
    language_hints: _Hints | None = None
    custom_vocabulary: tuple[str, ...] | None = None


class _Detection(msgspec.Struct, rename="camel"):
    disabled: bool | None = None
    start_of_speech_sensitivity: str | None = None
    end_of_speech_sensitivity: str | None = None
    prefix_padding_ms: wire.Count | None = None
    silence_duration_ms: wire.Count | None = None


class _Realtime(msgspec.Struct, rename="camel"):
    automatic_activity_detection: _Detection | None = None
    activity_handling: str | None = None


class _Resumption(msgspec.Struct, rename="camel"):
    handle: str | None = None


class _Instruction(msgspec.Struct, rename="camel"):
    parts: tuple[JsonObject, ...] | None = None


class _Setup(msgspec.Struct, rename="camel"):
    model: str | None = None
    generation_config: _Generation | None = None
    system_instruction: _Instruction | None = None
    tools: tuple[JsonObject, ...] | None = None
    input_audio_transcription: _Listening | None = None
    output_audio_transcription: JsonObject | None = None
    realtime_input_config: _Realtime | None = None
    session_resumption: _Resumption | None = None


_SETUP = frozenset(field.encode_name for field in msgspec.structs.fields(_Setup))


_USUAL = ("audio",)
"""What a setup has by default, so that nothing need be said of it."""


def config_of(given: JsonObject) -> SessionConfig:
    """What a setup asks for."""
    given = respelled(given, _Setup)
    setup = shaped(given, _Setup, "$.setup")
    rest = {name: value for name, value in given.items() if value is not None}
    options = {name: value for name, value in rest.items() if name not in _SETUP}
    options.pop("google", None)
    google: JsonObject = {}
    settings: dict[str, Any] = {}
    if setup.model is not None:
        settings["model"] = setup.model.removeprefix("models/")
    left = object_of(rest.get("generationConfig"))
    _read_generation(setup.generation_config or _Generation(), left, google, settings)
    if not settings.keys() & {"reasoning_effort"} and session.THINKS.search(setup.model or ""):
        settings["reasoning_effort"] = "low"
    _keep(google, "generationConfig", left)
    _read_instruction(setup.system_instruction, rest, options, settings)
    if setup.tools is not None:
        settings["tools"] = tools.tools_of(setup.tools, google, "$.setup.tools")
    if setup.input_audio_transcription is not None:
        left = object_of(rest.get("inputAudioTranscription"))
        _read_listening(setup.input_audio_transcription, left, settings)
        _keep(google, "inputAudioTranscription", left)
    if setup.output_audio_transcription is not None:
        settings["output_audio_transcription"] = Transcription()
        _keep(google, "outputAudioTranscription", dict(setup.output_audio_transcription))
    if setup.realtime_input_config is not None:
        left = object_of(rest.get("realtimeInputConfig"))
        _read_turns(setup.realtime_input_config, left, settings)
        _keep(google, "realtimeInputConfig", left)
    if setup.session_resumption is not None:
        left = object_of(rest.get("sessionResumption"))
        settings["resumption"] = True
        settings["resumption_handle"] = _taken(left, "handle")
        _keep(google, "sessionResumption", left)
    if google:
        options["google"] = google
    if options:
        settings["provider_options"] = options
    return SessionConfig(**settings)


def context_of(update: wire.ContextUpdate) -> SessionConfig:
    """What an update in the midst of a session asks for."""
    options: JsonObject = {}
    google: JsonObject = {}
    settings: dict[str, Any] = {}
    if update.system_instruction is not None:
        given = {"systemInstruction": respelled(update.system_instruction, _Instruction)}
        instruction = shaped(given, _Setup, "$.contextUpdate").system_instruction
        _read_instruction(instruction, given, options, settings)
    if update.tools is not None:
        listed = update.tools.tools or ()
        settings["tools"] = tools.tools_of(listed, google, "$.contextUpdate.tools.tools")
    if google:
        options["google"] = google
    if options:
        settings["provider_options"] = options
    return SessionConfig(**settings)


def _read_instruction(
    instruction: _Instruction | None,
    given: JsonObject,
    options: JsonObject,
    settings: dict[str, Any],
) -> None:
    """Each part is a paragraph of its own."""
    if instruction is None:
        return
    parts = instruction.parts or ()
    texts = [text for part in parts if isinstance(text := part.get("text"), str)]
    if parts:
        settings["instructions"] = "\n\n".join(texts)
    if any(part.keys() - {"text"} for part in parts):
        options["systemInstruction"] = given["systemInstruction"]


def _read_generation(
    generation: _Generation, left: JsonObject, google: JsonObject, settings: dict[str, Any]
) -> None:
    said = _modalities(generation.response_modalities or ())
    if said is not None:
        left.pop("responseModalities", None)
        settings["output_modalities"] = None if said in ((), _USUAL) else said
    settings["temperature"] = _taken(left, "temperature")
    settings["max_output_tokens"] = _taken(left, "maxOutputTokens")

    speech = object_of(left.pop("speechConfig", None))
    voice = object_of(speech.pop("voiceConfig", None))
    prebuilt = object_of(voice.pop("prebuiltVoiceConfig", None))
    settings["voice"] = _taken(prebuilt, "voiceName")
    settings["output_language"] = _taken(speech, "languageCode")
    _keep(voice, "prebuiltVoiceConfig", prebuilt)
    _keep(speech, "voiceConfig", voice)
    _keep(left, "speechConfig", speech)

    thinking = object_of(left.pop("thinkingConfig", None))
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if level is not None:
        settings["reasoning_effort"] = str(thinking.pop("thinkingLevel")).lower()
    elif budget is not None:
        settings["reasoning_effort"] = "none" if budget == 0 else None
        if budget == 0:
            del thinking["thinkingBudget"]
    _keep(google, "thinkingConfig", thinking)

    translation = object_of(left.pop("translationConfig", None))
    settings["translation_target"] = _taken(translation, "targetLanguageCode")
    _keep(google, "translationConfig", translation)


def _modalities(wired: tuple[str, ...]) -> tuple[Modality, ...] | None:
    names: dict[str, Modality] = {"AUDIO": "audio", "TEXT": "text"}
    said: list[Modality] = [names[one.upper()] for one in wired if one.upper() in names]
    return tuple(said) if len(said) == len(wired) else None


def _read_listening(listening: _Listening, left: JsonObject, settings: dict[str, Any]) -> None:
    hints = listening.language_hints.language_codes if listening.language_hints else None
    for name in ("languageCodes", "languageHints", "customVocabulary"):
        left.pop(name, None)
    settings["input_languages"] = listening.language_codes or hints or None
    keywords = listening.custom_vocabulary or None
    settings["input_audio_transcription"] = Transcription(keywords=keywords)


def _read_turns(realtime: _Realtime, left: JsonObject, settings: dict[str, Any]) -> None:
    automatic = realtime.automatic_activity_detection or _Detection()
    rest = object_of(left.pop("automaticActivityDetection", None))
    disabled = rest.pop("disabled", None) is True
    start, threshold = automatic.start_of_speech_sensitivity, None
    if start in (session.START_HIGH, session.START_LOW):
        threshold = session.LIKELY if start == session.START_HIGH else session.UNLIKELY
    eagerness = _key_of(session.EAGERNESS, automatic.end_of_speech_sensitivity)
    interrupts = _key_of(session.HANDLING, realtime.activity_handling)
    path = "$.setup.realtimeInputConfig.automaticActivityDetection"
    said = TurnDetection(
        type="disabled" if disabled else "server-vad",
        threshold=threshold,
        eagerness=eagerness,
        prefix_padding=micros_if(automatic.prefix_padding_ms, wire.NAME, path),
        silence_duration=micros_if(automatic.silence_duration_ms, wire.NAME, path),
        interrupt_response=interrupts,
    )
    if interrupts is not None:
        del left["activityHandling"]
    if not disabled:  # what is said of a detection that is off stays as it is
        for name, known in (
            ("startOfSpeechSensitivity", threshold is not None),
            ("endOfSpeechSensitivity", eagerness is not None),
            ("prefixPaddingMs", True),
            ("silenceDurationMs", True),
        ):
            if known:
                rest.pop(name, None)
    _keep(left, "automaticActivityDetection", rest)
    if disabled:
        off = None if interrupts is None else TurnDetection(type="disabled")
        settings["turn_detection"] = (
            off if off is None else msgspec.structs.replace(off, interrupt_response=interrupts)
        )
    elif said != TurnDetection(type="server-vad"):
        settings["turn_detection"] = said


def _key_of(names: dict[Any, str], value: str | None) -> Any:
    return next((name for name, wired in names.items() if wired == value), None)


def _keep(into: JsonObject, name: str, left: JsonObject) -> None:
    left = {key: value for key, value in left.items() if value is not None}
    if left:
        into[name] = left


def _taken(left: JsonObject, name: str) -> Any:
    return left.pop(name, None)
