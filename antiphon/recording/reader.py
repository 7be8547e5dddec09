"""Reads a recording, whole or broken off, from all of its files."""

import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from antiphon.recording.records import (
    AUDIO_IN,
    FORMAT,
    SESSION,
    TOPICS,
    Body,
    Happened,
    Topic,
    decoded,
)
from antiphon.recording.writer import HEADER, part_path

_BY_NAME: Mapping[str, Topic] = {topic.name: topic for topic in TOPICS}

LARGEST = 1 << 30
"""Bytes of one record; what claims to be larger is no record."""


class RecordingError(ValueError):
    """This is no recording, or none that can be read; the message says why."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class Record(NamedTuple):
    topic: Topic
    time: int
    """In nanoseconds since the session began."""
    body: Body

    @property
    def at(self) -> int:
        """In microseconds of session time."""
        return round(self.time / 1000)


class Recording:
    """What was recorded of one session, in the order in which it happened.

    `header` is what is known of it all: versions, the clock, the members, and what whoever
    recorded it wanted to be known. `whole` is false where the end is missing: the program was
    killed, or the disk was full; all that had been flushed is there.
    """

    def __init__(self, path: Path, header: Mapping[str, str], records: list[Record], whole: bool):
        self.path = path
        self.header = header
        self.records = records
        self.whole = whole

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Read the recording of which *path* is any of the files. Raises RecordingError."""
        first = Path(path)
        if (later := re.fullmatch(r"(.+)\.\d+\.mcap", first.name)) is not None:
            first = first.with_name(f"{later[1]}.mcap")
        records: list[Record] = []
        header: dict[str, str] = {}
        whole, part = True, 0
        while part == 0 or part_path(first, part).exists():
            file = _File(part_path(first, part))
            whole = file.read(records) and whole
            header = header or file.header
            part += 1
        if header.get("format") != FORMAT:
            raise RecordingError(
                first, f"a recording of format {header.get('format')}; this reads {FORMAT}"
            )
        return cls(first, header, records, whole)

    def of(self, *topics: Topic) -> Iterator[Record]:
        return (record for record in self.records if record.topic in topics)

    @property
    def duration(self) -> int:
        """Microseconds from the beginning to the last record."""
        return self.records[-1].at if self.records else 0

    @property
    def finished(self) -> bool:
        """The session came to its own end: it was neither broken off nor did it fail."""
        ended = self._ended
        return ended is not None and not ended.problem

    @property
    def problem(self) -> str:
        """What ended the session, unless it came to its own end or the recording to an early one."""
        ended = self._ended
        return "" if ended is None else ended.problem

    @property
    def _ended(self) -> Happened | None:
        for record in reversed(self.records):
            if isinstance(record.body, Happened) and record.body.what == "ended":
                return record.body
        return None

    @property
    def input_end(self) -> int | None:
        """When the source ended, in nanoseconds; None if it never did."""
        for record in self.of(SESSION):
            if isinstance(record.body, Happened) and record.body.what == "input-ended":
                return record.time
        if not self.finished:
            return None
        return max((record.time for record in self.of(AUDIO_IN)), default=0)

    @property
    def virtual(self) -> bool:
        """It was recorded under a virtual clock, so that a replay can be exactly equal."""
        return self.header.get("clock") == "virtual"


class _File:
    """One of the files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.header: dict[str, str] = {}

    def read(self, records: list[Record]) -> bool:
        """Add to *records*; false if the file was broken off."""
        from mcap.exceptions import EndOfFile, McapError
        from mcap.records import Channel, Footer, Message, Metadata
        from mcap.stream_reader import CRCValidationError, StreamReader

        channels: dict[int, Topic] = {}
        began = 0
        with self._path.open("rb") as stream:
            reader = StreamReader(stream, validate_crcs=True, record_size_limit=LARGEST)
            try:
                for record in reader.records:
                    match record:
                        case Metadata(name=name, metadata=metadata) if name == HEADER:
                            self.header = dict(metadata)
                            began = int(metadata.get("began", "0"))
                        case Channel(id=number, topic=name) if name in _BY_NAME:
                            channels[number] = _BY_NAME[name]
                        case Message(channel_id=number) if number in channels:
                            topic = channels[number]
                            body = decoded(topic, record.data)
                            records.append(Record(topic, record.log_time - began, body))
                        case Footer():
                            return True
                        case _:
                            pass
            except (EndOfFile, struct.error):
                pass  # broken off within a record
            except (McapError, CRCValidationError, msgspec.DecodeError, ValueError) as error:
                if not self.header:
                    raise RecordingError(self._path, f"no recording: {error}") from error
            except _compression_errors():
                pass  # broken off within a chunk
        if not self.header:
            raise RecordingError(self._path, "no recording, or nothing of it was written")
        return False


def _compression_errors() -> tuple[type[Exception], ...]:
    import zstandard

    return (zstandard.ZstdError, MemoryError)
