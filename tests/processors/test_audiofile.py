"""Any audio file reads as mono 16-bit audio, or says what is wrong with it."""

import math
import struct
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from antiphon.processors import audiofile
from antiphon.processors.audiofile import AudioFileError, mixed, open_audio

RATE = 16_000
TONE = np.rint(9_000 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)).astype(np.int16)


def wav(path: Path, data: bytes, *, channels: int = 1, width: int = 2, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((channels, width, rate, 0, "NONE", ""))
        out.writeframes(data)
    return path


def encoded(path: Path, codec: str, rate: int = RATE) -> Path:
    """The tone, by one of FFmpeg's encoders."""
    out: Any
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(TONE.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate)
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    return path


def read(path: Path) -> npt.NDArray[np.int16]:
    with open_audio(path) as file:
        return np.frombuffer(file.read(10**7), "<i2")


def test_a_file_is_read_in_pieces_to_its_end(tmp_path: Path) -> None:
    with open_audio(wav(tmp_path / "a.wav", TONE.tobytes())) as file:
        assert (file.rate, file.duration) == (RATE, 1_000_000)
        pieces = [file.read(7_000) for _ in range(4)]

    assert [len(piece) // 2 for piece in pieces] == [7_000, 7_000, 2_000, 0]
    assert b"".join(pieces) == TONE.tobytes()


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000, 192_000])
def test_any_rate_is_kept(tmp_path: Path, rate: int) -> None:
    with open_audio(wav(tmp_path / "a.wav", TONE.tobytes(), rate=rate)) as file:
        assert file.rate == rate


def test_eight_bits_are_unsigned(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", bytes([0, 128, 255]), width=1)

    assert read(path).tolist() == [-32768, 0, 127 * 256]


def test_24_bits_are_rounded(tmp_path: Path) -> None:
    values = [0x123456, 0x1234C0, -1, -0x800000, 0x7FFFFF]
    data = b"".join(value.to_bytes(3, "little", signed=True) for value in values)

    assert read(wav(tmp_path / "a.wav", data, width=3)).tolist() == [
        0x1234, 0x1235, 0, -32768, 32767,
    ]  # fmt: skip


def test_32_bits_are_rounded(tmp_path: Path) -> None:
    data = struct.pack("<3i", 0x12345678, -(2**31), 2**31 - 1)

    assert read(wav(tmp_path / "a.wav", data, width=4)).tolist() == [0x1234, -32768, 32767]


@pytest.mark.parametrize("channels", [2, 7])
def test_channels_are_averaged_without_overflow(tmp_path: Path, channels: int) -> None:
    loud = struct.pack(f"<{channels}h", *[32_767] * channels)
    odd = struct.pack(f"<{channels}h", 7 * channels, *[0] * (channels - 1))

    assert read(wav(tmp_path / "a.wav", loud + odd, channels=channels)).tolist() == [32_767, 7]


@pytest.mark.parametrize(
    ("codec", "name"),
    [("pcm_f32le", "a.wav"), ("pcm_f64le", "a.wav"), ("flac", "a.flac"), ("pcm_s16be", "a.aiff")],
)
def test_lossless_formats_are_read_exactly(tmp_path: Path, codec: str, name: str) -> None:
    assert np.array_equal(read(encoded(tmp_path / name, codec)), TONE)


@pytest.mark.parametrize(
    ("codec", "name", "rate"),
    [
        ("libmp3lame", "a.mp3", RATE),
        ("libopus", "a.ogg", 48_000),
        ("aac", "a.m4a", RATE),
        ("pcm_mulaw", "a.wav", RATE),
    ],
)
def test_lossy_formats_are_read(tmp_path: Path, codec: str, name: str, rate: int) -> None:
    path = encoded(tmp_path / name, codec, rate)

    with open_audio(path) as file:
        assert file.rate == rate
        assert file.duration is not None and 900_000 < file.duration < 1_150_000
        samples = np.frombuffer(file.read(10**7), "<i2").astype(float)

    assert 0.9 * rate < len(samples) < 1.15 * rate
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(9_000 / np.sqrt(2), rel=0.1)


def test_an_extensible_header_is_read(tmp_path: Path) -> None:
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 2, RATE, RATE * 4, 4, 16, 22, 16, 3) + guid
    data = struct.pack("<4h", 100, 300, -5, 5)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 8) + data
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)

    assert read(tmp_path / "a.wav").tolist() == [200, 0]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_header_that_was_never_completed_does_not_hide_the_audio(
    tmp_path: Path, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole = bytearray(wav(tmp_path / "a.wav", TONE.tobytes()).read_bytes())
    whole[4:8] = whole[40:44] = struct.pack("<I", size)
    (tmp_path / "a.wav").write_bytes(whole)

    assert np.array_equal(read(tmp_path / "a.wav"), TONE)
    assert not caplog.records


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = wav(tmp_path / "a.wav", TONE.tobytes(), channels=1)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 5_000 + 1])

    with open_audio(path) as file:
        assert file.duration == 312_500
        assert file.read(RATE) == TONE[:5_000].tobytes()

    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: it is cut off; what is there was read"
    ]


def test_a_file_that_is_damaged_is_read_as_far_as_it_can_be_decoded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = encoded(tmp_path / "a.flac", "flac")
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 3_000] = bytes(3_000)
    path.write_bytes(whole)

    samples = read(path)

    assert 0 < len(samples) < len(TONE)
    assert ["it is damaged" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("empty.wav", b"", "it is empty"),
        ("short.wav", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0", "its header is cut off or damaged"),
        ("text.wav", b"These are words. " * 50, "it is not an audio file"),
        ("text.txt", b"These are words. " * 50, "it is not an audio file"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:1/a.ts\n", "not an audio file"),
        ("noise.mp3", bytes(range(256)) * 20, "it is not an audio file"),
    ],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, name: str, data: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(data)

    with pytest.raises(AudioFileError, match=problem) as caught:
        open_audio(tmp_path / name)

    assert caught.value.path == tmp_path / name
    assert str(caught.value).startswith(str(tmp_path / name))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no such file"):
        open_audio(tmp_path / "a.wav")
    with pytest.raises(AudioFileError, match="it is a directory"):
        open_audio(tmp_path)


def test_a_header_without_audio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no audio behind it"):
        open_audio(wav(tmp_path / "a.wav", b""))


def test_a_rate_of_zero_is_refused(tmp_path: Path) -> None:
    whole = bytearray(wav(tmp_path / "a.wav", TONE.tobytes()).read_bytes())
    whole[24:28] = bytes(4)
    (tmp_path / "a.wav").write_bytes(whole)

    with pytest.raises(AudioFileError, match="its header says 0 samples a second"):
        open_audio(tmp_path / "a.wav")


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    out: Any
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        out.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        out.mux(stream.encode(None))

    with pytest.raises(AudioFileError, match="there is no audio in it"):
        open_audio(tmp_path / "a.mp4")


def test_samples_of_a_kind_that_numpy_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="its samples are of the kind s64"):
        open_audio(encoded(tmp_path / "a.wav", "pcm_s64le"))


def test_a_name_with_a_colon_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded(tmp_path / "http:a.flac", "flac")
    monkeypatch.chdir(tmp_path)

    assert len(read(Path("http:a.flac"))) == len(TONE)


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.integers(1, 8)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_floats_are_clipped_at_full_scale(samples: npt.NDArray[np.float32]) -> None:
    clipped = [
        [0 if math.isnan(x) else max(-1, min(x, 1)) for x in row] for row in samples.tolist()
    ]

    out = np.frombuffer(mixed(samples), "<i2").tolist()

    for sample, row in zip(out, clipped, strict=True):
        assert sample == pytest.approx(min(sum(row) / len(row) * 32768, 32767), abs=0.5001)


def test_large_files_are_not_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audiofile, "READ", 100)
    decoded: list[int] = []
    real = audiofile.mixed

    def counting(samples: npt.NDArray[np.int16]) -> bytes:
        decoded.append(len(samples))
        return real(samples)

    monkeypatch.setattr(audiofile, "mixed", counting)
    with open_audio(wav(tmp_path / "a.wav", TONE.tobytes())) as file:
        file.read(250)

    assert sum(decoded) == 300
