"""Frames and members that many of the tests are made with."""

from collections.abc import Iterable, Iterator

import anyio

from antiphon.pipeline import Emit, Frame, Frames, Interrupt, Pipeline, Run, now


class Text(Frame, frozen=True, kw_only=True):
    """Something that may be forgotten."""

    text: str


class Result(Frame, frozen=True, kw_only=True):
    """Something that an interruption leaves alone."""

    interruptible = False

    text: str


class Urgent(Frame, frozen=True, kw_only=True):
    """Something that overtakes."""

    control = True
    interruptible = False

    text: str


def texts(words: Iterable[str]) -> list[Text]:
    return [Text(text=word) for word in words]


def words(frames: Iterable[Frame]) -> list[str]:
    """What frames say: their text, or the name of their type."""
    return [getattr(frame, "text", type(frame).__name__) for frame in frames]


class Shout:
    """Upper case."""

    def process(self, frame: Text) -> Iterator[Text]:
        yield Text(text=frame.text.upper(), at=frame.at)


class Suffix:
    """Adds *end* to each text."""

    def __init__(self, end: str) -> None:
        self._end = end

    def process(self, frame: Text) -> Iterator[Text]:
        yield Text(text=frame.text + self._end, at=frame.at)


class Last:
    """Adds a word at the end of the input."""

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame

    def finish(self) -> Iterator[Frame]:
        yield Text(text="last")


class Faulty:
    """Raises in one of its methods."""

    def __init__(self, method: str) -> None:
        self._method = method
        self.deadline: int | None = 500_000

    def start(self) -> Iterator[Frame]:
        yield from self._do("start")

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield from self._do("process")
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        yield from self._do("process_back")
        yield frame

    def expire(self, at: int) -> Iterator[Frame]:
        self.deadline = None
        yield from self._do("expire")

    def finish(self) -> Iterator[Frame]:
        yield from self._do("finish")

    def _do(self, method: str) -> Iterator[Frame]:
        if method == self._method:
            raise KeyError("its own mistake")
        yield from ()


class Script:
    """A source that says each frame at its time, and ends."""

    def __init__(self, *frames: Frame) -> None:
        self._frames = frames

    async def run(self, frames: Frames, emit: Emit) -> None:
        for frame in self._frames:
            if frame.at > now():
                await anyio.sleep((frame.at - now()) / 1_000_000)
            await emit(frame)


class Slow:
    """A stage that takes *seconds* for each data frame."""

    def __init__(self, seconds: float = 1) -> None:
        self._seconds = seconds

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            if not frame.control:
                await anyio.sleep(self._seconds)
            await emit(frame)


class Sink:
    """Keeps what arrives, with the moment of its arrival in microseconds."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.times: list[int] = []

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            self.frames.append(frame)
            self.times.append(now())

    @property
    def heard(self) -> list[tuple[int, str]]:
        """In whole milliseconds, what was said."""
        return [
            (time // 1_000, word) for time, word in zip(self.times, words(self.frames), strict=True)
        ]


class Endless:
    """A stage that never ends by itself, and counts how often it was begun and ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0

    async def run(self, frames: Frames, emit: Emit) -> None:
        self.begun += 1
        try:
            await anyio.sleep_forever()
        finally:
            self.ended += 1


async def send(run: Run, letters: str) -> None:
    for frame in texts(letters):
        await run.send(frame)


async def carried(pipeline: Pipeline, frames: Iterable[Frame]) -> list[Frame]:
    """What *pipeline* makes of *frames*."""

    async def feed(run: Run) -> None:
        for frame in frames:
            await run.send(frame)
        run.end()

    async with pipeline.open() as run, anyio.create_task_group() as group:
        group.start_soon(feed, run)
        return [frame async for frame in run]
    raise AssertionError("the run swallowed an exception")


def interrupts(frames: Iterable[Frame]) -> list[str]:
    return [frame.reason for frame in frames if isinstance(frame, Interrupt)]
