"""HTTP requests in the words of the codecs, which know nothing of Starlette."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import anyio
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from antiphon.codecs.connection import HttpRequest, HttpResponse, bearer
from antiphon.gateway.admission import Refusal
from antiphon.gateway.keys import is_loopback
from antiphon.gateway.settings import Browser

LARGEST = 1024 * 1024
"""Bytes of a body."""

PATIENCE = 10.0
"""Seconds in which a body has to be there."""


async def body_of(request: Request) -> bytes:
    """Raises Refusal if it is too long or too slow."""
    body = bytearray()
    try:
        with anyio.fail_after(PATIENCE):
            async for piece in request.stream():
                body += piece
                if len(body) > LARGEST:
                    raise Refusal("too_large", f"a body may have {LARGEST} bytes")
    except TimeoutError as error:
        raise Refusal("invalid", f"the body was not there after {PATIENCE:g} s") from error
    return bytes(body)


def read(request: Request, body: bytes) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        url=target_of(request),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )


def target_of(connection: HTTPConnection) -> str:
    """The path with its query, from where the gateway stands."""
    query = connection.scope.get("query_string", b"").decode("latin-1")
    return f"{path_of(connection)}?{query}" if query else path_of(connection)


def path_of(connection: HTTPConnection) -> str:
    path: str = connection.scope["path"]
    root: str = connection.scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(root) else path


def base_of(connection: HTTPConnection) -> str:
    """Where the client finds the gateway, as http(s)."""
    url = connection.base_url
    scheme = {"ws": "http", "wss": "https"}.get(url.scheme, url.scheme)
    return str(url.replace(scheme=scheme)).rstrip("/")


def written(response: HttpResponse) -> Response:
    return Response(
        content=response.body, status_code=response.status, headers=dict(response.headers)
    )


def key_of(request: Request) -> str | None:
    """The key that is shown in any of the providers' ways."""
    headers = request.headers
    return bearer(headers) or headers.get("x-api-key") or headers.get("xi-api-key")


def check_origin(headers: Mapping[str, str], browser: Browser, *, keyless: bool) -> None:
    """Whether the page that asks, if it is one, may. Raises Refusal.

    A gateway that is open to anybody is so on this machine only: a page that has made its own
    name lead here ("DNS rebinding") is not its own page.
    """
    origin = headers.get("origin")
    if origin is None or "*" in browser.origins or origin in browser.origins:
        return
    parts = urlsplit(origin)
    own = parts.netloc and parts.netloc == headers.get("host")
    if own and (not keyless or is_loopback(parts.hostname or "")):
        return
    raise Refusal("forbidden", f"pages of {origin[:100]} may not connect: see [browser] origins")
