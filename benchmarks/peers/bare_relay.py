"""A relay on `websockets` that looks at nothing: `python -m benchmarks.peers.bare_relay PORT URL`.

What a gateway adds beyond it is the gateway's own.
"""

import asyncio
import sys

from websockets.asyncio import client, server
from websockets.asyncio.connection import Connection

from benchmarks.peers.sockets import HOST, SETTINGS


async def _pass(source: Connection, sink: Connection) -> None:
    async for message in source:
        await sink.send(message)


async def _main(port: int, upstream: str) -> None:
    async def attend(here: server.ServerConnection) -> None:
        assert here.request is not None
        async with client.connect(upstream + here.request.path, proxy=None, **SETTINGS) as there:
            ways = [asyncio.create_task(way) for way in (_pass(here, there), _pass(there, here))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()

    async with server.serve(attend, HOST, port, **SETTINGS):
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run
    run(_main(int(sys.argv[1]), sys.argv[2]))
