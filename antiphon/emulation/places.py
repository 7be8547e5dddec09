"""Where the SDK of each provider finds an emulator, and the variables that tell it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from antiphon.codecs.dialects import find_dialect

KEY = "antiphon"
"""Any is good."""


class Place(NamedTuple):
    """How a provider is found."""

    path: str
    """Behind the emulator's own address."""
    variable: str
    """The environment variable with the base URL."""
    tls: str | None = None
    """The variable of an SDK that connects with TLS only."""


PLACES: Mapping[str, Place] = {
    "openai": Place("/v1", "OPENAI_BASE_URL"),
    "xai": Place("/xai/v1", "XAI_BASE_URL"),
    "gemini": Place("", "GEMINI_BASE_URL", tls="GOOGLE_GEMINI_BASE_URL"),
    "elevenlabs": Place("", "ELEVENLABS_BASE_URL"),
    "cartesia": Place("", "CARTESIA_BASE_URL"),
    "opper": Place("", "OPPER_BASE_URL"),
    "vercel": Place("/v4/ai", "VERCEL_BASE_URL"),
}

TRUST = "SSL_CERT_FILE"
"""Names the authority to trust, for all programs on OpenSSL."""


class UnknownProvider(ValueError):
    """There is no such provider; the message says which there are."""


def place(provider: str) -> Place:
    """Raises UnknownProvider."""
    found = PLACES.get(provider)
    if found is None:
        raise UnknownProvider(f"there is no provider {provider!r}, only {', '.join(PLACES)}")
    return found


def base_url(provider: str, *, plain: str, tls: str | None) -> str:
    """As the provider's own SDK wants it; *plain* and *tls* are the emulator's own addresses."""
    there = place(provider)
    return (plain if there.tls is None or tls is None else tls) + there.path


def variables(
    providers: Iterable[str], *, plain: str, tls: str | None = None, trust: str | None = None
) -> dict[str, str]:
    """What to set so that programs which know nothing of an emulator talk to it.

    *trust* is the file with the authority of *tls*.
    """
    found: dict[str, str] = {}
    for provider in providers:
        there = place(provider)
        found[there.variable] = plain + there.path
        if there.tls is not None and tls is not None:
            found[there.tls] = tls + there.path
            found |= {} if trust is None else {TRUST: trust}
        found[find_dialect(provider).key_variable] = KEY
    return found
