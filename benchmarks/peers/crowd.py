"""Clients of a gateway, any number of them, at next to no cost.

`python -m benchmarks.peers.crowd` takes a line of JSON for each thing to do: `{"grow": 10}` opens
ten more sessions, `{"talk": 2.0}` has all of them say a message every 20 ms for two seconds and
answers how long each took to come back. Arguments: dialect, model, base URL, key.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.wire import Message
from benchmarks.peers.frames import LARGEST, LeanClient, frame
from benchmarks.peers.repeater import FRAME, noise

PATIENCE = 20.0
"""Seconds for a session to begin."""

STUCK = 3.0
"""Seconds after which what has not come back is lost."""

SESSION = events.SessionCreated, events.SessionUpdated
AUDIO = events.AudioDelta, events.AudioChunk


class Way(NamedTuple):
    """Where clients of a *front* go."""

    front: str
    model: str
    base_url: str
    key: str = "sk-any"


class Talker:
    """One client, once `open`: `say`s a message, and notes in `took` when one has come back."""

    def __init__(self, way: Way) -> None:
        self._way = way
        dialect = find_dialect(way.front)
        self._end = dialect.client(way.model)
        self._ready = asyncio.get_running_loop().create_future()
        self._awaited: tuple[type[events.EventFrame], ...] = SESSION
        self.went: list[float] = []
        self.came: list[float] = []
        self.back = asyncio.Event()
        where = dialect.connect(way.model, key=way.key, base_url=way.base_url)
        url = urlsplit(where.url)
        self._at = url.hostname or "", url.port or 80
        self.socket = LeanClient(
            f"{url.path}?{url.query}",
            where.headers,
            where.subprotocols,
            message=self._heard,
            audio=self._echoed,
        )

    async def open(self) -> None:
        """Returns when the first audio has come back."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().create_connection(lambda: self.socket, *self._at)
            await self.socket.accepted
            config = SessionConfig(model=self._way.model, instructions="Repeat what you hear.")
            for message in self._end.encode(events.SessionUpdate(config=config)):
                self.socket.say(message)
            await self._ready
            said = events.InputAudioAppend(audio=noise(self._end.input_rate))
            (message,) = self._end.encode(said)
            self._frame = frame(message, masked=True)
            self._ready, self._awaited = asyncio.get_running_loop().create_future(), AUDIO
            self.socket.transport.write(self._frame)
            await self._ready
            self.socket.settled = True

    def say(self) -> None:
        self.back.clear()
        self.went.append(time.perf_counter())
        self.socket.transport.write(self._frame)

    async def aclose(self) -> None:
        self.socket.transport.write(frame(b"\x03\xe8", masked=True, opcode=8))
        try:
            async with asyncio.timeout(STUCK):
                await self.socket.lost
        except TimeoutError:
            self.socket.transport.abort()

    def _heard(self, message: Message) -> None:
        if self.socket.settled or self._ready.done():
            return
        for event in self._end.decode(message):
            if isinstance(event, self._awaited) and not self._ready.done():
                self._ready.set_result(None)

    def _echoed(self, at: float) -> None:
        self.came.append(at)
        self.back.set()


class Heard(NamedTuple):
    """What some clients have to say of some seconds."""

    took: list[float]
    """Milliseconds for a message to come back."""
    said: int
    lost: int
    """That did not come back, or in sessions that have ended."""
    cpu: float
    """The share of a core that the clients themselves took."""


class Crowd:
    """Clients in a process of their own."""

    def __init__(self, process: Any) -> None:
        self._process = process

    async def grow(self, sessions: int) -> None:
        """Raises ConnectionError if they are not let in."""
        problem = await self._ask(grow=sessions)
        if problem:
            raise ConnectionError(problem)

    async def talk(self, seconds: float) -> Heard:
        return Heard(*await self._ask(talk=seconds))

    async def _ask(self, **what: float) -> Any:
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError("the clients have died")
        return json.loads(line)


@asynccontextmanager
async def crowd(way: Way) -> AsyncGenerator[Crowd]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, *way), stdin=PIPE, stdout=PIPE, limit=64 * LARGEST
    )
    assert process.stdin is not None
    try:
        yield Crowd(process)
    finally:
        process.stdin.close()
        await process.wait()


async def _pace(talker: Talker, start: float, messages: int) -> None:
    loop = asyncio.get_running_loop()
    for number in range(messages):
        await asyncio.sleep(start + number * FRAME - loop.time())
        if talker.socket.lost.done():
            return
        talker.say()


async def _talk(talkers: list[Talker], seconds: float) -> Heard:
    loop, messages = asyncio.get_running_loop(), round(seconds / FRAME)
    for talker in talkers:
        talker.went.clear()
        talker.came.clear()
    start, cpu = loop.time(), _cpu()
    async with asyncio.TaskGroup() as group:
        for talker in talkers:
            group.create_task(_pace(talker, start + random.uniform(0, FRAME), messages))
    busy = (_cpu() - cpu) / (loop.time() - start)
    until = loop.time() + STUCK
    while loop.time() < until and any(len(one.came) < len(one.went) for one in talkers):
        await asyncio.sleep(0.02)
    took: list[float] = []
    for talker in talkers:
        pairs = zip(talker.went, talker.came, strict=False)
        took += [(came - went) * 1e3 for went, came in pairs]
    said = len(talkers) * messages
    return Heard(took, said, said - len(took), busy)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _main(way: Way) -> None:
    loop = asyncio.get_running_loop()
    talkers: list[Talker] = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        answer: Any = None
        if "grow" in asked:
            fresh = [Talker(way) for _ in range(asked["grow"])]
            try:
                for one in fresh:
                    await one.open()
                    talkers.append(one)
            except (ConnectionError, TimeoutError) as error:
                answer = repr(error)
        else:
            answer = await _talk(talkers, asked["talk"])
        print(json.dumps(answer), flush=True)
    await asyncio.gather(*(one.aclose() for one in talkers))


if __name__ == "__main__":
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run
    run(_main(Way(*sys.argv[1:])))
