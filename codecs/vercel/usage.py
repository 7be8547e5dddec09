"""Usage, as the AI SDK counts it."""

from msgspec import UNSET, UnsetType

from antiphon.codecs.usage import Usage
from antiphon.codecs.vercel import wire
from antiphon.codecs.wire import given, known


def read_usage(usage: wire.OptionalUsage) -> Usage | None:
    if usage is None or usage is UNSET:
        return None
    return Usage(
        input_tokens=known(usage.input_tokens),
        output_tokens=known(usage.output_tokens),
        cached_input_tokens=known(usage.cached_input_tokens),
        input_text_tokens=known(usage.input_text_tokens),
        input_audio_tokens=known(usage.input_audio_tokens),
        output_text_tokens=known(usage.output_text_tokens),
        output_audio_tokens=known(usage.output_audio_tokens),
        cached_input_text_tokens=known(usage.cached_input_text_tokens),
        cached_input_audio_tokens=known(usage.cached_input_audio_tokens),
        seconds=known(usage.seconds),
    )


def write_usage(usage: Usage | None) -> wire.Usage | UnsetType:
    """What the AI SDK has names for, so no pictures; left out where that is nothing."""
    if usage is None:
        return UNSET
    written = wire.Usage(
        input_tokens=given(usage.input_tokens),
        output_tokens=given(usage.output_tokens),
        cached_input_tokens=given(usage.cached_input_tokens),
        input_text_tokens=given(usage.input_text_tokens),
        input_audio_tokens=given(usage.input_audio_tokens),
        output_text_tokens=given(usage.output_text_tokens),
        output_audio_tokens=given(usage.output_audio_tokens),
        cached_input_text_tokens=given(usage.cached_input_text_tokens),
        cached_input_audio_tokens=given(usage.cached_input_audio_tokens),
        seconds=given(usage.seconds),
    )
    return UNSET if written == wire.Usage() else written


def write_seconds(usage: Usage) -> wire.Usage:
    """Of a continuous model only the seconds are told."""
    return wire.Usage(seconds=given(usage.seconds))
