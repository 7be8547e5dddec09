"""How an agent is reached, from both sides.

The address names the agent. It is enough for a public one; a private one wants a signature in the
address, which a key buys beforehand, or a conversation's token among the subprotocols.
"""

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
    query_of,
    websocket_url,
)
from antiphon.codecs.elevenlabs import wire
from antiphon.codecs.refusing import Problem, response
from antiphon.codecs.wire import WireError, read

BASE_URL = "https://api.elevenlabs.io"

PATH = "/v1/convai/conversation"
SIGNED = (f"{PATH}/get-signed-url", f"{PATH}/get_signed_url")
"""Both spellings are in use."""

TOKENS = f"{PATH}/token"
"""Where a token is bought, instead of an address."""

MARKER = "convai"
TOKEN = "bearer."
KEY = "xi-api-key"
SIGNATURE = "conversation_signature"

LIFETIME = 15 * 60
"""Seconds that a signed address is good for; some of the documents say twice that."""


class _Signed(msgspec.Struct):
    signed_url: str


class _Token(msgspec.Struct):
    token: str


_signed: msgspec.json.Decoder[_Signed] = msgspec.json.Decoder(_Signed)


def connect(
    model: str, *, key: str | None = None, ticket: str | None = None, base_url: str = BASE_URL
) -> Connect:
    """*model* is an agent's id. A ticket is a signed address, opened as it is, or a token."""
    if ticket is not None and _is_address(ticket):
        return Connect(url=ticket)
    url = f"{websocket_url(base_url)}{PATH}?agent_id={quote(model, safe='')}"
    if ticket is not None:
        return Connect(url=url, subprotocols=(MARKER, TOKEN + ticket))
    return Connect(url=url, headers={} if key is None else {KEY: key})


def accept(upgrade: Upgrade) -> Admission | None:
    if not upgrade.path.rstrip("/").endswith(PATH):
        return None
    query, offered = upgrade.query, upgrade.subprotocols
    ticket = query.get(SIGNATURE) or after(TOKEN, offered)
    key = upgrade.headers.get(KEY) or bearer(upgrade.headers)
    credential = Credential(kind="key", value=key) if key else None
    return Admission(
        model=query.get("agent_id") or None,
        credential=Credential(kind="ticket", value=ticket) if ticket else credential,
        subprotocol=_echo(offered),
    )


def _echo(offered: tuple[str, ...]) -> str | None:
    """A browser wants one of its own back, be it the one with the token."""
    if MARKER in offered:
        return MARKER
    return offered[0] if offered and all(one.startswith(TOKEN) for one in offered) else None


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    """Nothing can be bound to the address: its lifetime is fixed, and clients configure."""
    url = f"{base_url.rstrip('/')}{SIGNED[0]}?agent_id={quote(model, safe='')}"
    return HttpRequest(method="GET", url=url, headers={KEY: key})


def minted(model: str, response: HttpResponse, *, base_url: str = BASE_URL) -> Ticket:
    """The signed address is the token too: see `connect`."""
    if response.status // 100 != 2:
        raise WireError(wire.NAME, "$", f"no signed address: status {response.status}")
    address = read(wire.NAME, _signed, response.body).signed_url
    if not _is_address(address):
        raise WireError(wire.NAME, "$.signed_url", "Expected the address of a WebSocket")
    return Ticket(token=address, url=address)


def order(request: HttpRequest) -> Order | None:
    path = path_of(request.url).rstrip("/")
    if request.method != "GET" or not path.endswith((*SIGNED, TOKENS)):
        return None
    query = query_of(request.url)
    key = request.headers.get(KEY) or bearer(request.headers)
    once = query.get("include_conversation_id", "").lower() == "true"
    return Order(
        model=query.get("agent_id") or None,
        lifetime=LIFETIME,
        uses=1 if once else 0,
        form="token" if path.endswith(TOKENS) else None,
        credential=Credential(kind="key", value=key) if key else None,
    )


def answer(order: Order, ticket: Ticket) -> HttpResponse:
    """The ticket's address, signed with its token, or the token alone."""
    if order.form == "token":
        return HttpResponse(
            headers={"Content-Type": "application/json"},
            body=msgspec.json.encode(_Token(token=ticket.token)),
        )
    address = ticket.token
    if not _is_address(address):
        joint = "&" if "?" in ticket.url else "?"
        address = f"{ticket.url}{joint}{SIGNATURE}={quote(ticket.token, safe='')}"
    return HttpResponse(
        headers={"Content-Type": "application/json"},
        body=msgspec.json.encode(_Signed(signed_url=address)),
    )


def _is_address(ticket: str) -> bool:
    return ticket.startswith(("wss://", "ws://"))


def refuse(problem: Problem) -> HttpResponse:
    return response(problem, {"detail": {"status": problem.code, "message": problem.message}})
