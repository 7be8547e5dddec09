"""How many sessions does one gateway process hold, and what does one take of its memory?

Clients, gateway and provider are processes of their own on this machine. Each session says a
message of 20 ms of sound fifty times a second, at its own moment, and the provider answers each
with one of its own. Sessions grow by a quarter until they do not hold, which is tried three times:
the 99th percentile of what the gateway adds to a message's way there and back together is 20 ms
or more, or messages are lost. `held` is the most that held, `core` the share of a core that they
took, and `a core` how many would take a whole one, which other guests of the machine change less.
`CPU us` is the gateway's for a message of either direction, `no core` the share of the time in
which it could have run and had none: then the machine is the limit, not the gateway. `clients`
and `provider` are the shares of a core that those take, each of the `processes` of the clients;
near one they are the limit. `idle KB` is by how much the gateway grows for a session that has said
one message, `busy KB` after seconds of talk. Linux only.

`to LiteLLM` is the ratio of `a core` to that of LiteLLM's proxy, which relays: see
gateway_latency for how that is found.
"""

import argparse
import asyncio
import math
import statistics
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import Row, report
from benchmarks.peers import gateways
from benchmarks.peers.crowd import Crowd, Heard, crowd
from benchmarks.peers.elsewhere import installed
from benchmarks.peers.process import cpu_of, resident_of, waited_of
from benchmarks.peers.repeater import FRAME, HOST, Repeater, repeater

LIMIT = 20.0
"""Milliseconds."""

KB_TO_BE = 150.0
RATIO_TO_BE = 4.0

STEP = 1.25
TRIES = 3
FIRST, SECOND = 20, 60
"""Sessions with which it begins: the memory of the first ones is not counted."""

PAIRS = (
    ("openai", "openai"),
    ("openai", "vercel"),
    ("vercel", "openai"),
    ("openai", "gemini"),
    ("gemini", "openai"),
)

Start = Callable[[int], AbstractAsyncContextManager[gateways.Gateway]]


class Load(NamedTuple):
    """What so many sessions did."""

    sessions: int
    p50: float
    p99: float
    """Milliseconds there and back."""
    lost: int
    core: float
    no_core: float
    cpu_us: float
    clients: float
    provider: float


def holds(load: Load, floor: float) -> bool:
    """*floor* is what a message takes without a gateway, in milliseconds."""
    return load.p99 - floor < LIMIT and not load.lost


class Trial(NamedTuple):
    """One gateway, as far as it went."""

    held: Load
    failed: Load | None
    idle: float
    busy: float
    """Bytes a session."""


class Line:
    """Clients before a gateway before a provider, in as many sessions as were asked for."""

    def __init__(self, crowds: Sequence[Crowd], pid: int, provider: Repeater) -> None:
        self._crowds = crowds
        self._pid = pid
        self._provider = provider
        self.sessions = 0

    async def grow(self, to: int) -> None:
        """Raises ConnectionError if they are not let in."""
        most, over = divmod(to - self.sessions, len(self._crowds))
        each = [most + (index < over) for index in range(len(self._crowds))]
        async with asyncio.TaskGroup() as group:
            for one, count in zip(self._crowds, each, strict=True):
                if count > 0:
                    group.create_task(one.grow(count))
        self.sessions = to

    async def talk(self, seconds: float) -> Load:
        await self._provider.stamps()
        pid, theirs = self._pid, self._provider.process.pid
        cpu, waited, spent = cpu_of(pid), waited_of(pid), cpu_of(theirs)
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            talks = [group.create_task(one.talk(seconds)) for one in self._crowds]
        took = max(seconds, min(loop.time() - start, seconds + 2 * FRAME))
        heard = [Heard(*talk.result()) for talk in talks]
        said = sum(one.said for one in heard)
        late = [ms for one in heard for ms in one.took] or [math.inf] * 2
        used = cpu_of(pid) - cpu
        return Load(
            self.sessions,
            statistics.median(late),
            statistics.quantiles(late, n=100, method="inclusive")[98],
            sum(one.lost for one in heard),
            used / took,
            (waited_of(pid) - waited) / took,
            used / (2 * said) * 1e6,
            max(one.cpu for one in heard),
            (cpu_of(theirs) - spent) / took,
        )


@asynccontextmanager
async def line(
    start: Start | None, front: str, upstream: str, processes: int
) -> AsyncGenerator[tuple[Line, int]]:
    """With the id of the gateway's process; without a gateway, that of the provider's."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(repeater())
        gateway = gateways.Gateway(provider.process.pid, f"http://{HOST}:{provider.port}")
        if start is not None:
            gateway = await stack.enter_async_context(start(provider.port))
        way = gateway.way(front, upstream)
        crowds = [await stack.enter_async_context(crowd(way)) for _ in range(processes)]
        yield Line(crowds, gateway.pid, provider), gateway.pid


async def alone(front: str, processes: int, seconds: float) -> Load:
    async with line(None, front, front, processes) as (clients, _):
        await clients.grow(FIRST)
        return await clients.talk(seconds)


async def trial(
    start: Start, front: str, upstream: str, given: argparse.Namespace, floor: float
) -> Trial:
    async with line(start, front, upstream, given.processes) as (clients, pid):
        await clients.grow(min(FIRST, given.at_most))
        held = await steady(clients, given.seconds, floor)
        small, sessions = resident_of(pid), clients.sessions
        await clients.grow(max(min(given.at_most, SECOND), sessions + 2))
        more = clients.sessions - sessions
        idle = (resident_of(pid) - small) / more
        load = await steady(clients, given.seconds, floor)
        busy = (resident_of(pid) - small) / more
        while holds(load, floor):
            held = load
            if clients.sessions >= given.at_most:
                return Trial(held, None, idle, busy)
            try:
                await clients.grow(min(math.ceil(clients.sessions * STEP), given.at_most))
            except (ConnectionError, ExceptionGroup):
                return Trial(held, None, idle, busy)
            load = await steady(clients, given.seconds, floor)
        return Trial(held, load, idle, busy)


async def steady(clients: Line, seconds: float, floor: float) -> Load:
    """Of several tries the first that holds, or the last."""
    load = await clients.talk(seconds)
    for _ in range(TRIES - 1):
        if holds(load, floor):
            break
        load = await clients.talk(seconds)
    return load


def contenders(quick: bool) -> Iterator[tuple[str, Start, tuple[str, str]]]:
    pairs = PAIRS[:2] if quick else PAIRS
    yield "bare relay", gateways.bare, PAIRS[0]
    for pair in pairs:
        yield "antiphon", gateways.antiphon, pair
    if version := installed("litellm"):
        yield f"litellm {version}", gateways.litellm, PAIRS[0]


async def measure(given: argparse.Namespace) -> list[Row]:
    floors: dict[str, float] = {}
    trials: list[tuple[str, tuple[str, str], Trial]] = []
    for name, start, pair in contenders(given.quick):
        if pair[0] not in floors:
            floors[pair[0]] = (await alone(pair[0], given.processes, given.seconds)).p50
        trials.append((name, pair, await trial(start, *pair, given, floors[pair[0]])))
    peer = next((_a_core(one.held) for name, _, one in trials if name.startswith("litellm")), None)
    return [_row(name, pair, one, floors[pair[0]], peer) for name, pair, one in trials]


def _row(name: str, pair: tuple[str, str], one: Trial, floor: float, peer: float | None) -> Row:
    held = one.held
    row: dict[str, object] = {
        "gateway": name,
        "front > upstream": " > ".join(pair),
        "held": held.sessions if holds(held, floor) else 0,
        "added p50 ms": held.p50 - floor,
        "added p99 ms": held.p99 - floor,
        "core": held.core,
        "a core": _a_core(held),
        "CPU us": held.cpu_us,
        "no core": held.no_core,
        "clients": held.clients,
        "provider": held.provider,
        "more: p99 ms": None if one.failed is None else one.failed.p99 - floor,
        "more: no core": None if one.failed is None else one.failed.no_core,
        "idle KB": one.idle / 1024,
        "busy KB": one.busy / 1024,
        "KB to be": KB_TO_BE if name == "antiphon" else None,
    }
    if peer and not name.startswith("litellm"):
        row["to LiteLLM"] = _a_core(held) / peer
        row["to LiteLLM, to be"] = RATIO_TO_BE if name == "antiphon" else None
    return row


def _a_core(load: Load) -> float:
    return load.sessions / load.core


def main() -> None:
    question = (__doc__ or "").strip()
    parser = argparse.ArgumentParser(description=question.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows there too")
    parser.add_argument("--seconds", type=float, default=2.0, help="of talk in a step")
    parser.add_argument("--at-most", type=int, default=2000, help="sessions")
    parser.add_argument("--processes", type=int, default=2, help="of clients")
    parser.add_argument("--quick", action="store_true", help="a few sessions, for a moment")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.at_most = 0.2, 4
    rows = asyncio.run(measure(given))
    left_out = "" if installed("litellm") else gateways.LEFT_OUT
    report(f"{question}{left_out}", rows, given.json)


if __name__ == "__main__":
    main()
