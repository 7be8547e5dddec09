"""Turns whose times are known: a user by the clock, and a model of a fixed think time."""

import math
from collections.abc import Iterator

import anyio
import msgspec
import numpy as np
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.pipeline import Audio, Emit, Frame, Frames, Speech, now
from benchmarks.peers.stamps import Moment, moment

USER_RATE, MODEL_RATE = 16_000, 24_000
FRAME = 0.02
SPEECH, TURN = 10, 25
"""Frames of the user's speech, and of a turn with the silence behind it."""

HANGOVER = 0.05
"""Seconds of silence after which the user has finished."""

PAUSE = 3
"""Frames that takes: the last of them ends the turn."""

ANSWER = 5
"""Frames of the model's speech."""

LOUD, QUIET = 8_000, 1_000
"""Amplitude of speech; what is below is silence."""


def user_pcm(number: int) -> bytes:
    """The user's frame of that number."""
    return sound(USER_RATE) if number % TURN < SPEECH else bytes(2 * round(USER_RATE * FRAME))


def sound(rate: int) -> bytes:
    """A frame of speech: loud in every sample, and such that an Opus encoder lets it pass."""
    there, back = ((one).to_bytes(2, "little", signed=True) for one in (LOUD, -LOUD))
    half = rate // 1_000
    return (there * half + back * half) * (round(rate * FRAME) // (2 * half))


class Notes(msgspec.Struct):
    """When what happened."""

    due: list[float] = []
    """The last sample of each frame was spoken, in seconds by the loop's clock."""
    sent: list[Moment] = []
    """The source gave it away."""
    ended: list[tuple[int, Moment]] = []
    """The model got the frame of that number, which ended a turn."""
    spoke: list[Moment] = []
    """The model began to answer."""
    heard: list[Moment] = []
    """The first sample of an answer was at the sink."""


class User:
    """A source of *turns* of 20 ms frames, each given away when it is over."""

    gives = (Audio,)
    gives_rate = USER_RATE

    def __init__(self, turns: int, notes: Notes, line: "Line | None" = None) -> None:
        self._frames = turns * TURN
        self._notes = notes
        self._line = line

    async def run(self, frames: Frames, emit: Emit) -> None:
        if self._line is not None:
            await self._line.open.wait()
        start = anyio.current_time()
        for number in range(self._frames):
            due = start + (number + 1) * FRAME
            await anyio.sleep_until(due)
            self._notes.due.append(due)
            self._notes.sent.append(moment())
            await emit(Audio(pcm=user_pcm(number), rate=USER_RATE, at=now()))


class Line:
    """Stands behind the model, and knows from when on it listens."""

    def __init__(self) -> None:
        self.open = anyio.Event()

    def process(self, frame: Frame) -> Iterator[Frame]:
        if isinstance(frame, events.SessionUpdated):
            self.open.set()
        yield frame


class Ears:
    """Hears by loudness that a turn is over."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._silence = math.inf

    def hear(self, pcm: bytes) -> events.SpeechStarted | events.SpeechStopped | None:
        loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2")) > QUIET)
        samples, before = len(pcm) // 2, self._silence
        self._silence = samples - 1 - loud[-1] if len(loud) else before + samples
        if len(loud) and before == math.inf:
            return events.SpeechStarted()
        if HANGOVER * self._rate <= self._silence < math.inf:
            self._silence = math.inf
            return events.SpeechStopped()
        return None


class Answers:
    """A model that thinks for *think* seconds, and then speaks for 100 ms."""

    input_rate = output_rate = MODEL_RATE
    takes_back: tuple[type[Frame], ...] = (events.OutputPlaybackStarted,)

    def __init__(self, think: float, notes: Notes) -> None:
        self._think = think
        self._notes = notes
        self._count = 0

    async def run(self, frames: Frames, emit: Emit) -> None:
        await emit(events.SessionCreated(session_id="session", at=now()))
        ears = Ears(self.input_rate)
        heard = -1
        async with anyio.create_task_group() as group:
            async for frame in frames:
                if isinstance(frame, events.SessionUpdate):
                    await emit(events.SessionUpdated(config=frame.config, at=now()))
                elif isinstance(frame, events.InputAudioAppend):
                    heard += 1
                    await self._hear(ears.hear(frame.audio), heard, emit, group)

    async def _hear(
        self,
        said: events.SpeechStarted | events.SpeechStopped | None,
        number: int,
        emit: Emit,
        group: TaskGroup,
    ) -> None:
        if isinstance(said, events.SpeechStarted):
            await emit(events.SpeechStarted(item_id=f"user_{number}", audio_start=0, at=now()))
        elif said is not None:
            self._notes.ended.append((number, moment()))
            group.start_soon(self._answer, number, emit)

    async def _answer(self, number: int, emit: Emit) -> None:
        await anyio.sleep(self._think)
        self._notes.spoke.append(moment())
        response, item = f"response_{number}", f"item_{number}"
        await emit(events.ResponseCreated(response_id=response, at=now()))
        pcm = sound(MODEL_RATE)
        for _ in range(ANSWER):
            await emit(events.AudioDelta(response_id=response, item_id=item, delta=pcm, at=now()))
        await emit(events.AudioDone(response_id=response, item_id=item, at=now()))
        await emit(events.ResponseDone(response_id=response, status="completed", at=now()))


class Sink:
    """Notes the first sample of each answer that is no silence."""

    takes_rates = frozenset({MODEL_RATE})

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._last = ""

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            if not isinstance(frame, Speech) or frame.response_id == self._last:
                continue
            if (heard := onset(frame.pcm, frame.rate)) is not None:
                self._last = frame.response_id
                self._notes.heard.append(heard)


def onset(pcm: bytes, rate: int) -> Moment | None:
    """When the first loud sample of *pcm*, which comes now, can be played."""
    came = moment()
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2")) > QUIET)
    return came._replace(at=came.at + float(loud[0]) / rate) if len(loud) else None
