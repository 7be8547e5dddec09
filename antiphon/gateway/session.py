"""One session at the gateway, from its being admitted to its end."""

import dataclasses
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, ToolDefinition, merge
from antiphon.codecs.dialect import ClientEnd, Dialect
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.refusing import Problem
from antiphon.codecs.wire import WireError
from antiphon.gateway.account import Account
from antiphon.gateway.admission import Guest, Refusal
from antiphon.gateway.aliases import LOCAL
from antiphon.gateway.bill import Bill
from antiphon.gateway.carried import Carried, Measured
from antiphon.gateway.greeting import Greeting
from antiphon.gateway.house import House
from antiphon.gateway.line import Tap, converse
from antiphon.gateway.noted import Noted
from antiphon.gateway.policy import Policy
from antiphon.gateway.relay import relay
from antiphon.gateway.routing import FRONTS, GATEWAYS, SYNONYMS, Target
from antiphon.gateway.settings import Agent
from antiphon.gateway.store import StoreAway
from antiphon.gateway.watch import Watch
from antiphon.gateway.wire import Wire
from antiphon.pipeline import clock
from antiphon.processors.meter import Meter, UnknownPrice
from antiphon.processors.realtime import Model
from antiphon.processors.remote import Remote
from antiphon.transports import Closed, ConnectError, Transport, websocket

logger = logging.getLogger(__name__)


class Session:
    """*guest* in front of whatever model the house has for what was *asked* for.

    *target* is None where the model is named by the first message only.
    """

    def __init__(
        self,
        house: House,
        name: str,
        front: Dialect,
        guest: Guest,
        wire: Wire,
        *,
        asked: str | None,
        target: Target | None,
        transport: str = "websocket",
        config: SessionConfig | None = None,
        resume: str | None = None,
        headers: Mapping[str, str],
    ) -> None:
        self.name = name
        self.front = front
        self.guest = guest
        self.wire = wire
        self.asked = asked
        self.target = target
        self._house = house
        self._resume = resume
        self._transport = transport
        self._headers = headers
        self._config = config
        self._account: Account | None = None
        self._noted: Noted | None = None
        self.watch = Watch(
            wire,
            guest.key.limits,
            announces=events.GoAway in front.repertoire_of_server.native,
            alive=self._beat,
        )

    async def run(self) -> None:
        """Until it is over, for whatever reason; then the connection is closed, too."""
        clock.begin(0.0)  # one time for both sides, that of the loop: what they say is compared
        async with anyio.create_task_group() as group:
            group.start_soon(self._guard, group.cancel_scope)
            try:
                problem = await self._talk()
            except Refusal as refusal:
                problem = refusal.problem
            except StoreAway:
                problem = Problem(cause="unavailable", message="the gateway cannot count costs")
            except (Closed, anyio.EndOfStream):  # the client has changed its mind
                problem = None
            if problem is not None:
                await self._end(problem)
            group.cancel_scope.cancel()
        if self._account is not None and self._noted is not None:
            with anyio.CancelScope(shield=True):
                self._noted.close(await self._account.close())

    async def _guard(self, scope: anyio.CancelScope) -> None:
        await self._end(await self.watch.keep())
        scope.cancel()

    async def _end(self, problem: Problem) -> None:
        if self._noted is not None:
            self._noted.reason = problem.cause
        await self.wire.end_with(problem)

    async def _beat(self) -> None:
        try:
            await self._house.store.stay({self.guest.key.id: [self.name]})
            if self._account is not None:
                await self._account.settle()
        except StoreAway:
            logger.warning("the store is away")

    async def _talk(self) -> Problem | None:
        if self.target is None:
            self.asked = self.guest.model(await self._named())
            self.target = self._house.target(self.front, self.guest, self.asked)
        target = self.target
        self._account = await self._open_account(target)
        self._noted = Noted(
            self._house.metrics,
            self._house.traces,
            self.name,
            front=self.front.name,
            upstream=target.upstream,
            provider=target.dialect or "",
            model=target.name,
            transport=self._transport,
            key=self.guest.key.name,
            headers=self._headers,
        )
        taps: list[Tap] = [self._account, self._noted]
        if self._is_same(target):
            async with _provider(self.front, target, self._resume) as transport:
                end = self.front.client(target.model)
                return await relay(self.wire, transport, end, taps, self._noted.carried)
        # Making a model may take long enough for others to stumble over it.
        model = await to_thread.run_sync(target.build)
        self._measure(model, self._noted.carried)
        self._account.meter.set_rates(model.input_rate, model.output_rate)
        self._noted.at_rate(model.input_rate)
        policy = Policy(
            model=self.asked,
            bind=self.front.minting and self.front.minting.bind,
            grant=self.guest.grant,
            asked=self._asked(),
            voice=target.voice,
            other_wire=self.front.name != target.dialect,
            other_provider=self._believed != target.provider,
        )
        upstream = None if target.dialect is None else find_dialect(target.dialect)
        turns = upstream is not None and upstream.continuous and not self.front.continuous
        greeting = None
        if upstream is not None and self.front.greets and not upstream.greets:
            told = events.SessionUpdated in upstream.repertoire_of_server.native
            greeting = Greeting(self.name, acknowledges=told)
        # Only pages that were set up here have a ticket with locks, and they show what it costs.
        grant = self.guest.grant
        paged = self.front.name == "vercel" and grant is not None and grant.locked is not None
        bill = Bill(self._account.meter, free=target.upstream == LOCAL)
        return await converse(
            self.wire,
            model,
            policy,
            taps,
            turns=turns,
            greeting=greeting,
            behind=(bill,) if paged else (),
        )

    def _measure(self, model: Model, carried: Carried) -> None:
        """Let the metrics know what passes between the client and *model*."""
        self.wire.came, self.wire.went = carried.came[True], carried.went[True]
        self.wire.end = Measured(self.wire.end, carried, front=True)
        if isinstance(model, Remote):
            client = model.dialect.client

            def measured(name: str) -> ClientEnd:
                return Measured(client(name), carried, front=False)

            model.dialect = dataclasses.replace(model.dialect, client=measured)

    def _asked(self) -> SessionConfig:
        """How the session is to be before the client says anything more of it."""
        agent = self._house.agent(self.asked)
        asked = self._config or SessionConfig()
        return asked if agent is None else merge(_configured(agent), asked)

    async def _named(self) -> str | None:
        """The model that the first message names; it is still to be heard by others."""
        first = await self.wire.receive()
        try:
            heard = tuple(self.front.server("").decode(first))
        except WireError as error:
            raise Refusal("invalid", error.problem, param=error.path) from error
        self.wire.unread(first)
        for event in heard:
            if isinstance(event, events.SessionUpdate | events.SessionStart):
                return event.config.model
        raise Refusal("invalid", "the first message has to say how the session is to be")

    async def _open_account(self, target: Target) -> Account:
        local = target.upstream == LOCAL  # and costs nothing
        meter = Meter(target.name, prices=self._house.prices)
        account = Account(self.guest.key, target.path, self._house.store, meter, end=self.watch.end)
        if not local and self._house.prices.of(target.name) is None and account.limited:
            logger.error("%s", UnknownPrice(target.name))
            raise Refusal("internal", "the model has no price, and the key a budget")
        await account.open()
        return account

    def _is_same(self, target: Target) -> bool:
        """Client and provider can hear each other's own words, and nothing is to be changed."""
        grant = self.guest.grant
        return (
            target.dialect == self.front.name
            and self._transport == "websocket"
            and target.model == (self.asked or "").removeprefix("models/")
            and self._house.agent(self.asked) is None
            and (grant is None or (grant.config == SessionConfig() and not grant.locked))
        )

    @property
    def _believed(self) -> str:
        """Whom the client believes that it is talking to."""
        provider = FRONTS[self.front.name]
        if provider in GATEWAYS:
            named = (self.asked or "").partition("/")[0]
            return SYNONYMS.get(named, named)
        return provider


def _configured(agent: Agent) -> SessionConfig:
    tools = tuple(
        ToolDefinition(
            name=tool.name,
            description=tool.description,
            parameters=tool.parameters or {"type": "object", "properties": {}},
        )
        for tool in agent.tools
    )
    return SessionConfig(
        instructions=agent.instructions,
        first_message=agent.first_message,
        voice=agent.voice,
        tools=tools or None,
    )


@asynccontextmanager
async def _provider(
    front: Dialect, target: Target, resume: str | None
) -> AsyncGenerator[Transport]:
    """Raises Refusal."""
    key = None if target.key is None else target.key.reveal()
    way = front.connect(target.model, key=key, base_url=target.base_url or front.base_url)
    if resume is not None and front.resume is not None:
        way = front.resume(way, resume)
    opening = websocket.connect(way.url, headers=way.headers, subprotocols=way.subprotocols)
    try:
        transport = await opening.__aenter__()
    except ConnectError as error:
        logger.warning("the model cannot be reached: %s", error)
        raise Refusal("model_lost", "the model behind cannot be reached") from error
    try:
        yield transport
    finally:
        await opening.__aexit__(None, None, None)
