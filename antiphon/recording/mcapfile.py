"""Writes one MCAP file (https://mcap.dev/spec) with little work for each message.

The records are those of the `mcap` package, whose own writer takes 12 us for a message. Here a
message is packed in one go; what is written once a flush or once a file is left to the package.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
)
from mcap.writer import MCAP0_MAGIC

LEVEL = 1
"""Of zstd; more makes speech no smaller, and base64 hardly."""

_MESSAGE = struct.Struct("<BQHIQQ")
_WITHIN = _MESSAGE.size - 9
"""Bytes of a message's head that its length counts."""

_INDEX = struct.Struct("<BQHI")


class McapFile:
    """One file in the making. Channels are numbered from 1 in the order of *channels*."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        profile: str,
        library: str,
        metadata: tuple[str, Mapping[str, str]],
        channels: Sequence[tuple[str, str, str, bytes]],
    ) -> None:
        """*channels* are a topic, its messages' encoding, and its JSON schema with its name."""
        self.size = 0
        self._stream = stream
        self._compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self._chunk = bytearray()
        self._first = self._last = 0
        self._indexes: dict[int, list[int]] = {}
        self._counts: dict[int, int] = {}
        self._summary: list[bytes] = []
        self._chunks = 0
        self._began: int | None = None
        self._ended = 0
        self._channels: list[McapRecord] = []
        for number, (topic, encoding, name, schema) in enumerate(channels, start=1):
            self._channels.append(Schema(number, schema, "jsonschema", name))
            self._channels.append(Channel(number, topic, encoding, {}, number))
        self._put(MCAP0_MAGIC + _written(Header(profile, library)))
        where = self.size
        self._put(data := _written(Metadata(metadata[0], {**metadata[1]})))
        self._about = MetadataIndex(where, len(data), metadata[0])
        self._put(_written(*self._channels))

    def add(self, channel: int, time: int, sequence: int, data: bytes) -> None:
        """*time* is in nanoseconds since 1970."""
        chunk = self._chunk
        if not chunk:
            self._first = self._last = time
        elif time > self._last:
            self._last = time
        elif time < self._first:
            self._first = time
        index = self._indexes.get(channel)
        if index is None:
            index = self._indexes[channel] = []
        index += (time, len(chunk))
        size = _WITHIN + len(data)
        chunk += _MESSAGE.pack(Opcode.MESSAGE, size, channel, sequence, time, time)
        chunk += data

    def flush(self) -> None:
        """Hand all that was added to the operating system, as a chunk."""
        if self._chunk:
            self._put_chunk()
        self._stream.flush()

    def finish(self) -> None:
        """Write what a reader finds its way by; the stream stays open."""
        self.flush()
        self._put(_written(DataEnd(0)))
        where = self.size
        statistics = Statistics(
            attachment_count=0,
            channel_count=len(self._channels) // 2,
            channel_message_counts=self._counts,
            chunk_count=self._chunks,
            message_count=sum(self._counts.values()),
            message_end_time=self._ended,
            message_start_time=self._began or 0,
            metadata_count=1,
            schema_count=len(self._channels) // 2,
        )
        summary = b"".join(
            (
                _written(*self._channels),
                _written(statistics),
                *self._summary,
                _written(self._about),
            )
        )
        footer = _written(Footer(where, 0, 0))
        crc = zlib.crc32(footer[:-4], zlib.crc32(summary))  # of all up to itself
        self._put(summary + footer[:-4] + crc.to_bytes(4, "little") + MCAP0_MAGIC)
        self._stream.flush()

    def _put_chunk(self) -> None:
        data = bytes(self._chunk)
        compressed = self._compress(data)
        start = self.size
        self._put(
            _written(
                Chunk("zstd", compressed, self._last, self._first, zlib.crc32(data), len(data))
            )
        )
        length = self.size - start
        offsets: dict[int, int] = {}
        indexes = bytearray()
        for channel, index in self._indexes.items():
            offsets[channel] = self.size + len(indexes)
            size = 8 * len(index)
            indexes += _INDEX.pack(Opcode.MESSAGE_INDEX, 6 + size, channel, size)
            indexes += struct.pack(f"<{len(index)}Q", *index)
            self._counts[channel] = self._counts.get(channel, 0) + len(index) // 2
        self._put(bytes(indexes))
        entry = ChunkIndex(
            chunk_length=length,
            chunk_start_offset=start,
            compression="zstd",
            compressed_size=len(compressed),
            message_end_time=self._last,
            message_index_length=len(indexes),
            message_index_offsets=offsets,
            message_start_time=self._first,
            uncompressed_size=len(data),
        )
        self._summary.append(_written(entry))
        self._chunks += 1
        self._began = self._first if self._began is None else min(self._began, self._first)
        self._ended = max(self._ended, self._last)
        self._chunk.clear()
        self._indexes.clear()

    def _put(self, data: bytes) -> None:
        self._stream.write(data)
        self.size += len(data)


def _written(*records: McapRecord) -> bytes:
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    return builder.end()
