"""WAV files are whole, whatever stops the writing of them."""

import errno
import os
import wave
from pathlib import Path
from typing import Any

import pytest

from antiphon.processors import wavefile
from antiphon.processors.audiofile import AudioFileError
from antiphon.processors.wavefile import WaveWriter

PCM = bytes(range(200))


def written(path: Path) -> tuple[int, int, bytes]:
    with wave.open(str(path)) as sound:
        return sound.getnchannels(), sound.getframerate(), sound.readframes(sound.getnframes())


def small_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let there be space for *room* bytes of a file."""

    class Full(wavefile.FileIO):
        def write(self, data: Any) -> int:
            fits = min(len(data), room - self.tell())
            if fits <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:fits])

    monkeypatch.setattr(wavefile, "FileIO", Full)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    with WaveWriter(tmp_path / "a.wav", 8_000) as out:
        out.write(PCM)
        out.write(PCM)

        assert out.written == 25_000

    assert written(tmp_path / "a.wav") == (1, 8_000, PCM + PCM)


def test_channels_are_interleaved(tmp_path: Path) -> None:
    with WaveWriter(tmp_path / "a.wav", 8_000, channels=2) as out:
        out.write(PCM)

        assert out.written == 6_250

    assert written(tmp_path / "a.wav") == (2, 8_000, PCM)


def test_a_file_to_which_nothing_was_written_is_whole(tmp_path: Path) -> None:
    with WaveWriter(tmp_path / "a.wav", 8_000):
        pass

    assert written(tmp_path / "a.wav") == (1, 8_000, b"")


def test_an_interrupted_file_is_whole(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), WaveWriter(tmp_path / "a.wav", 8_000) as out:
        out.write(PCM)
        raise KeyboardInterrupt

    assert written(tmp_path / "a.wav") == (1, 8_000, PCM)


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    out = WaveWriter(tmp_path / "a.wav", 8_000)
    out.write(PCM)
    out.close()
    out.close()

    assert written(tmp_path / "a.wav") == (1, 8_000, PCM)


def test_a_full_disk_names_the_file_and_keeps_what_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_disk(monkeypatch, room=44 + 300)

    with (
        pytest.raises(AudioFileError, match="a.wav: it cannot be written further: No space left"),
        WaveWriter(tmp_path / "a.wav", 8_000) as out,
    ):
        out.write(PCM)
        out.write(PCM)

    assert written(tmp_path / "a.wav") == (1, 8_000, PCM)
    assert (tmp_path / "a.wav").stat().st_size == 44 + 200


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_without_room_for_the_header_is_an_error_at_once() -> None:
    with pytest.raises(AudioFileError, match="/dev/full: it cannot be written further"):
        WaveWriter("/dev/full", 8_000)


def test_a_folder_that_does_not_exist_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="it cannot be written: No such file or directory"):
        WaveWriter(tmp_path / "no" / "a.wav", 8_000)


def test_a_file_does_not_grow_beyond_what_wav_can_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wavefile, "LARGEST", 300)

    with (
        pytest.raises(AudioFileError, match="more than WAV can hold"),
        WaveWriter(tmp_path / "a.wav", 8_000) as out,
    ):
        out.write(PCM)
        out.write(PCM)

    assert written(tmp_path / "a.wav") == (1, 8_000, PCM)
