"""What a provider counts, bills and rations."""

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What was consumed; None where the provider does not say.

    Counts are gross: cached tokens are included in the input tokens, and the tokens of a
    modality in their sum.
    """

    input_tokens: int | None = None
    input_text_tokens: int | None = None
    input_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    cached_input_tokens: int | None = None
    cached_input_text_tokens: int | None = None
    cached_input_audio_tokens: int | None = None
    cached_input_image_tokens: int | None = None
    output_tokens: int | None = None
    output_text_tokens: int | None = None
    output_audio_tokens: int | None = None
    seconds: float | None = None
    """Billed seconds: an amount, as on the bill, and no moment or duration of the session."""


class RateLimit(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """*remaining* of *limit* requests or tokens are left, all of them again in *reset*."""

    name: str
    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None
