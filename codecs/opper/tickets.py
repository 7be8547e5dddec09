"""Tickets: what a browser opens one session with, and what is bound to it.

https://docs.opper.ai/v3-api-reference/realtime/create-realtime-session
"""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec.json import Decoder

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    bearer,
    websocket_url,
    without_query,
)
from antiphon.codecs.items import JsonObject
from antiphon.codecs.opper import wire
from antiphon.codecs.opper.lock import check, effective, zeros
from antiphon.codecs.opper.reach import BASE_URL, connect
from antiphon.codecs.opper.session import of_wire, to_wire
from antiphon.codecs.wire import WireError, read

TICKETS_PATH = "/v3/realtime-sessions"
LIFETIME, SHORTEST, LONGEST = 60, 1, 300

_order: Decoder[wire.Mint] = Decoder(wire.Mint)
_answer: Decoder[wire.Minted] = Decoder(wire.Minted)


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    """All that *config* says is bound: what Opper would leave open, being zero, is locked."""
    del now  # the lifetime is told, not its end
    bound = to_wire(config or SessionConfig(), model)
    order = wire.Mint(
        config=bound or None,
        locked_fields=zeros(bound) or None,
        ttl_seconds=None if lifetime is None else _clamped(lifetime),
    )
    return HttpRequest(
        method="POST",
        url=base_url.rstrip("/") + TICKETS_PATH,
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        body=wire.write(order).encode(),
    )


def minted(model: str, response: HttpResponse, *, base_url: str = BASE_URL) -> Ticket:
    """The ticket, with an address that does not repeat it."""
    if not 200 <= response.status < 300:
        raise WireError(wire.NAME, "$", f"Refused with HTTP status {response.status}")
    said = read(wire.NAME, _answer, response.body)
    token = said.client_secret or said.ticket
    if not token:
        raise WireError(wire.NAME, "$.client_secret", "Expected a ticket")
    return Ticket(
        token=token,
        url=_bare(said.ws_url) if said.ws_url else connect(model, base_url=base_url).url,
        expires_at=_moment(said.expires_at) if said.expires_at else None,
    )


def order(request: HttpRequest) -> Order | None:
    """Names that cannot be locked are refused; a lifetime out of bounds is not."""
    if request.method != "POST" or _path(request.url).rstrip("/") != TICKETS_PATH:
        return None
    said = read(wire.NAME, _order, request.body or b"{}")
    check(said.locked_fields or ())
    config = of_wire(said.config)
    key = bearer(request.headers)
    return Order(
        model=config.model,
        config=config,
        lifetime=LIFETIME if said.ttl_seconds is None else _clamped(said.ttl_seconds),
        locked=said.locked_fields,
        uses=1,
        credential=None if key is None else Credential(kind="key", value=key),
    )


def bind(
    minted: SessionConfig, locked: tuple[str, ...] | None, said: SessionConfig
) -> SessionConfig:
    """See `lock`."""
    return of_wire(effective(_wired(minted), locked, _wired(said)))


def _wired(config: SessionConfig) -> JsonObject:
    return to_wire(config, config.model or "")


def answer(order: Order, ticket: Ticket) -> HttpResponse:
    del order
    body = wire.Minted(
        client_secret=ticket.token,
        expires_at=None if ticket.expires_at is None else _written(ticket.expires_at),
        ws_url=ticket.url,
    )
    return HttpResponse(
        headers={"content-type": "application/json"}, body=wire.write(body).encode()
    )


def _path(url: str) -> str:
    """That of a whole address, or of one that begins with it."""
    return re.sub("//+", "/", re.sub(r"^[a-z]+://[^/]*", "", without_query(url)))


def _clamped(lifetime: int) -> int:
    return min(max(lifetime, SHORTEST), LONGEST)


def _bare(url: str) -> str:
    try:
        parts = urlsplit(url)
        query = [pair for pair in parse_qsl(parts.query, True) if pair[0] != "ticket"]
    except ValueError:
        raise WireError(wire.NAME, "$.ws_url", "Expected a URL") from None
    if parts.scheme not in ("ws", "wss", "http", "https") or not parts.netloc:
        raise WireError(wire.NAME, "$.ws_url", "Expected the URL of a WebSocket")
    return websocket_url(urlunsplit(parts._replace(query=urlencode(query))))


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except ValueError as error:
        raise WireError(wire.NAME, "$.expires_at", "Expected a date and time") from error


def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
