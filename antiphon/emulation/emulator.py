"""A gateway with a scripted model behind, and with faults in front, for tests of clients."""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

import anyio
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from antiphon.codecs import events
from antiphon.codecs.connection import Upgrade
from antiphon.codecs.refusing import Problem
from antiphon.codecs.wire import Message
from antiphon.emulation.breaking import Breaking
from antiphon.emulation.faults import Fault, Faults
from antiphon.emulation.heard import Call, Overhearing
from antiphon.gateway import fronts, requests
from antiphon.gateway.aliases import LOCAL
from antiphon.gateway.gateway import Gateway
from antiphon.gateway.keys import Key
from antiphon.gateway.routing import Routes, Target
from antiphon.gateway.session import Session
from antiphon.gateway.settings import Browser, Limits, Observe, Settings
from antiphon.processors.local.casting import Book
from antiphon.processors.local.script import Script, script
from antiphon.processors.realtime import Model
from antiphon.transports.asgi import Incoming

SETTINGS = Settings(
    limits=Limits(session=None, idle=None, first_message=None, message=None, notice=60.0),
    browser=Browser(page=False, origins=("*",)),
    observe=Observe(metrics=False, log_level="WARNING"),
    drain=0.0,
)

FAREWELL = 1.0
"""Seconds between the server's saying that it leaves, and its leaving."""


class Arrival(NamedTuple):
    """How somebody came."""

    headers: Mapping[str, str]
    faults: tuple[Fault, ...] = ()


_arrival: ContextVar[Arrival] = ContextVar("arrival")
"""Of whom the task is about."""


class Listener(Protocol):
    """Hears of what happens in an emulator, on its event loop."""

    def opened(self, call: Call, /) -> None: ...

    def changed(self) -> None:
        """Something was said in one of the calls, or one has ended."""
        ...


class Emulator(Gateway):
    """An ASGI application that stands in for every provider; any key is good.

    *script* is what the model does; without one, or as long as it is a Book without replies,
    `local/assistant` answers. *think*, *speed* and *seed* are those of local models. All of
    them, and *faults*, may be set to something else at any time, for the sessions to come.
    """

    def __init__(
        self,
        script: Book | Script | None = None,
        *,
        faults: Faults | None = None,
        think: float = 0.3,
        speed: float = 4.0,
        seed: int = 0,
        listener: Listener | None = None,
    ) -> None:
        super().__init__(SETTINGS)
        self.house.routes = _Scripted(self)
        self.script = script
        self.faults = faults or Faults()
        self.think = think
        self.speed = speed
        self.seed = seed
        self._listener = listener

    @property
    def target(self) -> Target:
        """Who answers the session that begins now."""
        given = self.script
        if given is None or (isinstance(given, Book) and given.empty):
            pace = {"think": self.think, "speed": self.speed, "seed": self.seed}
            options = urlencode(pace)
            return Target(name=f"{LOCAL}/assistant", upstream=LOCAL, options=options)
        return ScriptedTarget(
            name=f"{LOCAL}/script", upstream=LOCAL, make=lambda: self._model(given)
        )

    def _model(self, given: Book | Script) -> Model:
        lines, replies = (given, None) if isinstance(given, Script) else (None, given)
        return script(
            lines=lines, replies=replies, think=self.think, speed=self.speed, seed=self.seed
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await super().__call__(scope, receive, send)
            return
        faults = self.faults.next() if scope["type"] == "websocket" else ()
        if faults and faults[0].kind == "refuse":
            await _refuse(faults[0], scope, receive, send)
            return
        token = _arrival.set(Arrival(HTTPConnection(scope).headers, faults))
        try:
            if faults:
                await Breaking(faults, scope, receive, send).run(super().__call__)
            else:
                await super().__call__(scope, receive, send)
        finally:
            _arrival.reset(token)

    async def _run(self, session: Session) -> None:
        arrival = _arrival.get()
        call = Call(session.front.name, session.asked, dict(arrival.headers))
        self._overhear(session, call)
        if self._listener is not None:
            self._listener.opened(call)
        try:
            async with anyio.create_task_group() as group:
                for fault in arrival.faults:
                    group.start_soon(_happen, fault, session)
                await super()._run(session)
                group.cancel_scope.cancel()
        finally:
            call.ended = True
            if self._listener is not None:
                self._listener.changed()

    def _overhear(self, session: Session, call: Call) -> None:
        listener, end = self._listener, session.wire.end
        speaks_of_errors = events.Error in session.front.repertoire_of_server.native

        def heard(message: Message, said: Iterable[events.ClientEvent]) -> None:
            if listener is not None:
                call.raw.append(message)
                for event in said:
                    call.note(event, end.input_rate)
                listener.changed()

        def told(event: events.ServerEvent) -> None:
            if isinstance(event, events.Error) and not speaks_of_errors:
                session.watch.end(Problem(cause="internal", message=event.message))
            if listener is not None:
                call.said.append(event)
                listener.changed()

        session.wire.end = Overhearing(end, heard=heard, said=told)


class ScriptedTarget(Target, frozen=True, kw_only=True):
    """A model that no name says all of."""

    make: Callable[[], Model]

    def build(self) -> Model:
        return self.make()


class _Scripted(Routes):
    """Whoever is asked for, the emulator's model answers."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(SETTINGS)
        self._emulator = emulator

    def upstream(self, asked: str | None, *, dialect: str, key: Key) -> Target:
        return self._emulator.target


async def _refuse(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
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
    problem = Problem(cause=fault.cause, message="the emulator was told to refuse this")
    refused = visit.front.refuse(problem)
    await incoming.refuse(refused.status, headers=refused.headers, body=refused.body)


async def _happen(fault: Fault, session: Session) -> None:
    """What a connection alone cannot do."""
    if fault.kind not in ("goaway", "error"):
        return
    await anyio.sleep(fault.seconds)
    if fault.kind == "goaway":
        session.watch.leave(FAREWELL)
    else:
        await session.wire.say(
            events.Error(
                message=f"the emulator was told to fail: {fault.code}",
                code=fault.code,
                error_type="server_error",
            )
        )
