"""What does the gateway add to an audio message's way, and what does it cost?

Client, gateway and provider are processes of their own on this machine; the client says 20 ms of
sound, the provider answers each message with one of its own, and soon the next is said. `in`
is from the client's writing to the provider's reading, `back` from there to the client's reading,
both in milliseconds above the median without any gateway; `CPU` is the gateway's, in milliseconds
for a message of either direction (Linux only). Client and provider make their messages beforehand
and hardly look at what comes, so that they are not what is measured. Where a front is not its
upstream's, messages are translated, and for Gemini resampled, too; else they are relayed, read
and metered. `bare relay` does nothing but pass on what comes, on the library `websockets`.

Blocks of all gateways take turns; the median of a block counts, and the median of the blocks.
`to LiteLLM` is the ratio of the CPU time to that of LiteLLM's proxy, which relays and does not
translate here. It need not be installed beside us: ANTIPHON_PEERS=/path/to/bin/python names the
interpreter that has it (`pip install "litellm[proxy]"`).
"""

import argparse
import asyncio
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import Row, report
from benchmarks.peers import gateways
from benchmarks.peers.crowd import Talker, Way
from benchmarks.peers.elsewhere import installed
from benchmarks.peers.process import KNOWN, cpu_of
from benchmarks.peers.repeater import HOST, Repeater, repeater

ADDED_TO_BE, CPU_TO_BE = 0.15, 0.1
"""Milliseconds, at most, translated."""

PAUSE = 0.001
"""Seconds between an answer and the next message: who never stops is slowed down by some."""

PATIENCE = 10.0

RELAYED = (("openai", "openai"), ("vercel", "vercel"), ("gemini", "gemini"))
TRANSLATED = (
    ("openai", "vercel"),
    ("vercel", "openai"),
    ("openai", "gemini"),
    ("gemini", "openai"),
)

DIRECT, BARE, OURS, LITELLM = "none", "bare relay", "antiphon", "litellm"


class Contender(NamedTuple):
    gateway: str
    front: str
    upstream: str
    way: Way
    pid: int | None


class Block(NamedTuple):
    """Milliseconds a message."""

    there: Sequence[float]
    back: Sequence[float]
    cpu: float | None


async def contenders(
    stack: AsyncExitStack, port: int, pairs: Sequence[tuple[str, str]]
) -> list[Contender]:
    found: list[Contender] = []

    def take(name: str, gateway: gateways.Gateway, *pairs: tuple[str, str]) -> None:
        pid = gateway.pid if KNOWN and gateway.pid else None
        found.extend(Contender(name, *pair, gateway.way(*pair), pid) for pair in pairs)

    none = gateways.Gateway(0, f"http://{HOST}:{port}")
    take(DIRECT, none, *((front, front) for front in dict.fromkeys(pair[0] for pair in pairs)))
    take(BARE, await stack.enter_async_context(gateways.bare(port)), ("openai", "openai"))
    take(OURS, await stack.enter_async_context(gateways.antiphon(port)), *pairs)
    if version := installed("litellm"):
        gateway = await stack.enter_async_context(gateways.litellm(port))
        take(f"{LITELLM} {version}", gateway, ("openai", "openai"))
    return found


async def block(talker: Talker, provider: Repeater, messages: int, pid: int | None) -> Block:
    await provider.stamps()
    talker.went.clear()
    talker.came.clear()
    cpu = 0.0 if pid is None else cpu_of(pid)
    for _ in range(messages):
        talker.say()
        async with asyncio.timeout(PATIENCE):
            await talker.back.wait()
        await asyncio.sleep(PAUSE)
    used = None if pid is None else (cpu_of(pid) - cpu) / (2 * messages) * 1e3
    stamps = await provider.stamps()
    if len(stamps) != messages:
        raise RuntimeError(f"the provider has heard {len(stamps)} of {messages} messages")
    there = [(read - went) * 1e3 for (read, _), went in zip(stamps, talker.went, strict=True)]
    back = [(came - wrote) * 1e3 for (_, wrote), came in zip(stamps, talker.came, strict=True)]
    return Block(there, back, used)


async def blocks(
    pairs: Sequence[tuple[str, str]], messages: int, repeats: int
) -> list[tuple[Contender, list[Block]]]:
    done = defaultdict[int, list[Block]](list)
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(repeater())
        them = await contenders(stack, provider.port, pairs)
        talkers: list[Talker] = []
        for one in them:
            talker = Talker(one.way)
            stack.push_async_callback(talker.aclose)
            await talker.open()
            await block(talker, provider, messages, one.pid)
            talkers.append(talker)
        for _ in range(repeats):
            for index, one in enumerate(them):
                done[index].append(await block(talkers[index], provider, messages, one.pid))
    return [(one, done[index]) for index, one in enumerate(them)]


def rows(measured: Sequence[tuple[Contender, list[Block]]]) -> Iterator[Row]:
    direct = {
        one.front: (_middle(blocks, "there", 50), _middle(blocks, "back", 50))
        for one, blocks in measured
        if one.gateway == DIRECT
    }
    peer = next((_cpu(found) for one, found in measured if one.gateway.startswith(LITELLM)), None)
    for one, found in measured:
        there, back = (0.0, 0.0) if one.gateway == DIRECT else direct[one.front]
        row: dict[str, object] = {
            "gateway": one.gateway,
            "front > upstream": f"{one.front} > {one.upstream}",
        }
        for name, way, without in (("in", "there", there), ("back", "back", back)):
            row[f"{name} p50"] = _middle(found, way, 50) - without
            row[f"{name} p99"] = _middle(found, way, 99) - without
        translated = one.front != one.upstream
        row["to be"] = ADDED_TO_BE if translated else None
        cpu = row["CPU"] = _cpu(found)
        row["CPU to be"] = CPU_TO_BE if translated else None
        if peer and cpu is not None and not one.gateway.startswith(LITELLM):
            row["to LiteLLM"] = cpu / peer
        yield row


def _middle(blocks: Sequence[Block], way: str, percent: int) -> float:
    cuts = [
        statistics.quantiles(getattr(one, way), n=100, method="inclusive")[percent - 1]
        for one in blocks
    ]
    return statistics.median(cuts)


def _cpu(blocks: Sequence[Block]) -> float | None:
    used = [one.cpu for one in blocks if one.cpu is not None]
    return statistics.median(used) if used else None


def main() -> None:
    question = (__doc__ or "").strip()
    parser = argparse.ArgumentParser(description=question.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows there too")
    parser.add_argument("--repeats", type=int, default=15, help="blocks of each (median counts)")
    parser.add_argument("--messages", type=int, default=200, help="each way in a block")
    parser.add_argument("--quick", action="store_true", help="one short block of three pairs")
    given = parser.parse_args()
    pairs = (*RELAYED, *TRANSLATED)
    if given.quick:
        given.repeats, given.messages = 1, 20
        pairs = (RELAYED[0], TRANSLATED[0], TRANSLATED[-1])
    measured = asyncio.run(blocks(pairs, given.messages, given.repeats))
    left_out = "" if installed("litellm") else gateways.LEFT_OUT
    report(f"{question}{left_out}", list(rows(measured)), given.json)


if __name__ == "__main__":
    main()
