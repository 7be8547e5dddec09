"""Sessions to be recorded: somebody who speaks by a script, a bot, and a provider behind it."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import anyio

from antiphon.codecs import events
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.items import text_message
from antiphon.pipeline import Audio, Emit, Frame, Frames, Member, Pipeline, sleep_until
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.echo import echo
from antiphon.processors.models import find_model
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Realtime
from antiphon.processors.remote import Remote, Wanted
from antiphon.processors.serving import serve
from antiphon.recording import Recorded, Recorder, Recording
from antiphon.recording.records import Topic
from antiphon.recording.wire import tap
from antiphon.transports import Transport, memory
from tests.processors.local.parts import RATE, speech

MS, SECOND = 1_000, 1_000_000

BLOCK = 20 * MS

Script = Sequence[tuple[int, Frame]]
"""What the user does, and when, in microseconds of session time."""


class User:
    """The source: gives each frame at its time, and ends with the last."""

    name = "User"

    def __init__(self, script: Script, rate: int = RATE) -> None:
        self.gives_rate = rate
        self._script = script

    async def run(self, frames: Frames, emit: Emit) -> None:
        for at, frame in self._script:
            await sleep_until(at)
            await emit(frame)


def spoken(pcm: bytes, at: int, rate: int = RATE) -> list[tuple[int, Frame]]:
    """*pcm*, as a microphone gives it: each block when it is over."""
    size = BLOCK * rate // SECOND * 2
    blocks = [pcm[i : i + size].ljust(size, b"\0") for i in range(0, len(pcm), size)]
    return [
        (at + (i + 1) * BLOCK, Audio(pcm=block, rate=rate, at=at + i * BLOCK))
        for i, block in enumerate(blocks)
    ]


def silence(seconds: float, rate: int = RATE) -> bytes:
    return bytes(round(seconds * rate) * 2)


@cache
def words(text: str) -> bytes:
    return silence(0.3) + speech(text) + silence(1.2)


def typed(text: str, at: int) -> list[tuple[int, Frame]]:
    """The user writes, and wants an answer."""
    create = events.ConversationItemCreate(item=text_message(text), at=at)
    return [(at, create), (at, events.ResponseCreate(at=at))]


def get_weather(city: str) -> dict[str, object]:
    """What the weather is like."""
    return {"city": city, "temperature": 7, "description": "light rain"}


def an_echo() -> Realtime:
    return Realtime(echo())


def an_assistant() -> Realtime:
    return Realtime("local/assistant?seed=1", tools=[get_weather], instructions="Be brief.")


def record(
    folder: Path,
    script: Script,
    build: Callable[[], Member] = an_echo,
    *,
    shuffle: int | None = None,
    until: float | None = None,
    recorder: Recorder | None = None,
) -> Path:
    """The recording of a session under the virtual clock; *until* is when somebody hangs up."""
    recorder = recorder or Recorder(folder)

    async def main() -> None:
        with anyio.move_on_after(until):
            user, bot = User(script), build()
            sink = PacedSink(lambda pcm, at: None)
            await recorder.watch(Pipeline(user, bot, sink, fit="auto")).run()

    with recorder:
        run_virtual(main, shuffle=shuffle)
    return recorder.path


def record_remote(
    folder: Path,
    script: Script,
    *,
    dialect: str = "openai",
    until: float | None = None,
    drops: Iterable[float] = (),
) -> Path:
    """The same with a provider's model, served in memory; its connections break at *drops*."""
    recorder = Recorder(folder, about={"bot": "other"})
    ends: list[memory.MemoryTransport] = []

    async def serving(transport: memory.MemoryTransport) -> None:
        try:
            model = find_model("local/assistant?seed=1")
            await serve(transport, find_dialect(dialect).server("m"), model)
        finally:
            transport.drop()

    async def main() -> None:
        @asynccontextmanager
        async def open(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
            ours, theirs = memory.pair()
            ends.append(theirs)
            group.start_soon(serving, theirs)
            try:
                yield ours
            finally:
                await ours.aclose()

        async def drop(at: float) -> None:
            await anyio.sleep_until(at)
            ends[-1].drop()

        remote = Remote(find_dialect(dialect), "m", open, seed=1)
        tap(remote, recorder)
        async with anyio.create_task_group() as group:
            for at in drops:
                group.start_soon(drop, at)
            with anyio.move_on_after(until):
                bot = Realtime(remote, tools=[get_weather], instructions="Be brief.")
                sink = PacedSink(lambda pcm, at: None)
                await recorder.watch(Pipeline(User(script), bot, sink, fit="auto")).run()
            group.cancel_scope.cancel()

    with recorder:
        run_virtual(main)
    return recorder.path


def record_served(
    folder: Path, script: Script, *, dialect: str = "openai", model: str = "local/assistant?seed=1"
) -> Path:
    """The recording of a model's server, to whom a bot speaks."""
    about = {"bot": "serve", "model": model, "dialect": dialect, "served": "m"}
    recorder = Recorder(folder, name="serve", about=about)

    async def main() -> None:
        ours, theirs = memory.pair()

        @asynccontextmanager
        async def open(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
            try:
                yield ours
            finally:
                await ours.aclose()

        async def serving() -> None:
            transport = Recorded(theirs, recorder, side="client")
            try:
                await serve(transport, find_dialect(dialect).server("m"), find_model(model))
            finally:
                theirs.drop()

        remote = Remote(find_dialect(dialect), "m", open, seed=1)
        async with anyio.create_task_group() as group:
            group.start_soon(serving)
            bot = Realtime(remote, tools=[get_weather], instructions="Be brief.")
            sink = PacedSink(lambda pcm, at: None)
            await Pipeline(User(script), bot, sink, fit="auto").run()

    with recorder:
        run_virtual(main)
    return recorder.path


def a_remote(dialect: str = "openai", *, instructions: str = "Be brief.") -> Callable[[], Realtime]:
    """Builds the bot of `record_remote`, with a network that must not be used."""

    def build() -> Realtime:
        def nowhere(handle: str | None, wanted: Wanted) -> None:
            raise AssertionError("a replay opens no connection")

        remote = Remote(find_dialect(dialect), "m", nowhere, seed=1)  # pyright: ignore[reportArgumentType]
        return Realtime(remote, tools=[get_weather], instructions=instructions)

    return build


def counts(recording: Recording) -> dict[str, int]:
    """How many records each topic has."""
    found: dict[str, int] = {}
    for one in recording.records:
        found[one.topic.name] = found.get(one.topic.name, 0) + 1
    return found


def topics(recording: Recording, topic: Topic) -> list[object]:
    return [one.body for one in recording.of(topic)]
