"""The page at the gateway's root, and the files that it is made of."""

from collections.abc import Callable, Coroutine, Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

START = "index.html"

FILES = (
    START,
    "page.css",
    "conversation.css",
    "talk.css",
    "panels.css",
    "page.js",
    "button.js",
    "conversation.js",
    "heard.js",
    "inspector.js",
    "latency.js",
    "panels.js",
    "phase.js",
    "problems.js",
    "log.js",
    "settings.js",
    "tools.js",
    "antiphon.js",
    "antiphon-worklet.js",
    "antiphon.d.ts",
)
"""All that is served: nothing else of the directory can be asked for."""

KINDS: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".ts": "text/plain",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'none'"
)
"""Nothing inline, nothing of others. WebSockets to the page's own host are among its `'self'`."""

HEADERS: Mapping[str, str] = {
    # It is asked for each time, so that a page never meets the files of another version.
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def page_routes() -> list[Route]:
    """The page at `/`, and its files beside it, read once."""
    return [
        Route("/" if name == START else f"/{name}", _endpoint(name), methods=["GET"], name=name)
        for name in FILES
    ]


def _endpoint(name: str) -> Endpoint:
    body = (files("antiphon.gateway") / "web" / name).read_bytes()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {**HEADERS, "etag": tag}
    kind = KINDS[PurePosixPath(name).suffix]

    async def answer(request: Request) -> Response:
        if _knows(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=kind)

    return answer


def _knows(shown: str, tag: str) -> bool:
    known = (one.strip().removeprefix("W/") for one in shown.split(","))
    return shown.strip() == "*" or tag in known
