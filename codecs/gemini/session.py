"""How a session is to be, as a setup says it.

What a setup says and a configuration has no word for goes along in `provider_options`, so that
nothing is lost between two ends of this dialect: whole fields of the setup under their own names
(they are put on the setup as they are), and what is left of a field that is otherwise understood
under `google`, in the shape of the setup. `google` also has the AI SDK's `translationConfig`,
`thinkingConfig` and `defaultToolBehavior`.
"""

import re

from msgspec import UNSET

from antiphon.codecs.config import SessionConfig, Transcription, TurnDetection
from antiphon.codecs.gemini import tools, wire
from antiphon.codecs.gemini.spelling import is_object, object_of
from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Unsayable, millis, millis_if

_PARTLY_KNOWN = (
    "generationConfig",
    "realtimeInputConfig",
    "inputAudioTranscription",
    "outputAudioTranscription",
    "sessionResumption",
)

THINKS = re.compile(r"gemini-\d+\.\d+-live.*thinking")
_VERSION = re.compile(r"gemini-(\d{1,4})\.(\d{1,4})")
_TAKES_CONTEXT_SINCE = 3, 8

START_HIGH, START_LOW = "START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW"
LIKELY, UNLIKELY = 0.3, 0.7
"""Thresholds up to and from which speech is told to be found more or less easily."""
EAGERNESS = {"high": "END_SENSITIVITY_HIGH", "low": "END_SENSITIVITY_LOW"}
HANDLING = {True: "START_OF_ACTIVITY_INTERRUPTS", False: "NO_INTERRUPTION"}
_LEVELS = {"xhigh": "high"}


def qualified(model: str) -> str:
    return model if not model or "/" in model else f"models/{model}"


def takes_context(model: str) -> bool:
    """Whether instructions and tools can change; of models of other names it is assumed."""
    found = _VERSION.search(model)
    return found is None or (int(found[1]), int(found[2])) >= _TAKES_CONTEXT_SINCE


def detects_turns(setup: JsonObject) -> bool:
    """Whether the service hears where turns begin and end, and does not have to be told."""
    detection = object_of(
        object_of(setup.get("realtimeInputConfig")).get("automaticActivityDetection")
    )
    return detection.get("disabled") is not True


def includes_thoughts(setup: JsonObject) -> bool:
    thinking = object_of(object_of(setup.get("generationConfig")).get("thinkingConfig"))
    return thinking.get("includeThoughts") is True


def setup_of(config: SessionConfig, model: str) -> JsonObject:
    options = dict(config.provider_options or {})
    google = object_of(options.pop("google", None))
    model = qualified(config.model or model)
    setup: JsonObject = {"model": model} if model else {}
    setup["generationConfig"] = _generation(config, model, google)
    if config.instructions is not None:
        setup["systemInstruction"] = {"parts": [{"text": config.instructions}]}
    listed = tools.tools_to_wire(config.tools, google)
    if listed:
        setup["tools"] = listed
    if isinstance(config.input_audio_transcription, Transcription):
        setup["inputAudioTranscription"] = _listening(config, config.input_audio_transcription)
    if isinstance(config.output_audio_transcription, Transcription):
        setup["outputAudioTranscription"] = {}
    if config.turn_detection is not UNSET and (turns := _turns(config.turn_detection)):
        setup["realtimeInputConfig"] = turns
    if config.resumption_handle is not None:
        setup["sessionResumption"] = {"handle": config.resumption_handle}
    elif config.resumption:
        setup["sessionResumption"] = {}
    for name in _PARTLY_KNOWN:
        if rest := object_of(google.get(name)):
            setup[name] = _merged(object_of(setup.get(name)), rest)
    setup.update(options)
    return setup


def _generation(config: SessionConfig, model: str, google: JsonObject) -> JsonObject:
    modalities = config.output_modalities or ("audio",)
    generation: JsonObject = {"responseModalities": [one.upper() for one in modalities]}
    if config.temperature is not None:
        generation["temperature"] = config.temperature
    if isinstance(config.max_output_tokens, int):
        generation["maxOutputTokens"] = config.max_output_tokens
    speech: JsonObject = {}
    if config.voice is not None:
        speech["voiceConfig"] = {"prebuiltVoiceConfig": {"voiceName": config.voice}}
    if config.output_language is not None:
        speech["languageCode"] = config.output_language
    if speech:
        generation["speechConfig"] = speech
    if thinking := _thinking(config.reasoning_effort, model, google):
        generation["thinkingConfig"] = thinking
    translation: JsonObject = {}
    if config.translation_target is not None:
        translation["targetLanguageCode"] = config.translation_target
    translation.update(object_of(google.get("translationConfig")))
    if translation:
        generation["translationConfig"] = translation
    return generation


def _thinking(effort: str | None, model: str, google: JsonObject) -> JsonObject:
    thinking: JsonObject = {}
    if effort == "none":
        thinking["thinkingBudget"] = 0
    elif effort is not None:
        thinking["thinkingLevel"] = _LEVELS.get(effort, effort)
    thinking.update(object_of(google.get("thinkingConfig")))
    if THINKS.search(model) and not thinking.keys() & {"thinkingLevel", "thinkingBudget"}:
        thinking["thinkingLevel"] = "low"
    return thinking


def _listening(config: SessionConfig, transcription: Transcription) -> JsonObject:
    wired: JsonObject = {}
    languages = (transcription.language, *(config.input_languages or ()))
    if codes := [code for code in dict.fromkeys(languages) if code]:
        wired["languageCodes"] = codes
    if transcription.keywords:
        wired["customVocabulary"] = list(transcription.keywords)
    return wired


def _turns(detection: TurnDetection | None) -> JsonObject:
    if detection is None:
        return {"automaticActivityDetection": {"disabled": True}}
    if detection.type == "disabled":
        automatic: JsonObject = {"disabled": True}
    elif detection.create_response is False:
        raise Unsayable(wire.NAME, "answers each turn that it detects: detect turns elsewhere")
    else:
        automatic = _detection(detection)
    turns: JsonObject = {"automaticActivityDetection": automatic} if automatic else {}
    if detection.interrupt_response is not None:
        turns["activityHandling"] = HANDLING[detection.interrupt_response]
    return turns


def _detection(detection: TurnDetection) -> JsonObject:
    """A sensitivity has two steps only: one is chosen where the wish is plain."""
    automatic: JsonObject = {}
    if detection.threshold is not None and detection.threshold <= LIKELY:
        automatic["startOfSpeechSensitivity"] = START_HIGH
    elif detection.threshold is not None and detection.threshold >= UNLIKELY:
        automatic["startOfSpeechSensitivity"] = START_LOW
    if detection.eagerness in EAGERNESS:
        automatic["endOfSpeechSensitivity"] = EAGERNESS[detection.eagerness]
    if (padding := millis_if(detection.prefix_padding)) is not None:
        automatic["prefixPaddingMs"] = padding
    if detection.silence_duration is not None:
        automatic["silenceDurationMs"] = millis(detection.silence_duration)
    return automatic


def _merged(below: JsonObject, above: JsonObject) -> JsonObject:
    out = dict(below)
    for name, value in above.items():
        under = out.get(name)
        out[name] = _merged(under, value) if is_object(under) and is_object(value) else value
    return out
