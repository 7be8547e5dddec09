"""How xAI is reached, from both sides: connecting, and tickets ("ephemeral tokens")."""

from urllib.parse import quote

import msgspec

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Admission,
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
    after,
    bearer,
    websocket_url,
    without_query,
)
from antiphon.codecs.openai.reach import MARKER, credential
from antiphon.codecs.wire import WireError, read
from antiphon.codecs.xai import wire
from antiphon.codecs.xai.session import read_session

BASE_URL = "https://api.x.ai/v1"

PREFIX = "xai-client-secret."
"""Of the subprotocol with a ticket, which is the only one, so that servers choose it."""

LONGEST = 3600
"""Seconds that a ticket may be good for."""


def connect(
    model: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    base_url: str = BASE_URL,
    resume: str | None = None,
) -> Connect:
    """*resume* is the handle of a session that was asked to be kept; this one is to be as well."""
    url = f"{websocket_url(base_url)}/realtime?model={quote(model, safe='')}"
    way = Connect(url=url, headers={} if key is None else {"Authorization": f"Bearer {key}"})
    if ticket is not None:
        way = Connect(url=url, subprotocols=(PREFIX + ticket,))
    return way if resume is None else resumed(way, resume)


def resumed(way: Connect, handle: str) -> Connect:
    url = f"{way.url}&conversation_id={quote(handle, safe='')}"
    return msgspec.structs.replace(way, url=url)


def accept(upgrade: Upgrade) -> Admission | None:
    """By header or subprotocol; OpenAI's clients, which ask for the same path, name theirs."""
    offered, query = upgrade.subprotocols, upgrade.query
    if not upgrade.path.rstrip("/").endswith("/v1/realtime") or MARKER in offered:
        return None
    token = after(PREFIX, offered)
    harmless = next((one for one in offered if not one.startswith(PREFIX)), None)
    return Admission(
        model=query.get("model") or query.get("agent_id") or None,
        credential=credential(bearer(upgrade.headers))
        if token is None
        else Credential(kind="ticket", value=token),
        subprotocol=harmless or (None if token is None else PREFIX + token),
        call_id=query.get("call_id") or None,
        resume=query.get("conversation_id") or None,
    )


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    """Asks for a ticket, which is bound to nothing; *lifetime* is moved into what xAI allows."""
    body = wire.SecretRequest()
    if lifetime is not None:
        body.expires_after = wire.ExpiresAfter(seconds=min(max(lifetime, 1), LONGEST))
    return HttpRequest(
        method="POST",
        url=f"{base_url.rstrip('/')}/realtime/client_secrets",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        body=msgspec.json.encode(body),
    )


def minted(model: str, response: HttpResponse, *, base_url: str = BASE_URL) -> Ticket:
    if response.status // 100 != 2:
        raise WireError(wire.NAME, "$", f"no ticket: status {response.status}")
    said = read(wire.NAME, wire.minted, response.body)
    secret = said if said.value else said.client_secret or said
    if not secret.value:
        raise WireError(wire.NAME, "$.value", "Expected `str`")
    return Ticket(
        token=secret.value,
        url=connect(model, base_url=base_url).url,
        expires_at=_seconds(secret.expires_at),
    )


def order(request: HttpRequest) -> Order | None:
    address = without_query(request.url).rstrip("/")
    if request.method != "POST" or not address.endswith("/v1/realtime/client_secrets"):
        return None
    asked = read(wire.NAME, wire.secret_request, request.body or b"{}")
    config = read_session(asked.session or {}, wire.NAME)
    expires = asked.expires_after
    return Order(
        model=config.model,
        config=config,
        lifetime=None if expires is None else expires.seconds,
        uses=0,
        credential=credential(bearer(request.headers)),
    )


def answer(order: Order, ticket: Ticket) -> HttpResponse:
    """In both shapes that xAI's clients look for."""
    body = wire.Minted(
        value=ticket.token,
        expires_at=ticket.expires_at,
        client_secret=wire.Secret(value=ticket.token, expires_at=ticket.expires_at),
        session={} if order.model is None else {"model": order.model},
    )
    return HttpResponse(
        headers={"Content-Type": "application/json"}, body=msgspec.json.encode(body)
    )


def _seconds(moment: float | None) -> int | None:
    """Unix seconds, of which milliseconds are made here and there."""
    if moment is None:
        return None
    if not 0 <= moment <= 1e15:
        raise WireError(wire.NAME, "$.expires_at", "Expected a moment")
    return int(moment / 1000 if moment > 1e12 else moment)
