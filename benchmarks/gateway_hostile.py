"""How much later does a session hear from the gateway while others attack it?

A gateway runs in a process of its own, with the default limits. A quiet session (OpenAI's
dialect, local/echo) says something every 10 ms that is answered at once, and the answer's delay
is what is measured; beside it another process attacks, at the lowest priority, and gateway and
session have a high one where that is allowed, so that what is measured is the gateway and not
others' share of the machine. `added` is against the same
session with no attack. `memory` is the gateway's resident set before and after, and its largest.
`KB a session` is what an idle session adds, of 500.
"""

import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import websockets

from benchmarks.harness import Row, arguments, report
from benchmarks.peers.attacks import ATTACKS, PATH, Door, attack

KEY = "sk-benchmark"
PERIOD = 0.01
STARTING = 30.0
WARM_UP = 1.0
"""Seconds of an attack before it counts."""

SESSIONS = 500


@contextmanager
def gateway() -> Generator[tuple[int, int]]:
    """Port and process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with TemporaryDirectory() as folder:
        config = Path(folder) / "gateway.toml"
        config.write_text("[observe]\nlog_level = 'WARNING'\n")
        command = [sys.executable, "-m", "antiphon", "serve", "--config", str(config)]
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ANTIPHON_API_KEYS": KEY},
        )
        try:
            until = time.monotonic() + STARTING
            _hurry(process.pid)
            while not _listens(port):
                assert process.poll() is None and time.monotonic() < until, "it does not listen"
                time.sleep(0.05)
            yield port, process.pid
        finally:
            process.kill()
            process.wait()


def memory(pid: int, what: str = "VmRSS") -> float:
    """Megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) / 1024
    raise ValueError(what)


async def quiet(port: int, seconds: float) -> list[float]:
    """Delays of answers, in milliseconds."""
    delays: list[float] = []
    async with websockets.connect(
        f"ws://127.0.0.1:{port}{PATH}",
        additional_headers={"authorization": f"Bearer {KEY}"},
        ping_interval=None,
    ) as socket:
        while json.loads(await socket.recv())["type"] != "session.created":
            pass
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            await socket.send('{"type":"input_audio_buffer.clear"}')
            while json.loads(await socket.recv())["type"] != "input_audio_buffer.cleared":
                pass
            delays.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(max(0.0, began + PERIOD - time.perf_counter()))
    return delays


def besiege(port: int, name: str, seconds: float, begun: "multiprocessing.Queue[int]") -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    what, attackers = ATTACKS[name]
    door = Door(port, key=KEY)
    begun.put(asyncio.run(attack(door, what, attackers=attackers, seconds=seconds)))


def under(name: str, seconds: float, calm: tuple[float, float]) -> Row:
    spawn = multiprocessing.get_context("spawn")
    with gateway() as (port, pid):
        asyncio.run(quiet(port, 0.5))
        before = memory(pid)
        begun: multiprocessing.Queue[int] = spawn.Queue()
        attacker = spawn.Process(target=besiege, args=(port, name, seconds + 3, begun))
        attacker.start()
        time.sleep(WARM_UP + 0.5)
        delays = asyncio.run(quiet(port, seconds))
        times = begun.get()
        attacker.join()
        p50, p99 = percentiles(delays)
        return {
            "attack": name,
            "attackers": ATTACKS[name][1],
            "begun": times,
            "p50 ms": p50,
            "p99 ms": p99,
            "added p50": p50 - calm[0],
            "added p99": p99 - calm[1],
            "MB before": before,
            "MB after": memory(pid),
            "MB at most": memory(pid, "VmHWM"),
        }


def percentiles(delays: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(delays, n=100)
    return cuts[49], cuts[98]


def idle_sessions() -> Row:
    """Once the process has had as many before, so that what they share is there."""

    async def main(port: int, pid: int) -> float:
        door = Door(port, key=KEY)

        async def hold(opened: asyncio.Semaphore, leave: asyncio.Event) -> None:
            async with door.session() as line:
                await line.frame()
                opened.release()
                await leave.wait()

        async def crowd(sessions: int) -> float:
            opened, leave = asyncio.Semaphore(0), asyncio.Event()
            before = memory(pid)
            async with asyncio.TaskGroup() as group:
                for _ in range(sessions):
                    group.create_task(hold(opened, leave))
                    await opened.acquire()
                await asyncio.sleep(1)
                grown = memory(pid) - before
                leave.set()
            return grown / sessions * 1024

        await crowd(20)
        return await crowd(SESSIONS)

    with gateway() as (port, pid):
        return {"attack": f"none, {SESSIONS} idle", "KB a session": asyncio.run(main(port, pid))}


def _hurry(pid: int) -> None:
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -15)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def main() -> None:
    question = "How much later does a session hear from the gateway while others attack it?"
    given = arguments(question, repeats=None, seconds=5.0, only="")
    _hurry(0)
    with gateway() as (port, _):
        asyncio.run(quiet(port, 0.5))
        calm = percentiles(asyncio.run(quiet(port, given.seconds)))
    rows: list[Row] = [{"attack": "none", "p50 ms": calm[0], "p99 ms": calm[1]}]
    chosen = [name for name in ATTACKS if given.only in name]
    rows += [under(name, given.seconds, calm) for name in chosen]
    if not given.only:
        rows.append(idle_sessions())
    report(question, rows, given.json)


if __name__ == "__main__":
    main()
