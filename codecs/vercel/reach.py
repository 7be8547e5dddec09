"""Where sessions are opened and tickets are minted.

A server shows its key in a header. A browser cannot, so that its ticket is a subprotocol beside
the one that is chosen; the team that pays may be another.
"""

import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote

import msgspec
import pybase64
from msgspec import UNSET, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.config import SessionConfig, merge
from antiphon.codecs.connection import (
    Admission,
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
    bearer,
    path_of,
    websocket_url,
)
from antiphon.codecs.vercel import wire
from antiphon.codecs.wire import Unsayable, WireError, given, known, read

BASE_URL = "https://ai-gateway.vercel.sh/v4/ai"

SESSIONS = "/realtime-model"
"""Behind the base URL, whatever that is."""

SECRETS = "/v1/realtime/client-secrets"
"""At the origin of the base URL."""

MARKER = "ai-gateway-realtime.v1"
AUTH = "ai-gateway-auth."
TEAM = "ai-gateway-team."
TEAM_HEADER = "x-vercel-ai-gateway-team"

Method = Literal["api-key", "oidc"]
"""What kind of key it is: the gateway's own, or what a deployment shows for its project."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a subprotocol may consist of (RFC 9110, 5.6.2)."""


def connect(
    model: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    base_url: str = BASE_URL,
    team: str | None = None,
    method: Method = "api-key",
) -> Connect:
    """Opens a session; *team* is an id or a slug."""
    url = f"{websocket_url(base_url)}{SESSIONS}?ai-model-id={quote(model, safe='')}"
    if ticket is not None:
        return Connect(url=url, subprotocols=subprotocols(ticket, team=team))
    return Connect(url=url, headers={} if key is None else _headers(key, team, method))


def accept(upgrade: Upgrade) -> Admission | None:
    """The base URL is the client's choice, so that only the path's end tells."""
    model = upgrade.query.get("ai-model-id")
    if not model or not upgrade.path.endswith(SESSIONS):
        return None
    ticket, key = ticket_in(upgrade.subprotocols), bearer(upgrade.headers)
    credential = None
    if ticket is not None:
        credential = Credential(kind="ticket", value=ticket)
    elif key is not None:
        credential = Credential(kind="key", value=key)
    return Admission(model=model, credential=credential, subprotocol=_chosen(upgrade.subprotocols))


def subprotocols(ticket: str, *, team: str | None = None) -> tuple[str, ...]:
    """What a browser offers."""
    if not _TOKEN.fullmatch(ticket):
        raise Unsayable(wire.NAME, "carries tickets in a subprotocol, and this one cannot be part")
    offered = (MARKER, AUTH + ticket)
    if team is None:
        return offered
    return *offered, TEAM + pybase64.urlsafe_b64encode(team.encode()).decode().rstrip("=")


def ticket_in(offered: Iterable[str]) -> str | None:
    return _behind(AUTH, offered)


def team_in(offered: Iterable[str]) -> str | None:
    """An id or a slug; None also if it cannot be read."""
    coded = _behind(TEAM, offered)
    if coded is None:
        return None
    try:
        padded = coded + "=" * (-len(coded) % 4)
        return pybase64.b64decode(padded, altchars="-_", validate=True).decode() or None
    except ValueError:
        return None


def team_of(upgrade: Upgrade) -> str | None:
    """Who pays, where that is not the owner of the credential."""
    return team_in(upgrade.subprotocols) or upgrade.headers.get(TEAM_HEADER) or None


# Tickets.


class _SecretRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    model: str
    expires_in: float | None | UnsetType = UNSET
    route_kind: str | None | UnsetType = UNSET


class _Secret(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    token: str
    expires_at: float | None = None


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    type: str = ""


class _Refusal(msgspec.Struct, frozen=True, kw_only=True):
    error: _Problem


_secret_request: Decoder[_SecretRequest] = Decoder(_SecretRequest)
_secret: Decoder[_Secret] = Decoder(_Secret)
_refusal: Decoder[_Refusal] = Decoder(_Refusal)


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
    team: str | None = None,
    method: Method = "api-key",
) -> HttpRequest:
    """A ticket is for one session, of whatever configuration: *config* is not sent."""
    body = _SecretRequest(model=model, expires_in=given(lifetime))
    return HttpRequest(
        method="POST",
        url=_origin(base_url) + SECRETS,
        headers={
            **{name.lower(): value for name, value in _headers(key, team, method).items()},
            "content-type": "application/json",
        },
        body=wire.write(body).encode(),
    )


def minted(model: str, response: HttpResponse, *, base_url: str = BASE_URL) -> Ticket:
    if not 200 <= response.status < 300:
        raise WireError(wire.NAME, "$", f"no ticket: {response.status} {_why(response)}".rstrip())
    secret = read(wire.NAME, _secret, response.body)
    return Ticket(
        token=secret.token,
        url=connect(model, base_url=base_url).url,
        expires_at=None if secret.expires_at is None else int(secret.expires_at),
    )


def order(request: HttpRequest) -> Order | None:
    path = Upgrade(target=path_of(request.url)).path
    if request.method != "POST" or path != SECRETS:
        return None
    asked = read(wire.NAME, _secret_request, request.body)
    kind = known(asked.route_kind) or "realtime"
    if kind != "realtime":
        raise WireError(wire.NAME, "$.routeKind", f"Expected 'realtime', got {kind!r}")
    lifetime = known(asked.expires_in)
    if lifetime is not None and not 1 <= lifetime <= 2**31:
        raise WireError(wire.NAME, "$.expiresIn", "Expected seconds, at least 1")
    key = bearer(request.headers)
    return Order(
        model=asked.model,
        lifetime=None if lifetime is None else int(lifetime),
        credential=None if key is None else Credential(kind="key", value=key),
    )


def bind(
    minted: SessionConfig, locked: tuple[str, ...] | None, said: SessionConfig
) -> SessionConfig:
    """*locked* are names of fields, for whoever mints for pages of their own."""
    held = {name: getattr(minted, name) for name in locked or ()}
    return msgspec.structs.replace(merge(minted, said), **held)


def answer(order: Order, ticket: Ticket) -> HttpResponse:
    secret = _Secret(token=ticket.token, expires_at=ticket.expires_at)
    return HttpResponse(
        headers={"content-type": "application/json"}, body=wire.write(secret).encode()
    )


def _headers(key: str, team: str | None, method: Method) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {key}",
        "ai-gateway-protocol-version": "0.0.1",
        "ai-gateway-auth-method": method,
    }
    if team is not None:
        headers[TEAM_HEADER] = team
    return headers


def _behind(prefix: str, offered: Iterable[str]) -> str | None:
    """The first that begins with *prefix* counts, even if nothing follows."""
    found = (one.strip() for one in offered)
    return next((one.removeprefix(prefix) or None for one in found if one.startswith(prefix)), None)


def _chosen(offered: Iterable[str]) -> str | None:
    """The one to echo, a ticket only where nothing else was offered."""
    names = [one.strip() for one in offered]
    if MARKER in names:
        return MARKER
    return next((one for one in names if not one.startswith(AUTH)), names[0] if names else None)


def _origin(base_url: str) -> str:
    scheme, _, rest = base_url.partition("://")
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    return f"{scheme}://{rest.partition('/')[0]}"


def _why(response: HttpResponse) -> str:
    """The kind of refusal; its text may repeat the key."""
    try:
        return read(wire.NAME, _refusal, response.body).error.type
    except WireError:
        return ""
