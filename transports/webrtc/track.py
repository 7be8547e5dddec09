"""What is said, as the track that aiortc sends."""

from fractions import Fraction
from typing import Any

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.packet import Packet

from antiphon.transports.webrtc.jitter import RTP_RATE
from antiphon.transports.webrtc.speaking import Speaking

_TIME_BASE = Fraction(1, RTP_RATE)


class Track(MediaStreamTrack):
    """Gives packets that are encoded already: aiortc would do it in a thread, stereo, and later."""

    kind = "audio"

    def __init__(self, speaking: Speaking) -> None:
        super().__init__()
        self._speaking = speaking

    async def recv(self) -> "Packet[Any]":
        if self.readyState != "live":
            raise MediaStreamError
        payload, timestamp = await self._speaking.packet()
        packet: Packet[Any] = Packet(payload)
        packet.pts = timestamp
        packet.time_base = _TIME_BASE
        return packet
