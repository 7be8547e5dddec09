"""What the scripts share: somebody who speaks, and lines of JSON about what his client heard.

They run in other interpreters, with nothing of this project.
"""

import asyncio
import json
import sys
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

BLOCK = 0.04
"""Seconds that a microphone gives at once."""

PATIENCE = 30.0
"""Seconds after which what a script waits for does not come."""

WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "What the weather is like.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
"""The tool that every client brings."""


def weather(city: str) -> dict[str, Any]:
    return {"city": city, "temperature": 7, "description": "light rain"}


class Told:
    """What a client was told, printed as it comes. Answers are written into *folder*."""

    def __init__(self, folder: Path, rate: int) -> None:
        self._folder = folder
        self._rate = rate
        self._lines: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._seen = 0
        self._pcm = b""
        self._answers = 0

    def note(self, kind: str, **about: Any) -> None:
        line = {"kind": kind, **about}
        print(json.dumps(line), flush=True)
        self._lines.append(line)
        self._changed.set()

    def hear(self, pcm: bytes) -> None:
        """The client would play *pcm* now."""
        if not self._pcm:
            self.note("speaks")
        self._pcm += pcm

    def answer(self, transcript: str | None) -> None:
        """All that was heard since the last one was an answer."""
        path = self._folder / f"answer-{self._answers}.wav"
        self._answers += 1
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self._rate)
            file.writeframes(self._pcm)
        self.note("answer", transcript=transcript, audio=str(path), seconds=self.heard)
        self._pcm = b""

    def interrupt(self, **about: Any) -> None:
        """What was heard so far is not played to its end."""
        self.note("interrupted", seconds=self.heard, **about)
        self._pcm = b""

    def forget(self) -> None:
        """What was heard so far is no answer."""
        self._pcm = b""

    @property
    def heard(self) -> float:
        """Seconds of audio since the last answer."""
        return len(self._pcm) / 2 / self._rate

    async def next(self, kind: str, **such: Any) -> dict[str, Any]:
        """The next line of this *kind*, after the one that was waited for before."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    while self._seen < len(self._lines):
                        line = self._lines[self._seen]
                        self._seen += 1
                        if line["kind"] == kind and such.items() <= line.items():
                            return line
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"no {kind} came, {such}") from None


class Microphone:
    """Gives what somebody says, and silence before and after, as fast as time passes."""

    def __init__(self, speech: Path, rate: int, *, block: float = BLOCK) -> None:
        self.size = round(rate * block) * 2
        self._block = block
        self._speech = speech / str(rate)
        self._waiting = b""

    def say(self, words: str) -> None:
        """*words* is the name of a file."""
        with wave.open(str(self._speech / f"{words}.wav")) as file:
            self._waiting += file.readframes(file.getnframes())

    async def run(self, send: Callable[[bytes], Awaitable[Any]]) -> None:
        clock = asyncio.get_running_loop()
        due = clock.time()
        while True:
            pcm, self._waiting = self._waiting[: self.size], self._waiting[self.size :]
            await send(pcm.ljust(self.size, b"\0"))
            due += self._block
            await asyncio.sleep(due - clock.time())


def given() -> tuple[str, str, Path, Path]:
    """What the test has said: base URL, key, folder of speech, folder for answers."""
    base, key, speech, answers = sys.argv[1:]
    return base, key, Path(speech), Path(answers)
