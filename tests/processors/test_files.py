"""Files at the ends of a pipeline: in time, without drift, and whole however it ends."""

import struct
import wave
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from antiphon.codecs.events import (
    AudioDone,
    OutputPlaybackCleared,
    OutputPlaybackStarted,
    OutputPlaybackStopped,
)
from antiphon.pipeline import (
    Audio,
    FitError,
    Frame,
    Interrupt,
    Pipeline,
    ProcessorError,
    Speech,
    sleep_until,
)
from antiphon.pipeline.clock import now
from antiphon.pipeline.testing import run_virtual
from antiphon.processors import wavefile
from antiphon.processors.audiofile import AudioFileError
from antiphon.processors.files import FileSink, FileSource
from tests.processors.returns import Back

RATE = 8_000
SECOND = struct.pack("<8000h", *range(1, 8001))


def ms(milliseconds: int) -> bytes:
    return bytes(milliseconds * RATE // 1000 * 2)


def file(path: Path, pcm: bytes = SECOND, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(pcm)
    return path


def content(path: Path) -> bytes:
    with wave.open(str(path)) as sound:
        return sound.readframes(sound.getnframes())


async def heard(source: FileSource) -> list[tuple[int, Audio]]:
    """What *source* says, and when it arrives."""
    out: list[tuple[int, Audio]] = []

    def keep(frame: Audio) -> None:
        out.append((now(), frame))

    await Pipeline(source, keep).run()
    return out


async def written(sink: FileSink, script: Sequence[tuple[int, Frame]]) -> list[Frame]:
    """Send each frame of *script* at its time; what came back."""
    back = Back()
    async with Pipeline(back, sink).open(output=False) as run:
        for at, frame in script:
            await sleep_until(at)
            await run.send(frame)
    return back.frames


def speech(item: str, pcm: bytes) -> Speech:
    return Speech(pcm=pcm, rate=RATE, response_id="r", item_id=item)


def test_a_file_is_spoken_in_real_time(tmp_path: Path) -> None:
    source = FileSource(file(tmp_path / "a.wav"))

    out = run_virtual(heard, source)

    assert b"".join(audio.pcm for _, audio in out) == SECOND
    assert [audio.at for _, audio in out] == list(range(0, 1_000_000, 20_000))
    assert [at for at, _ in out] == list(range(20_000, 1_020_000, 20_000))
    assert (source.gives_rate, source.duration) == (RATE, 1_000_000)


def test_a_file_is_spoken_as_fast_as_it_is_taken(tmp_path: Path) -> None:
    out = run_virtual(heard, FileSource(file(tmp_path / "a.wav"), pace="fast"))

    assert b"".join(audio.pcm for _, audio in out) == SECOND
    assert [audio.at for _, audio in out] == list(range(0, 1_000_000, 20_000))
    assert {at for at, _ in out} == {0}


def test_an_odd_rest_is_a_shorter_block(tmp_path: Path) -> None:
    out = run_virtual(heard, FileSource(file(tmp_path / "a.wav", SECOND[: 25 * 16])))

    assert [(at, audio.at, audio.samples) for at, audio in out] == [
        (20_000, 0, 160),
        (25_000, 20_000, 40),
    ]


def test_blocks_do_not_drift_where_a_rate_does_not_divide(tmp_path: Path) -> None:
    path = file(tmp_path / "a.wav", bytes(11_025 * 20), 11_025)

    out = run_virtual(heard, FileSource(path))

    assert out[-1][0] == 10_000_000
    assert all(abs(audio.at - 20_000 * n) <= 91 for n, (_, audio) in enumerate(out))


def test_silence_follows_where_it_is_asked_for(tmp_path: Path) -> None:
    out = run_virtual(heard, FileSource(file(tmp_path / "a.wav", SECOND[:320]), tail=50_000))

    assert b"".join(audio.pcm for _, audio in out) == SECOND[:320] + ms(50)
    assert out[-1][0] == 70_000


def test_a_late_source_catches_up(tmp_path: Path) -> None:
    async def slow() -> list[int]:
        times: list[int] = []
        async with Pipeline(FileSource(file(tmp_path / "a.wav")), lane=1).open() as run:
            await sleep_until(500_000)
            times += [now() async for _ in run]
        return times

    times = run_virtual(slow)

    assert len(times) == 50
    assert times[-1] == 1_000_000


@pytest.mark.parametrize(
    ("name", "problem"),
    [("missing.wav", "no such file"), (".", "it is a directory"), ("empty.wav", "it is empty")],
)
def test_a_source_without_audio_is_an_error_before_anything_runs(
    tmp_path: Path, name: str, problem: str
) -> None:
    (tmp_path / "empty.wav").touch()

    with pytest.raises(AudioFileError, match=problem):
        FileSource(tmp_path / name)


def test_a_block_without_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no samples"):
        FileSource(file(tmp_path / "a.wav"), block=100)


def test_a_sink_keeps_the_time_line_of_the_session(tmp_path: Path) -> None:
    script = [
        (50_000, speech("a", SECOND[:1600])),
        (190_000, AudioDone(response_id="r", item_id="a")),
    ]

    back = run_virtual(written, FileSink(tmp_path / "a.wav", rate=RATE), script)

    assert content(tmp_path / "a.wav") == ms(60) + SECOND[:1600] + ms(40)
    assert back == [
        OutputPlaybackStarted(response_id="r", item_id="a", at=60_000),
        OutputPlaybackStopped(response_id="r", item_id="a", played=100_000, at=160_000),
    ]


def test_a_sink_can_leave_the_silence_out(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "a.wav", rate=RATE, silence=False)

    run_virtual(written, sink, [(50_000, speech("a", SECOND[:1600]))])

    assert content(tmp_path / "a.wav") == SECOND[:1600]


def test_what_was_cut_off_is_not_in_the_file(tmp_path: Path) -> None:
    script = [
        (10_000, speech("a", SECOND)),
        (110_000, Interrupt()),
        (150_000, Audio(pcm=b"", rate=RATE)),
    ]

    back = run_virtual(written, FileSink(tmp_path / "a.wav", rate=RATE), script)

    assert content(tmp_path / "a.wav") == ms(20) + SECOND[:1600] + ms(40)
    assert back[1:] == [
        OutputPlaybackCleared(response_id="r", item_id="a", played=100_000, at=110_000)
    ]


def test_a_fast_sink_writes_all_as_it_comes(tmp_path: Path) -> None:
    script = [
        (30_000, speech("a", SECOND)),
        (40_000, AudioDone(response_id="r", item_id="a")),
        (50_000, Interrupt()),
        (60_000, speech("b", SECOND)),
    ]

    back = run_virtual(written, FileSink(tmp_path / "a.wav", rate=RATE, pace="fast"), script)

    assert content(tmp_path / "a.wav") == SECOND + SECOND
    assert back == [
        OutputPlaybackStarted(response_id="r", item_id="a", at=30_000),
        OutputPlaybackStopped(response_id="r", item_id="a", played=1_000_000, at=40_000),
        OutputPlaybackStarted(response_id="r", item_id="b", at=60_000),
        OutputPlaybackStopped(response_id="r", item_id="b", played=1_000_000, at=60_000),
    ]


def test_a_file_goes_through_a_pipeline_unchanged(tmp_path: Path) -> None:
    source = FileSource(file(tmp_path / "a.wav"), pace="fast")
    sink = FileSink(tmp_path / "b.wav", rate=RATE, pace="fast")

    run_virtual(Pipeline(source, sink).run)

    assert content(tmp_path / "b.wav") == SECOND


def test_a_file_of_another_rate_does_not_fit_the_sink(tmp_path: Path) -> None:
    source = FileSource(file(tmp_path / "a.wav"))

    with pytest.raises(FitError, match="FileSource gives audio at 8000 Hz, FileSink takes 24000"):
        Pipeline(source, FileSink(tmp_path / "b.wav"))


def test_a_cancelled_sink_leaves_a_whole_file(tmp_path: Path) -> None:
    async def cancelled() -> None:
        with anyio.move_on_after(0.51):
            await written(FileSink(tmp_path / "b.wav", rate=RATE), [(10_000, speech("a", SECOND))])

    run_virtual(cancelled)

    assert content(tmp_path / "b.wav") == ms(20) + SECOND[: 500 * 16]


def test_a_full_disk_names_sink_and_file_and_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wavefile, "LARGEST", 16 * 110)

    with pytest.raises(ProcessorError, match="FileSink failed at 0.100 s: .*b.wav: it has 4 GiB"):
        run_virtual(
            written, FileSink(tmp_path / "b.wav", rate=RATE), [(10_000, speech("a", SECOND))]
        )

    assert content(tmp_path / "b.wav") == ms(20) + SECOND[: 80 * 16]


@pytest.mark.parametrize(
    ("name", "problem"), [("no/a.wav", "no folder"), ("", "it is a directory")]
)
def test_a_sink_without_a_place_is_an_error_before_anything_runs(
    tmp_path: Path, name: str, problem: str
) -> None:
    with pytest.raises(AudioFileError, match=problem):
        FileSink(tmp_path / name)
