"""How a dialect is reached: what a client opens and asks for, and how a server reads that.

All of it is data; nothing here connects. Credentials show in no repr.
"""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from antiphon.codecs.config import SessionConfig

MOST_FIELDS = 256


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a WebSocket: the answer must choose one of *subprotocols*, if there are any."""

    url: str
    headers: Mapping[str, str] = {}
    subprotocols: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Connect({without_query(self.url)}, headers {sorted(self.headers)})"


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for as it opened a WebSocket.

    *target* is the path with its query; names of *headers* are in lower case.
    """

    target: str
    headers: Mapping[str, str] = {}
    subprotocols: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Without the doubled slashes of clients that join a base URL to it."""
        return re.sub("//+", "/", without_query(self.target))

    @property
    def query(self) -> dict[str, str]:
        return query_of(self.target)

    def __repr__(self) -> str:
        return f"Upgrade({without_query(self.target)}, headers {sorted(self.headers)})"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What a client shows: a long-lived key, or a ticket minted for a browser."""

    kind: Literal["key", "ticket"]
    value: str

    def __repr__(self) -> str:
        return f"Credential({self.kind})"


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """How a server reads an Upgrade.

    *subprotocol* is the one to echo; it is never one that carries a credential when another
    was offered.
    """

    model: str | None = None
    credential: Credential | None = None
    subprotocol: str | None = None
    call_id: str | None = None
    """The call to attach to, instead of a session of its own."""
    resume: str | None = None
    """What to resume: a conversation's id."""

    def __repr__(self) -> str:
        return f"Admission({self.model}, {self.credential})"


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Names of *headers* are in lower case, as far as a server reads them."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return (
            f"HttpRequest({self.method} {without_query(self.url)}, headers {sorted(self.headers)})"
        )


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser may know: it opens *url* with *token* until *expires_at* (Unix seconds)."""

    token: str
    url: str
    expires_at: int | None = None
    config: SessionConfig | None = None
    """What the provider has bound to it, if it says so."""

    def __repr__(self) -> str:
        return f"Ticket({without_query(self.url)}, expires_at={self.expires_at})"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """How a server reads a request for a ticket."""

    model: str | None = None
    config: SessionConfig = SessionConfig()
    lifetime: int | None = None
    """Seconds within which a session must be opened; None leaves it to the server."""
    until: int | None = None
    """The same as a moment, in Unix seconds, where it is so asked."""
    locked: tuple[str, ...] | None = None
    """Fields, in the dialect's words, that a client cannot change; None is the dialect's default."""
    uses: int | None = None
    """How many sessions may be opened, 0 without bound; None is the dialect's default."""
    credential: Credential | None = None
    form: str | None = None
    """Which of the dialect's answers is wanted, where there are several."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """How a server reads the request that opens a call."""

    sdp: str
    """The client's session description (RFC 8866)."""
    model: str | None = None
    config: SessionConfig = SessionConfig()
    credential: Credential | None = None

    def __repr__(self) -> str:
        return f"Offer({self.model}, {self.credential})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says to an offer."""

    sdp: str
    call_id: str | None = None
    """How the server calls the call, or the session that is held by it."""


def without_query(url: str) -> str:
    """*url* fit for a log: queries carry tickets and keys, and what is before a host passwords."""
    bare = url.partition("#")[0].partition("?")[0]
    return re.sub(r"(?<=://)[^/]*@", "", bare)


def path_of(url: str) -> str:
    """The path of *url* with or without a host, whatever else may be wrong with it."""
    return re.sub(r"^\w+:/*[^/]*", "", without_query(url)) or "/"


def query_of(url: str) -> dict[str, str]:
    """What *url* asks: the last of several with one name, none of more than a few hundred."""
    query = url.partition("#")[0].partition("?")[2]
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization: Bearer`, whatever the case of the scheme."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def websocket_url(base_url: str) -> str:
    """*base_url* with ws for http, without a slash at its end."""
    if base_url.startswith("http"):
        base_url = "ws" + base_url.removeprefix("http")
    return base_url.rstrip("/")


def after(prefix: str, subprotocols: tuple[str, ...]) -> str | None:
    """What follows *prefix* in the first subprotocol that begins with it and goes on."""
    return next(
        (rest for one in subprotocols if one.startswith(prefix) and (rest := one[len(prefix) :])),
        None,
    )
