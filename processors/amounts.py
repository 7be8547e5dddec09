"""What was consumed, made ready for adding and pricing."""

import math
from typing import Any

from antiphon.codecs.usage import Usage

CHARACTERS = 4
"""Of text, to a token: https://ai.google.dev/gemini-api/docs/tokens"""

NOTHING = Usage(
    input_tokens=0,
    input_text_tokens=0,
    input_audio_tokens=0,
    input_image_tokens=0,
    cached_input_tokens=0,
    cached_input_text_tokens=0,
    cached_input_audio_tokens=0,
    cached_input_image_tokens=0,
    output_tokens=0,
    output_text_tokens=0,
    output_audio_tokens=0,
)


def sorted_out(usage: Usage) -> Usage:
    """*usage* with every token of a modality, so that it can be added up.

    Tokens that a provider counts and assigns to none, such as those of thoughts, are text.
    Cached ones that it does not assign are text as far as there is text, then audio, then
    images. No more is cached than there is, and nothing is below 0.
    """
    text, audio, image = (
        max(0, count or 0)
        for count in (usage.input_text_tokens, usage.input_audio_tokens, usage.input_image_tokens)
    )
    text += max(0, (usage.input_tokens or 0) - text - audio - image)
    cached = [
        min(room, max(0, count or 0))
        for room, count in (
            (text, usage.cached_input_text_tokens),
            (audio, usage.cached_input_audio_tokens),
            (image, usage.cached_input_image_tokens),
        )
    ]
    rest = (usage.cached_input_tokens or 0) - sum(cached)
    for index, room in enumerate((text, audio, image)):
        more = max(0, min(rest, room - cached[index]))
        cached[index] += more
        rest -= more
    written, spoken = (
        max(0, count or 0) for count in (usage.output_text_tokens, usage.output_audio_tokens)
    )
    written += max(0, (usage.output_tokens or 0) - written - spoken)
    return Usage(
        input_tokens=text + audio + image,
        input_text_tokens=text,
        input_audio_tokens=audio,
        input_image_tokens=image,
        cached_input_tokens=sum(cached),
        cached_input_text_tokens=cached[0],
        cached_input_audio_tokens=cached[1],
        cached_input_image_tokens=cached[2],
        output_tokens=written + spoken,
        output_text_tokens=written,
        output_audio_tokens=spoken,
    )


def is_vague(usage: Usage) -> bool:
    """Whether tokens are counted of which no modality is named at all."""
    heard = (usage.input_text_tokens, usage.input_audio_tokens, usage.input_image_tokens)
    said = (usage.output_text_tokens, usage.output_audio_tokens)
    return bool(
        (usage.input_tokens and heard == (None, None, None))
        or (usage.output_tokens and said == (None, None))
    )


def added(one: Usage, other: Usage) -> Usage:
    """The sum; what neither says is None."""
    sums: dict[str, Any] = {}
    for name in Usage.__struct_fields__:
        first, second = getattr(one, name), getattr(other, name)
        sums[name] = first if second is None else (first or 0) + second
    return Usage(**sums)


def microseconds(seconds: float | None) -> int:
    """Of billed seconds; 0 for what is no amount."""
    if seconds is None or not math.isfinite(seconds):
        return 0
    return max(0, round(seconds * 1_000_000))


def tokens_of(characters: int) -> int:
    """About as many as a provider would count."""
    return -(-characters // CHARACTERS)
