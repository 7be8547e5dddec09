"""What a session costs, and whether there is still money for it."""

import logging
from collections.abc import Callable, Mapping

from antiphon.codecs import events
from antiphon.codecs.refusing import Problem
from antiphon.gateway.keys import Key
from antiphon.gateway.store import Store, StoreAway
from antiphon.gateway.store.store import MONEY
from antiphon.pipeline import Frame, now
from antiphon.processors.meter import Meter
from antiphon.processors.spent import Spent

logger = logging.getLogger(__name__)

DOLLAR = 1_000_000
"""Micro-dollars."""

COSTS = (
    events.ResponseDone,
    events.SessionUsage,
    events.Custom,
    events.InputTranscriptionCompleted,
)
"""After these there may be less money than before."""


class Account:
    """Hears what is said in a session with *model*, and lets *end* know when the money is spent.

    What a session may spend is its own budget or what is left of its key's, whichever is less;
    sessions of one key learn of each other's spending with every `settle`.
    """

    def __init__(
        self, key: Key, model: str, store: Store, meter: Meter, *, end: Callable[[Problem], None]
    ) -> None:
        self.meter = meter
        self._key = key
        self._model = model
        self._store = store
        self._end = end
        self._settled: dict[str, int] = {}
        self._own = None if key.session_budget is None else round(key.session_budget * DOLLAR)
        meter.limit = self._own

    def said(self, event: Frame) -> None:
        self.meter.said(event)

    def heard(self, event: Frame) -> None:
        self.meter.heard(event)
        if isinstance(event, COSTS):
            self._check()

    @property
    def limited(self) -> bool:
        """Whether there is any budget."""
        return self._own is not None or self._key.budget is not None

    async def open(self) -> None:
        """Before anything is said. Raises StoreAway."""
        await self._limit()
        self._check()

    async def settle(self) -> None:
        """Write down what was spent since, and see what is left."""
        self.meter.tick(now())
        await self._write()
        try:
            await self._limit()
        except StoreAway:
            logger.warning("the store is away: what a key has left is not known")
        self._check()

    async def close(self) -> Spent:
        self.meter.tick(now())
        await self._write()
        return self.meter.total

    async def _write(self) -> None:
        amounts = _amounts(self.meter.total)
        fresh = {name: n - self._settled.get(name, 0) for name, n in amounts.items()}
        self._settled = dict(amounts)
        if any(fresh.values()):
            await self._store.spend(self._key.id, self._model, fresh)

    async def _limit(self) -> None:
        if self._key.budget is None:
            return
        others = await self._store.money(self._key.id) - self._settled.get(MONEY, 0)
        left = round(self._key.budget * DOLLAR) - others
        self.meter.limit = left if self._own is None else min(self._own, left)

    def _check(self) -> None:
        if self.meter.spent:
            self._end(Problem(cause="no_credit", message="the budget is spent"))


def _amounts(spent: Spent) -> Mapping[str, int]:
    usage = spent.usage
    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "milliseconds_heard": spent.heard // 1_000,
        "milliseconds_spoken": spent.spoken // 1_000,
        "milliseconds": spent.duration // 1_000,
        MONEY: spent.money,
        "estimated": int(spent.estimated),
    }
    return {name: count for name, count in counts.items() if count is not None}
