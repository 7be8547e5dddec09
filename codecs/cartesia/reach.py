"""Where calls are opened, with a key or a ticket, and tickets.

What the answer to a request for a ticket is called is not documented: all likely names are read,
and that of Cartesia's other tokens is written.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlencode

import msgspec
from msgspec.json import Decoder

from antiphon.codecs.cartesia import wire
from antiphon.codecs.cartesia.session import (
    Overrides,
    overridden,
    overrides,
    require_sayable,
    variables,
)
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
    bearer,
    path_of,
    websocket_url,
)
from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import WireError, read

BASE_URL = "https://api.cartesia.ai"
VERSION = "2026-08-14"

_PATH = re.compile(r"/v1/agents/websocket/([^/]+)/?")
_SESSIONS = re.compile(r"/v1/agents/websocket/([^/]+)/sessions/?")
_JSON: Mapping[str, str] = {"content-type": "application/json"}


def connect(
    model: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    base_url: str = BASE_URL,
) -> Connect:
    """*model* is the agent's id; a browser can send no headers, so a ticket goes in the query."""
    url = _url(model, base_url)
    if ticket is not None:
        query = urlencode({"cartesia_version": VERSION, "access_token": ticket})
        return Connect(url=f"{url}?{query}")
    headers = {"Cartesia-Version": VERSION}
    if key is not None:
        headers["X-API-Key"] = key
    return Connect(url=url, headers=headers)


def accept(upgrade: Upgrade) -> Admission | None:
    path = _PATH.fullmatch(upgrade.path)
    if path is None:
        return None
    ticket = upgrade.query.get("access_token")
    credential = Credential(kind="ticket", value=ticket) if ticket else _key(upgrade.headers)
    return Admission(model=unquote(path[1]), credential=credential)


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    """Binds what *config* changes of the agent; how long the ticket lives is not for us to say."""
    asked = config or SessionConfig()
    require_sayable(asked)
    body = _Asked(config_overrides=overrides(asked), dynamic_variables=variables(asked))
    return HttpRequest(
        method="POST",
        url=f"{base_url.rstrip('/')}/v1/agents/websocket/{quote(model, safe='')}/sessions",
        headers={"x-api-key": key, "cartesia-version": VERSION, **_JSON},
        body=wire.write(body).encode(),
    )


def minted(model: str, response: HttpResponse, *, base_url: str = BASE_URL) -> Ticket:
    if not 200 <= response.status < 300:
        raise WireError(wire.NAME, "$", f"Expected a ticket, got status {response.status}")
    given = read(wire.NAME, _answered, response.body)
    token = given.token or given.access_token or given.session_token
    if not token:
        raise WireError(wire.NAME, "$.token", "Expected a token")
    expires_at = given.expires_at
    return Ticket(
        token=token,
        url=f"{_url(model, base_url)}?cartesia_version={VERSION}",
        expires_at=int(expires_at) if isinstance(expires_at, int | float) else None,
    )


def order(request: HttpRequest) -> Order | None:
    path = _SESSIONS.fullmatch(path_of(request.url))
    if request.method != "POST" or path is None:
        return None
    asked = read(wire.NAME, _asked, request.body) if request.body.strip() else _Asked()
    return Order(
        model=unquote(path[1]),
        config=overridden(asked.config_overrides, asked.dynamic_variables),
        credential=_key(request.headers),
    )


def answer(order: Order, ticket: Ticket) -> HttpResponse:
    given = _Answered(token=ticket.token, expires_at=ticket.expires_at)
    return HttpResponse(headers=_JSON, body=wire.write(given).encode())


class _Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    dynamic_variables: JsonObject | None = None
    config_overrides: Overrides | None = None


class _Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    token: str | None = None
    access_token: str | None = None
    session_token: str | None = None
    expires_at: float | str | None = None


_asked: Decoder[_Asked] = Decoder(_Asked)
_answered: Decoder[_Answered] = Decoder(_Answered)


def _url(model: str, base_url: str) -> str:
    return f"{websocket_url(base_url)}/v1/agents/websocket/{quote(model, safe='')}"


def _key(headers: Mapping[str, str]) -> Credential | None:
    key = headers.get("x-api-key") or bearer(headers)
    return None if key is None else Credential(kind="key", value=key)
