"""`local/echo`: answers each turn with the audio that it heard."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from antiphon.codecs.items import Message
from antiphon.processors.local.brain import Part, Say, Sound, Turn, Utterance
from antiphon.processors.local.hearing import RATE
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.server import Server


class Echo:
    """Understands nothing and repeats everything."""

    async def hear(self, pcm: bytes) -> str:
        return ""

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        for said in turn.new:
            if isinstance(said, Utterance):
                yield Sound(said.pcm)
            elif isinstance(said, Message) and said.text:
                yield Say(said.text)

    @asynccontextmanager
    async def speak(self, text: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        """It has no voice: what was typed comes back as a transcript without sound."""
        yield _silence()

    def cuts_in(self) -> float | None:
        return None


async def _silence() -> AsyncIterator[bytes]:
    for pcm in ():
        yield pcm


def echo(*, think: float = 0.0, chunk: float = 0.1, speed: float = 4.0, seed: int = 0) -> Server:
    """The model; its output has the rate of its input, so that the samples are the same."""
    pace = Pace(think=think, chunk=chunk, speed=speed)
    return Server(Echo, name="local/echo", output_rate=RATE, pace=pace, seed=seed)
