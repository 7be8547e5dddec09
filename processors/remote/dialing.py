"""Calls a provider: its dialect says what is offered where, WebRTC does the rest."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from antiphon.codecs.connection import HttpResponse
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.wire import WireError
from antiphon.processors.remote.session import Open, Wanted
from antiphon.transports import Transport

HERE = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}


def by_call(
    dialect: Dialect,
    model: str,
    key: str | None,
    ticket: str | None,
    base_url: str,
    **options: Any,
) -> Open:
    """*options* are those of `antiphon.transports.webrtc.connect`."""
    calling = dialect.calling
    if calling is None:
        raise ValueError(f"{dialect.title} is not spoken over WebRTC")
    here = HERE.get(urlsplit(base_url).hostname or "")
    if here is not None:  # where it may be the only network there is
        options.setdefault("addresses", (here,))

    @asynccontextmanager
    async def open(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
        from antiphon.transports import webrtc

        config = await wanted() if dialect.continuous else None

        async def exchange(sdp: str) -> str:
            offer = calling.offer(
                model, sdp, key=key, ticket=ticket, config=config, base_url=base_url
            )
            answered = await webrtc.post(offer.url, headers=offer.headers, content=offer.body)
            response = HttpResponse(
                status=answered.status, headers=answered.headers, body=answered.body
            )
            try:
                return calling.answered(response).sdp
            except WireError as error:
                raise webrtc.BadSdp(str(error)) from error

        async with webrtc.connect(exchange, label=calling.channel, **options) as peer:
            yield peer

    return open
