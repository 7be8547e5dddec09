"""An emulator in a thread of its own, beside a test that knows nothing of its event loop."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext
from typing import NoReturn, Self, TypeVar

import anyio

from antiphon.emulation.certificate import Certificate
from antiphon.emulation.emulator import Emulator
from antiphon.emulation.faults import Faults
from antiphon.emulation.heard import Call, Heard
from antiphon.emulation.places import PLACES, base_url, variables
from antiphon.emulation.port import Port
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.local.acting import TONE
from antiphon.processors.local.casting import Book
from antiphon.processors.local.reply import Reply, tone
from antiphon.processors.local.script import Script, read

T = TypeVar("T")

HOST = "127.0.0.1"

STARTING = 10.0
"""Seconds, at most."""

SILENCE = 0.5
"""Seconds before what a user says; twice as much behind it ends the turn."""

LOOKING = 0.01
"""Seconds between two looks in an asynchronous test."""

__all__ = ["Reply", "RunningEmulator"]


class RunningEmulator:
    """A context manager: within it, an emulator of all providers listens on this machine.

    What the model does is told in the order in which it is to happen:

        emulator.hears("How warm is it in Oslo?").calls("get_weather", city="Oslo").then("Warm.")
        emulator.when("bye").says("Goodbye.").hangs_up()

    The script begins anew with each session. Where there is none, `local/assistant` answers.
    It speaks in tones, at once and fifty times as fast as real time, unless `script` says
    otherwise.
    """

    def __init__(self) -> None:
        self._book = Book(voice=TONE)
        self._calls: list[Call] = []
        self._changed = threading.Condition()
        self._emulator = Emulator(self._book, think=0.0, speed=50.0, listener=self)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="antiphon-emulator", daemon=True
        )
        self._ports: list[Port] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._certificate: Certificate | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._port = self._opened(None)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(STARTING)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            if self._folder is not None:
                self._folder.cleanup()

    # Where it is.

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://{HOST}:{self._port.number}"

    @property
    def tls_url(self) -> str:
        """The same with TLS, for clients that insist on it; they have to trust `certificate`."""
        return f"https://{HOST}:{self._secure.number}"

    @property
    def certificate(self) -> str:
        """The file of the authority to be trusted."""
        return str(self._certified.path)

    @property
    def ssl_context(self) -> SSLContext:
        """For clients that take one."""
        return self._certified.trusting

    def base_url(self, provider: str) -> str:
        """What the SDK of *provider* takes for its base URL. Raises UnknownProvider."""
        tls = self.tls_url if provider in PLACES and PLACES[provider].tls is not None else None
        return base_url(provider, plain=self.url, tls=tls)

    @property
    def openai_base_url(self) -> str:
        return self.base_url("openai")

    @property
    def xai_base_url(self) -> str:
        return self.base_url("xai")

    @property
    def gemini_base_url(self) -> str:
        """With TLS: see `ssl_context`."""
        return self.base_url("gemini")

    @property
    def elevenlabs_base_url(self) -> str:
        return self.base_url("elevenlabs")

    @property
    def cartesia_base_url(self) -> str:
        return self.base_url("cartesia")

    @property
    def opper_base_url(self) -> str:
        return self.base_url("opper")

    @property
    def vercel_base_url(self) -> str:
        return self.base_url("vercel")

    def env(self, *providers: str) -> dict[str, str]:
        """The environment variables by which the SDKs of *providers*, or of all, find it."""
        named = providers or tuple(PLACES)
        if any(name in PLACES and PLACES[name].tls is not None for name in named):
            return variables(named, plain=self.url, tls=self.tls_url, trust=self.certificate)
        return variables(named, plain=self.url)

    # What it does.

    def hears(self, words: str) -> Reply:
        """What happens when the user says *words*: whatever the next spoken turn sounds like."""
        return self.add(Reply(hears=words))

    def when(self, pattern: str, *, times: int | None = None) -> Reply:
        """What happens whenever *pattern* is found in what the user says."""
        return self.add(Reply(when=pattern, times=times))

    def after(self, tool: str, *, when: str | None = None, times: int | None = None) -> Reply:
        """What happens whenever *tool* has answered, with something in which *when* is found."""
        return self.add(Reply(after=tool, when=when, times=times))

    def says(self, text: str) -> Reply:
        """What happens next, whatever the user says."""
        return self.add(Reply().says(text))

    def calls(self, tool: str, /, **arguments: object) -> Reply:
        """What happens next, whatever the user says."""
        return self.add(Reply().calls(tool, **arguments))

    def otherwise(self) -> Reply:
        """What happens when nothing else fits."""
        self._book.default = Reply()
        return self._book.default

    def add(self, reply: Reply) -> Reply:
        self._book.replies.append(reply)
        return reply

    def script(
        self,
        script: Book | Script | str | Path | None = None,
        *,
        voice: str | None = None,
        recognise: bool | None = None,
        think: float | None = None,
        speed: float | None = None,
        seed: int | None = None,
    ) -> None:
        """Play *script*, or the file of that name, in the sessions to come; and how.

        *voice* is one of espeak's, or "tone". *think* is in seconds, and *speed* how much faster
        than real time it speaks.
        """
        if script is not None:
            given = script if isinstance(script, Book | Script) else read(script)
            self._emulator.script = given
            self._book = given if isinstance(given, Book) else Book(voice=TONE)
        self._book.voice = self._book.voice if voice is None else voice
        self._book.recognise = self._book.recognise if recognise is None else recognise
        emulator = self._emulator
        emulator.think = emulator.think if think is None else think
        emulator.speed = emulator.speed if speed is None else speed
        emulator.seed = emulator.seed if seed is None else seed

    def speech(self, *, rate: int, seconds: float = 0.5) -> bytes:
        """A user's turn for a test to send, as 16-bit samples: silence, a tone, and silence.

        It is heard to begin and to end; what was said is for the script to say.
        """
        around = bytes(SAMPLE_WIDTH * int(rate * SILENCE))
        return around + tone(seconds, rate, hertz=300.0) + 2 * around

    def fault(self, text: str) -> None:
        """What goes wrong with the connections to come, such as `drop@3s,429*2`; "" is nothing.

        Raises FaultError.
        """
        self._emulator.faults = Faults(text)

    # What it has heard.

    @property
    def sessions(self) -> list[Call]:
        """All that were opened, in order."""
        return list(self._calls)

    @property
    def heard(self) -> Heard:
        """What the client of the last session has said; nothing if there was none."""
        return self._calls[-1].heard if self._calls else Heard()

    def wait_for(self, condition: Callable[[], T], *, timeout: float = 5.0) -> T:
        """What *condition* gives, as soon as that is true; it is looked at whenever things change.

        Raises TimeoutError, which says what was heard. An asynchronous test has `until`.
        """
        if _in_loop():
            raise RuntimeError("nothing else could run meanwhile: await emulator.until(...)")
        with self._changed:
            found = self._changed.wait_for(condition, timeout)
        return found if found else self._missed(timeout)

    async def until(self, condition: Callable[[], T], *, timeout: float = 5.0) -> T:
        """The same in an asynchronous test."""
        end = time.monotonic() + timeout
        while not (found := condition()):
            if time.monotonic() > end:
                self._missed(timeout)
            await anyio.sleep(LOOKING)
        return found

    def _missed(self, timeout: float) -> NoReturn:
        known = "".join(f"\n  {call}" for call in self._calls) or " none"
        raise TimeoutError(f"it has not come to that in {timeout:g} s. The sessions:{known}")

    # On the loop.

    def opened(self, call: Call) -> None:
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()

    def changed(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @property
    def _certified(self) -> Certificate:
        if self._certificate is None:
            self._folder = tempfile.TemporaryDirectory(prefix="antiphon-")
            self._certificate = Certificate(Path(self._folder.name))
        return self._certificate

    @property
    def _secure(self) -> Port:
        if len(self._ports) < 2:
            self._opened(self._certified.serving)
        return self._ports[1]

    def _opened(self, tls: SSLContext | None) -> Port:
        port = Port(self._emulator, host=HOST, port=0, tls=tls)
        asyncio.run_coroutine_threadsafe(port.open(), self._loop).result(STARTING)
        self._ports.append(port)
        return port

    async def _close(self) -> None:
        for port in self._ports:
            await port.aclose()
        await self._emulator.house.aclose()
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
