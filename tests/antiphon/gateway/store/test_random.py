"""Whatever is asked in whatever order, stores answer as a simple model of them does."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.gateway.store import Store, open_store
from antiphon.gateway.store.memory import MemoryStore
from tests.antiphon.gateway.store.conftest import PATIENCE, Time
from tests.antiphon.gateway.store.servers import Server

RATES = {"mint": (2, 40.0), "list": (3, 7.0)}

Ask = Callable[[Coroutine[Any, Any, Any]], Any]


class Step(msgspec.Struct, frozen=True, tag=True):
    """One thing that is asked of a store."""


class Keep(Step, frozen=True):
    digest: str
    grant: bytes
    uses: int
    lifetime: int


class Redeem(Step, frozen=True):
    digest: str


class Drop(Step, frozen=True):
    digest: str


class Enter(Step, frozen=True):
    key: str
    session: str
    most: int | None


class Leave(Step, frozen=True):
    key: str
    session: str


class Stay(Step, frozen=True):
    sessions: dict[str, frozenset[str]]


class Allow(Step, frozen=True):
    name: str


class Spend(Step, frozen=True):
    key: str
    model: str
    amounts: dict[str, int]


class Wait(Step, frozen=True):
    seconds: int


class Model:
    """What a store is to do, said as plainly as can be: it forgets nothing, and looks at times."""

    def __init__(self, given_up: float) -> None:
        self.now = 0.0
        self._given_up = given_up
        self._tickets: dict[str, tuple[bytes, float, float]] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._allowed: list[tuple[str, float]] = []
        self._spent: Counter[tuple[str, str, str]] = Counter()
        self._counters: set[tuple[str, str, str]] = set()

    def do(self, step: Step) -> object:
        match step:
            case Keep():
                left = step.uses or float("inf")
                self._tickets[step.digest] = (step.grant, left, self.now + step.lifetime)
            case Redeem():
                grant, left, until = self._tickets.get(step.digest, (b"", 0, 0.0))
                if left > 0 and self.now < until:
                    self._tickets[step.digest] = (grant, left - 1, until)
                    return grant
            case Drop():
                self._tickets.pop(step.digest, None)
            case Enter():
                others = self._there(step.key) - {step.session}
                is_there = step.session in self._there(step.key)
                if step.most is not None and not is_there and len(others) >= step.most:
                    return False
                self._told[step.key, step.session] = self.now
                return True
            case Leave():
                self._told.pop((step.key, step.session), None)
            case Stay():
                for key, sessions in step.sessions.items():
                    self._told.update({(key, session): self.now for session in sessions})
            case Allow():
                most, window = RATES[step.name]
                times = [at for name, at in self._allowed if name == step.name]
                recent = [at for at in times if at > self.now - window]
                if len(recent) >= most:
                    return recent[-most] + window - self.now
                self._allowed.append((step.name, self.now))
            case Spend():
                for name, amount in step.amounts.items():
                    self._spent[step.key, step.model, name] += amount
                    self._counters.add((step.key, step.model, name))
            case Wait():
                self.now += step.seconds
            case _:
                raise AssertionError(step)
        return None

    def spent(self, key: str) -> dict[str, dict[str, int]]:
        usage: dict[str, dict[str, int]] = {}
        for whose, model, name in self._counters:
            if whose == key:
                usage.setdefault(model, {})[name] = self._spent[whose, model, name]
        return usage

    def money(self, key: str) -> int:
        return sum(counters.get("money", 0) for counters in self.spent(key).values())

    def _there(self, key: str) -> set[str]:
        return {
            session
            for (whose, session), at in self._told.items()
            if whose == key and self.now < at + self._given_up
        }


def asked(store: Store, step: Step) -> Coroutine[Any, Any, Any]:
    match step:
        case Keep():
            return store.keep_ticket(
                step.digest, step.grant, uses=step.uses, lifetime=step.lifetime
            )
        case Redeem():
            return store.redeem(step.digest)
        case Drop():
            return store.drop_ticket(step.digest)
        case Enter():
            return store.enter(step.key, step.session, most=step.most)
        case Leave():
            return store.leave(step.key, step.session)
        case Stay():
            return store.stay(step.sessions)
        case Allow():
            most, window = RATES[step.name]
            return store.allow(step.name, most=most, window=window)
        case Spend():
            return store.spend(step.key, step.model, step.amounts)
        case _:
            raise AssertionError(step)


digests = st.sampled_from(["d1", "d2", "d3"])
keys = st.sampled_from(["key", "cle} é", "{"])
sessions = st.sampled_from(["s1", "s2", "s3", "s4"])
names = st.sampled_from(["money", "ms", "audio tokens", "x y:z"])
steps = st.one_of(
    st.builds(Keep, digests, st.binary(max_size=9), st.integers(0, 3), st.integers(20, 90)),
    st.builds(Redeem, digests),
    st.builds(Drop, digests),
    st.builds(Enter, keys, sessions, st.none() | st.integers(0, 3)),
    st.builds(Leave, keys, sessions),
    st.builds(Stay, st.dictionaries(keys, st.frozensets(sessions))),
    st.builds(Allow, st.sampled_from(sorted(RATES))),
    st.builds(
        Spend,
        keys,
        st.sampled_from(["openai/gpt", '"]']) | st.text(max_size=5),
        st.dictionaries(names, st.integers(-5, 2**53), max_size=3),
    ),
)
waits = st.builds(Wait, st.integers(1, 30))


@settings(max_examples=400, deadline=None)
@given(script=st.lists(steps | waits, max_size=40))
def test_memory_does_as_the_model_does(script: list[Step]) -> None:
    time, model = Time(), Model(60.0)
    store = MemoryStore(given_up=60.0, clock=time)
    began = time.now

    for step in script:
        expected = model.do(step)
        time.now = began + model.now
        if not isinstance(step, Wait):
            assert at_once(asked(store, step)) == expected

    for key in ("key", "cle} é", "{"):
        assert at_once(store.spent(key)) == model.spent(key)
        assert at_once(store.money(key)) == model.money(key)


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """What *work* gives, which must not wait for anything."""
    with pytest.raises(StopIteration) as stopped:
        work.send(None)
    return stopped.value.value


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(steps, max_size=40))
def test_a_server_does_as_the_model_does(
    program: str, running: Callable[[str], Server], script: list[Step]
) -> None:
    model = Model(60.0)

    with on(running(program).url) as (store, ask):
        for step in script:
            expected, heard = model.do(step), ask(asked(store, step))
            if isinstance(step, Allow) and expected is not None:
                assert 0 < heard <= RATES[step.name][1]  # its time goes on
            else:
                assert heard == expected

        for key in ("key", "cle} é", "{"):
            assert ask(store.spent(key)) == model.spent(key)
            assert ask(store.money(key)) == model.money(key)


@contextmanager
def on(url: str) -> Generator[tuple[Store, Ask]]:
    store = open_store(url, prefix=f"{uuid4().hex}:", timeout=PATIENCE)
    with asyncio.Runner() as runner:
        try:
            yield store, runner.run
        finally:
            runner.run(store.aclose())
