"""Moments, and an event loop that notes when bytes leave for the network and come from it.

Between these moments it is the network's turn: the kernel's, and the waking of the loop. What
is before and after, the WebSocket library included, is the work of whoever sends and receives.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import anyio

SCHEDULED = Path("/proc/self/schedstat")
"""How long the process's first thread has run, has waited for a core, and how often."""

_scheduled = os.open(SCHEDULED, os.O_RDONLY) if SCHEDULED.exists() else None


class Moment(NamedTuple):
    at: float
    """In seconds by the loop's clock, which on one machine is the same in all processes."""
    waited: float
    """Seconds that the thread was ready to run, but had no core, in its whole life so far."""


def moment() -> Moment:
    """Now. Where the system does not tell of waiting for a core, there is none."""
    while True:
        waited = _waited()
        now = Moment(anyio.current_time(), waited)
        if _waited() == waited:  # else it was for a core, in between
            return now


def _waited() -> float:
    return 0.0 if _scheduled is None else int(os.pread(_scheduled, 100, 0).split()[1]) / 1e9


class StampedLoop(asyncio.SelectorEventLoop):
    """Of its connections together."""

    def __init__(self) -> None:
        self.wrote: list[Moment] = []
        self.read: list[Moment] = []
        super().__init__()

    async def create_connection(
        self, protocol_factory: Callable[[], Any], *args: Any, **options: Any
    ) -> Any:
        return await super().create_connection(
            lambda: self._watched(protocol_factory()), *args, **options
        )

    async def create_server(
        self, protocol_factory: Callable[[], Any], *args: Any, **options: Any
    ) -> asyncio.Server:
        return await super().create_server(
            lambda: self._watched(protocol_factory()), *args, **options
        )

    async def create_datagram_endpoint(
        self, protocol_factory: Callable[[], Any], *args: Any, **options: Any
    ) -> Any:
        return await super().create_datagram_endpoint(
            lambda: self._packets(protocol_factory()), *args, **options
        )

    def _packets(self, protocol: Any) -> Any:
        made, received = protocol.connection_made, protocol.datagram_received

        def connection_made(transport: Any) -> None:
            send = transport.sendto

            def note(data: bytes, to: Any = None) -> None:
                self.wrote.append(moment())
                send(data, to)

            transport.sendto = note
            made(transport)

        def datagram_received(data: bytes, by: Any) -> None:
            self.read.append(moment())
            received(data, by)

        protocol.connection_made, protocol.datagram_received = connection_made, datagram_received
        return protocol

    def _watched(self, protocol: Any) -> Any:
        made = protocol.connection_made

        def connection_made(transport: Any) -> None:
            write, set_protocol = transport.write, transport.set_protocol

            def note(data: bytes) -> None:
                self.wrote.append(moment())
                write(data)

            def change(other: Any) -> None:
                set_protocol(self._listening(other))

            # A server's protocol for HTTP gives way to one for WebSocket.
            transport.write, transport.set_protocol = note, change
            made(transport)

        protocol.connection_made = connection_made
        return self._listening(protocol)

    def _listening(self, protocol: Any) -> Any:
        received = protocol.data_received

        def data_received(data: bytes) -> None:
            self.read.append(moment())
            received(data)

        protocol.data_received = data_received
        return protocol
