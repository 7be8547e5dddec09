"""Where Gemini Live is, and how to be let in."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
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
    bearer,
    path_of,
    query_of,
    websocket_url,
)
from antiphon.codecs.gemini import session, setup, wire
from antiphon.codecs.gemini.spelling import object_of, shaped
from antiphon.codecs.items import JsonObject
from antiphon.codecs.refusing import Problem, response
from antiphon.codecs.wire import WireError

BASE_URL = "https://generativelanguage.googleapis.com"
KEY_VARIABLE = "GEMINI_API_KEY"
AUTH = (
    "key in the header x-goog-api-key or ?key=; ticket (auth_tokens/...) in ?access_token= or as "
    "Authorization: Token"
)
LIMITS = "15 min of audio, 2 min with video, a connection about 10 min; context of 128 k tokens"

_SERVICE = "ws/google.ai.generativelanguage"
_WITH_KEY = f"{_SERVICE}.v1beta.GenerativeService.BidiGenerateContent"
_WITH_TICKET = f"{_SERVICE}.v1alpha.GenerativeService.BidiGenerateContentConstrained"

_VERSION = re.compile(r"/v1(?:beta|alpha)?$")
_SOCKET = re.compile(
    r"/ws/google\.(?:"
    r"ai\.generativelanguage\.v1(?:alpha|beta)?\.GenerativeService\.BidiGenerateContent"
    r"(?:Constrained)?"
    r"|cloud\.aiplatform\.v1(?:beta1)?\.LlmBidiService/BidiGenerateContent"
    r")/?$"
)
_TOKENS = re.compile(r"/v1(?:alpha|beta)/auth_tokens/?$")
_TOKEN = "auth_tokens/"

_OPEN_FOR = 60
_LIVES_FOR = 1800
"""Seconds that a session may go on after the last moment in which it could be opened."""


def connect(
    model: str, *, key: str | None = None, ticket: str | None = None, base_url: str = BASE_URL
) -> Connect:
    """The model is named in the setup, not here."""
    root = websocket_url(_root(base_url))
    if ticket is not None:
        return Connect(url=f"{root}/{_WITH_TICKET}?access_token={quote(ticket, safe='')}")
    headers = {} if key is None else {"x-goog-api-key": key}
    return Connect(url=f"{root}/{_WITH_KEY}", headers=headers)


def accept(upgrade: Upgrade) -> Admission | None:
    if _SOCKET.search(upgrade.path) is None:
        return None
    return Admission(credential=_credential(upgrade.query, upgrade.headers))


def _credential(query: Mapping[str, str], headers: Mapping[str, str]) -> Credential | None:
    """Tickets before keys: one package shows a ticket where its keys go, too."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    shown = (
        query.get("access_token"),
        token.strip() if scheme.lower() == "token" else bearer(headers),
        headers.get("x-goog-api-key"),
        query.get("key"),
    )
    first = next((one for one in shown if one), None)
    if first is None:
        return None
    is_ticket = first == query.get("access_token") or first.startswith(_TOKEN)
    return Credential(kind="ticket" if is_ticket else "key", value=first)


# Tickets.


class _Asked(msgspec.Struct, rename="camel"):
    uses: int | None = None
    expire_time: str | None = None
    new_session_expire_time: str | None = None
    bidi_generate_content_setup: JsonObject | None = None
    field_mask: str | None = None


class _Given(msgspec.Struct, rename="camel", omit_defaults=True):
    name: str
    expire_time: str | None = None


def mint(
    model: str,
    *,
    key: str,
    now: int,
    config: SessionConfig | None = None,
    lifetime: int | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    """The ticket opens any number of sessions for *lifetime*, all of them with this setup.

    The key goes into a header, though `?key=` is read as well: addresses are logged.
    """
    opens_until = now + (_OPEN_FOR if lifetime is None else lifetime)
    body: JsonObject = {
        "uses": 0,
        "expireTime": _time(opens_until + _LIVES_FOR),
        "newSessionExpireTime": _time(opens_until),
        "bidiGenerateContentSetup": session.setup_of(config or SessionConfig(), model),
    }
    return HttpRequest(
        method="POST",
        url=f"{_root(base_url)}/v1alpha/auth_tokens",
        headers={"content-type": "application/json", "x-goog-api-key": key},
        body=bytes(wire.raw(body)),
    )


def minted(model: str, response: HttpResponse, *, base_url: str = BASE_URL) -> Ticket:
    if not 200 <= response.status < 300:
        raise WireError(wire.NAME, "$", f"Expected a ticket, got status {response.status}")
    given = shaped(wire.tree(response.body, _Given), _Given)
    expires = given.expire_time
    return Ticket(
        token=given.name,
        url=f"{websocket_url(_root(base_url))}/{_WITH_TICKET}",
        expires_at=None if expires is None else _seconds(expires, "$.expireTime"),
    )


def order(request: HttpRequest) -> Order | None:
    """A ticket fixes the whole of its setup, unless a mask names what it fixes; one without a setup
    fixes nothing.
    """
    path = _single(path_of(request.url))
    if request.method.upper() != "POST" or _TOKENS.search(path) is None:
        return None
    body = wire.tree(request.body or b"{}", _Asked)
    asked = shaped(body, _Asked)
    given = asked.bidi_generate_content_setup
    config = SessionConfig() if given is None else setup.config_of(given)
    mask = tuple(one for name in (asked.field_mask or "").split(",") if (one := name.strip()))
    return Order(
        model=config.model,
        config=config,
        locked=mask or (() if given is None else None),
        until=None
        if asked.new_session_expire_time is None
        else _seconds(asked.new_session_expire_time, "$.newSessionExpireTime"),
        uses=1 if asked.uses is None else asked.uses,
        credential=_credential(query_of(request.url), request.headers),
    )


def bind(
    minted: SessionConfig, locked: tuple[str, ...] | None, said: SessionConfig
) -> SessionConfig:
    """The whole setup, or what the mask names of it; whoever has a ticket may resume a session."""
    if locked == ():
        return said
    if locked is None:
        return msgspec.structs.replace(minted, resumption_handle=said.resumption_handle)
    model = minted.model or said.model or ""
    fixed = session.setup_of(minted, model)
    bound = session.setup_of(said, said.model or model)
    for path in locked:
        _fix(bound, fixed, [_camel(name) for name in path.split(".")])
    return setup.config_of(bound)


def _fix(bound: JsonObject, fixed: JsonObject, path: list[str]) -> None:
    """Makes *bound* at *path* what *fixed* is there, be it nothing."""
    for name in path[:-1]:
        inner = bound.get(name)
        bound[name] = bound = dict(object_of(inner))
        fixed = object_of(fixed.get(name))
    if path[-1] in fixed:
        bound[path[-1]] = fixed[path[-1]]
    else:
        bound.pop(path[-1], None)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def answer(order: Order, ticket: Ticket) -> HttpResponse:
    """Clients know a ticket from a key by how it begins: its name should begin so too."""
    until = ticket.expires_at
    given = _Given(name=ticket.token, expire_time=None if until is None else _time(until))
    return HttpResponse(
        headers={"content-type": "application/json"}, body=wire.write(given).encode()
    )


def _root(base_url: str) -> str:
    return _VERSION.sub("", base_url.rstrip("/"))


def _single(path: str) -> str:
    return re.sub("/{2,}", "/", path)


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _seconds(time: str, path: str) -> int:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise WireError(wire.NAME, path, "Expected a time such as 2030-01-01T00:00:00Z") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() // 1)


_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def refuse(problem: Problem) -> HttpResponse:
    """https://cloud.google.com/apis/design/errors"""
    status = 429 if problem.cause == "no_credit" else problem.status
    refused = response(
        problem,
        {
            "error": {
                "code": status,
                "message": problem.message,
                "status": _STATUSES.get(status, "INTERNAL"),
            }
        },
    )
    return msgspec.structs.replace(refused, status=status)
