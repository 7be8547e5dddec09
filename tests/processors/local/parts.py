"""A brain that does as it is told, a client that follows a script, and a log of what comes."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from itertools import groupby
from typing import Literal, TypeVar

import anyio
import msgspec

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.items import FunctionCall, FunctionCallOutput, text_message
from antiphon.pipeline import Back, Emit, Frame, Frames, Pipeline, now, sleep_until
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.brain import Input, Part, Turn
from antiphon.processors.local.hearing import PREFIX, RATE, SILENCE
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.server import OUTPUT_RATE, Server
from antiphon.processors.local.speaking import spoken
from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import resample
from antiphon.processors.vad import Detector, Started, Stopped

Kind = TypeVar("Kind", bound=Frame)

MANUAL = SessionConfig(turn_detection=TurnDetection(type="disabled"))

BLOCK = RATE // 50 * 2
"""Bytes that a microphone gives at once."""

SYLLABLE = 0.1
"""Seconds that a Fake takes for each word."""

STEADY = Pace(think=0.2, chunk=0.1, speed=4.0)


SPOKEN_ITEM = [
    "OutputItemAdded",
    "ConversationItemAdded",
    "ContentPartAdded",
    "AudioTranscriptDelta",
    "AudioDelta",
    "AudioDone",
    "AudioTranscriptDone",
    "ContentPartDone",
    "ConversationItemDone",
    "OutputItemDone",
]
"""The events of a message that is spoken in one delta."""


class Fake:
    """A brain: one of *answers* for each response, then none.

    An answer is parts, and seconds that it thinks between them. What it hears is
    "turn 1", "turn 2", ..., each after *recognition* seconds.
    """

    def __init__(
        self,
        *answers: Sequence[Part | float],
        recognition: float = 0.0,
        cuts_in: float | None = None,
    ) -> None:
        self.heard: list[bytes] = []
        self.new: list[list[Input]] = []
        self.turns: list[Turn] = []
        self.stopped = 0
        """Utterances whose speaking was left."""
        self._answers = iter(answers)
        self._recognition = recognition
        self._cuts_in = cuts_in

    async def hear(self, pcm: bytes) -> str:
        self.heard.append(pcm)
        words = f"turn {len(self.heard)}"
        await anyio.sleep(self._recognition)
        return words

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        self.turns.append(turn)
        self.new.append(list(turn.new))
        for part in next(self._answers, ()):
            if isinstance(part, (int, float)):
                await anyio.sleep(part)
            else:
                yield part

    def speak(self, text: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._speak(text)

    @asynccontextmanager
    async def _speak(self, text: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        try:
            yield _syllables(text)
        finally:
            self.stopped += 1

    def cuts_in(self) -> float | None:
        return self._cuts_in


class Talker(Fake):
    """A brain with a voice that can be understood."""

    def speak(self, text: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return spoken(Voice(), text, OUTPUT_RATE)


async def _syllables(text: str) -> AsyncIterator[bytes]:
    for word in text.split():
        yield len(word).to_bytes(2, "little") * round(SYLLABLE * OUTPUT_RATE)


def said(new: Iterable[Input]) -> list[str]:
    """What reached a brain, in words."""
    return [one.output if isinstance(one, FunctionCallOutput) else one.text for one in new]


def model(
    brain: Fake,
    *,
    pace: Pace = STEADY,
    turn_detection: TurnDetection | None = None,
    seed: int = 0,
) -> Server:
    return Server(
        lambda: brain, name="local/fake", pace=pace, turn_detection=turn_detection, seed=seed
    )


class Log:
    """What came out of a model, with the moments of session time in microseconds."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.times: list[int] = []
        self.ended = 0
        """When the session was over."""

    @property
    def events(self) -> list[events.EventFrame]:
        return [frame for frame in self.frames if isinstance(frame, events.EventFrame)]

    @property
    def names(self) -> list[str]:
        return [type(frame).__name__ for frame in self.frames]

    @property
    def outline(self) -> list[str]:
        """The names, each once for several in a row."""
        return [name for name, _ in groupby(self.names)]

    @property
    def timed(self) -> list[tuple[int, str]]:
        return list(zip(self.times, self.names, strict=True))

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    def one(self, kind: type[Kind]) -> Kind:
        (found,) = self.all(kind)
        return found

    def when(self, kind: type[Frame]) -> list[int]:
        frames = zip(self.times, self.frames, strict=True)
        return [time for time, frame in frames if isinstance(frame, kind)]

    def since(self, kind: type[Frame]) -> list[str]:
        """The outline from the first *kind* on."""
        return self.outline[self.outline.index(kind.__name__) :]

    @property
    def sound(self) -> bytes:
        return b"".join(delta.delta for delta in self.all(events.AudioDelta))


class Script:
    """A source that says each frame at its time and stays until *until*."""

    def __init__(self, frames: Iterable[Frame], until: int) -> None:
        self._frames = sorted(frames, key=lambda frame: frame.at)
        self._until = until

    async def run(self, frames: Frames, emit: Emit) -> None:
        for frame in self._frames:
            await sleep_until(frame.at)
            await emit(frame)
        await sleep_until(self._until)


Reply = Callable[[Frame], Iterable[Frame]]


class Replies:
    """Sends back to the model what *reply* gives for its events."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame
        for answer in self._reply(frame):
            yield Back(frame=answer)


class Keeper:
    """A sink that keeps what arrives, and takes *seconds* for each frame."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.log = Log()
        self._seconds = seconds

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            self.log.frames.append(frame)
            self.log.times.append(now())
            if self._seconds:
                await anyio.sleep(self._seconds)


def silent(frame: Frame) -> Iterable[Frame]:
    return ()


def conversed(
    model: Server,
    *script: Frame,
    until: float = 0.0,
    reply: Reply = silent,
    slowness: float = 0.0,
    lane: int = 64,
    shuffle: int | None = None,
) -> Log:
    """What *model* says to a client with this *script*, who stays *until* and replies."""
    keeper = Keeper(slowness)
    source = Script(script, round(until * 1_000_000))
    pipeline = Pipeline(source, model, Replies(reply), keeper, lane=lane)

    async def run() -> int:
        start = anyio.current_time()
        await pipeline.run()
        return round((anyio.current_time() - start) * 1_000_000)

    keeper.log.ended = run_virtual(run, shuffle=shuffle)
    return keeper.log


def at(seconds: float, frame: Kind) -> Kind:
    return msgspec.structs.replace(frame, at=round(seconds * 1_000_000))


def text(words: str, *, id: str | None = None, at: float = 0.0) -> events.ConversationItemCreate:
    item = text_message(words, id=id)
    return events.ConversationItemCreate(item=item, at=round(at * 1_000_000))


def outputs(frame: Frame) -> Iterable[Frame]:
    """A client's answer to each tool call at once, and its wish for a response to it."""
    match frame:
        case events.OutputItemDone(item=FunctionCall() as call):
            item = FunctionCallOutput(call_id=call.call_id, output=f"{call.name} did it")
            yield events.ConversationItemCreate(item=item)
        case events.ResponseDone(output=(*_, FunctionCall())):
            yield events.ResponseCreate()
        case _:
            pass


@cache
def speech(words: str, voice: str = "en-us") -> bytes:
    """*words* spoken, at 16 kHz."""
    speaker = Voice(voice)
    return resample(speaker.speak(words), speaker.rate, RATE)


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * RATE) * 2)


def microphone(
    *pcm: bytes, start: float = 0.0, block: int = BLOCK
) -> list[events.InputAudioAppend]:
    """*pcm* in blocks, each of them there when it has been heard."""
    heard = b"".join(pcm)
    blocks = [heard[place : place + block] for place in range(0, len(heard), block)]
    first = round(start * 1_000_000)
    return [
        events.InputAudioAppend(audio=piece, at=first + duration(heard[: i * block + len(piece)]))
        for i, piece in enumerate(blocks)
    ]


def duration(pcm: bytes, rate: int = RATE) -> int:
    """In microseconds."""
    return len(pcm) // 2 * 1_000_000 // rate


def detected(
    *pcm: bytes,
    silence: int = SILENCE,
    prefix: int = PREFIX,
    ears: Literal["silero", "energy"] = "silero",
) -> list[tuple[int, Started | Stopped]]:
    """When a detector that hears the same tells what."""
    detector = Detector(ears, hangover=silence, prefix=prefix)
    facts: list[tuple[int, Started | Stopped]] = []
    end = 0
    for frame in microphone(*pcm):
        facts += [(frame.at, fact) for fact in detector.hear(frame.audio, end)]
        end = frame.at
    return facts
