"""The machine's sound devices, through PortAudio.

PortAudio calls back from a thread of its own, which must never wait: what happens there
is passed to the event loop by what `from_any_thread` gives.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from threading import Lock
from typing import Any, Literal, Protocol

from anyio import CancelScope, to_thread
from anyio.lowlevel import current_token

Kind = Literal["input", "output"]
Device = int | str | None
"""A number or a part of a name, as `python -m sounddevice` lists them; None: the default one."""

_one_at_a_time = Lock()
"""PortAudio's own functions must not run in two threads at once."""


class DeviceError(Exception):
    """A sound device cannot be used; *problem* says why and what to install or to choose."""

    def __init__(self, problem: str, device: Device = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.device = device


class Times(Protocol):
    """When a block of samples was or will be at the converter, by the stream's clock."""

    @property
    def inputBufferAdcTime(self) -> float: ...
    @property
    def currentTime(self) -> float: ...


class Flags(Protocol):
    """What went wrong between two callbacks."""

    @property
    def input_overflow(self) -> bool: ...
    @property
    def output_underflow(self) -> bool: ...


class Stream(Protocol):
    """What is used of sounddevice's raw streams; times are seconds."""

    @property
    def latency(self) -> float: ...
    @property
    def time(self) -> float: ...
    def start(self) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


Buffer = memoryview
"""The samples of one callback, to be read or to be filled; cffi's, which can do the same."""

Callback = Callable[[Buffer, int, Times, Flags], None]
"""Is called in PortAudio's thread, with a buffer of so many samples."""


def settled_rate(kind: Kind, device: Device, rate: int | None) -> int:
    """*rate*, or the device's own if None; DeviceError if it has no such mono 16-bit audio."""
    sound = _sounddevice()
    try:
        info = sound.query_devices(device, kind)
    except (ValueError, sound.PortAudioError) as error:
        what = f"default {kind} device" if device is None else f"{kind} device {device!r}"
        raise DeviceError(
            f"there is no {what} ({error}); {_to_choose_from(sound)}", device
        ) from error
    own = round(info["default_samplerate"])
    check = sound.check_input_settings if kind == "input" else sound.check_output_settings
    try:
        check(device=device, channels=1, dtype="int16", samplerate=rate or own)
    except sound.PortAudioError as error:
        raise DeviceError(
            f"the {kind} device {info['name']!r} has no mono 16-bit audio at {rate or own} Hz"
            f" ({error}); its own rate is {own} Hz; {_to_choose_from(sound)}",
            device,
        ) from error
    return rate or own


@asynccontextmanager
async def running(
    kind: Kind,
    device: Device,
    rate: int,
    block: int,
    callback: Callback,
    stopped: Callable[[], None],
) -> AsyncGenerator[Stream, None]:
    """A stream of mono 16-bit audio in blocks of *block* samples, or of any size if 0.

    *stopped* is called, in PortAudio's thread, when the stream ends by itself or by the end
    of this context.
    """
    sound = _sounddevice()
    make = sound.RawInputStream if kind == "input" else sound.RawOutputStream

    def begin() -> Stream:
        with _one_at_a_time:
            stream: Stream = make(
                device=device,
                samplerate=rate,
                blocksize=block,
                channels=1,
                dtype="int16",
                callback=callback,
                finished_callback=stopped,
            )
            try:
                stream.start()
            except sound.PortAudioError:
                stream.close()
                raise
            return stream

    def end(stream: Stream) -> None:
        with _one_at_a_time:
            stream.abort()
            stream.close()

    # Either can take a second, which the loop's other work should not wait for.
    try:
        stream = await to_thread.run_sync(begin)
    except sound.PortAudioError as error:
        raise DeviceError(
            f"the {kind} device cannot be opened ({error}); {_to_choose_from(sound)}", device
        ) from error
    try:
        yield stream
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(end, stream)


def from_any_thread() -> Callable[[Callable[[], None]], object]:
    """A function that has another one called in this event loop, soon, without waiting for it."""
    loop: Any = current_token().native_token
    if isinstance(loop, asyncio.AbstractEventLoop):
        return loop.call_soon_threadsafe
    return loop.run_sync_soon  # trio's


def described() -> str:
    """The devices of this machine, a line each. DeviceError where none can be looked for."""
    return str(_sounddevice().query_devices()) or "this machine has no sound devices"


def _sounddevice() -> Any:
    try:
        import sounddevice  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise DeviceError(
            "microphone and speaker need the package sounddevice: pip install 'antiphon[audio]'"
        ) from error
    except OSError as error:
        raise DeviceError(
            f"the PortAudio library cannot be loaded ({error}); install it"
            " (Debian, Ubuntu: apt install libportaudio2; Fedora: dnf install portaudio)"
        ) from error
    return sounddevice


def _to_choose_from(sound: Any) -> str:
    devices = str(sound.query_devices())
    return f"choose one of\n{devices}" if devices else "this machine has no sound devices"
