"""The configuration of a Live session, both ways.

It is strict: whatever the provider has no setting for is refused, since a continuous model does
without turns, tools and transcription settings, and who asked for them would wait in vain.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai_live import wire
from antiphon.codecs.wire import Unsayable, WireError, known

DEFAULT_MODEL = "gpt-live-1"
DEFAULT_VOICE = "marin"
DEFAULT_FORMAT = AudioFormat(type="audio/pcm", rate=24_000)

FORMATS = {"audio/pcm": (24_000, 16_000), "audio/pcmu": (8_000,), "audio/pcma": (8_000,)}
"""The rates of each, the usual one first."""

_NOTHING_SAID = SessionConfig()
_SETTINGS = {
    "model",
    "instructions",
    "voice",
    "input_audio_format",
    "output_audio_format",
    "provider_options",
}


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of `provider_options["openai"]`."""


class _Client(_Strict, frozen=True, kw_only=True, tag_field="type", tag="client"):
    pass


class _Text(_Strict, frozen=True, kw_only=True):
    type: Literal["input_text"]
    text: str


class _SaidText(_Strict, frozen=True, kw_only=True):
    type: Literal["text", "output_text"]
    text: str


class _Message(_Strict, frozen=True, kw_only=True, tag_field="role"):
    type: Literal["message"]


class _FromUser(_Message, frozen=True, kw_only=True, tag="user"):
    content: tuple[_Text]


class _FromDeveloper(_Message, frozen=True, kw_only=True, tag="developer"):
    content: tuple[_Text]


class _FromAssistant(_Message, frozen=True, kw_only=True, tag="assistant"):
    content: tuple[_SaidText]


class _Events(_Strict, frozen=True, kw_only=True, rename="camel"):
    type: str
    response_event: str | UnsetType = UNSET


class _DataChannel(_Strict, frozen=True, kw_only=True, rename="camel"):
    allowed_client_events: Literal["all"] | tuple[str, ...] | UnsetType = UNSET
    allowed_server_events: Literal["all"] | tuple[_Events, ...] | UnsetType = UNSET


class _Permissions(_Strict, frozen=True, kw_only=True, rename="camel"):
    data_channel: _DataChannel


class _Voice(_Strict, frozen=True, kw_only=True):
    id: wire.Id


_History = tuple[_FromUser | _FromDeveloper | _FromAssistant, ...]


class _Options(_Strict, frozen=True, kw_only=True):
    client: _Permissions | UnsetType = UNSET
    delegation: _Client | None | UnsetType = UNSET
    input: Annotated[_History, Meta(max_length=128)] | UnsetType = UNSET
    store: bool | UnsetType = UNSET
    voice: _Voice | UnsetType = UNSET


def session(config: SessionConfig, model: str, *, webrtc: bool = False) -> wire.Session:
    """What a client asks for; over WebRTC the format of audio is negotiated elsewhere."""
    for field in config.__struct_fields__:
        if field not in _SETTINGS and getattr(config, field) is not getattr(_NOTHING_SAID, field):
            raise Unsayable(wire.NAME, f"has no setting for {field}")
    given = openai_options(config.provider_options)
    options = _options(given)
    if options.client is not UNSET and not webrtc:
        raise Unsayable(wire.NAME, "has permissions of a data channel over WebRTC only")
    if options.voice is not UNSET and config.voice is not None:
        raise Unsayable(wire.NAME, "takes one voice: that of the session or of its options")
    if webrtc and (config.input_audio_format or config.output_audio_format):
        raise Unsayable(wire.NAME, "negotiates the format of audio over WebRTC")
    spoken = audio_format(config)
    voice = wire.Voice(id=options.voice.id) if options.voice is not UNSET else config.voice
    return wire.Session(
        model=config.model or model or DEFAULT_MODEL,
        instructions=config.instructions,
        audio=wire.Audio(
            format=None if webrtc else wire.Format(type=spoken.type, rate=spoken.rate),
            output=wire.Output(voice=DEFAULT_VOICE if voice is None else voice),
        ),
        delegation=given["delegation"] if options.delegation is not UNSET else UNSET,
        client=_permissions(options.client),
        input=tuple(given["input"]) if options.input is not UNSET else None,
        store=known(options.store),
    )


def config_of(session: wire.Session, model: str) -> SessionConfig:
    """How a server reads it, more than a client of ours may say included."""
    audio = session.audio or wire.Audio()
    spoken = None if audio.format is None else _format_of(audio.format)
    voice = audio.output.voice if audio.output is not None else None
    options: JsonObject = {}
    if session.delegation is not UNSET:
        options["delegation"] = session.delegation
    if session.client is not None and session.client.data_channel is not None:
        options["client"] = {"dataChannel": _channel_of(session.client.data_channel)}
    if session.input is not None:
        options["input"] = list(session.input)
    if session.store is not None:
        options["store"] = session.store
    if isinstance(voice, wire.Voice):
        options["voice"] = {"id": voice.id}
    return SessionConfig(
        model=session.model or model or None,
        instructions=session.instructions,
        voice=voice if isinstance(voice, str) else None,
        input_audio_format=spoken,
        output_audio_format=spoken,
        provider_options={"openai": options} if options else None,
    )


def audio_format(config: SessionConfig) -> AudioFormat:
    """What both directions carry, or Unsayable."""
    heard, said = config.input_audio_format, config.output_audio_format
    if heard is not None and said is not None and heard != said:
        raise Unsayable(wire.NAME, "has one format of audio for both directions")
    chosen = heard or said or DEFAULT_FORMAT
    if chosen.rate not in FORMATS.get(chosen.type, ()):
        raise Unsayable(wire.NAME, f"does not carry {chosen.type} at {chosen.rate} Hz")
    return chosen


def openai_options(options: JsonObject | None) -> Any:
    """What `provider_options` say to this provider; others may be spoken to beside it."""
    given = None if options is None else options.get("openai")
    return {} if given is None else given


def _options(given: object) -> _Options:
    try:
        return msgspec.convert(given, _Options)
    except msgspec.ValidationError as error:
        raise Unsayable(wire.NAME, f"does not know these options: {error}") from error


def _permissions(client: _Permissions | UnsetType) -> wire.Permissions | None:
    if client is UNSET:
        return None
    channel = client.data_channel
    events = channel.allowed_server_events
    if isinstance(events, tuple):
        for one in events:
            if (one.type == "response.event") is (one.response_event is UNSET):
                raise Unsayable(wire.NAME, "wants responseEvent with response.event, only there")
        events = tuple(
            wire.ResponseEvents(type=one.type, response_event=known(one.response_event))
            for one in events
        )
    return wire.Permissions(
        data_channel=wire.DataChannel(
            allowed_client_events=channel.allowed_client_events, allowed_server_events=events
        )
    )


def _channel_of(channel: wire.DataChannel) -> JsonObject:
    said: JsonObject = {}
    if channel.allowed_client_events is not UNSET:
        events = channel.allowed_client_events
        said["allowedClientEvents"] = "all" if events == "all" else list(events)
    if channel.allowed_server_events is not UNSET:
        events = channel.allowed_server_events
        said["allowedServerEvents"] = (
            events
            if isinstance(events, str)
            else [
                {"type": one.type}
                if one.response_event is None
                else {"type": one.type, "responseEvent": one.response_event}
                for one in events
            ]
        )
    return said


def _format_of(said: wire.Format) -> AudioFormat:
    rates = FORMATS.get(said.type)
    if rates is None or (said.rate is not None and said.rate not in rates):
        raise WireError(
            wire.NAME,
            "$.session.audio.format",
            f"Expected a format that the session can have, got {said.type[:40]!r} at {said.rate}",
        )
    return AudioFormat(type=said.type, rate=rates[0] if said.rate is None else said.rate)
