"""Writes WAV files that stay whole, whatever stops the writing."""

import os
import struct
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.audiofile import AudioFileError

HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
LARGEST = 0xFFFFFFFF - HEADER.size
"""Bytes of samples: the header counts in 32 bits."""


class WaveWriter:
    """Writes 16-bit PCM, *channels* of it interleaved, *rate* moments a second.

    Use it in a `with` block: when that is left, by an error too, the header tells how
    much has been written. AudioFileError if the file cannot be made or the disk is full;
    what was written until then is kept, and is a whole file.
    """

    def __init__(self, path: str | os.PathLike[str], rate: int, channels: int = 1) -> None:
        self.path = Path(path)
        self.rate = rate
        self._frame = channels * SAMPLE_WIDTH
        self._channels = channels
        self._written = 0
        try:
            # Unbuffered, so that a full disk shows in the write that meets it.
            self._file = FileIO(self.path, "w")
        except OSError as error:
            raise AudioFileError(path, f"it cannot be written: {error.strerror}") from error
        try:
            self._put_header()
        except AudioFileError:
            self._file.close()
            raise

    @property
    def written(self) -> int:
        """Microseconds of audio."""
        return self._written // self._frame * 1_000_000 // self.rate

    def write(self, pcm: bytes) -> None:
        if self._written + len(pcm) > LARGEST:
            raise AudioFileError(self.path, "it has 4 GiB, more than WAV can hold; begin another")
        end = HEADER.size + self._written
        try:
            self._put(pcm, end)
        except AudioFileError:
            with suppress(OSError):  # the complaint about the write is the one to hear
                self._file.truncate(end)
            raise
        self._written += len(pcm)

    def close(self) -> None:
        """Complete the header; closing again does nothing."""
        if self._file.closed:
            return
        try:
            self._put_header()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _put(self, data: bytes, position: int) -> None:
        rest = memoryview(data)
        try:
            self._file.seek(position)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise AudioFileError(
                self.path, f"it cannot be written further: {error.strerror}; make room"
            ) from error

    def _put_header(self) -> None:
        size = self._written
        header = HEADER.pack(
            b"RIFF", HEADER.size - 8 + size, b"WAVE",
            b"fmt ", 16, 1, self._channels, self.rate, self.rate * self._frame, self._frame, 16,
            b"data", size,
        )  # fmt: skip
        self._put(header, 0)
