"""What the user says: from a microphone, a file, or anything that gives audio."""

import base64
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from antiphon.pipeline import Audio, Emit, Frames
from antiphon.pipeline.testing import run_virtual
from antiphon.processors import FileSource
from antiphon.processors.wavefile import WaveWriter
from antiphon.session import NotConnected, Overflow
from tests.antiphon.session.line import (
    Line,
    connected,
    ignored,
    session_on,
    settle,
)

BLOCK = bytes(960)


def heard(line: Line) -> int:
    """Bytes of the user's audio that were said."""
    said = [one for one in line.said if one["type"] == "input-audio-append"]
    return sum(len(base64.b64decode(one["audio"])) for one in said)


class Microphone:
    """A source member that says how often it was opened, and whether it is."""

    gives_rate = 24_000

    def __init__(self) -> None:
        self.opened = 0
        self.is_open = False

    async def run(self, frames: Frames, emit: Emit) -> None:
        self.opened += 1
        self.is_open = True
        try:
            while True:
                await anyio.sleep(0.02)
                await emit(Audio(pcm=BLOCK))
        finally:
            self.is_open = False


def test_a_microphone_is_heard_while_connected_and_closed_while_stopped() -> None:
    async def main() -> None:
        line, microphone = Line(), Microphone()
        async with connected(line) as session:
            await session.start_audio_capture(microphone)
            await anyio.sleep(0.11)
            assert session.is_capturing
            assert heard(line) == 5 * len(BLOCK)

            await session.stop_audio_capture()
            await settle()
            assert not session.is_capturing
            assert not microphone.is_open

            await session.resume_audio_capture()
            await anyio.sleep(0.11)
            assert microphone.opened == 2
            assert heard(line) == 10 * len(BLOCK)

            await session.disconnect()
            await settle()
            assert not session.is_capturing
            assert not microphone.is_open

    run_virtual(main)


def test_an_iterable_is_not_asked_while_stopped() -> None:
    asked: list[int] = []

    async def pieces() -> AsyncGenerator[bytes]:
        for number in range(100):
            asked.append(number)
            await anyio.sleep(0.1)
            yield BLOCK

    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await session.start_audio_capture(pieces())
            await anyio.sleep(0.25)
            await session.stop_audio_capture()
            await anyio.sleep(5)
            assert len(asked) == 3
            assert heard(line) == 2 * len(BLOCK)

            await session.resume_audio_capture()
            await anyio.sleep(0.25)
            assert heard(line) == 4 * len(BLOCK)

    run_virtual(main)


def test_audio_at_another_rate_is_brought_to_that_of_the_session(tmp_path: Path) -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            with WaveWriter(tmp_path / "said.wav", 8_000) as file:
                file.write(bytes(16_000))
            await session.start_audio_capture(FileSource(tmp_path / "said.wav"))
            await anyio.sleep(2)
            assert not session.is_capturing
            assert heard(line) == pytest.approx(48_000, abs=100)

    run_virtual(main)


def test_the_end_of_the_source_is_the_end_of_the_capture() -> None:
    async def pieces() -> AsyncGenerator[Audio]:
        yield Audio(pcm=BLOCK)

    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await session.start_audio_capture(pieces())
            await settle()
            assert not session.is_capturing
            with pytest.raises(NotConnected, match="no source"):
                await session.resume_audio_capture()

    run_virtual(main)


def test_a_source_that_fails_is_an_error_and_the_session_goes_on() -> None:
    async def broken() -> AsyncGenerator[bytes]:
        yield BLOCK
        raise OSError("unplugged")

    class Broken:
        async def run(self, frames: Frames, emit: Emit) -> None:
            raise OSError("unplugged")

    async def main() -> None:
        errors = list[Exception]()
        async with connected(Line(), on_error=errors.append) as session:
            for source in (broken(), Broken()):
                await session.start_audio_capture(source)
                await settle()
                assert not session.is_capturing
            assert [str(error) for error in errors] == ["unplugged"] * 2
            assert [type(error) for error in errors] == [OSError] * 2
            assert session.status == "connected"

    run_virtual(main)


def test_another_source_takes_the_place_of_the_first() -> None:
    async def main() -> None:
        first, second = Microphone(), Microphone()
        async with connected(Line()) as session:
            await session.start_audio_capture(first)
            await settle()
            await session.start_audio_capture(second)
            await settle()
            assert (first.is_open, second.is_open) == (False, True)
            assert session.is_capturing

    run_virtual(main)


def test_a_microphone_that_the_network_does_not_take_ends_the_session() -> None:
    async def main() -> None:
        line = Line(room=0, listens=False)
        async with session_on(line, on_error=ignored) as session:
            await session.connect(wait=False)
            await settle()
            await line.transport.receive()
            await line.tell({"type": "session-updated"})
            await session.start_audio_capture(Microphone())
            await anyio.sleep(11)

            assert session.status == "error"
            assert isinstance(session.error, Overflow)
            assert not session.is_capturing

    run_virtual(main)


def test_half_a_sample_waits_for_its_other_half() -> None:
    async def main() -> None:
        line = Line()
        async with connected(line) as session:
            await session.send_audio(b"\x01\x02\x03")
            await session.send_audio(b"\x04")
            await settle()

            assert [one["audio"] for one in line.said] == ["AQI=", "AwQ="]

    run_virtual(main)
