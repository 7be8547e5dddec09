"""Microphone and loudspeaker, on a sound system that is made up and on a real one."""

import struct
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from anyio import to_thread

from antiphon.codecs.events import (
    AudioDone,
    OutputPlaybackCleared,
    OutputPlaybackStarted,
    OutputPlaybackStopped,
)
from antiphon.pipeline import (
    Audio,
    Emit,
    Frame,
    Frames,
    Interrupt,
    Pipeline,
    ProcessorError,
    Speech,
    now,
    sleep_until,
)
from antiphon.pipeline.testing import run_virtual
from antiphon.processors import devices
from antiphon.processors.devices import MicSource, SpeakerSink
from antiphon.processors.portaudio import DeviceError

RATE = 8_000
BLOCK = struct.pack("<160h", *range(1, 161))
"""20 ms."""


class PortAudioError(Exception):
    pass


class Stream:
    """A stream that is driven by the test, from a thread of its own as by PortAudio."""

    latency = 0.01

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.time = 0.0
        self.state = "new"

    def start(self) -> None:
        self.state = "running"

    def abort(self) -> None:
        self.options["finished_callback"]()
        self.state = "stopped"

    def close(self) -> None:
        self.state = "closed"

    async def hear(self, pcm: bytes, at: float, *, overflow: bool = False) -> None:
        """The microphone has heard *pcm* since *at*."""
        await self._call(bytearray(pcm), SimpleNamespace(inputBufferAdcTime=at), overflow)

    async def play(self, samples: int, *, underflow: bool = False) -> bytes:
        """The loudspeaker asks for what comes next."""
        buffer = bytearray(samples * 2)
        await self._call(buffer, SimpleNamespace(), underflow)
        return bytes(buffer)

    async def stop(self) -> None:
        """Somebody has pulled the plug."""
        await to_thread.run_sync(self.options["finished_callback"])

    async def _call(self, buffer: bytearray, time: object, flag: bool) -> None:
        flags = SimpleNamespace(input_overflow=flag, output_underflow=flag)
        view = memoryview(buffer)
        await to_thread.run_sync(self.options["callback"], view, len(buffer) // 2, time, flags)


class Sound:
    """What is used of the package sounddevice."""

    PortAudioError = PortAudioError
    rates = (RATE, 48_000)

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.refuses = ""

    def query_devices(self, device: int | str | None = None, kind: str | None = None) -> object:
        if kind is None:
            return "> 0 Built-in"
        if device not in (None, 0, "Built-in"):
            raise ValueError(f"No {kind} device matching {device!r}")
        return {"name": "Built-in", "default_samplerate": 48_000.0}

    def check_input_settings(self, **settings: Any) -> None:
        if settings["samplerate"] not in self.rates:
            raise PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings

    def RawInputStream(self, **options: Any) -> Stream:
        return self._stream("input", options)

    def RawOutputStream(self, **options: Any) -> Stream:
        return self._stream("output", options)

    def _stream(self, kind: str, options: dict[str, Any]) -> Stream:
        if self.refuses:
            raise PortAudioError(self.refuses)
        self.streams[kind] = stream = Stream(options)
        return stream

    @property
    def states(self) -> dict[str, str]:
        return {kind: stream.state for kind, stream in self.streams.items()}


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Sound:
    sound = Sound()
    monkeypatch.setitem(sys.modules, "sounddevice", sound)
    return sound


async def opened(sound: Sound, kind: str) -> Stream:
    while sound.states.get(kind) != "running":
        await anyio.sleep(0.001)
    return sound.streams[kind]


class Back:
    """Keeps what is sent back, and when it came."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.times: list[int] = []

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        self.frames.append(frame)
        self.times.append(now())
        yield frame


async def listening(
    source: MicSource, sound: Sound, act: Callable[[Stream], Awaitable[None]]
) -> list[Audio]:
    """What *source* says while *act* drives the device."""
    heard: list[Audio] = []

    def keep(frame: Audio) -> None:
        heard.append(frame)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Pipeline(source, keep).run)
        await act(await opened(sound, "input"))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    return heard


def test_the_microphone_is_heard_block_by_block(sound: Sound) -> None:
    async def act(stream: Stream) -> None:
        for n in range(3):
            await sleep_until(20_000 * (n + 2))
            stream.time = 70 + now() / 1_000_000
            await stream.hear(BLOCK, stream.time - 0.025)

    heard = run_virtual(listening, MicSource(rate=RATE), sound, act)

    assert heard == [Audio(pcm=BLOCK, rate=RATE, at=at) for at in (15_000, 35_000, 55_000)]
    assert sound.streams["input"].options["blocksize"] == 160


def test_a_device_that_tells_no_time_is_believed_to_be_prompt(sound: Sound) -> None:
    async def act(stream: Stream) -> None:
        await sleep_until(50_000)
        stream.time = 70.0
        await stream.hear(BLOCK, 0.0)

    heard = run_virtual(listening, MicSource(rate=RATE), sound, act)

    assert [audio.at for audio in heard] == [30_000]


def test_a_microphone_has_its_own_rate_unless_another_is_asked_for(sound: Sound) -> None:
    assert MicSource().gives_rate == 48_000
    assert MicSource(rate=RATE).gives_rate == RATE


def test_the_microphones_stream_is_closed_when_it_is_no_longer_listened_to(sound: Sound) -> None:
    async def act(stream: Stream) -> None:
        await stream.hear(BLOCK, 0.0)

    run_virtual(listening, MicSource(rate=RATE), sound, act)

    assert sound.states == {"input": "closed"}


def test_of_audio_that_is_taken_too_late_the_oldest_is_lost_and_counted(sound: Sound) -> None:
    source = MicSource(rate=RATE)

    async def late() -> list[Frame]:
        frames: list[Frame] = []
        async with anyio.create_task_group() as tasks:
            async with Pipeline(source, lane=1).open() as run:
                stream = await opened(sound, "input")
                for n in range(60):
                    await stream.hear(struct.pack("<160h", *[n] * 160), 0.0, overflow=n == 7)
                frames += [await anext(run) for _ in range(50)]
                run.cancel()
            tasks.cancel_scope.cancel()
        return frames

    frames = run_virtual(late)

    numbers = [struct.unpack_from("<h", f.pcm)[0] for f in frames if isinstance(f, Audio)]
    assert numbers == [0, *range(10, 59)]
    assert source.lost == 9 * 20_000
    assert source.overflows == 1


class Waiting:
    """A source that says nothing."""

    async def run(self, frames: Frames, emit: Emit) -> None:
        await anyio.sleep_forever()


async def failing(sound: Sound, pipeline: Pipeline, kind: str, problem: str) -> None:
    """Run *pipeline* until somebody pulls the plug."""

    async def pull() -> None:
        stream = await opened(sound, kind)
        await stream.stop()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pull)
        with pytest.raises(ProcessorError, match=problem):
            await pipeline.run()
    assert sound.states == {kind: "closed"}


def test_a_microphone_that_stops_is_an_error(sound: Sound) -> None:
    run_virtual(failing, sound, Pipeline(MicSource()), "input", "the microphone has stopped")


def test_a_loudspeaker_that_stops_is_an_error(sound: Sound) -> None:
    pipeline = Pipeline(Waiting(), SpeakerSink(rate=RATE))

    run_virtual(failing, sound, pipeline, "output", "the loudspeaker has stopped")


def speech(item: str, pcm: bytes) -> Speech:
    return Speech(pcm=pcm, rate=RATE, response_id="r", item_id=item)


async def speaking(
    sound: Sound, script: Sequence[tuple[int, Frame]], sink: SpeakerSink
) -> tuple[bytes, Back]:
    """Send each frame at its time while the device takes 10 ms every 10 ms; what both got."""
    back = Back()
    played: list[bytes] = []

    async def device() -> None:
        stream = await opened(sound, "output")
        for tick in count():
            await sleep_until(tick * 10_000)
            if stream.state != "running":
                return
            played.append(await stream.play(80, underflow=tick == 3))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(device)
        async with Pipeline(back, sink).open(output=False) as run:
            for at, frame in script:
                await sleep_until(at)
                await run.send(frame)
    return b"".join(played), back


def test_the_loudspeaker_plays_what_comes_and_reports_what_left_it(sound: Sound) -> None:
    script = [
        (25_000, speech("a", BLOCK * 2)),
        (25_000, AudioDone(response_id="r", item_id="a")),
        (155_000, Audio(pcm=BLOCK, rate=RATE)),
    ]

    played, back = run_virtual(speaking, sound, script, SpeakerSink(rate=RATE))

    assert played[: 180 * 16] == bytes(30 * 16) + BLOCK * 2 + bytes(90 * 16) + BLOCK
    # It was taken at 30 ms, and the device says that it holds 10 ms.
    assert back.frames == [
        OutputPlaybackStarted(response_id="r", item_id="a", at=40_000),
        OutputPlaybackStopped(response_id="r", item_id="a", played=40_000, at=80_000),
    ]
    # It is known when the device has come for the next block.
    assert back.times == [50_000, 80_000]
    assert sound.states == {"output": "closed"}


def test_an_interruption_silences_the_loudspeaker(sound: Sound) -> None:
    script = [
        (25_000, speech("a", BLOCK * 50)),
        (65_000, Interrupt()),
        (105_000, speech("b", BLOCK)),
    ]

    played, back = run_virtual(speaking, sound, script, SpeakerSink(rate=RATE))

    assert played[: 110 * 16] == bytes(30 * 16) + BLOCK * 2 + bytes(40 * 16)
    assert back.frames[1] == OutputPlaybackCleared(
        response_id="r", item_id="a", played=20_000, at=65_000
    )
    assert [type(frame) for frame in back.frames[2:]] == [
        OutputPlaybackStarted,
        OutputPlaybackStopped,
    ]


def test_the_loudspeaker_takes_in_more_once_there_is_room(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "LIMIT", 40_000)
    script = [(25_000, Audio(pcm=BLOCK, rate=RATE)) for _ in range(10)]
    script.append((500_000, Audio(pcm=BLOCK, rate=RATE)))

    played, _ = run_virtual(speaking, sound, script, SpeakerSink(rate=RATE))

    assert played[: 250 * 16] == bytes(30 * 16) + BLOCK * 10 + bytes(20 * 16)


def test_gaps_that_the_loudspeaker_had_are_counted(sound: Sound) -> None:
    sink = SpeakerSink(rate=RATE)

    run_virtual(speaking, sound, [(45_000, Audio(pcm=BLOCK, rate=RATE))], sink)

    assert sink.underflows == 1


def test_microphone_and_loudspeaker_work_on_trio(sound: Sound) -> None:
    async def main() -> bytes:
        played = b""
        async with anyio.create_task_group() as tasks:
            pipeline = Pipeline(MicSource(rate=RATE), SpeakerSink(rate=RATE))
            tasks.start_soon(pipeline.run)
            microphone, loudspeaker = await opened(sound, "input"), await opened(sound, "output")
            await microphone.hear(BLOCK, 0.0)
            while not any(played):
                played = await loudspeaker.play(160)
            tasks.cancel_scope.cancel()
        return played

    assert anyio.run(main, backend="trio") == BLOCK
    assert sound.states == {"input": "closed", "output": "closed"}


def test_a_device_that_there_is_not_is_an_error_that_lists_the_others(sound: Sound) -> None:
    with pytest.raises(DeviceError, match="no input device 'Nose'.*\n> 0 Built-in") as caught:
        MicSource("Nose")

    assert caught.value.device == "Nose"


def test_a_machine_without_devices_says_so(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(device: object = None, kind: str | None = None) -> str:
        if kind is None:
            return ""
        raise PortAudioError("Error querying device -1")

    monkeypatch.setattr(sound, "query_devices", none)

    with pytest.raises(DeviceError, match="no default output device .*has no sound devices"):
        SpeakerSink()


def test_a_rate_that_a_device_does_not_have_names_the_one_it_has(sound: Sound) -> None:
    problem = "'Built-in' has no mono 16-bit audio at 24000 Hz .*its own rate is 48000 Hz"

    with pytest.raises(DeviceError, match=problem):
        SpeakerSink(rate=24_000)


def test_a_device_that_cannot_be_opened_ends_the_run(sound: Sound) -> None:
    sound.refuses = "Device unavailable"
    source = MicSource()

    with pytest.raises(ProcessorError, match="MicSource failed.*cannot be opened .Device unavail"):
        run_virtual(Pipeline(source).run)


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)

    with pytest.raises(DeviceError, match=r"pip install 'antiphon\[audio\]'"):
        MicSource()


def test_without_the_library_it_is_said_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)

    with pytest.raises(DeviceError, match="library not found.*apt install libportaudio2"):
        SpeakerSink()


def test_a_block_without_a_sample_is_refused(sound: Sound) -> None:
    with pytest.raises(ValueError, match="no samples"):
        MicSource(rate=RATE, block=100)
