"""Notes what becomes of the sound of a call on its way through this process."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import msgspec

from antiphon.pipeline import Audio
from benchmarks.peers.stamps import Moment, moment


class Packets(msgspec.Struct):
    """When what happened."""

    given: list[Moment] = []
    """Audio was given in to be said."""
    encoded: list[Moment] = []
    """It was time for a packet, which begins to be made."""
    heard: list[tuple[Moment, Moment]] = []
    """A packet came, and left the jitter buffer."""


@contextmanager
def noting(packets: Packets) -> Generator[None]:
    from antiphon.transports.webrtc.jitter import Gap, JitterBuffer, Packet
    from antiphon.transports.webrtc.opus import Encoder
    from antiphon.transports.webrtc.speaking import Speaking

    play, encode, put, take = Speaking.play, Encoder.encode, JitterBuffer.put, JitterBuffer.take
    came: dict[int, Moment] = {}

    async def noted_play(speaking: Speaking, frame: Audio) -> None:
        packets.given.append(moment())
        await play(speaking, frame)

    def noted_encode(encoder: Encoder, pcm: bytes) -> bytes:
        packets.encoded.append(moment())
        return encode(encoder, pcm)

    def noted_put(buffer: JitterBuffer, packet: Packet, at: int) -> None:
        came[packet.timestamp] = moment()
        put(buffer, packet, at)

    def noted_take(buffer: JitterBuffer, at: int) -> Packet | Gap | None:
        taken = take(buffer, at)
        if isinstance(taken, Packet) and (arrived := came.get(taken.timestamp % (1 << 32))):
            packets.heard.append((arrived, moment()))
        return taken

    noted: dict[tuple[Any, str], Any] = {
        (Speaking, "play"): noted_play,
        (Encoder, "encode"): noted_encode,
        (JitterBuffer, "put"): noted_put,
        (JitterBuffer, "take"): noted_take,
    }
    patches = [patch.object(kind, name, by) for (kind, name), by in noted.items()]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()
