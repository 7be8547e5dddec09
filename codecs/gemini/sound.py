"""Speech, which is most of what goes over the wire, and mostly goes without anything else.

Such messages are read by decoders of their own, which know nothing else; what they do not know is
read as everything is (wire.py).
"""

import msgspec

from antiphon.codecs.wire import Message


class _Strict(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """Nothing but this."""


class _Sound(_Strict, frozen=True):
    mime_type: str
    data: str


class _SoundPart(_Strict, frozen=True):
    inline_data: _Sound


class _SoundTurn(_Strict, frozen=True):
    parts: tuple[_SoundPart]
    role: str | None = None


class _SoundContent(_Strict, frozen=True):
    model_turn: _SoundTurn


class _SoundFromServer(_Strict, frozen=True):
    server_content: _SoundContent


class _SpelledSound(
    _Strict, frozen=True, rename={"first": "mimeType", "second": "mime_type", "data": "data"}
):
    data: str
    first: str | None = None
    second: str | None = None


class _SoundInput(_Strict, frozen=True):
    audio: _SpelledSound


class _SoundFromClient(
    _Strict, frozen=True, rename={"first": "realtimeInput", "second": "realtime_input"}
):
    first: _SoundInput | None = None
    second: _SoundInput | None = None


_SHORTEST = 256

_model_sound: msgspec.json.Decoder[_SoundFromServer] = msgspec.json.Decoder(_SoundFromServer)
_user_sound: msgspec.json.Decoder[_SoundFromClient] = msgspec.json.Decoder(_SoundFromClient)


def model_sound(message: Message) -> tuple[str, str] | None:
    """The format and the data, if *message* is a piece of the model's speech and no more."""
    if len(message) < _SHORTEST:
        return None
    try:
        sound = _model_sound.decode(message).server_content.model_turn.parts[0].inline_data
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return sound.mime_type, sound.data


def user_sound(message: Message) -> tuple[str, str] | None:
    """The format and the data, if *message* is a piece of the user's speech and no more."""
    if len(message) < _SHORTEST:
        return None
    try:
        said = _user_sound.decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    sound = said.first or said.second
    if sound is None:
        return None
    return sound.audio.first or sound.audio.second or "", sound.audio.data
