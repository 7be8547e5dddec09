"""Writes the files of one recording: compressed, whole up to the last flush, cut by size."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import BinaryIO

from antiphon import __version__
from antiphon.recording.records import PROFILE, TOPICS, Topic, schema_of

HEADER = "antiphon"
"""The name of the metadata that every file begins with."""

_NUMBERS: Mapping[Topic, int] = {topic: number for number, topic in enumerate(TOPICS, start=1)}
"""Of the channels in each file."""


@cache
def _channels() -> list[tuple[str, str, str, bytes]]:
    return [
        (topic.name, topic.encoding, topic.about.partition(":")[0], schema_of(topic))
        for topic in TOPICS
    ]


def part_path(first: Path, part: int) -> Path:
    """The *part*th file, from 0, of the recording whose first is NAME.mcap: NAME.1.mcap, ..."""
    return first if not part else first.with_suffix(f".{part}.mcap")


class Parts:
    """The files. They are made when there is something to write, for their owner's eyes only.

    Each is an MCAP file of its own, so any program that reads MCAP reads it. What was added
    before `flush` is safe from then on, whatever becomes of this process.
    """

    def __init__(self, path: Path, header: Mapping[str, str], *, rotate: int) -> None:
        self._path = path
        self._header = dict(header)
        self._rotate = rotate
        self._part = 0
        self._sequence = 0
        self._stream: BinaryIO | None = None
        """The first file is made by `open`."""

    def add(self, topic: Topic, time: int, data: bytes) -> None:
        """*time* is in nanoseconds since 1970."""
        self._file.add(_NUMBERS[topic], time, self._sequence, data)
        self._sequence = (self._sequence + 1) % 2**32

    def flush(self) -> None:
        """Hand what was added to the operating system, and begin another file if this is full."""
        self._file.flush()
        if self._file.size >= self._rotate:
            self.close()
            self._part += 1
            self.open()

    def close(self) -> None:
        if self._stream is not None:
            with self._stream:
                self._file.finish()
            self._stream = None

    def abandon(self) -> None:
        """Close the file as it is; what was flushed can be read."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def open(self) -> None:
        from antiphon.recording.mcapfile import McapFile

        path = part_path(self._path, self._part)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        stream = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._stream = stream
        self._file = McapFile(
            stream,
            profile=PROFILE,
            library=f"antiphon {__version__}",
            metadata=(HEADER, self._header | {"part": str(self._part)}),
            channels=_channels(),
        )
