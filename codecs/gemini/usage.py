"""What a turn cost, on the wire and in events."""

from antiphon.codecs.gemini import wire
from antiphon.codecs.usage import Usage


def usage_of(wired: wire.UsageMetadata) -> Usage | None:
    """None where nothing is counted."""
    usage = Usage(
        input_tokens=_sum(wired.prompt_token_count, wired.tool_use_prompt_token_count),
        input_text_tokens=_of("TEXT", wired.prompt_tokens_details),
        input_audio_tokens=_of("AUDIO", wired.prompt_tokens_details),
        input_image_tokens=_of("IMAGE", wired.prompt_tokens_details),
        cached_input_tokens=wired.cached_content_token_count,
        cached_input_text_tokens=_of("TEXT", wired.cache_tokens_details),
        cached_input_audio_tokens=_of("AUDIO", wired.cache_tokens_details),
        cached_input_image_tokens=_of("IMAGE", wired.cache_tokens_details),
        output_tokens=_sum(wired.response_token_count, wired.thoughts_token_count),
        output_text_tokens=_of("TEXT", wired.response_tokens_details),
        output_audio_tokens=_of("AUDIO", wired.response_tokens_details),
    )
    return None if usage == Usage() else usage


def usage_to_wire(usage: Usage | None) -> wire.UsageMetadata | None:
    if usage is None:
        return None
    wired = wire.UsageMetadata(
        prompt_token_count=usage.input_tokens,
        cached_content_token_count=usage.cached_input_tokens,
        response_token_count=usage.output_tokens,
        total_token_count=_sum(usage.input_tokens, usage.output_tokens),
        prompt_tokens_details=_details(
            TEXT=usage.input_text_tokens,
            AUDIO=usage.input_audio_tokens,
            IMAGE=usage.input_image_tokens,
        ),
        cache_tokens_details=_details(
            TEXT=usage.cached_input_text_tokens,
            AUDIO=usage.cached_input_audio_tokens,
            IMAGE=usage.cached_input_image_tokens,
        ),
        response_tokens_details=_details(
            TEXT=usage.output_text_tokens, AUDIO=usage.output_audio_tokens
        ),
    )
    return None if wired == wire.UsageMetadata() else wired


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _of(modality: str, details: wire.Details | None) -> int | None:
    """A modality may be listed more than once, and in either case."""
    return _sum(
        *(one.token_count for one in details or () if (one.modality or "").upper() == modality)
    )


def _details(**counts: int | None) -> wire.Details | None:
    return (
        tuple(
            wire.ModalityTokenCount(modality=modality, token_count=count)
            for modality, count in counts.items()
            if count is not None
        )
        or None
    )
