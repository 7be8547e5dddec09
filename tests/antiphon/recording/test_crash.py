"""What is left of a recording when the program, or the disk, has come to a sudden end."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.pipeline import Frame
from antiphon.recording import Recording, RecordingError
from antiphon.recording.records import AUDIO_IN, Sound
from antiphon.recording.verdict import judged
from tests.antiphon.recording.sessions import an_echo, record, spoken, topics, words

SESSION = """
import anyio, sys
from antiphon.pipeline import Pipeline
from antiphon.recording import Recorder
from antiphon.processors.player import PacedSink
from tests.antiphon.recording.sessions import User, an_echo, silence, spoken

recorder = Recorder(sys.argv[1])
user = User(spoken(silence(30), 0))
print("ready", flush=True)
sink = PacedSink(lambda pcm, at: None)
anyio.run(recorder.watch(Pipeline(user, an_echo(), sink, fit="auto")).run)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9")
def test_after_kill_9_all_but_the_last_half_second_is_there(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    (path,) = _wait_for(tmp_path)
    time.sleep(1.5)  # of the session
    process.send_signal(signal.SIGKILL)
    killed = time.time()
    process.wait(10)
    process.stdout.close()

    recording = Recording.open(path)

    last = int(recording.header["began"]) / 1e9 + recording.duration / 1e6
    assert killed - last < 0.5
    assert not recording.whole and not recording.finished
    frames = [body for body in topics(recording, AUDIO_IN) if isinstance(body, Sound)]
    assert [frame.at for frame in frames] == [i * 20_000 for i in range(len(frames))]
    assert judged(recording, an_echo).difference is None


class Whole:
    """A recording, and the bytes of its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.read_bytes()
        self.recording = Recording.open(path)

    def __repr__(self) -> str:
        return f"{len(self.data)} bytes"

    def damaged(self, data: bytes) -> Recording | None:
        """What can be read of *data*; None if it is no recording any more."""
        broken = self.path.with_name("broken.mcap")
        broken.write_bytes(data)
        try:
            return Recording.open(broken)
        except RecordingError:
            return None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    script: list[tuple[int, Frame]] = spoken(words("Hello there."), 0)
    return Whole(record(tmp_path_factory.mktemp("calls"), script))


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0, 1))
def test_a_file_that_ends_anywhere_is_read_as_far_as_it_goes(whole: Whole, cut: float) -> None:
    size = int(len(whole.data) * cut)

    rest = whole.damaged(whole.data[:size])

    if rest is None:
        assert b"began" not in whole.data[: max(size - 200, 0)]  # the header had not come yet
        return
    assert rest.records == whole.recording.records[: len(rest.records)]
    assert rest.header == whole.recording.header
    assert rest.whole == (size >= len(whole.data) - 8)  # behind the footer comes a mark of 8 bytes


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_damaged_file_is_read_as_far_as_it_is_sound(
    whole: Whole, place: float, value: int
) -> None:
    data = bytearray(whole.data)
    data[int(len(data) * place)] = value

    rest = whole.damaged(bytes(data))

    assert rest is None or rest.records == whole.recording.records[: len(rest.records)]


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"\x89MCAP0\r\n"])
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.mcap"
    path.write_bytes(data)

    with pytest.raises(RecordingError, match=r"other\.mcap"):
        Recording.open(path)


def test_a_recording_of_a_later_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.recording.recorder.FORMAT", "2")
    path = record(tmp_path, spoken(words("Hello there."), 0))

    with pytest.raises(RecordingError, match="format 2"):
        Recording.open(path)


def _wait_for(folder: Path) -> list[Path]:
    """The files that are made in *folder*."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if files := [*folder.glob("*.mcap")]:
            return files
        time.sleep(0.01)
    raise AssertionError("nothing was recorded")
