"""What OpenAI counts, and how it says so."""

from antiphon.codecs.openai import wire
from antiphon.codecs.usage import Usage

NOTHING = Usage()


def read_usage(usage: wire.Usage | None) -> Usage | None:
    """None if nothing was counted. Zeroes are kept: they are counts too."""
    if usage is None:
        return None
    spent = usage.input_token_details or wire.InputTokenDetails()
    cached = spent.cached_tokens_details or wire.InputTokenDetails()
    made = usage.output_token_details or wire.OutputTokenDetails()
    counted = Usage(
        input_tokens=usage.input_tokens,
        input_text_tokens=spent.text_tokens,
        input_audio_tokens=spent.audio_tokens,
        input_image_tokens=spent.image_tokens,
        cached_input_tokens=spent.cached_tokens,
        cached_input_text_tokens=cached.text_tokens,
        cached_input_audio_tokens=cached.audio_tokens,
        cached_input_image_tokens=cached.image_tokens,
        output_tokens=usage.output_tokens,
        output_text_tokens=made.text_tokens,
        output_audio_tokens=made.audio_tokens,
    )
    return None if counted == NOTHING else counted


def read_transcription_usage(usage: wire.Usage | None) -> Usage | None:
    """A transcriber bills either seconds or tokens; those that it puts out are text."""
    if usage is None:
        return None
    if usage.type == "duration":
        return None if usage.seconds is None else Usage(seconds=usage.seconds)
    spent = usage.input_token_details or wire.InputTokenDetails()
    counted = Usage(
        input_tokens=usage.input_tokens,
        input_text_tokens=spent.text_tokens,
        input_audio_tokens=spent.audio_tokens,
        output_tokens=usage.output_tokens,
        output_text_tokens=usage.output_tokens,
    )
    return None if counted == NOTHING else counted


def write_usage(usage: Usage | None) -> wire.Usage | None:
    if usage is None:
        return None
    cached = wire.InputTokenDetails(
        text_tokens=usage.cached_input_text_tokens,
        audio_tokens=usage.cached_input_audio_tokens,
        image_tokens=usage.cached_input_image_tokens,
    )
    spent = wire.InputTokenDetails(
        text_tokens=usage.input_text_tokens,
        audio_tokens=usage.input_audio_tokens,
        image_tokens=usage.input_image_tokens,
        cached_tokens=usage.cached_input_tokens,
        cached_tokens_details=None if cached == wire.InputTokenDetails() else cached,
    )
    return wire.Usage(
        total_tokens=(usage.input_tokens or 0) + (usage.output_tokens or 0),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        input_token_details=spent,
        output_token_details=wire.OutputTokenDetails(
            text_tokens=usage.output_text_tokens, audio_tokens=usage.output_audio_tokens
        ),
    )


def write_transcription_usage(usage: Usage | None) -> wire.Usage:
    """It must be there; nothing counted is no seconds."""
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        return wire.Usage(type="duration", seconds=(usage and usage.seconds) or 0)
    spent, made = usage.input_tokens or 0, usage.output_tokens or 0
    return wire.Usage(
        type="tokens",
        total_tokens=spent + made,
        input_tokens=spent,
        output_tokens=made,
        input_token_details=wire.InputTokenDetails(
            text_tokens=usage.input_text_tokens or 0, audio_tokens=usage.input_audio_tokens or 0
        ),
    )
