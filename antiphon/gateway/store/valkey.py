"""A store in Valkey (7 or later) or Redis (6 or later), for any number of gateways."""

import asyncio
import logging
import math
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import anyio
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from antiphon.gateway.store import scripts
from antiphon.gateway.store.address import Address
from antiphon.gateway.store.errors import StoreAway
from antiphon.gateway.store.owed import Batch, Owed, by_model
from antiphon.gateway.store.store import MONEY, check_amounts, check_rate, check_ticket

T = TypeVar("T")

CONNECTIONS = 32
"""At most, for each gateway."""

READY = 1.0
"""Seconds within which a server that is ready answers."""

PAUSE = 1.0
"""Seconds for which nobody who spends tries a server again that was away."""

REMEMBERED = 24 * 3600 * 1000
"""Milliseconds for which a batch of amounts is not counted a second time."""

AT_ONCE = 500
"""Sessions that the server is told in one command."""

_logger = logging.getLogger(__name__)


class ValkeyStore:
    """Remembers in the server at *url*; connects when it is first used, and again when it must.

    An operation takes *timeout* seconds at most and is not cancelled meanwhile, so that whoever
    is cancelled can still leave. The server should not evict (`maxmemory-policy noeviction`), and
    persist if usage is to survive it.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "antiphon:",
        timeout: float = 2.0,
        given_up: float = 60.0,
    ) -> None:
        self._address = Address(url)
        self._prefix = prefix
        self._timeout = timeout
        self._given_up = math.ceil(given_up * 1000)
        self._client: Any = Redis.from_pool(self._address.pool(size=CONNECTIONS, timeout=timeout))
        register = self._client.register_script
        self._keep = register(scripts.KEEP)
        self._redeem = register(scripts.REDEEM)
        self._enter = register(scripts.ENTER)
        self._stay = register(scripts.STAY)
        self._allow = register(scripts.ALLOW)
        self._spend = register(scripts.SPEND)
        self._leaving: list[set[tuple[str, str]]] = []
        """Who left while `stay` was under way, for each that is."""
        self._owed = Owed()
        self._sender = secrets.token_hex(8)
        self._turns: dict[str, anyio.Lock] = {}
        self._away: StoreAway | None = None
        self._paused_until = -math.inf
        self._closed = False

    async def keep_ticket(self, digest: str, grant: bytes, *, uses: int, lifetime: float) -> None:
        check_ticket(uses, lifetime)
        await self._run(self._keep, [self._ticket(digest)], [grant, uses, _ms(lifetime)])

    async def redeem(self, digest: str) -> bytes | None:
        return await self._run(self._redeem, [self._ticket(digest)])

    async def drop_ticket(self, digest: str) -> None:
        await self._run(self._client.delete, self._ticket(digest))

    async def enter(self, key: str, session: str, *, most: int | None) -> bool:
        limit = "" if most is None else most
        entered = await self._run(
            self._enter, [self._sessions(key)], [self._given_up, session, limit]
        )
        return bool(entered)

    async def stay(self, sessions: Mapping[str, Collection[str]]) -> None:
        left: set[tuple[str, str]] = set()
        self._leaving.append(left)
        try:
            for some in _portions(sessions):
                await self._run(self._tell, some)
        finally:
            self._leaving.remove(left)
        for key, session in left:  # the server may have heard of it in the wrong order
            await self.leave(key, session)
        await self._settle_all()

    async def leave(self, key: str, session: str) -> None:
        for left in self._leaving:
            left.add((key, session))
        await self._run(self._client.zrem, self._sessions(key), session)

    async def allow(self, name: str, *, most: int, window: float) -> float | None:
        check_rate(most, window)
        if not most:
            return window
        length = round(window * 1_000_000)
        wait = await self._run(self._allow, [f"{self._prefix}rate:{{{name}}}"], [most, length])
        return wait / 1_000_000 if wait else None

    async def spend(self, key: str, model: str, amounts: Mapping[str, int]) -> None:
        check_amounts(amounts)
        self._owed.add(key, model, amounts)
        with suppress(StoreAway):
            await self._settle(key)

    async def spent(self, key: str) -> Mapping[str, Mapping[str, int]]:
        await self._settle(key)
        return by_model(await self._run(self._client.hgetall, self._usage(key)))

    async def money(self, key: str) -> int:
        await self._settle(key)
        return int(await self._run(self._client.hget, self._usage(key), MONEY) or 0)

    async def ready(self) -> bool:
        # A write: a replica, or a server without memory, would answer a ping.
        name, seconds = f"{self._prefix}ready", 10
        try:
            await self._run(self._client.set, name, b"", seconds, timeout=min(READY, self._timeout))
        except StoreAway:
            return False
        return True

    async def aclose(self) -> None:
        if self._closed:
            return
        await self._settle_all()
        self._closed = True
        for key in self._owed:
            lost = self._owed.all(key)
            _logger.error("the store was never told what %s has spent: %s", key, lost)
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._timeout):
            await self._client.aclose()

    def __repr__(self) -> str:
        return f"ValkeyStore({self._address.where!r})"

    # One operation.

    async def _run(
        self, work: Callable[..., Awaitable[T]], *args: Any, timeout: float | None = None
    ) -> T:
        """What *work* gives. Raises StoreAway, which carries no error that knows the password.

        The timeout is asyncio's, which cancels once: anyio's would go on cancelling while redis
        gives its connection back.
        """
        seconds = self._timeout if timeout is None else timeout
        problem, answered = "", False
        if self._closed:
            raise StoreAway(self._address.where, "it was closed")
        with anyio.CancelScope(shield=True):
            try:
                async with asyncio.timeout(seconds):
                    return await work(*args)
            except TimeoutError:
                problem = f"no answer within {seconds:g} s"
            except (RedisError, OSError) as error:
                problem = self._address.without_secrets(str(error)) or type(error).__name__
                answered = isinstance(error, ResponseError)
        raise StoreAway(self._address.where, problem, answered=answered)

    async def _tell(self, some: Sequence[tuple[str, Sequence[str]]]) -> None:
        async with self._client.pipeline(transaction=False) as pipeline:
            for key, ids in some:
                await self._stay([self._sessions(key)], [self._given_up, *ids], client=pipeline)
            await pipeline.execute()

    # What was spent.

    async def _settle(self, key: str, *, now: bool = False) -> None:
        """Hand over what is owed to *key*; not so soon after it failed, unless *now*."""
        if key not in self._owed:
            return
        turn = self._turns.setdefault(key, anyio.Lock())
        try:
            async with turn:
                for _ in range(2):  # the batch of a try before, and what came later
                    batch = self._owed.next(key)
                    if batch is None:
                        return
                    if self._away and not now and anyio.current_time() < self._paused_until:
                        raise self._away.again()
                    await self._hand_over(key, batch)
        finally:
            if not turn.locked():
                self._turns.pop(key, None)

    async def _settle_all(self) -> None:
        for key in self._owed:
            try:
                await self._settle(key, now=True)
            except StoreAway as error:
                if not error.answered:
                    return

    async def _hand_over(self, key: str, batch: Batch) -> None:
        names = [self._usage(key), f"{self._prefix}told:{{{key}}}:{self._sender}"]
        fields = [part for pair in batch.amounts.items() for part in pair]
        try:
            await self._run(self._spend, names, [batch.number, REMEMBERED, *fields])
        except StoreAway as error:
            if self._away is None:
                _logger.warning("%s; what is spent is kept until it is back", error)
            self._away = error
            self._paused_until = anyio.current_time() + PAUSE
            raise
        self._owed.confirm(key)
        if self._away is not None:
            _logger.info("the store at %s is back", self._address.where)
            self._away = None

    # Names. Those that one script touches have the same part in braces, which is what decides
    # where in a cluster they are.

    def _ticket(self, digest: str) -> str:
        return f"{self._prefix}ticket:{{{digest}}}"

    def _sessions(self, key: str) -> str:
        return f"{self._prefix}sessions:{{{key}}}"

    def _usage(self, key: str) -> str:
        return f"{self._prefix}spent:{{{key}}}"


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def _portions(
    sessions: Mapping[str, Collection[str]],
) -> Iterator[Sequence[tuple[str, Sequence[str]]]]:
    """All sessions by key, in portions that the server has done within a few ms."""
    portion: list[tuple[str, Sequence[str]]] = []
    for key, ids in list(sessions.items()):
        all_ids = list(ids)
        for start in range(0, len(all_ids), AT_ONCE):
            portion.append((key, all_ids[start : start + AT_ONCE]))
            if sum(len(some) for _, some in portion) >= AT_ONCE:
                yield portion
                portion = []
    if portion:
        yield portion
