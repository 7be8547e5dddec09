"""A rough network: loses packets of a WebRTC connection and delays them, where they are sent.

It takes hold of aioice's sockets, so what is encrypted goes through it and ICE does not; the
same for any connection of aiortc.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

RTP = range(128, 192)
"""The first byte of a packet of audio; of others, of the handshake and messages, none is lost."""

Lost = Callable[[int], bool]
"""Whether the packet of audio with this number is lost."""


def roughen(
    connection: Any,
    *,
    loses: Lost = lambda number: False,
    jitter: float = 0.0,
    seed: int = 1,
) -> None:
    """What *connection*, aioice's, sends is lost or delayed by up to *jitter* seconds.

    Packets may overtake each other.
    """
    rng = random.Random(seed)
    loop = asyncio.get_running_loop()
    sent = 0

    def changed(send: Callable[[bytes, tuple[str, int]], Awaitable[None]], transport: Any) -> Any:
        def late(data: bytes, address: tuple[str, int]) -> None:
            if not transport.is_closing():
                transport.sendto(data, address)

        async def send_data(data: bytes, address: tuple[str, int]) -> None:
            nonlocal sent
            if data[0] in RTP and not 192 <= data[1] < 224:  # those would be RTCP (RFC 5761)
                sent += 1
                if loses(sent - 1):
                    return
            if jitter:
                loop.call_later(rng.random() * jitter, late, data, address)
            else:
                await send(data, address)

        return send_data

    for protocol in connection._protocols:
        protocol.send_data = changed(protocol.send_data, protocol.transport)
