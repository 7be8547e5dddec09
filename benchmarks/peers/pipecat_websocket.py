"""Audio sent to pipecat-ai's WebSocket transport, and repeated by a bot there."""

# pyright: basic, reportMissingImports=false
# The package is no dependency: where it is missing, all that comes from it is unknown.

import asyncio
import socket

import anyio
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.transports.websocket.server import (
    SingleClientWebsocketServerParams,
    SingleClientWebsocketServerTransport,
)
from websockets.asyncio.client import connect

from benchmarks.peers.echoing import ARRIVAL, FRAME, WARM_UP, Pieces, noise
from benchmarks.peers.pipecat import running
from benchmarks.peers.sockets import HOST

PATIENCE = 10.0


class _Raw(FrameSerializer):
    """Nothing but samples."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self._rate = rate

    async def serialize(self, frame: Frame) -> bytes | None:
        return frame.audio if isinstance(frame, OutputAudioRawFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        if isinstance(data, str):
            return None
        return InputAudioRawFrame(audio=data, sample_rate=self._rate, num_channels=1)


class _Repeats(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            frame = OutputAudioRawFrame(
                audio=frame.audio, sample_rate=frame.sample_rate, num_channels=1
            )
        await self.push_frame(frame, direction)


async def echo(rate_in: int, rate_out: int, seconds: float) -> tuple[Pieces, Pieces]:
    """What was sent and what was heard, both with times."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    transport = SingleClientWebsocketServerTransport(
        host=HOST,
        port=port,
        params=SingleClientWebsocketServerParams(
            audio_in_enabled=True,
            audio_in_sample_rate=rate_in,
            audio_out_enabled=True,
            audio_out_sample_rate=rate_out,
            serializer=_Raw(rate_in),
        ),
    )
    ready = asyncio.Event()

    @transport.event_handler("on_websocket_ready")
    async def on_websocket_ready(transport: object) -> None:
        ready.set()

    sent: Pieces = []
    heard: Pieces = []
    async with running([transport.input(), _Repeats(), transport.output()], "default"):
        await asyncio.wait_for(ready.wait(), PATIENCE)
        async with connect(f"ws://{HOST}:{port}", compression=None, proxy=None) as connection:

            async def listen() -> None:
                async for message in connection:
                    if isinstance(message, bytes):
                        heard.append((anyio.current_time(), message))

            async with anyio.create_task_group() as group:
                group.start_soon(listen)
                start = anyio.current_time()
                frames = noise(rate_in, WARM_UP + round(seconds / FRAME))
                for number, pcm in enumerate(frames, start=1):
                    await anyio.sleep_until(start + number * FRAME)
                    sent.append((anyio.current_time(), pcm))
                    await connection.send(pcm)
                await anyio.sleep(ARRIVAL)
                group.cancel_scope.cancel()
    return sent, heard
