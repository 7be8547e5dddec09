"""A call between a synthetic user and a bot, recorded and measured."""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import anyio
import numpy as np
import numpy.typing as npt
from anyio import CancelScope

from antiphon.codecs import events
from antiphon.demo.cable import Cable
from antiphon.pipeline import Frame, Pipeline, clock, sleep_until
from antiphon.processors.latency import Latency
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Model, Realtime
from antiphon.processors.tools import Tool
from antiphon.processors.transcript import Transcript
from antiphon.show.display import Show

if TYPE_CHECKING:
    from antiphon.recording import Recorder

RATE = 24_000
"""Of the recording, in Hz."""

METER = 100_000
"""Microseconds between two looks at the level meters."""


class Track:
    """What one party was heard to say, on the time line of the session."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._looked = 0

    def write(self, pcm: bytes) -> None:
        self._blocks.append(pcm)

    def level(self) -> float:
        """The peak since the last look, from 0 to 1."""
        samples = np.frombuffer(b"".join(self._blocks[self._looked :]), "<i2")
        self._looked = len(self._blocks)
        return float(np.abs(samples, dtype=np.float32).max(initial=0)) / 32768

    @property
    def samples(self) -> npt.NDArray[np.int16]:
        return np.frombuffer(b"".join(self._blocks), "<i2")


class Heard:
    """An observer: when each item was heard, from the speaker's own reports."""

    def __init__(self) -> None:
        self.spans: dict[str, tuple[int, int]] = {}
        self._started: dict[str, int] = {}

    def returned(self, member: str, frame: Frame) -> None:
        match frame:
            case events.OutputPlaybackStarted(item_id=str(item_id)):
                self._started[item_id] = frame.at
            case events.OutputPlaybackStopped(item_id=str(item_id)) | (
                events.OutputPlaybackCleared(item_id=str(item_id))
            ) if item_id in self._started:
                self.spans[item_id] = (self._started.pop(item_id), frame.at)
            case _:
                pass


class Party:
    """One end of the call: what it consists of and what is kept of it."""

    def __init__(
        self,
        ear: Cable,
        bot: Realtime,
        mouth: Cable,
        show: Show | None = None,
        recorder: "Recorder | None" = None,
    ) -> None:
        self.track = Track()
        self.heard = Heard()
        self.transcript = Transcript(show.said if show else None)
        self.latency = Latency(show.measured if show else None)
        self._mouth = mouth
        self.pipeline = Pipeline(
            ear,
            bot,
            self.transcript,
            self.latency,
            PacedSink(self._write, rate=RATE),
            fit="auto",
            observers=[self.heard],
        )
        if recorder is not None:
            recorder.watch(self.pipeline)

    def _write(self, pcm: bytes, at: int) -> None:
        self.track.write(pcm)
        self._mouth.write(pcm, at)

    async def run(self) -> None:
        try:
            await self.pipeline.run()
        finally:
            self._mouth.hang_up()


class Call:
    """A user, played by one model, and a bot, played by another."""

    def __init__(
        self,
        user: Model,
        bot: str | Model,
        *,
        tools: Sequence[Tool | Callable[..., Any]],
        instructions: str,
        show: Show | None = None,
        recorder: "Recorder | None" = None,
    ) -> None:
        """*recorder* records the bot's side."""
        to_bot, to_user = Cable(RATE), Cable(RATE)
        realtime = Realtime(bot, tools=tools, instructions=instructions)
        self.user = Party(to_user, Realtime(user, speak_first=True), to_bot)
        self.bot = Party(to_bot, realtime, to_user, show, recorder)
        self._show = show

    @property
    def duration(self) -> int:
        """Microseconds for which both were on the line."""
        samples = min(len(self.user.track.samples), len(self.bot.track.samples))
        return samples * 1_000_000 // RATE

    async def run(self) -> None:
        """Hold the conversation until the user has hung up and the bot has finished."""
        clock.begin(anyio.current_time())  # one clock for both
        async with anyio.create_task_group() as group:
            meters = CancelScope()
            if self._show is not None:
                group.start_soon(self._meter, meters, self._show)
            async with anyio.create_task_group() as parties:
                parties.start_soon(self.user.run)
                parties.start_soon(self.bot.run)
            meters.cancel()

    async def _meter(self, scope: CancelScope, show: Show) -> None:
        with scope:
            for at in itertools.count(METER, METER):
                await sleep_until(at)
                show.level(self.user.track.level(), self.bot.track.level(), at)
