"""What a ticket's holder may choose: all that was not bound when it was minted.

https://docs.opper.ai/v3-api-reference/realtime/create-realtime-session
"""

from collections.abc import Iterable, Mapping

from antiphon.codecs.items import JsonObject
from antiphon.codecs.opper import wire
from antiphon.codecs.wire import WireError

ZEROS: Mapping[str, object] = {
    "model": "",
    "voice": "",
    "instructions": "",
    "modalities": (),
    "tools": (),
    "turn_detection": None,
    "input_audio_format": "",
    "output_audio_format": "",
    "input_transcription": False,
    "input_transcription_model": "",
    "output_transcription": False,
    "reasoning_effort": "",
    "temperature": 0,
    "translation_target_language": "",
}
"""The fields of a configuration, each with the value that stands for nothing said."""


def effective(
    minted: JsonObject | None, locked: Iterable[str] | None, said: JsonObject
) -> JsonObject:
    """What holds of *said*, a `config` as a ticket's holder sends it, at first or later.

    Whatever is not zero in *minted* wins over it. Fields that are *locked* win too when they are
    zero, or were never minted at all. Names that cannot be locked are a WireError.
    """
    locked = tuple(locked or ())
    check(locked)
    minted = minted or {}
    held = {name: minted.get(name) or _zero(name, minted) for name in locked}
    bound = {name: value for name, value in minted.items() if value}
    return {**said, **held, **bound}


def zeros(config: JsonObject) -> tuple[str, ...]:
    """Fields that *config* sets to nothing, so that only a lock can bind them."""
    return tuple(name for name, value in config.items() if name in ZEROS and not value)


def check(locked: Iterable[str]) -> None:
    for index, name in enumerate(locked):
        if name not in ZEROS:
            raise WireError(
                wire.NAME, f"$.locked_fields[{index}]", f"Expected a field of config, got {name!r}"
            )


def _zero(name: str, minted: JsonObject) -> object:
    zero = minted.get(name, ZEROS[name])
    return [] if zero == () else zero
