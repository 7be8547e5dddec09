"""Routes by which machines ask whether the gateway is well, and how it is doing."""

import gzip
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.to_thread
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from antiphon.codecs.connection import bearer
from antiphon.gateway.observe.metrics import Metrics

Ready = Callable[[], Awaitable[Mapping[str, bool]]]
"""What has to be so for new sessions to be taken: `{"accepting": True, "store": False}`."""

PATIENCE = 2.0
"""Seconds for Ready: whoever asks does not wait for long either."""

SMALL = 1_024
"""Bytes that are not worth compressing."""

UNCACHED = {"cache-control": "no-store"}

_log = logging.getLogger(__name__)


def healthz() -> Route:
    """The process is alive and its loop turns; nothing else is asked."""

    async def answer(request: Request) -> Response:
        return JSONResponse({"alive": True}, headers=UNCACHED)

    return Route("/healthz", answer, methods=["GET"], name="healthz")


def readyz(ready: Ready) -> Route:
    """200 if all is well; 503 and the names of what is not, so that no new sessions are sent."""

    async def answer(request: Request) -> Response:
        checks: Mapping[str, bool] = {"checked": False}
        with anyio.move_on_after(PATIENCE):
            try:
                checks = await ready()
            except Exception:
                _log.exception("whether the gateway is ready cannot be told")
        missing = sorted(name for name, well in checks.items() if not well)
        return JSONResponse(
            {"ready": not missing, "missing": missing},
            status_code=503 if missing else 200,
            headers=UNCACHED,
        )

    return Route("/readyz", answer, methods=["GET"], name="readyz")


def metrics_route(metrics: Metrics, *, token: str | None = None) -> Route:
    """The metrics in the form asked for; with *token*, only for who shows it as a bearer."""
    if token == "":
        raise ValueError("an empty token lets everybody in; give none to do so on purpose")

    async def answer(request: Request) -> Response:
        if token is not None and not _same(bearer(request.headers), token):
            return PlainTextResponse(
                "a bearer token is needed\n", 401, {"www-authenticate": "Bearer", **UNCACHED}
            )
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        metrics.flush()
        if metrics.many:  # reads files
            body = await anyio.to_thread.run_sync(encode, metrics.registry)
        else:
            body = encode(metrics.registry)
        headers = {"content-type": content_type, "vary": "accept, accept-encoding", **UNCACHED}
        if len(body) > SMALL and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            headers["content-encoding"] = "gzip"
        return Response(body, headers=headers)

    return Route("/metrics", answer, methods=["GET"], name="metrics")


def health_routes(metrics: Metrics, ready: Ready, *, token: str | None = None) -> list[Route]:
    """All three; *token* is asked for by `/metrics`."""
    return [healthz(), readyz(ready), metrics_route(metrics, token=token)]


def _same(shown: str | None, token: str) -> bool:
    """In a time that does not tell how much of it was right."""
    return shown is not None and hmac.compare_digest(shown.encode(), token.encode())
