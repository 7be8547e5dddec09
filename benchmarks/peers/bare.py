"""Relays with nothing but a queue between them: the price of the queue alone."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from benchmarks.lines import Line

ROOM = 64
"""As in a lane."""


class _Streams:
    def __init__(
        self, first: MemoryObjectSendStream[object], last: MemoryObjectReceiveStream[object]
    ) -> None:
        self._first = first
        self._last = last

    async def send(self) -> None:
        await self._first.send(self)

    async def receive(self) -> None:
        await self._last.receive()


async def _stream_to_stream(
    source: MemoryObjectReceiveStream[object], sink: MemoryObjectSendStream[object]
) -> None:
    async with source, sink:
        async for item in source:
            await sink.send(item)


@asynccontextmanager
async def memory_streams(count: int) -> AsyncGenerator[Line, None]:
    """*count* relays between anyio's memory object streams."""
    first, end = anyio.create_memory_object_stream[object](ROOM)
    async with first, anyio.create_task_group() as group:
        for _ in range(count):
            sink, after = anyio.create_memory_object_stream[object](ROOM)
            group.start_soon(_stream_to_stream, end, sink)
            end = after
        async with end:
            yield _Streams(first, end)
        group.cancel_scope.cancel()


class _Queues:
    def __init__(self, first: asyncio.Queue[object], last: asyncio.Queue[object]) -> None:
        self._first = first
        self._last = last

    async def send(self) -> None:
        await self._first.put(self)

    async def receive(self) -> None:
        await self._last.get()


async def _queue_to_queue(source: asyncio.Queue[object], sink: asyncio.Queue[object]) -> None:
    while True:
        await sink.put(await source.get())


@asynccontextmanager
async def queues(count: int) -> AsyncGenerator[Line, None]:
    """*count* relays between asyncio's queues."""
    all_queues = [asyncio.Queue[object](ROOM) for _ in range(count + 1)]
    async with anyio.create_task_group() as group:
        for source, sink in pairwise(all_queues):
            group.start_soon(_queue_to_queue, source, sink)
        yield _Queues(all_queues[0], all_queues[-1])
        group.cancel_scope.cancel()
