"""What a scripted model does when it is spoken to, told in a line of Python or a table of TOML."""

import json
import math
import re
import wave
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from antiphon.processors.local.brain import Call, HangUp, Say, Sound
from antiphon.processors.local.server import OUTPUT_RATE

Words = str | Callable[[str], str]
"""What to say; as a function, of what was said or of what the tools have answered."""

LOUDNESS = 6_000
"""Peak of a tone."""


class Wait(msgspec.Struct, frozen=True):
    """Nothing happens for so many seconds."""

    seconds: float


class Tell(msgspec.Struct, frozen=True):
    """Words that depend on what was said."""

    words: Callable[[str], str]


class Fail(msgspec.Struct, frozen=True):
    """The response fails."""

    code: str
    message: str


class Cut(msgspec.Struct, frozen=True):
    """The user speaks over the model, and says *words*."""

    words: str
    after: float
    """Seconds of the answer that were sent."""


Act = Say | Sound | Call | HangUp | Wait | Tell | Fail | Cut


class Reply:
    """Something that is done once, as an answer; it reads as what happens, in that order.

        Reply(hears="How warm is it in Oslo?").calls("get_weather", city="Oslo").then("Warm.")

    *hears* are the words of a turn: of the next one that is spoken, whatever it sounds like,
    or of one that is written so. *when* is a pattern that is looked for in the words of any
    turn, whatever their case, and *after* the name of a tool that has answered. A reply without
    any of them follows the one before it. One is good for so many *times*: once, but as often as
    it fits with *when* or *after*. Raises ValueError.
    """

    def __init__(
        self,
        *,
        hears: str | None = None,
        when: str | None = None,
        after: str | None = None,
        times: int | None = None,
    ) -> None:
        if hears is not None and (when is not None or after is not None):
            raise ValueError("a reply that hears its words needs neither when nor after")
        try:
            self.when = None if when is None else re.compile(when, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"when = {when!r} is no pattern: {error}") from error
        if times is not None and times < 1:
            raise ValueError(f"a reply is good for one time or more, not {times}")
        self.hears = hears
        self.after = after
        self.times = (1 if when is None and after is None else math.inf) if times is None else times
        self.stages: list[list[Act]] = [[]]
        """Each is done once the tools that the one before it has called have answered."""

    def says(self, text: Words) -> Self:
        """Speaks *text*, or writes it where the session has no speech."""
        return self._do(Say(text) if isinstance(text, str) else Tell(text))

    def plays(self, sound: bytes | str | Path, *, rate: int = OUTPUT_RATE) -> Self:
        """*sound* is 16-bit mono samples at *rate*, or a file: WAV, else such samples."""
        return self._do(Sound(_samples(sound, rate)))

    def tone(self, seconds: float, *, hertz: float = 440.0) -> Self:
        return self._do(Sound(tone(seconds, OUTPUT_RATE, hertz=hertz)))

    def calls(
        self, tool: str, given: Mapping[str, Any] | str | None = None, /, **arguments: Any
    ) -> Self:
        """Calls *tool*; *given* as text is sent as it is, be it JSON or not."""
        written = given if isinstance(given, str) else json.dumps({**(given or {}), **arguments})
        return self._do(Call(tool, written))

    def thinks(self, seconds: float) -> Self:
        return self._do(Wait(seconds))

    def fails(self, code: str = "server_error", message: str = "The script says so.") -> Self:
        """The response ends as failed, with an error in the words of the dialect."""
        return self._do(Fail(code, message))

    def interrupted(self, words: str = "", *, after: float = 0.5) -> Self:
        """The user is heard to speak once *after* seconds of this answer were sent.

        What was said is *words*, which is answered like any other turn; nothing, if empty. It
        takes a session in which the server detects turns.
        """
        self.stages[-1].insert(0, Cut(words, after))
        return self

    def hangs_up(self) -> Self:
        return self._do(HangUp())

    def then(self, text: Words | None = None) -> Self:
        """What follows is done once the tools have answered, beginning with saying *text*."""
        if not any(isinstance(act, Call) for act in self.stages[-1]):
            raise ValueError("then is for what follows the answer of a tool: call one before")
        self.stages.append([])
        return self if text is None else self.says(text)

    def _do(self, act: Act) -> Self:
        self.stages[-1].append(act)
        return self


def tone(seconds: float, rate: int, *, hertz: float = 440.0) -> bytes:
    """A sine, 16-bit samples."""
    step = 2 * math.pi * hertz / rate
    samples = array("h", (round(LOUDNESS * math.sin(step * n)) for n in range(int(seconds * rate))))
    return samples.tobytes()


def _samples(sound: bytes | str | Path, rate: int) -> bytes:
    from antiphon.processors.resampler import resample

    if isinstance(sound, bytes):
        return resample(sound, rate, OUTPUT_RATE)
    path = Path(sound)
    try:
        if path.suffix.lower() != ".wav":
            return resample(path.read_bytes(), rate, OUTPUT_RATE)
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise ValueError(f"{path} has to be mono, with samples of 16 bits")
            pcm = file.readframes(file.getnframes())
            return resample(pcm, file.getframerate(), OUTPUT_RATE)
    except (OSError, wave.Error, EOFError) as error:
        raise ValueError(f"the sound {path} cannot be read: {error}") from error
