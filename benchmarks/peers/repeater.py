"""A provider in a process of its own that says something whenever it hears something.

`python -m benchmarks.peers.repeater` prints its port. It speaks each dialect at the path where
the dialect's clients connect, at next to no cost: to an audio message it answers with one that was
made beforehand. For a line on its standard input it prints when audio has come and gone since.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import Any, NamedTuple

from antiphon.codecs import events
from antiphon.codecs.connection import Upgrade
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.wire import Message
from benchmarks.peers.frames import LARGEST, LeanServer, frame

HOST = "127.0.0.1"

DIALECTS = ("openai", "vercel", "gemini")
"""What it speaks."""

FRAME = 0.02
"""Seconds of sound in a message."""

MOST_STAMPS = 200_000

Stamps = list[tuple[float, float]]
"""When each audio message had been read, and when it began to be answered."""


def noise(rate: int) -> bytes:
    """A message's worth of sound."""
    return os.urandom(round(rate * FRAME) * 2)


class Session:
    """With one client."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._delta = b""
        self.socket = LeanServer(target=self._begun, message=self._heard, audio=self._repeat)

    def _begun(self, target: str) -> None:
        upgrade = Upgrade(target=target)
        dialect = next(
            one for one in map(find_dialect, DIALECTS) if one.accept(upgrade) is not None
        )
        self._end = dialect.server("")
        self._say(events.SessionCreated(session_id="session"))

    def _heard(self, message: Message) -> None:
        for event in self._end.decode(message):
            if isinstance(event, events.SessionUpdate):
                self._say(events.SessionUpdated(config=event.config))
            elif isinstance(event, events.InputAudioAppend):
                self._answer()

    def _answer(self) -> None:
        """The first sound: from now on it is always the same."""
        self._say(events.ResponseCreated(response_id="response"))
        delta = events.AudioDelta(
            response_id="response", item_id="item", delta=noise(self._end.output_rate)
        )
        *before, last = list(self._end.encode(delta))
        for message in before:
            self.socket.say(message)
        self._delta = frame(next(iter(self._end.encode(delta)), last), masked=False)
        self.socket.settled = True
        self._repeat(time.perf_counter())

    def _repeat(self, at: float) -> None:
        if len(self._stamps) < MOST_STAMPS:
            self._stamps.append((at, time.perf_counter()))
        self.socket.transport.write(self._delta)

    def _say(self, event: events.ServerEvent) -> None:
        for message in self._end.encode(event):
            self.socket.say(message)


class Repeater(NamedTuple):
    """One that runs."""

    port: int
    process: Any

    async def stamps(self) -> Stamps:
        """Since they were asked for last."""
        self.process.stdin.write(b"\n")
        told = json.loads(await self.process.stdout.readline())
        return [(came, went) for came, went in told]


@asynccontextmanager
async def repeater() -> AsyncGenerator[Repeater]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__), stdin=PIPE, stdout=PIPE, limit=64 * LARGEST
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Repeater(int(await process.stdout.readline()), process)
    finally:
        process.stdin.close()
        await process.wait()


async def _main() -> None:
    stamps: Stamps = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Session(stamps).socket, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(stamps), flush=True)
        stamps.clear()


if __name__ == "__main__":
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run
    run(_main())
