"""Durations, formats and numbers, as JSON of protocol buffers writes them."""

import re

from antiphon.codecs.gemini.spelling import NAME
from antiphon.codecs.wire import LARGEST_MS, WireError

_DURATION = re.compile(r"(-?)([0-9]{1,10})(?:\.([0-9]{1,9}))?s", re.ASCII)
_PCM = re.compile(r"audio/pcm(?:\s*;\s*rate\s*=\s*([0-9]{4,6})\s*)?", re.ASCII | re.IGNORECASE)


def micros_of(duration: str | None, path: str) -> int | None:
    """Of "60s" or "9.5s"."""
    if duration is None:
        return None
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise WireError(NAME, path, 'Expected seconds such as "9.5s"')
    us = int(found[2]) * 1_000_000 + int((found[3] or "").ljust(6, "0")[:6])
    if us > LARGEST_MS * 1000:
        raise WireError(NAME, path, "Expected seconds within a session")
    return -us if found[1] else us


def duration_of(us: int) -> str:
    seconds, rest = divmod(abs(us), 1_000_000)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    return f"{'-' if us < 0 else ''}{seconds}{fraction}s"


def pcm_of(rate: int) -> str:
    return f"audio/pcm;rate={rate}"


def rate_of(mime_type: str | None) -> int | None:
    """In Hz, of PCM; 0 if it does not say, and None of anything else."""
    if not mime_type:
        return 0
    found = _PCM.fullmatch(mime_type)
    return None if found is None else int(found[1] or 0)


def index_of(value: int | str | None) -> int | None:
    return None if value is None else int(value)
