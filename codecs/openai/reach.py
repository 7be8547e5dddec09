"""How OpenAI Realtime is reached, from both sides: connecting, and tickets ("client secrets")."""

import hashlib
from typing import Literal
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
    path_of,
    websocket_url,
)
from antiphon.codecs.openai import wire
from antiphon.codecs.openai.profile import OPENAI, Profile
from antiphon.codecs.wire import WireError, bounded, read

BASE_URL = "https://api.openai.com/v1"

MARKER = "realtime"
INSECURE = "openai-insecure-api-key."
"""OpenAI calls it insecure, since a browser shows it; what goes there is a ticket."""

SHORTEST, LONGEST = 10, 7200
"""Seconds that a ticket may be good for."""

_request = msgspec.json.Decoder(wire.SecretRequest)
_secret = msgspec.json.Decoder(wire.Secret)


def connect(
    model: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    base_url: str = BASE_URL,
    intent: Literal["conversation", "transcription"] = "conversation",
    call_id: str | None = None,
) -> Connect:
    """With *call_id* beside a call that is held by WebRTC or telephone.

    A session that only transcribes names its model as it is configured.
    """
    if call_id is not None:
        query = f"call_id={quote(call_id, safe='')}"
    elif intent == "transcription":
        query = "intent=transcription"
    else:
        query = f"model={quote(model, safe='')}"
    url = f"{websocket_url(base_url)}/realtime?{query}"
    if ticket is not None:
        return Connect(url=url, subprotocols=(MARKER, INSECURE + ticket))
    return Connect(url=url, headers={} if key is None else {"Authorization": f"Bearer {key}"})


def accept(upgrade: Upgrade) -> Admission | None:
    """By header or subprotocol; with `call_id` it listens in on a call instead of beginning one."""
    if not upgrade.path.rstrip("/").endswith("/v1/realtime"):
        return None
    key, offered = bearer(upgrade.headers), upgrade.subprotocols
    insecure = after(INSECURE, offered)
    return Admission(
        model=upgrade.query.get("model") or None,
        credential=credential(key if insecure is None else insecure),
        subprotocol=MARKER if MARKER in offered else None,
        call_id=upgrade.query.get("call_id") or None,
    )


def credential(value: str | None) -> Credential | None:
    """Tickets go wherever keys go, and are known by their beginning."""
    if value is None:
        return None
    return Credential(kind="ticket" if value.startswith("ek_") else "key", value=value)


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
    profile: Profile = OPENAI,
) -> HttpRequest:
    """Asks for a ticket; *lifetime* is moved into what OpenAI allows."""
    seconds = None if lifetime is None else _lifetime(lifetime)
    body = wire.SecretRequest(
        session=profile.write_session(config or SessionConfig(), model),
        expires_after=None
        if seconds is None
        else wire.ExpiresAfter(anchor="created_at", seconds=seconds),
    )
    return HttpRequest(
        method="POST",
        url=f"{base_url.rstrip('/')}/realtime/client_secrets",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        body=msgspec.json.encode(body),
    )


def _lifetime(seconds: int) -> int:
    return min(max(seconds, SHORTEST), LONGEST)


def minted(
    model: str,
    response: HttpResponse,
    *,
    base_url: str = BASE_URL,
    profile: Profile = OPENAI,
) -> Ticket:
    if response.status // 100 != 2:
        raise WireError(profile.name, "$", f"no ticket: status {response.status}")
    secret = read(profile.name, _secret, response.body)
    expires = secret.expires_at
    config = None
    if secret.session is not None:
        config = profile.read_session(secret.session, profile.name, "$.session")
    return Ticket(
        token=secret.value,
        url=connect(model, base_url=base_url).url,
        expires_at=None if expires is None else int(expires),
        config=config,
    )


def order(request: HttpRequest, *, profile: Profile = OPENAI) -> Order | None:
    path = path_of(request.url).rstrip("/")
    if request.method != "POST" or not path.endswith("/v1/realtime/client_secrets"):
        return None
    asked = read(profile.name, _request, request.body or b"{}")
    session = bounded(asked.session or {}, profile.name, "$.session")
    config = profile.read_session(session, profile.name, "$.session")
    expires = asked.expires_after
    return Order(
        model=config.model,
        config=config,
        lifetime=None if expires is None or expires.seconds is None else _lifetime(expires.seconds),
        uses=0,
        credential=credential(bearer(request.headers)),
    )


def answer(order: Order, ticket: Ticket, *, profile: Profile = OPENAI) -> HttpResponse:
    named = hashlib.sha256(ticket.token.encode()).hexdigest()[:20]
    session = profile.show_session(ticket.config or order.config, order.model or "")
    body = {
        "value": ticket.token,
        "expires_at": ticket.expires_at,
        "session": session | {"id": f"sess_{named}", "object": "realtime.session"},
    }
    return HttpResponse(
        headers={"Content-Type": "application/json"}, body=msgspec.json.encode(body)
    )
