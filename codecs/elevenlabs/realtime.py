"""Eleven Realtime: OpenAI's protocol with ElevenLabs' voices, so that both ends are OpenAI's.

https://github.com/elevenlabs/skills/blob/main/realtime/references/session-config.md describes it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs import openai
from antiphon.codecs.audio import LAWS
from antiphon.codecs.config import SessionConfig, Transcription, TurnDetection, merge
from antiphon.codecs.connection import (
    Admission,
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
    after,
    bearer,
    without_query,
)
from antiphon.codecs.dialect import Dialect, Minting
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai import reach, shapes, shown
from antiphon.codecs.openai import session as of_openai
from antiphon.codecs.openai.profile import RATE, Profile
from antiphon.codecs.wire import Count, NewId, Unsayable, convert

__all__ = ["DIALECT", "Client", "Server"]

NAME = "elevenlabs_realtime"
BASE_URL = "https://api.elevenlabs.io/v1/convai"
PATH = "/v1/convai/realtime"


class Client(openai.Client):
    """Client events to ElevenLabs' wire, and its messages to server events."""

    def __init__(self, model: str = "") -> None:
        super().__init__(model, profile=PROFILE)


class Server(openai.Server):
    """ElevenLabs' client messages to client events, and server events to its wire."""

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        super().__init__(model, new_id, profile=PROFILE)


# The session, where it is otherwise than OpenAI's.


class Detection(shapes.Detection, kw_only=True, omit_defaults=True):
    turn_timeout: float | None = None
    """In seconds, where OpenAI has idle_timeout_ms."""


class Shape(msgspec.Struct, kw_only=True):
    """What of a session may be said otherwise than to OpenAI, or elsewhere."""

    turn_detection: Detection | str | None | UnsetType = UNSET
    audio: dict[str, JsonObject | None] | None = None
    tool_choice: Any = None
    temperature: float | None = None
    max_response_output_tokens: Count | str | None = None


OWN = frozenset({"turn_detection", "temperature", "max_response_output_tokens"})


def write_session(config: SessionConfig, model: str) -> JsonObject:
    for audio in (config.input_audio_format, config.output_audio_format):
        if audio is not None and not (audio.type in LAWS or PROFILE.playable(audio)):
            rate = "" if audio.rate is None else f" at {audio.rate} Hz"
            what = f"{audio.type!r}{rate}"
            raise Unsayable(NAME, f"carries audio/pcm at {RATE} Hz and G.711, not {what}")
    session = of_openai.write_session(_in_common(config), model)
    return _over(_as_elevenlabs(session, config), config.provider_options or {})


def show_session(config: SessionConfig, model: str) -> JsonObject:
    options = config.provider_options or {}
    in_common = msgspec.structs.replace(_in_common(config), provider_options=options)
    session = shown.show_session(in_common, model)
    session = _as_elevenlabs(session, merge(of_openai.DEFAULTS, config))
    longest = options.get("max_duration_seconds")
    return session | ({"max_duration_seconds": longest} if isinstance(longest, int) else {})


def read_session(session: JsonObject, dialect: str, path: str = "$.session") -> SessionConfig:
    """What *session* says, in the several places where it may say so."""
    own = convert(dialect, session, Shape, path)
    plain = {key: value for key, value in session.items() if key not in OWN}
    heard = dict((own.audio or {}).get("input") or {})
    pacing = heard.get("pacing")
    detection = heard.get("turn_detection", UNSET)
    if own.turn_detection is not UNSET:
        detection = own.turn_detection
    if detection is not UNSET:
        heard["turn_detection"] = _as_openai(detection, dialect, f"{path}.turn_detection")
    if own.audio is not None or heard:
        plain["audio"] = (own.audio or {}) | {"input": heard}
    if own.max_response_output_tokens is not None:
        plain["max_output_tokens"] = own.max_response_output_tokens
    match own.tool_choice:
        case {"type": "function", "function": {"name": str(name)}}:
            plain["tool_choice"] = {"type": "function", "name": name}
        case _:
            pass
    config = of_openai.read_session(plain, dialect, path)
    options = config.provider_options or {}
    if pacing is not None:
        options = options | {"audio": {"input": {"pacing": pacing}}}
    return msgspec.structs.replace(
        config, temperature=own.temperature, provider_options=options or None
    )


def _in_common(config: SessionConfig) -> SessionConfig:
    """What ElevenLabs has as OpenAI has it."""
    return msgspec.structs.replace(
        config,
        voice=None,
        speed=None,
        output_audio_format=None,
        input_audio_transcription=UNSET,
        noise_reduction=UNSET,
        max_output_tokens=None,
        provider_options=None,
    )


def _as_elevenlabs(session: JsonObject, config: SessionConfig) -> JsonObject:
    """*session*, OpenAI's, with the rest of *config*."""
    heard: JsonObject = session.pop("audio", {}).get("input", {})
    spoken: JsonObject = {}
    turns, transcription = config.turn_detection, config.input_audio_transcription
    if heard.get("turn_detection") and isinstance(turns, TurnDetection):
        heard["turn_detection"].pop("idle_timeout_ms", None)
        if turns.idle_timeout is not None:
            heard["turn_detection"]["turn_timeout"] = turns.idle_timeout / 1_000_000
    if transcription is None:
        heard["transcription"] = None
    elif isinstance(transcription, Transcription):
        heard["transcription"] = _language(config, transcription)
    if config.output_audio_format is not None:  # whose rate cannot be chosen
        spoken["format"] = {"type": config.output_audio_format.type}
    if config.voice is not None:  # plain, whatever it begins with
        spoken["voice"] = config.voice
    audio = {side: said for side, said in (("input", heard), ("output", spoken)) if said}
    if audio:
        session["audio"] = audio
    match session.get("tool_choice"):
        case {"type": "function", "name": str(name)}:
            session["tool_choice"] = {"type": "function", "function": {"name": name}}
        case _:
            pass
    if config.temperature is not None:
        session["temperature"] = config.temperature
    if config.max_output_tokens is not None:
        session["max_response_output_tokens"] = config.max_output_tokens
    return session


def _language(config: SessionConfig, transcription: Transcription) -> JsonObject:
    """The one language of the conversation: heard, written and spoken."""
    languages = config.input_languages or ()
    language = transcription.language or config.output_language or next(iter(languages), None)
    return {"language": language} if language else {}


def _as_openai(said: Any, dialect: str, path: str) -> JsonObject | None:
    """How turns are detected: a type alone is as good as an object with one."""
    if said is None:
        return None
    detection = convert(dialect, {"type": said} if isinstance(said, str) else said, Detection, path)
    plain = of_openai.plain(detection)
    timeout = plain.pop("turn_timeout", None)
    return plain if timeout is None else plain | {"idle_timeout_ms": timeout * 1000}


def _over(session: JsonObject, options: JsonObject) -> JsonObject:
    """*session* with the provider's *options*, which go into its objects."""
    merged = dict(session)
    for key, value in options.items():
        under: Any = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = _over({**under}, {**value})
        else:
            merged[key] = value
    return merged


PROFILE = Profile(
    name=NAME,
    write_session=write_session,
    read_session=read_session,
    show_session=show_session,
    pcm_rates=frozenset({RATE}),
)

# How it is reached.


def connect(
    model: str, *, key: str | None = None, ticket: str | None = None, base_url: str = BASE_URL
) -> Connect:
    return reach.connect(model, key=key, ticket=ticket, base_url=base_url)


def accept(upgrade: Upgrade) -> Admission | None:
    """A key comes as OpenAI's clients show it, or as ElevenLabs' own do."""
    if not upgrade.path.rstrip("/").endswith(PATH):
        return None
    offered = upgrade.subprotocols
    return Admission(
        model=upgrade.query.get("model") or None,
        credential=_shown(upgrade.headers, after(reach.INSECURE, offered)),
        subprotocol=reach.MARKER if reach.MARKER in offered else None,
    )


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    asked = reach.mint(
        model,
        key=key,
        now=now,
        config=config,
        lifetime=lifetime,
        base_url=base_url,
        profile=PROFILE,
    )
    headers = {"xi-api-key": key, "Content-Type": "application/json"}
    return msgspec.structs.replace(asked, headers=headers)


def minted(model: str, response: HttpResponse, *, base_url: str = BASE_URL) -> Ticket:
    return reach.minted(model, response, base_url=base_url, profile=PROFILE)


def order(request: HttpRequest) -> Order | None:
    if not without_query(request.url).rstrip("/").endswith(f"{PATH}/client_secrets"):
        return None
    # But for the path it is OpenAI's.
    asked = reach.order(
        msgspec.structs.replace(request, url="/v1/realtime/client_secrets"), profile=PROFILE
    )
    return asked and msgspec.structs.replace(asked, credential=_shown(request.headers))


def answer(order: Order, ticket: Ticket) -> HttpResponse:
    return reach.answer(order, ticket, profile=PROFILE)


def _shown(headers: Mapping[str, str], ticket: str | None = None) -> Credential | None:
    if ticket is not None:
        return Credential(kind="ticket", value=ticket)
    return reach.credential(bearer(headers) or headers.get("xi-api-key") or None)


DIALECT = Dialect(
    name=NAME,
    title="Eleven Realtime",
    page="https://github.com/elevenlabs/skills/tree/main/realtime",
    base_url=BASE_URL,
    key_variable="ELEVENLABS_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=openai.DIALECT.repertoire_of_client,
    repertoire_of_server=openai.DIALECT.repertoire_of_server,
    rates=openai.DIALECT.rates,
    auth="bearer key; ticket in a subprotocol",
    limits="as many seconds as the session is given (max_duration_seconds)",
    connect=connect,
    accept=accept,
    minting=Minting(mint=mint, minted=minted, order=order, answer=answer),
    greets=True,
    history=True,
)
