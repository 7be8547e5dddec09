"""What a server says when it does not let somebody in, or ends what was going well.

Everybody is refused for the same few reasons; how that is said differs.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from antiphon.codecs.connection import HttpResponse
from antiphon.codecs.items import JsonObject

Cause = Literal[
    "invalid",
    "unauthorized",
    "no_credit",
    "forbidden",
    "not_found",
    "too_large",
    "too_many_requests",
    "too_many_sessions",
    "unavailable",
    "internal",
    "session_expired",
    "idle",
    "silent",
    "going_away",
    "model_lost",
]

STATUS: Mapping[Cause, int] = {
    "invalid": 400,
    "unauthorized": 401,
    "no_credit": 402,
    "forbidden": 403,
    "not_found": 404,
    "too_large": 413,
    "too_many_requests": 429,
    "too_many_sessions": 429,
    "unavailable": 503,
    "internal": 500,
    "session_expired": 403,
    "idle": 408,
    "silent": 408,
    "going_away": 503,
    "model_lost": 502,
}
"""Of HTTP."""

CLOSE: Mapping[Cause, int] = {
    "invalid": 1007,
    "unavailable": 1013,
    "too_many_sessions": 1013,
    "internal": 1011,
    "session_expired": 1000,
    "going_away": 1001,
    "model_lost": 1011,
}
"""Codes that a WebSocket is closed with; all others are 1008, a breach of policy (RFC 6455)."""

TYPES: Mapping[Cause, str] = {
    "unauthorized": "authentication_error",
    "no_credit": "insufficient_quota",
    "forbidden": "permission_error",
    "too_many_requests": "rate_limit_error",
    "too_many_sessions": "rate_limit_error",
    "unavailable": "server_error",
    "internal": "server_error",
    "going_away": "server_error",
    "model_lost": "server_error",
}
"""Of errors as OpenAI has them; all others are `invalid_request_error`."""

CODES: Mapping[Cause, str] = {
    "invalid": "invalid_value",
    "unauthorized": "invalid_api_key",
    "no_credit": "insufficient_quota",
    "not_found": "model_not_found",
    "too_many_requests": "rate_limit_exceeded",
    "too_many_sessions": "session_limit_reached",
    "idle": "session_idle_timeout",
    "silent": "session_start_timeout",
}
"""In OpenAI's words where it has one; all others are the cause itself."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why, for a program and for its programmer; *retry_after* is in seconds."""

    cause: Cause
    message: str
    param: str | None = None
    retry_after: float | None = None

    @property
    def status(self) -> int:
        return STATUS[self.cause]

    @property
    def close_code(self) -> int:
        return CLOSE.get(self.cause, 1008)

    @property
    def code(self) -> str:
        return CODES.get(self.cause, self.cause)

    @property
    def kind(self) -> str:
        return TYPES.get(self.cause, "invalid_request_error")


def refusal(problem: Problem) -> HttpResponse:
    """As OpenAI says it, and those who speak like it."""
    error = {
        "message": problem.message,
        "type": problem.kind,
        "param": problem.param,
        "code": problem.code,
    }
    return response(problem, {"error": error})


def response(problem: Problem, body: JsonObject) -> HttpResponse:
    headers = {"content-type": "application/json"}
    if problem.retry_after is not None:
        headers["retry-after"] = str(max(1, round(problem.retry_after)))
    if problem.cause == "unauthorized":
        headers["www-authenticate"] = "Bearer"
    return HttpResponse(status=problem.status, headers=headers, body=msgspec.json.encode(body))
