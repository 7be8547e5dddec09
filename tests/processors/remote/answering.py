"""A provider that is called: it answers offers by HTTP, and speaks over WebRTC."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio

from antiphon.codecs.connection import Answer, HttpRequest, HttpResponse, Offer
from antiphon.processors.remote import Remote
from antiphon.processors.remote.dialing import by_call
from antiphon.transports import TransportError
from antiphon.transports.asgi import Receive, Scope, Send
from antiphon.transports.webrtc import Peer, answer, seam
from tests.processors.remote.calls import KEY, NAMES, QUICK, Agent, Line, at, by_itself, listening

HERE = ("127.0.0.1",)

GONE = 1.0
"""Seconds after which a bot takes a provider that does not answer for gone."""


class Answering:
    """What becomes of the offers to *agent*; the first ones are answered as *refusals* say."""

    def __init__(self, agent: Agent, *refusals: HttpResponse) -> None:
        self.agent = agent
        self.offers: list[Offer] = []
        self.peers: list[Peer] = []
        self._refusals = list(refusals)
        self._group = anyio.create_task_group()

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(await _request(scope, receive))
        headers = [(k.encode(), v.encode()) for k, v in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, request: HttpRequest) -> HttpResponse:
        calling = self.agent.dialect.calling
        assert calling is not None
        offer = calling.accept(request)
        if offer is None:
            return HttpResponse(status=404)
        self.offers.append(offer)
        if self._refusals:
            return self._refusals.pop(0)
        sdp: str = await self._group.start(self._hold, offer)
        return calling.answer(Answer(sdp=sdp, call_id=f"rtc_{len(self.offers)}"))

    async def _hold(self, offer: Offer, *, task_status: anyio.abc.TaskStatus[str]) -> None:
        with suppress(TransportError):
            async with answer(offer.sdp, addresses=HERE) as peer:
                self.peers.append(peer)
                task_status.started(peer.sdp)
                await peer.ready()
                await self.agent.serve(peer)

    async def vanish(self) -> None:
        """The network of the call that there is breaks, and nobody says so."""
        for protocol in seam.ice_of(self.peers[-1].transport)._protocols:
            protocol.transport.abort()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[int]:
        async with self._group, listening(self.asgi) as port:
            try:
                yield port
            finally:
                self._group.cancel_scope.cancel()


async def _request(scope: Scope, receive: Receive) -> HttpRequest:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return HttpRequest(
        method=scope["method"],
        url=f"{scope['path']}?{scope['query_string'].decode()}",
        headers={name.decode(): value.decode() for name, value in scope["headers"]},
        body=body,
    )


@asynccontextmanager
async def over_webrtc(
    agent: Agent, *refusals: HttpResponse, ticket: str | None = None, **options: Any
) -> AsyncGenerator[tuple[Line, Answering]]:
    """A bot's way to *agent*, on this machine's real sockets."""
    provider = Answering(agent, *refusals)
    dialect = agent.dialect
    model = NAMES[dialect.name].partition("/")[2]
    with by_itself():
        async with provider.listening() as port:
            key = KEY if ticket is None else None
            options.setdefault("vanish_timeout", GONE)
            way = by_call(dialect, model, key, ticket, at(dialect, port), **options)
            remote = Remote(dialect, model, way, retry=QUICK)
            yield Line(remote=remote, agent=agent, drop=provider.vanish, pace=1.0), provider
