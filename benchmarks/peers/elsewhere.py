"""A server that echoes over WebRTC, run by an interpreter that has it installed."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers.trouble import Trouble

PYTHON = "ANTIPHON_PEERS"
"""The environment variable that names the interpreter; without it, it is this one."""

ROOT = Path(__file__).parents[2]

PATIENCE = 60.0
"""Seconds for an answer: one library alone is imported for ten."""

LARGEST = 1024 * 1024


def interpreter() -> str:
    return os.environ.get(PYTHON) or sys.executable


def installed(package: str) -> str | None:
    """Its version there; None, if it is not."""
    asked = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    found = subprocess.run(
        [interpreter(), "-c", asked, package], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


class Elsewhere:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def answer(self, offer: str) -> str:
        answered: str = (await self._ask(offer=offer))["answer"]
        return answered

    async def trouble(self, trouble: Trouble) -> None:
        """Befalls what the server sends."""
        await self._ask(trouble=trouble)

    async def cpu(self) -> float:
        """Seconds that it has used."""
        used: float = (await self._ask())["cpu"]
        return used

    async def _ask(self, **request: object) -> dict[str, Any]:
        there, back = self._process.stdin, self._process.stdout
        assert there is not None and back is not None
        there.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            line = await back.readline()
        if not line:
            raise RuntimeError(f"the server has ended with {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def elsewhere(name: str) -> AsyncGenerator[Elsewhere]:
    """The server *name* of `benchmarks.peers.webrtc_server`."""
    process = await asyncio.create_subprocess_exec(
        interpreter(),
        *("-m", "benchmarks.peers.webrtc_server", name),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        limit=LARGEST,
    )
    try:
        yield Elsewhere(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
