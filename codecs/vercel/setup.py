"""What a browser asks an application for before it opens a session, and what it is told.

The AI SDK's hook posts its configuration to an endpoint of the application, which mints a ticket
and may say which tools there are. Both sides are here, with the checks that the hook makes: it
shows an error instead of opening a session.
"""

from collections.abc import Iterable
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType
from msgspec.json import Decoder

from antiphon.codecs.config import SessionConfig, ToolDefinition
from antiphon.codecs.connection import HttpResponse, Ticket
from antiphon.codecs.items import JsonObject
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.session import read_config, write_config
from antiphon.codecs.wire import Unsayable, WireError, given, known, read


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is opened with; *tools*, if any are told, stand in for the configuration's."""

    ticket: Ticket
    tools: tuple[ToolDefinition, ...] | None = None


class _Request(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    session_config: Raw | UnsetType = UNSET
    model: str | UnsetType = UNSET
    """Not the hook's, but antiphon.js': which model it is about."""


class _Tool(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["function"]
    name: Annotated[str, Meta(min_length=1)]
    description: str | UnsetType = UNSET
    parameters: JsonObject


class _Response(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    token: str
    url: str
    expires_at: float | UnsetType = UNSET
    tools: tuple[_Tool, ...] | UnsetType = UNSET


_request: Decoder[_Request] = Decoder(_Request)
_response: Decoder[_Response] = Decoder(_Response)


def setup_request(config: SessionConfig | None = None) -> bytes:
    """The body of the browser's POST."""
    asked = _Request(session_config=UNSET if config is None else write_config(config))
    return wire.write(asked).encode()


def read_setup_request(body: bytes) -> SessionConfig:
    asked = read(wire.NAME, _request, body)
    config = SessionConfig()
    if asked.session_config is not UNSET:
        config = read_config(asked.session_config, "$.sessionConfig")
    if config.model is None and asked.model is not UNSET:
        config = msgspec.structs.replace(config, model=asked.model or None)
    return config


def setup_response(ticket: Ticket, tools: Iterable[ToolDefinition] | None = None) -> HttpResponse:
    """The application's answer."""
    told = UNSET
    if tools is not None:
        told = tuple(
            _Tool(
                type="function",
                name=tool.name,
                description=given(tool.description),
                parameters=tool.parameters,
            )
            for tool in tools
        )
    response = _Response(
        token=ticket.token, url=ticket.url, expires_at=given(ticket.expires_at), tools=told
    )
    body = wire.write(response).encode()
    try:
        read_setup_response(HttpResponse(body=body))
    except WireError as error:
        raise Unsayable(
            wire.NAME, f"has no browser that takes this: {error.problem} - at `{error.path}`"
        ) from error
    return HttpResponse(headers={"content-type": "application/json"}, body=body)


def read_setup_response(response: HttpResponse) -> Setup:
    if not 200 <= response.status < 300:
        raise WireError(wire.NAME, "$", f"no setup: {response.status}")
    told = read(wire.NAME, _response, response.body)
    if not told.token.strip():
        raise WireError(wire.NAME, "$.token", "Expected a token that is not blank")
    if not _opens(told.url):
        raise WireError(wire.NAME, "$.url", "Expected a WebSocket's URL, without a fragment")
    expires_at = known(told.expires_at)
    if expires_at is not None and not 0 < expires_at < 2**53:
        raise WireError(wire.NAME, "$.expiresAt", "Expected Unix seconds")
    ticket = Ticket(
        token=told.token,
        url=told.url,
        expires_at=None if expires_at is None else int(expires_at),
    )
    return Setup(ticket=ticket, tools=None if told.tools is UNSET else _definitions(told.tools))


def _definitions(tools: Iterable[_Tool]) -> tuple[ToolDefinition, ...]:
    return tuple(
        ToolDefinition(
            name=tool.name, description=known(tool.description), parameters=tool.parameters
        )
        for tool in tools
    )


def _opens(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and "#" not in url
    except ValueError:
        return False
