"""Tickets for browsers and other clients that must not know a key.

    token = await realtime_token(openai_token(model="gpt-realtime-2", config=config))

A token opens one provider's sessions for a short time. The long-lived key goes to the provider
alone: it is in no result, no repr and no error.
"""

import os
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import httpx2
import msgspec

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import HttpRequest, HttpResponse, Ticket
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.wire import WireError

TIMEOUT = 15.0
"""Seconds for a provider to answer."""

LARGEST = 1 << 20
"""Bytes of an answer."""


class TokenError(Exception):
    """There is no token; the message says why. *status* is the provider's, if it answered."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class RealtimeToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may have: it opens *url* with *token* until *expires_at* (Unix seconds).

    *config* is how its sessions will be, as far as the provider has bound it to the token.
    """

    provider: str
    token: str
    url: str
    expires_at: int | None = None
    config: SessionConfig | None = None

    def __repr__(self) -> str:
        return f"RealtimeToken(provider={self.provider!r}, expires_at={self.expires_at})"

    def public(self) -> dict[str, object]:
        """As JSON for a browser, in the shape that the AI SDK's hook reads."""
        shown: dict[str, object] = {"token": self.token, "url": self.url}
        return shown if self.expires_at is None else shown | {"expiresAt": self.expires_at}


class TokenAdapter(Protocol):
    """Knows how to ask one provider."""

    async def generate(self) -> RealtimeToken: ...


async def realtime_token(adapter: TokenAdapter) -> RealtimeToken:
    """A new token from *adapter*; raises TokenError."""
    return await adapter.generate()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderToken:
    """Asks a provider that mints tickets. *lifetime* is in seconds, as far as it allows."""

    dialect: Dialect
    model: str
    key: str | None = field(default=None, repr=False)
    """Else it is in the dialect's environment variable."""
    config: SessionConfig | None = None
    lifetime: int | None = None
    base_url: str | None = None
    client: httpx2.AsyncClient | None = None
    """Else one of its own, for this request."""
    clock: Callable[[], float] = time.time

    async def generate(self) -> RealtimeToken:
        minting = self.dialect.minting
        if minting is None:
            raise TokenError(f"{self.dialect.title} has no tickets")
        key = self.key or os.environ.get(self.dialect.key_variable)
        if not key:
            raise TokenError(
                f"{self.dialect.title} needs a key: set {self.dialect.key_variable}, or give one"
            )
        where = self.base_url or self.dialect.base_url
        request = minting.mint(
            self.model,
            key=key,
            now=int(self.clock()),
            config=self.config,
            lifetime=self.lifetime,
            base_url=where,
        )
        response = await self._send(request)
        try:
            ticket = minting.minted(self.model, response, base_url=where)
        except WireError as error:
            raise TokenError(str(error), status=response.status) from None
        return self._checked(ticket, key)

    async def _send(self, request: HttpRequest) -> HttpResponse:
        try:
            if self.client is not None:
                return await _request(self.client, request)
            async with httpx2.AsyncClient(timeout=TIMEOUT) as client:
                return await _request(client, request)
        except httpx2.HTTPError as error:
            # Its text may repeat the URL, which holds the key of some providers.
            problem = type(error).__name__
            raise TokenError(f"{self.dialect.title} cannot be reached: {problem}") from None

    def _checked(self, ticket: Ticket, key: str) -> RealtimeToken:
        if key in (ticket.token, ticket.url):
            raise TokenError(f"{self.dialect.title} answered with the key itself")
        if ticket.expires_at is not None and ticket.expires_at <= self.clock():
            raise TokenError(
                f"{self.dialect.title} answered with a ticket that has expired: check this"
                " machine's clock"
            )
        return RealtimeToken(
            provider=self.dialect.name,
            token=ticket.token,
            url=ticket.url,
            expires_at=ticket.expires_at,
            config=ticket.config or self.config,
        )


async def _request(client: httpx2.AsyncClient, request: HttpRequest) -> HttpResponse:
    body = bytearray()
    async with (
        client.stream(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=bytes(request.body) or None,
        ) as response,
        aclosing(response.aiter_bytes()) as pieces,
    ):
        async for piece in pieces:
            body += piece
            if len(body) > LARGEST:
                raise TokenError(f"an answer of more than {LARGEST} bytes", status=502)
    return HttpResponse(
        status=response.status_code, headers=dict(response.headers), body=bytes(body)
    )


def provider_token(
    provider: str,
    *,
    model: str,
    key: str | None = None,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str | None = None,
    client: httpx2.AsyncClient | None = None,
) -> ProviderToken:
    """Asks *provider*, the name of a dialect."""
    return ProviderToken(
        dialect=find_dialect(provider),
        model=model,
        key=key,
        config=config,
        lifetime=lifetime,
        base_url=base_url,
        client=client,
    )


openai_token = partial(provider_token, "openai")
xai_token = partial(provider_token, "xai")
gemini_token = partial(provider_token, "gemini")
elevenlabs_token = partial(provider_token, "elevenlabs")
"""*model* is the agent's id."""
elevenlabs_realtime_token = partial(provider_token, "elevenlabs_realtime")
cartesia_token = partial(provider_token, "cartesia")
"""*model* is the agent's id."""
opper_token = partial(provider_token, "opper")
vercel_token = partial(provider_token, "vercel")
