"""`local/script`: says what a file tells it to, a line a turn, or by what it hears.

The file is TOML. With lines it takes the lead, as a synthetic user:

    voice = "en-gb"          # of all lines
    repeat = 1               # how often the lines are gone through

    [[line]]
    say = "What time is it?"
    wait = 0.4               # seconds of thought before it

    [[line]]
    say = "Stop."
    interrupt = 2.0          # does not hear the other out: speaks 2 s after it began

    [[line]]
    call = "get_weather"     # calls a tool instead of speaking, or after it
    arguments = { city = "Oslo" }

After its last line it hears the other out and hangs up, or with `hang_up = false` is silent.

With replies it answers, as a model:

    voice = "tone"           # needs nothing installed; else one of espeak's
    recognise = false        # of what no reply hears

    [[reply]]
    hears = "How warm is it in Oslo?"    # the next spoken turn, or one written so; or:
    # when = "warm|cold"                 # a pattern, in any turn
    # after = "get_weather"              # once this tool has answered
    # times = 2                          # once, but with a pattern or a tool always
    say = "Let me see."
    call = "get_weather"
    arguments = { city = "Oslo" }
    then = [{ say = "It is warm." }]     # once the tool has answered; one after the other

    [[reply]]                # follows what came before it, whatever was said
    wait = 2.0               # what is done in a reply, in this order
    say = "Once upon a time."
    sound = "bell.wav"       # or samples as they are, 16 bits at 24 kHz; or tone = 0.5 (seconds)
    call = "look"
    error = "server_error"   # the response fails; message = "..."
    hang_up = true
    interrupt = 0.5          # after so many seconds of it the user speaks over it
    interrupt_words = "Stop."

    [default]                # what nothing fits
    say = "Pardon?"
"""

import tomllib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any

import anyio
import msgspec
from msgspec import Meta

from antiphon.codecs.config import TurnDetection
from antiphon.codecs.items import JsonObject
from antiphon.processors.local.acting import TONE
from antiphon.processors.local.answers import Answers, Seconds
from antiphon.processors.local.brain import Call, HangUp, Part, Say, Turn
from antiphon.processors.local.casting import Book
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.server import OUTPUT_RATE, Server
from antiphon.processors.local.speaking import spoken
from antiphon.processors.local.staging import Play
from antiphon.processors.local.voice import Voice

SILENCE = 1_000_000
"""Microseconds after which the other is taken to have finished: it may think, or call a tool."""

PATIENCE = 8_000_000
"""Microseconds without an answer after which it goes on with its next line."""


class ScriptError(ValueError):
    """A script cannot be read; the message names the file, the line and what is wrong."""


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said or called in one turn."""

    say: str = ""
    call: str = ""
    arguments: JsonObject = {}
    wait: Seconds = 0.0
    interrupt: Seconds | None = None


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    line: Annotated[tuple[Line, ...], Meta(min_length=1)]
    voice: str = "en-us"
    repeat: Annotated[int, Meta(ge=1)] = 1
    hang_up: bool = True

    @classmethod
    def load(cls, path: str | Path) -> "Script":
        """Read *path*; ScriptError says what is wrong with it."""
        try:
            return msgspec.convert(_toml(path), cls)
        except (OSError, ValueError) as error:  # of TOML and of msgspec too
            raise ScriptError(f"the script {path} cannot be used: {error}") from error


def read(path: str | Path) -> "Script | Book":
    """What *path* has, lines or replies; ScriptError says what is wrong with it."""
    try:
        if not _toml(path).keys() & {"reply", "default"}:
            return Script.load(path)
        return msgspec.convert(_toml(path), Answers).book(Path(path).parent)
    except ScriptError:
        raise
    except (OSError, ValueError) as error:
        raise ScriptError(f"the script {path} cannot be used: {error}") from error


def _toml(path: str | Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        return tomllib.load(file)


class Reader:
    """Goes through the lines, one for each time it is its turn."""

    def __init__(self, script: Script) -> None:
        self._lines = iter(script.line * script.repeat)
        self._next = next(self._lines, None)
        self._hang_up = script.hang_up
        self._voice = Voice(script.voice)

    async def hear(self, pcm: bytes) -> str:
        """It only hears that the other has spoken."""
        return ""

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        line, self._next = self._next, next(self._lines, None)
        if line is None:
            if self._hang_up:
                yield HangUp()
            return
        await anyio.sleep(line.wait)
        if line.say:
            yield Say(line.say)
        if line.call:
            yield Call(line.call, msgspec.json.encode(line.arguments).decode())

    def speak(self, text: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return spoken(self._voice, text, OUTPUT_RATE)

    def cuts_in(self) -> float | None:
        return self._next.interrupt if self._next is not None else None


def script(
    path: str | Path | None = None,
    *,
    lines: Script | None = None,
    replies: Book | None = None,
    think: float = 0.3,
    chunk: float = 0.1,
    speed: float = 4.0,
    jitter: float = 0.0,
    seed: int = 0,
) -> Server:
    """The model that follows the script at *path*, or that given as *lines* or *replies*."""
    given = lines or replies
    if given is None:
        if path is None:
            raise ScriptError("local/script needs a file: local/script?path=SCRIPT.toml")
        given = read(path)
    try:
        if given.voice != TONE or isinstance(given, Script):
            Voice(given.voice)  # an unknown one is an error now, not in the middle of a call
    except ValueError as error:
        which = "the script" if path is None else f"the script {path}"
        raise ScriptError(f"{which} cannot be used: {error}") from error
    pace = Pace(think=think, chunk=chunk, speed=speed, jitter=jitter)
    if isinstance(given, Book):
        return Play(given, name="local/script", pace=pace, seed=seed)
    return _user(given, pace, seed)


def _user(lines: Script, pace: Pace, seed: int) -> Server:
    detection = TurnDetection(
        type="server-vad",
        silence_duration=SILENCE,
        interrupt_response=False,
        idle_timeout=PATIENCE,
    )
    return Server(
        lambda: Reader(lines),
        name="local/script",
        pace=pace,
        turn_detection=detection,
        ears="energy",  # it listens to a bot on a quiet line
        seed=seed,
    )
