"""The gateway: an ASGI application that any realtime SDK can connect to."""

import logging
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from antiphon.codecs.connection import Admission, Answer, Credential, Upgrade
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.refusing import Problem
from antiphon.gateway import calls, desk, fronts, requests
from antiphon.gateway.admission import Guest, Refusal, admit
from antiphon.gateway.house import House
from antiphon.gateway.observe.health import health_routes
from antiphon.gateway.observe.logs import session_log
from antiphon.gateway.page import page_routes
from antiphon.gateway.session import Session
from antiphon.gateway.settings import Settings
from antiphon.gateway.store import Store, StoreAway
from antiphon.gateway.voice import VoicedWire
from antiphon.gateway.wire import Wire
from antiphon.transports import Closed, ConnectError
from antiphon.transports.asgi import Incoming

logger = logging.getLogger(__name__)

MARK = "sess_"

TOLD_TO_PAGES = ("no_credit", "too_many_sessions", "unavailable", "going_away")
"""What is no fault of who comes with a good ticket."""

PAGES = 4000
"""Close codes of pages that are refused are the statuses of HTTP above it."""


class Gateway:
    """An ASGI application: realtime clients in front, any model behind.

    To be served as it is, or mounted in another application at a prefix. Leaving its lifespan
    closes the store; a mounted one lives as long as the process.
    """

    def __init__(self, settings: Settings | None = None, *, store: Store | None = None) -> None:
        self.house = House(settings or Settings.standard(), store)
        self.sessions: dict[str, Session] = {}
        self._draining: float | None = None
        self._app = Starlette(
            routes=self._paths(), lifespan=self._lifespan, middleware=self._for_pages()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more; those who are in may stay for *seconds*. Returns when all left."""
        self._draining = seconds
        for session in self.sessions.values():
            session.watch.leave(seconds)
        while self.sessions:
            await anyio.sleep(0.05)

    def _for_pages(self) -> list[Middleware]:
        browser = self.house.settings.browser
        if not browser.cors:
            return []
        return [
            Middleware(
                CORSMiddleware,
                allow_origins=browser.origins,
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
                expose_headers=["location"],  # the name of a call
            )
        ]

    def _paths(self) -> list[BaseRoute]:
        observe = self.house.settings.observe
        token = None if observe.metrics_token is None else observe.metrics_token.reveal()
        routes = health_routes(self.house.metrics, self._ready, token=token)
        return [
            *(page_routes() if self.house.settings.browser.page else ()),
            *(route for route in routes if observe.metrics or route.path != "/metrics"),
            Route("/v1/usage", self._usage, methods=["GET"]),
            Route("/v3/models", self._models, methods=["GET"]),
            Route("/api/realtime/setup", self._set_up, methods=["POST"]),
            Route("/{path:path}", self._post, methods=["GET", "POST"]),
            WebSocketRoute("/{path:path}", _Door(self)),
        ]

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.house.aclose()

    async def _ready(self) -> Mapping[str, bool]:
        return {"accepting": self._draining is None, "store": await self.house.store.ready()}

    # Sessions.

    async def visit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Somebody who wants a WebSocket."""
        incoming = Incoming(scope, receive, send)
        upgrade = Upgrade(
            target=requests.target_of(HTTPConnection(scope)),
            headers=incoming.headers,
            subprotocols=incoming.subprotocols,
        )
        visit = fronts.visit(upgrade)
        if visit is None:
            await incoming.refuse(404)
            return
        front, admission = visit.front, visit.admission
        name = MARK + secrets.token_hex(12)
        try:
            self._check_origin(incoming.headers)
            guest = await self._admitted(front, admission.credential)
            if admission.call_id is not None:
                await self._listen_in(incoming, guest, admission)
                return
            asked = guest.model(admission.model)
            target = None if front.model_in_setup else self.house.target(front, guest, asked)
            await self.house.enter(guest, name)
        except Refusal as refusal:
            self.house.metrics.refused(front.name, refusal.problem.cause)
            refused = front.refuse(refusal.problem)
            by_page = front.name == "vercel" and "origin" in incoming.headers
            if by_page and refusal.problem.cause in TOLD_TO_PAGES:
                # A page learns nothing of an answer by HTTP, but hears how a connection is closed.
                shown = await incoming.accept(subprotocol=admission.subprotocol)
                await shown.aclose(PAGES + refused.status, refusal.problem.message[:100])
                return
            await incoming.refuse(refused.status, headers=refused.headers, body=refused.body)
            return
        async with self._staying(front, guest, name):
            accepted = await incoming.accept(subprotocol=admission.subprotocol)
            end = front.server(asked or "")
            model = self.house.settings.default if target is None else target.name
            async with self.house.recorded(accepted, front, asked, model) as transport:
                session = Session(
                    self.house,
                    name,
                    front,
                    guest,
                    Wire(transport, end, largest=guest.key.limits.message),
                    asked=asked,
                    target=target,
                    resume=admission.resume,
                    headers=incoming.headers,
                )
                await self._run(session)

    @asynccontextmanager
    async def _staying(self, front: Dialect, guest: Guest, name: str) -> AsyncGenerator[None]:
        """What is logged is logged of this session, which the store forgets at its end."""
        with session_log(name, front=front.name, key=guest.key.name):
            try:
                yield
            except (Closed, ConnectError) as error:
                logger.info("a client was lost: %s", error)
            finally:
                await self._left(guest, name)

    async def _run(self, session: Session) -> None:
        self.sessions[session.name] = session
        try:
            if self._draining is not None:
                session.watch.leave(self._draining)
            await session.run()
        finally:
            del self.sessions[session.name]

    async def _listen_in(self, incoming: Incoming, guest: Guest, admission: Admission) -> None:
        """Somebody who wants to hear what goes on in a call of the same key. Raises Refusal."""
        session = self._call(admission.call_id or "", guest)
        assert isinstance(session.wire, VoicedWire)
        transport = await incoming.accept(subprotocol=admission.subprotocol)
        await session.wire.listen_in(transport)
        await transport.aclose()

    def _call(self, name: str, guest: Guest) -> Session:
        """Raises Refusal, the same whether there is no such call or it is another's."""
        session = self.sessions.get(name)
        if (
            session is None
            or session.guest.key.id != guest.key.id
            or not isinstance(session.wire, VoicedWire)
        ):
            raise Refusal("not_found", "there is no such call", param="call_id")
        return session

    async def _dial(self, dial: fronts.Dial, request: Request) -> Response:
        """Somebody who wants a call. Raises Refusal."""
        front, offer = dial.front, dial.offer
        calling = front.calling
        assert calling is not None
        guest = await self._admitted(front, offer.credential)
        asked = guest.model(offer.model)
        target = self.house.target(front, guest, asked)
        name = calls.MARK + secrets.token_hex(12)
        await self.house.enter(guest, name)
        stack = AsyncExitStack()
        try:
            await stack.enter_async_context(self._staying(front, guest, name))
            network = self.house.settings.webrtc
            peer = await stack.enter_async_context(
                calls.picked_up(offer.sdp, calling.channel, network)
            )
        except BaseException:
            await stack.aclose()
            raise
        end = front.server(asked or "")
        session = Session(
            self.house,
            name,
            front,
            guest,
            VoicedWire(peer, end, largest=guest.key.limits.message),
            asked=asked,
            target=target,
            transport="webrtc",
            config=offer.config,
            headers=dict(request.headers),
        )

        async def talk() -> None:
            await peer.ready()
            await self._run(session)

        answer = calling.answer(Answer(sdp=peer.sdp, call_id=name))
        return calls.AnswerAndTalk(requests.written(answer), stack, talk)

    async def _hang_up(self, name: str, request: Request) -> Response:
        front = find_dialect("openai")
        try:
            shown = requests.key_of(request)
            credential = None if shown is None else Credential(kind="key", value=shown)
            guest = await admit(front, credential, keys=self.house.keys, store=self.house.store)
            session = self._call(name, guest)
        except Refusal as refusal:
            return requests.written(front.refuse(refusal.problem))
        await session.wire.aclose()
        return Response(status_code=200)

    async def _admitted(self, front: Dialect, shown: Credential | None) -> Guest:
        self._check_open()
        return await admit(front, shown, keys=self.house.keys, store=self.house.store)

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        house = self.house
        requests.check_origin(headers, house.settings.browser, keyless=house.keys.anybody)

    def _check_open(self) -> None:
        if self._draining is not None:
            raise Refusal("going_away", "the gateway is shutting down", after=self._draining)

    async def _left(self, guest: Guest, name: str) -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(5):
            try:
                await self.house.store.leave(guest.key.id, name)
            except StoreAway:
                logger.warning("the store is away: a session is given back later")

    # Everything else.

    async def _post(self, request: Request) -> Response:
        """Somebody who wants a ticket, or a call."""
        if (name := calls.hung_up(requests.path_of(request))) is not None:
            return await self._hang_up(name, request)
        try:
            asked = requests.read(request, await requests.body_of(request))
            dial = fronts.dial(asked)
            errand = fronts.errand(asked) if dial is None else None
        except fronts.Misread as error:
            problem = Problem(cause="invalid", message=error.error.problem, param=error.error.path)
            return requests.written(error.front.refuse(problem))
        except Refusal as refusal:
            return _plain(refusal.problem)
        wanted = dial or errand
        if wanted is None:
            return _plain(Problem(cause="not_found", message="there is nothing here"))
        front = wanted.front
        try:
            self._check_origin(request.headers)
            if isinstance(wanted, fronts.Dial):
                return await self._dial(wanted, request)
            self._check_open()
            return requests.written(await desk.sell(self.house, wanted, request))
        except Refusal as refusal:
            self.house.metrics.refused(front.name, refusal.problem.cause)
            return requests.written(front.refuse(refusal.problem))

    async def _set_up(self, request: Request) -> Response:
        try:
            self._check_origin(request.headers)
            guest = self.house.page_guest()
        except Refusal as refusal:
            return _plain(refusal.problem)
        return await desk.set_up(self.house, guest, request)

    async def _models(self, request: Request) -> Response:
        return desk.models(self.house, request)

    async def _usage(self, request: Request) -> Response:
        return await desk.usage(self.house, request)


class _Door:
    """An ASGI application: of a method Starlette would think that it takes a WebSocket of its own."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._gateway.visit(scope, receive, send)


def _plain(problem: Problem) -> Response:
    return JSONResponse(
        {"error": {"message": problem.message, "code": problem.code}}, problem.status
    )
