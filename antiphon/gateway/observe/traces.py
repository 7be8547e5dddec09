"""Traces, for OpenTelemetry, where that is configured; where it is not, nothing of it is loaded.

traces = open_traces(endpoint="http://127.0.0.1:4318/v1/traces")
trace = traces.session(session_id, front="openai", upstream="gemini", model=..., at=now())
turns = Turns(trace, ...)
"""

import os
from collections.abc import Mapping
from typing import Protocol

from antiphon.gateway.observe.turns import Call, Response, Watcher
from antiphon.processors.latency import TurnTimes

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Environment variables of OpenTelemetry's own that also turn it on."""

SERVICE = "antiphon-gateway"

NO_HEADERS: Mapping[str, str] = {}


class Trace(Watcher, Protocol):
    """The trace of one session: it watches its Turns."""

    def close(self, at: int, *, reason: str = "", failure: str | None = None) -> None:
        """The session is over; *failure* is a word for what went wrong. Turns end before it."""
        ...


class Traces(Protocol):
    def session(
        self,
        session_id: str,
        *,
        front: str,
        upstream: str,
        provider: str = "",
        model: str = "",
        transport: str = "",
        key: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        at: int = 0,
    ) -> Trace:
        """Begins a trace, or goes on with the one that the client's *headers* name.

        *provider* is a dialect's name, which *upstream* is too unless it has a name of its own;
        *key* is the name of the caller's key, *at* the session's time now. Names of *headers* are
        in lower case.
        """
        ...

    async def aclose(self) -> None:
        """Sends what is still to be sent, for a few seconds at most."""
        ...


def open_traces(
    *, endpoint: str | None = None, headers: Mapping[str, str] | None = None, service: str = SERVICE
) -> Traces:
    """Traces sent to *endpoint*, a collector's address for OTLP by HTTP with its path.

    Without one OpenTelemetry's environment variables decide, which also say the rest. *headers*
    may hold a secret; they go to the collector alone. Raises ModuleNotFoundError, which says what to
    install.
    """
    if endpoint is None and not any(os.environ.get(name) for name in ENDPOINTS):
        return NoTraces()
    try:
        from antiphon.gateway.observe.spans import OtelTraces
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise ModuleNotFoundError(
            "traces need OpenTelemetry: pip install 'antiphon[otel]'", name=error.name
        ) from error
    return OtelTraces(endpoint=endpoint, headers=headers, service=service)


class NoTrace:
    """Takes no note of anything."""

    def created(self, response: Response, /) -> None: ...

    def sounded(self, response: Response, /) -> None: ...

    def ended(self, response: Response, /) -> None: ...

    def called(self, call: Call, /) -> None: ...

    def returned(self, call: Call, /) -> None: ...

    def played(self, turn: TurnTimes, /) -> None: ...

    def close(self, at: int, *, reason: str = "", failure: str | None = None) -> None: ...


_NO_TRACE = NoTrace()


class NoTraces:
    """Where tracing is off."""

    def session(
        self,
        session_id: str,
        *,
        front: str,
        upstream: str,
        provider: str = "",
        model: str = "",
        transport: str = "",
        key: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        at: int = 0,
    ) -> Trace:
        return _NO_TRACE

    async def aclose(self) -> None:
        pass
