"""Reads audio files, block by block, as mono 16-bit samples."""

import logging
import os
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from antiphon.pipeline.frames import SAMPLE_WIDTH

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

READ = 4096
"""Samples that are decoded at a time."""

CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,flac,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
)
"""FFmpeg's names; without playlists, which would open other files and addresses."""

UNKNOWN_LENGTH = 0xFFFFFF00
"""WAV data of this many bytes or more was written by a program that could not seek back."""

log = logging.getLogger(__name__)


class AudioFileError(Exception):
    """An audio file cannot be read or written; *problem* says why and what to do."""

    def __init__(self, path: str | os.PathLike[str], problem: str) -> None:
        super().__init__(f"{os.fspath(path)}: {problem}")
        self.path = Path(path)
        self.problem = problem


class AudioReader:
    """An audio file that is open; `open_audio` makes one.

    *rate* is the file's own. *duration*, in microseconds, is what the header says,
    cut to what the file can hold, and None where it says nothing.
    """

    def __init__(
        self, rate: int, duration: int | None, blocks: Iterator[bytes], close: Callable[[], None]
    ) -> None:
        self.rate = rate
        self.duration = duration
        self._blocks = blocks
        self._waiting = bytearray()
        self._close = close

    def read(self, samples: int) -> bytes:
        """The next *samples* samples; fewer where the file ends, none after that."""
        size = samples * SAMPLE_WIDTH
        while len(self._waiting) < size and (block := next(self._blocks, b"")):
            self._waiting += block
        pcm = bytes(self._waiting[:size])
        del self._waiting[:size]
        return pcm

    def close(self) -> None:
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_audio(path: str | os.PathLike[str]) -> AudioReader:
    """Open the audio file at *path*; close the reader, or use it in a `with` block.

    Whatever its channels, rate and samples are, it reads as mono 16-bit audio of its
    own rate: channels are averaged, samples beyond full scale are clipped. Of a file
    that is cut off or damaged further on, what can be decoded is read, and a warning
    logged. AudioFileError if there is no audio in it at all.
    """
    path = Path(path)
    with ExitStack() as opened:
        file = _open_wave(path, opened) or _open_other(path, opened)
        if file.rate <= 0:
            raise AudioFileError(
                path, f"its header says {file.rate} samples a second; write it anew"
            )
        first = next(file.blocks, b"")
        if not first:
            raise AudioFileError(path, "it has a header but no audio behind it; record it anew")
        close = opened.pop_all().close
    return AudioReader(file.rate, file.duration, chain([first], file.blocks), close)


class _Opened(NamedTuple):
    rate: int
    duration: int | None
    blocks: Iterator[bytes]


def _open_wave(path: Path, opened: ExitStack) -> _Opened | None:
    """Plain PCM by the standard library; None if it is anything else."""
    try:
        if path.is_file() and not path.stat().st_size:
            raise AudioFileError(path, "it is empty; record it anew")
        file = opened.enter_context(path.open("rb"))
    except IsADirectoryError as error:
        raise AudioFileError(path, "it is a directory; name a file in it") from error
    except FileNotFoundError as error:
        raise AudioFileError(path, "there is no such file; check the path") from error
    except OSError as error:
        raise AudioFileError(path, f"it cannot be opened: {error.strerror}") from error
    try:
        sound = opened.enter_context(wave.Wave_read(file))
    except (wave.Error, EOFError):  # another format, another kind of WAV, or damaged
        return None
    if not sound.getnframes() or sound.getsampwidth() > 4:
        return None  # a header that was never completed says 0, whatever is behind it
    size = sound.getsampwidth() * sound.getnchannels()
    there = (path.stat().st_size - file.tell()) // size
    cut_off = there < sound.getnframes() and sound.getnframes() * size < UNKNOWN_LENGTH
    rate = sound.getframerate()
    duration = min(there, sound.getnframes()) * 1_000_000 // rate if rate else None
    return _Opened(rate, duration, _wave_blocks(path, sound, cut_off))


def _wave_blocks(path: Path, sound: wave.Wave_read, cut_off: bool) -> Iterator[bytes]:
    channels, width = sound.getnchannels(), sound.getsampwidth()
    while whole := len(data := sound.readframes(READ)) // (channels * width):
        samples = _samples(data[: whole * channels * width], width)
        yield mixed(samples.reshape(whole, channels))
    if cut_off and sound.tell():
        log.warning("%s: it is cut off; what is there was read", path)


def _samples(data: bytes, width: int) -> npt.NDArray[Any]:
    if width != 3:
        return np.frombuffer(data, ("u1", "<i2", "", "<i4")[width - 1])
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return wide.reshape(-1).view("<i4")


def _open_other(path: Path, opened: ExitStack) -> _Opened:
    """Whatever FFmpeg's libraries can decode."""
    import av
    import av.error

    try:
        # "file:" keeps a name with a colon from being taken for a protocol.
        container = opened.enter_context(
            av.open(f"file:{path}", mode="r", options={"format_whitelist": CONTAINERS})
        )
    except (av.error.FFmpegError, ValueError) as error:
        with path.open("rb") as file:
            is_wave = file.read(4) == b"RIFF"
        problem = "its header is cut off or damaged" if is_wave else "it is not an audio file"
        raise AudioFileError(path, f"{problem}; give a WAV, MP3, FLAC, Ogg or M4A file") from error
    if not container.streams.audio:
        raise AudioFileError(path, "there is no audio in it; give a file with sound")
    stream = container.streams.audio[0]
    duration: int | None = None
    if stream.duration is not None and stream.time_base is not None:
        duration = int(stream.duration * stream.time_base * 1_000_000)
    frames = _decoded(path, container, stream)
    first = next(frames, None)
    if first is None:
        return _Opened(stream.rate or 0, duration, iter(()))
    # The decoder knows the rate better than the header: that of HE-AAC is twice what it says.
    rate = first.sample_rate
    blocks = (_heard(path, frame, rate) for frame in chain([first], frames))
    return _Opened(rate, duration, filter(None, blocks))


def _decoded(
    path: Path, container: "InputContainer", stream: "AudioStream"
) -> Iterator["AudioFrame"]:
    from av.error import FFmpegError

    damaged = False
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            frames = packet.decode() if packet is not None else []
        except FFmpegError as error:
            if not damaged:
                log.warning("%s: it is damaged; what can be decoded is read: %s", path, error)
            damaged = True
            continue
        if packet is None:
            return
        yield from frames


def _heard(path: Path, frame: "AudioFrame", rate: int) -> bytes:
    if frame.sample_rate != rate:
        raise AudioFileError(
            path, f"it changes from {rate} to {frame.sample_rate} Hz; convert it to one rate"
        )
    try:
        samples = frame.to_ndarray()
    except ValueError as error:
        kind = frame.format.name
        raise AudioFileError(
            path, f"its samples are of the kind {kind}; convert it to 16 bits"
        ) from error
    channels = frame.layout.nb_channels
    return mixed(samples.T if frame.format.is_planar else samples.reshape(-1, channels))


def mixed(samples: npt.NDArray[Any]) -> bytes:
    """Mono 16-bit audio from *samples*, a row for each moment, a column for each channel.

    Unsigned 8 bits, signed 16 or 32, or floats, clipped at full scale, which is 1. Channels
    are averaged, so that loud ones do not overflow together.
    """
    if samples.dtype == np.int16 and samples.shape[1] == 1:
        return samples.astype("<i2").tobytes()
    if samples.dtype.kind == "f":
        samples = np.nan_to_num(samples).clip(-1, 1)
    mean: npt.NDArray[np.float64] = samples.mean(axis=1, dtype=np.float64)
    if samples.dtype == np.uint8:
        mean = (mean - 128) * 256
    elif samples.dtype == np.int32:
        mean = mean / 65536
    elif samples.dtype.kind == "f":
        mean = mean * 32768
    return np.rint(mean).clip(-32768, 32767).astype("<i2").tobytes()
