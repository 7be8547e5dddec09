"""What all sessions of a gateway share."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread

from antiphon.codecs.dialect import Dialect
from antiphon.gateway.account import DOLLAR
from antiphon.gateway.admission import Away, Guest, Refusal
from antiphon.gateway.aliases import LOCAL, plain
from antiphon.gateway.keys import Keys
from antiphon.gateway.observe.metrics import Metrics
from antiphon.gateway.observe.redact import hide
from antiphon.gateway.observe.traces import open_traces
from antiphon.gateway.routing import NoSuchModel, NotAllowed, Routes, Target
from antiphon.gateway.settings import Agent, Settings
from antiphon.gateway.store import Store, StoreAway, open_store
from antiphon.processors.prices import Prices
from antiphon.transports import Transport


class House:
    """Settings, and what follows from them."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self.keys = Keys.from_settings(settings)
        self.routes = Routes(settings)
        url = settings.store.url
        self.store = store or open_store(None if url is None else url.reveal())
        self.prices = Prices.standard() if settings.prices is None else Prices.read(settings.prices)

        observe = settings.observe
        hide(*_secrets(settings))
        self.metrics = Metrics(upstreams=(LOCAL, *settings.upstreams))
        self.traces = open_traces(endpoint=observe.otlp)

    async def aclose(self) -> None:
        await self.traces.aclose()
        self.metrics.close()
        await self.store.aclose()

    @property
    def has_page_guest(self) -> bool:
        """Whether somebody pays for pages."""
        return self.settings.browser.page and (
            self.keys.anybody or self.settings.browser.key is not None
        )

    def page_guest(self) -> Guest:
        """Whoever uses the gateway's own page, which has no key. Raises Refusal."""
        name = self.settings.browser.key
        key = self.keys.check(None) if name is None else self.keys.named(name)
        if not self.settings.browser.page or key is None:
            raise Refusal(
                "forbidden",
                "nobody pays for pages: name a key in the configuration, [browser] key",
            )
        return Guest(key)

    def agent(self, asked: str | None) -> Agent | None:
        return self.settings.agents.get(plain(asked)) if asked is not None else None

    def target(self, front: Dialect, guest: Guest, asked: str | None) -> Target:
        """Who is to answer *guest*. Raises Refusal."""
        agent = self.agent(asked)
        if agent is not None and agent.model is not None:
            asked = agent.model
        try:
            return self.routes.upstream(asked, dialect=front.name, key=guest.key)
        except NotAllowed as error:
            raise Refusal("forbidden", str(error), param="model") from error
        except NoSuchModel as error:
            raise Refusal("not_found", str(error), param="model") from error

    @asynccontextmanager
    async def recorded(
        self, transport: Transport, front: Dialect, asked: str | None, model: str | None
    ) -> AsyncGenerator[Transport]:
        """*transport*, of whose messages a recording is made if one is wanted."""
        folder = self.settings.recordings
        if folder is None:
            yield transport
            return
        from antiphon.recording.recorder import Recorder
        from antiphon.recording.wire import tapped

        about = {
            "bot": "serve",
            "model": model or "",
            "dialect": front.name,
            "served": asked or "",
        }
        recorder = Recorder(folder, name="serve", about=about)
        try:
            yield tapped(transport, recorder, side="client")
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(recorder.close)

    async def enter(self, guest: Guest, session: str) -> None:
        """Count *session* among those of its key. Raises Refusal."""
        most, budget = guest.key.limits.concurrent, guest.key.budget
        try:
            if budget is not None and await self.store.money(guest.key.id) >= budget * DOLLAR:
                raise Refusal("no_credit", "the budget is spent")
            room = await self.store.enter(guest.key.id, session, most=most)
        except StoreAway as error:
            raise Away from error
        if not room:
            raise Refusal("too_many_sessions", f"there are {most} sessions already", after=5)


def _secrets(settings: Settings) -> Iterator[str]:
    """What no line of a log may show, wherever it comes from."""
    known = [
        *(upstream.key for upstream in settings.upstreams.values()),
        *(secret for key in settings.keys.values() for secret in key.secret),
        *(server.credential for server in settings.webrtc.ice_servers),
        settings.observe.metrics_token,
        settings.store.url,
    ]
    return (secret.reveal() for secret in known if secret is not None)
