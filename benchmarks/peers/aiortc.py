"""Echoes over WebRTC on aiortc alone, as its own examples have it: the track sent back."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from benchmarks.peers.line import Line

RATE = 48_000
FRAME = 960


class _Microphone(MediaStreamTrack):
    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._position = 0

    async def recv(self) -> AudioFrame:
        pcm = await self.queue.get()
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(pcm)
        frame.sample_rate = RATE
        frame.pts = self._position
        frame.time_base = Fraction(1, RATE)
        self._position += FRAME
        return frame


@asynccontextmanager
async def aiortc() -> AsyncGenerator[Line, None]:
    """A caller, and a server that sends the caller's track back."""
    caller = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    server = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    microphone = _Microphone()
    back: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    on: Any = server.on
    on("track", server.addTrack)
    on = caller.on
    on("track", back.set_result)
    caller.addTrack(microphone)
    await caller.setLocalDescription(await caller.createOffer())
    await server.setRemoteDescription(caller.localDescription)
    await server.setLocalDescription(await server.createAnswer())
    await caller.setRemoteDescription(server.localDescription)
    line = Line(RATE, microphone.queue.put, _ice(caller), _ice(server))

    async def hear() -> None:
        track = await back
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            stereo = bytes(frame.planes[0])[: 4 * frame.samples]
            pcm = b"".join(stereo[i : i + 2] for i in range(0, len(stereo), 4))
            line.heard.append((time.perf_counter(), pcm))

    hearing = asyncio.create_task(hear())
    try:
        yield line
    finally:
        await caller.close()
        await server.close()
        await hearing


def _ice(connection: RTCPeerConnection) -> Any:
    transport: Any = connection.getTransceivers()[0].receiver.transport
    return transport.transport._connection
