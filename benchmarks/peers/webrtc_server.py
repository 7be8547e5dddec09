"""Servers that echo over WebRTC, in a process of its own: `python -m ... fastrtc`.

It is given requests on its standard input, one a line: `{"offer": sdp}` is answered by
`{"answer": sdp}`, `{"trouble": [...]}` makes the network worse, `{}` asks for the seconds of CPU
time. It imports nothing of ours, so that any interpreter with the peers can run it.
"""

# pyright: basic, reportMissingImports=false
# The packages are no dependencies: where they are missing, all that comes from them is unknown.

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from benchmarks.peers.trouble import Trouble


async def aiortc(offer: str) -> tuple[str, Any]:
    """The track sent back; the answer, and aiortc's connection, as all of these give."""
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    on: Any = connection.on
    on("track", connection.addTrack)
    await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    return connection.localDescription.sdp, connection


async def fastrtc(offer: str) -> tuple[str, Any]:
    """A stream whose handler gives back what it is given, as in its documentation."""
    from fastrtc import AsyncStreamHandler, Stream, wait_for_item
    from fastrtc.stream import Body

    class Echo(AsyncStreamHandler):
        def __init__(self) -> None:
            super().__init__()
            self.heard: asyncio.Queue[Any] = asyncio.Queue()

        async def receive(self, frame: Any) -> None:
            self.heard.put_nowait(frame)

        async def emit(self) -> Any:
            return await wait_for_item(self.heard)

        def copy(self) -> "Echo":
            return Echo()

    stream = Stream(
        Echo(), modality="audio", mode="send-receive", server_rtc_configuration={"iceServers": []}
    )
    answer: Any = await stream.offer(Body(sdp=offer, type="offer", webrtc_id="caller"))
    return answer["sdp"], stream.pcs["caller"]


async def pipecat(offer: str) -> tuple[str, Any]:
    """A bot whose only processor makes what comes in go out."""
    from loguru import logger
    from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.worker import PipelineWorker
    from pipecat.processors.frame_processor import FrameProcessor
    from pipecat.transports.base_transport import TransportParams
    from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
    from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
    from pipecat.workers.runner import WorkerRunner

    logger.remove()

    class Repeats(FrameProcessor):
        async def process_frame(self, frame: Any, direction: Any) -> None:
            await super().process_frame(frame, direction)
            if isinstance(frame, InputAudioRawFrame):
                frame = OutputAudioRawFrame(
                    audio=frame.audio,
                    sample_rate=frame.sample_rate,
                    num_channels=frame.num_channels,
                )
            await self.push_frame(frame, direction)

    connection = SmallWebRTCConnection([])
    await connection.initialize(sdp=offer, type="offer")
    transport = SmallWebRTCTransport(
        webrtc_connection=connection,
        params=TransportParams(audio_in_enabled=True, audio_out_enabled=True),
    )
    line = Pipeline([transport.input(), Repeats(), transport.output()])
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(PipelineWorker(line))
    running.add(asyncio.create_task(runner.run()))
    return connection.get_answer()["sdp"], connection.pc


SERVERS: dict[str, Callable[[str], Awaitable[tuple[str, Any]]]] = {
    "aiortc": aiortc,
    "fastrtc": fastrtc,
    "pipecat": pipecat,
}

running: set[asyncio.Task[None]] = set()


async def _requests() -> AsyncIterator[dict[str, Any]]:
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield json.loads(line)


async def serve(name: str) -> None:
    """Until the input ends."""
    # Libraries print; only what is meant for the other process may go to it.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    connection: Any = None
    async for request in _requests():
        answer: dict[str, Any] = {}
        if "offer" in request:
            answer["answer"], connection = await SERVERS[name](request["offer"])
        elif "trouble" in request:
            transport: Any = connection.getTransceivers()[0].receiver.transport
            Trouble(*request["trouble"]).befall(transport.transport._connection)
        else:
            answer["cpu"] = time.process_time()
        print(json.dumps(answer), file=out)
    os._exit(0)  # some libraries have threads that nothing ends


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
