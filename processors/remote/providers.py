"""Models of providers by their names, such as openai/gpt-realtime-2."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import find_dialect
from antiphon.processors.remote.retry import Retry
from antiphon.processors.remote.stage import Remote
from antiphon.transports import Transport, websocket

PROVIDERS: Mapping[str, str] = {
    "openai": "openai",
    "xai": "xai",
    "gemini": "gemini",
    "elevenlabs": "elevenlabs",
    "cartesia": "cartesia",
    "opper": "opper",
    "vercel": "vercel",
}
"""The dialect of a provider's models, unless OTHERS knows better."""

OTHERS: tuple[tuple[str, str], ...] = (
    ("openai/gpt-live", "openai_live"),
    ("elevenlabs/eleven_realtime", "elevenlabs_realtime"),
    ("elevenlabs/eleven-realtime", "elevenlabs_realtime"),
)
"""Beginnings of names whose models speak another dialect than the rest."""


class NoKey(ValueError):
    """There is no key for a provider; the message says where it is looked for."""


def dialect_of(name: str) -> Dialect:
    """How the model called *name* is spoken to."""
    for beginning, dialect in OTHERS:
        if name.startswith(beginning):
            return find_dialect(dialect)
    return find_dialect(PROVIDERS[name.partition("/")[0]])


def remote_model(
    name: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    base_url: str | None = None,
    retry: Retry = Retry(),  # noqa: B008
    held: float = 10.0,
    ready_timeout: float = 10.0,
) -> Remote:
    """The model called *name*, reached by WebSocket.

    The key comes from the environment unless it, or a *ticket*, is given; so does the base URL, in
    a variable such as OPENAI_BASE_URL. See Remote for the rest.
    """
    provider, _, model = name.partition("/")
    dialect = dialect_of(name)
    if key is None and ticket is None:
        key = os.environ.get(dialect.key_variable)
        if not key:
            raise NoKey(f"{name} needs a key: set {dialect.key_variable}, or give one")
    where = base_url or os.environ.get(f"{provider.upper()}_BASE_URL") or dialect.base_url

    @asynccontextmanager
    async def open(handle: str | None) -> AsyncGenerator[Transport]:
        way = dialect.connect(model, key=key, ticket=ticket, base_url=where)
        if handle is not None and dialect.resume is not None:
            way = dialect.resume(way, handle)
        async with websocket.connect(
            way.url, headers=way.headers, subprotocols=way.subprotocols
        ) as transport:
            yield transport

    return Remote(dialect, model, open, retry=retry, held=held, ready_timeout=ready_timeout)
