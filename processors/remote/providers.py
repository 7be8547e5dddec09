"""Models of providers by their names, such as openai/gpt-realtime-2."""

import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import find_dialect
from antiphon.processors.remote.dialing import by_call
from antiphon.processors.remote.retry import Retry
from antiphon.processors.remote.session import Open, Wanted
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
    transport: Literal["websocket", "webrtc"] = "websocket",
    retry: Retry = Retry(),  # noqa: B008
    held: float = 10.0,
    ready_timeout: float = 10.0,
) -> Remote:
    """The model called *name*, reached by WebSocket, or by WebRTC where its provider answers calls.

    The key comes from the environment unless it, or a *ticket*, is given; so does the base URL, in
    a variable such as OPENAI_BASE_URL. See Remote for the rest.
    """
    provider, _, model = name.partition("/")
    dialect = dialect_of(name)
    if transport not in WAYS:
        raise ValueError(f"there is no transport {transport!r}, only {' and '.join(WAYS)}")
    if transport == "webrtc" and dialect.calling is None:
        raise ValueError(
            f"{name} is not reached by WebRTC, only by WebSocket; those that are by both:"
            f" {', '.join(_callable())}"
        )
    if key is None and ticket is None:
        key = os.environ.get(dialect.key_variable)
        if not key:
            raise NoKey(f"{name} needs a key: set {dialect.key_variable}, or give one")
    where = base_url or os.environ.get(f"{provider.upper()}_BASE_URL") or dialect.base_url
    way = WAYS[transport](dialect, model, key, ticket, where)
    return Remote(dialect, model, way, retry=retry, held=held, ready_timeout=ready_timeout)


def _callable() -> Iterator[str]:
    """What models are called whose dialects can be spoken on a call."""
    named = {dialect: provider + "/..." for provider, dialect in PROVIDERS.items()}
    named |= {dialect: beginning + "..." for beginning, dialect in OTHERS}
    return (name for dialect, name in named.items() if find_dialect(dialect).calling is not None)


def _by_websocket(
    dialect: Dialect, model: str, key: str | None, ticket: str | None, base_url: str
) -> Open:
    @asynccontextmanager
    async def open(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
        way = dialect.connect(model, key=key, ticket=ticket, base_url=base_url)
        if handle is not None and dialect.resume is not None:
            way = dialect.resume(way, handle)
        async with websocket.connect(
            way.url, headers=way.headers, subprotocols=way.subprotocols
        ) as transport:
            yield transport

    return open


WAYS: Mapping[str, Callable[[Dialect, str, str | None, str | None, str], Open]] = {
    "websocket": _by_websocket,
    "webrtc": by_call,
}
"""What opens connections, given a key or a ticket, and the base URL."""
