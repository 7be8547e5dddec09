"""Calls with a provider that is served here: a user who speaks, a bot, and a network between."""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import uvicorn

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Admission, Upgrade
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.items import Item
from antiphon.pipeline import Audio, Emit, Frame, Frames, Pipeline, now
from antiphon.pipeline.errors import leaf
from antiphon.processors.models import find_model
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Model, Realtime
from antiphon.processors.remote import Remote, Retry, Wanted, remote_model
from antiphon.processors.serving import serve
from antiphon.processors.tools import Tools
from antiphon.processors.transcript import Transcript
from antiphon.transports import Transport, memory
from antiphon.transports.asgi import Incoming, Receive, Scope, Send
from tests.processors.local.parts import RATE, speech
from tests.processors.remote.faults import proxied

F = TypeVar("F", bound=Frame)

BLOCK = RATE // 50
"""Samples that the microphone gives at once."""

PATIENCE = 60.0
"""Seconds after which what a test waits for does not come."""

QUICK = Retry(attempts=3, first=0.05, longest=0.1)


def get_weather(city: str) -> dict[str, object]:
    """What the weather is like."""
    return {"city": city, "temperature": 7, "description": "light rain"}


OF_AGENTS: Mapping[str, SessionConfig] = {
    name: SessionConfig(tools=Tools(get_weather).definitions) for name in ("elevenlabs", "cartesia")
}
"""How agents are configured where they are: here a client cannot give them tools."""

NAMES: Mapping[str, str] = {
    "openai": "openai/gpt-realtime-2",
    "openai_live": "openai/gpt-live-1",
    "xai": "xai/grok-voice-latest",
    "gemini": "gemini/gemini-3.1-flash-live-preview",
    "elevenlabs": "elevenlabs/agent_1",
    "elevenlabs_realtime": "elevenlabs/eleven_realtime",
    "cartesia": "cartesia/agent_1",
    "opper": "opper/openai/gpt-realtime-2",
    "vercel": "vercel/openai/gpt-realtime-2",
}
"""A model of each dialect."""

KEY = "a-key-that-nobody-sees"


class Microphone:
    """Hears silence, and what the user says; *pace* is how much faster than he can speak."""

    gives_rate = RATE

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._waiting = b""
        self._spoken = anyio.Event()
        self.now = 0
        self._ready = anyio.Event()
        self._emit: Emit

    async def say(self, words: str) -> None:
        """Returns with the last of the words."""
        self._waiting += speech(words)
        self._spoken = anyio.Event()
        await self._spoken.wait()

    async def put(self, frame: Frame) -> None:
        """Say *frame* between two blocks."""
        await self._ready.wait()
        await self._emit(frame)

    async def run(self, frames: Frames, emit: Emit) -> None:
        self._emit = emit
        self._ready.set()
        began = anyio.current_time()
        blocks = 0
        while True:
            size = 2 * BLOCK
            pcm, self._waiting = self._waiting[:size], self._waiting[size:]
            if not self._waiting:
                self._spoken.set()
            blocks += 1
            await anyio.sleep_until(began + blocks * BLOCK / RATE / self._pace)
            self.now = now()
            await emit(Audio(pcm=pcm.ljust(size, b"\0"), rate=RATE, at=now()))


class Watched:
    """A model, and what it was told and said."""

    takes_back = Remote.takes_back

    def __init__(self, model: Model) -> None:
        self.input_rate = model.input_rate
        self.output_rate = model.output_rate
        self.told: list[Frame] = []
        self.said: list[Frame] = []
        self._model = model
        self._emit: Emit
        self._frames: Frames

    async def run(self, frames: Frames, emit: Emit) -> None:
        self._frames, self._emit = frames, emit
        await self._model.run(self, self)

    def __aiter__(self) -> "Watched":
        return self

    async def __anext__(self) -> Frame:
        frame = await self._frames.__anext__()
        self.told.append(frame)
        return frame

    async def returned(self) -> Frame:
        return await self._frames.returned()

    async def __call__(self, frame: Frame) -> None:
        self.said.append(frame)
        await self._emit(frame)

    def nowait(self, frame: Frame) -> None:
        self.said.append(frame)
        self._emit.nowait(frame)

    def back(self, frame: Frame) -> None:
        self._emit.back(frame)


class Agent:
    """What a dialect's server side has behind it: a model of this machine for each connection."""

    def __init__(self, dialect: Dialect, model: str) -> None:
        self.dialect = dialect
        self.models: list[Watched] = []
        self.admitted: list[Admission] = []
        self._model = model
        self._config = OF_AGENTS.get(dialect.name)

    async def serve(self, transport: Transport, config: SessionConfig | None = None) -> None:
        model = Watched(find_model(self._model))
        self.models.append(model)
        await serve(transport, self.dialect.server("m"), model, config=config or self._config)

    def said(self, kind: type[F]) -> list[F]:
        """By all models, in order."""
        return [frame for model in self.models for frame in of(kind, model.said)]

    def told(self, kind: type[F]) -> list[F]:
        return [frame for model in self.models for frame in of(kind, model.told)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A bot's way to an agent."""

    remote: Remote
    agent: Agent
    drop: Callable[[], Awaitable[None]]
    """Breaks the connection that there is."""
    pace: float


@asynccontextmanager
async def in_memory(dialect: Dialect) -> AsyncGenerator[Line]:
    """Both sides in this process, where time is no matter."""
    agent = Agent(dialect, "local/assistant")
    ends: list[memory.MemoryTransport] = []

    async def serve(transport: memory.MemoryTransport) -> None:
        try:
            await agent.serve(transport)
        finally:
            transport.drop()

    @asynccontextmanager
    async def open(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport]:
        ours, theirs = memory.pair()
        ends.append(theirs)
        group.start_soon(serve, theirs)
        try:
            yield ours
        finally:
            await ours.aclose()

    async def drop() -> None:
        ends[-1].drop()

    remote = Remote(dialect, "m", open, retry=QUICK, seed=1)
    with by_itself():
        async with anyio.create_task_group() as group:
            yield Line(remote=remote, agent=agent, drop=drop, pace=1.0)
            group.cancel_scope.cancel()


@asynccontextmanager
async def over_sockets(dialect: Dialect) -> AsyncGenerator[Line]:
    """A real server, and a network that can be cut."""
    agent = Agent(dialect, "local/assistant?think=0&speed=20")
    with by_itself():
        async with served(agent) as port, proxied(port) as proxy:
            remote = remote_model(
                NAMES[dialect.name], key=KEY, base_url=at(dialect, proxy.port), retry=QUICK
            )
            yield Line(remote=remote, agent=agent, drop=proxy.cut, pace=10.0)


def at(dialect: Dialect, port: int) -> str:
    """The dialect's base URL on this machine."""
    return urlsplit(dialect.base_url)._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl()


@asynccontextmanager
async def served(agent: Agent) -> AsyncGenerator[int]:
    """The port at which *agent* listens."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        incoming = Incoming(scope, receive, send)
        upgrade = Upgrade(
            target=incoming.target, headers=incoming.headers, subprotocols=incoming.subprotocols
        )
        admission = agent.dialect.accept(upgrade)
        if admission is None:
            await incoming.refuse(404)
            return
        agent.admitted.append(admission)
        await agent.serve(await incoming.accept(subprotocol=admission.subprotocol))

    async with listening(asgi) as port:
        yield port


@asynccontextmanager
async def listening(application: Any) -> AsyncGenerator[int]:
    """The port at which an ASGI *application* does."""
    config = uvicorn.Config(
        application,
        port=0,
        interface="asgi3",
        lifespan="off",
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    setattr(server, "capture_signals", nullcontext)  # noqa: B010  # signals are pytest's

    stopping = anyio.CancelScope(shield=True)

    async def run() -> None:
        # It closes its sockets only when it may end by itself.
        with stopping:
            await server.serve()

    with by_itself():
        async with anyio.create_task_group() as group:
            group.start_soon(run)
            try:
                while not server.started:
                    await anyio.sleep(0.01)
                yield server.servers[0].sockets[0].getsockname()[1]
            finally:
                server.should_exit = True
                stopping.deadline = anyio.current_time() + 3


class Call:
    """A bot on the line: what it hears of its model, and what the user hears of it."""

    def __init__(self, microphone: Microphone, agent: Agent) -> None:
        self.agent = agent
        self.transcript = Transcript()
        self.frames: list[Frame] = []
        self.reports: list[Frame] = []
        self.played: list[tuple[int, bytes]] = []
        self._microphone = microphone
        self._changed = anyio.Event()
        self._seen = 0

    async def say(self, words: str) -> None:
        """The user says so; what is waited for next comes after he has begun."""
        self._seen = len(self.frames)
        await self._microphone.say(words)

    async def tell(self, *said: Frame) -> None:
        """The bot says so itself."""
        self._seen = len(self.frames)
        for frame in said:
            await self._microphone.put(frame)

    async def write(self, item: Item) -> None:
        """The user writes instead, and wants an answer."""
        create = events.ConversationItemCreate(item=item)
        await self.tell(create, events.ResponseCreate())

    async def hears(self, kind: type[F], such: Callable[[F], bool] = lambda _: True) -> F:
        """The next frame of this kind that the model gives."""
        with anyio.move_on_after(PATIENCE):
            while True:
                for place in range(self._seen, len(self.frames)):
                    frame = self.frames[place]
                    if isinstance(frame, kind) and such(frame):
                        self._seen = place + 1
                        return frame
                self._changed = anyio.Event()
                await self._changed.wait()
        missed = [type(frame).__name__ for frame in self.frames[self._seen :]]
        raise AssertionError(f"no {kind.__name__} came, but {[*dict.fromkeys(missed)]}")

    async def answered(self, *words: str) -> None:
        """All these words are heard, in speech of the model's."""
        heard = ""
        with anyio.move_on_after(PATIENCE):
            while not all(word.lower() in heard.lower() for word in words):
                try:
                    heard += " " + (await self._words()).strip()
                except AssertionError as error:
                    raise AssertionError(f"{words} were not said, but {heard!r}: {error}") from None
            return
        raise AssertionError(f"{words} were not said, but {heard!r}")

    async def _words(self) -> str:
        def complete(frame: Frame) -> bool:
            return isinstance(frame, events.AudioTranscriptDone | events.TranscriptFragment)

        done = await self.hears(events.EventFrame, complete)
        if isinstance(done, events.AudioTranscriptDone):
            return done.transcript or ""
        return getattr(done, "delta", "")

    def now(self) -> int:
        """Session time."""
        return self._microphone.now

    def process(self, frame: Frame) -> Iterator[Frame]:
        """What stands behind the model."""
        self.frames.append(frame)
        self._changed.set()
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        self.reports.append(frame)
        yield frame

    def play(self, pcm: bytes, at: int) -> None:
        self.played.append((at, pcm))

    def sounds(self, begin: int, end: int) -> bool:
        """Whether anything was heard between two moments."""
        return any(any(pcm) for at, pcm in self.played if begin <= at < end)


@asynccontextmanager
async def calling(
    line: Line,
    *,
    tools: Sequence[Callable[..., Any]] | None = None,
    config: SessionConfig | None = None,
) -> AsyncGenerator[Call]:
    """A bot, until the block is left."""
    microphone = Microphone(line.pace)
    call = Call(microphone, line.agent)
    if tools is None:
        tools = () if line.remote.dialect.continuous else (get_weather,)
    pipeline = Pipeline(
        microphone,
        Realtime(line.remote, tools=tools, instructions="Be brief.", config=config),
        call,
        call.transcript,
        PacedSink(call.play, rate=line.remote.output_rate),
        fit="auto",
    )
    with by_itself():
        async with anyio.create_task_group() as group:
            group.start_soon(pipeline.run)
            yield call
            group.cancel_scope.cancel()


def of(kind: type[F], frames: Sequence[Frame]) -> list[F]:
    return [frame for frame in frames if isinstance(frame, kind)]


@contextmanager
def by_itself() -> Generator[None]:
    """What went wrong, out of the groups in which it comes."""
    try:
        yield
    except ExceptionGroup as group:
        raise leaf(group) from leaf(group).__cause__
