"""A provider of speech models on this machine, in a process of its own.

It speaks OpenAI's dialect. Once its standard input ends, it writes what it has noted.
"""

import asyncio
import base64
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from subprocess import PIPE
from typing import Literal

import anyio
import msgspec
from anyio import to_thread
from anyio.abc import TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream
from websockets.asyncio import server

from antiphon.codecs import events
from antiphon.codecs.connection import Answer, HttpRequest
from antiphon.codecs.dialects import find_dialect
from antiphon.processors.remote import Remote, Wanted
from antiphon.processors.remote.dialing import by_call
from antiphon.processors.serving import serve
from antiphon.transports import Transport, websocket
from antiphon.transports.asgi import Receive, Scope, Send
from benchmarks.peers.answering import Answers, Notes
from benchmarks.peers.packets import Packets, noting
from benchmarks.peers.sockets import HOST, SETTINGS, accepting, uvicorn
from benchmarks.peers.stamps import Moment, StampedLoop

Kind = Literal["answers", "repeats", "calls"]

LONGEST_NOTES = 256 * 1024 * 1024

OPENAI = find_dialect("openai")


class Noted(msgspec.Struct):
    """What a provider has noted."""

    notes: Notes = msgspec.field(default_factory=Notes)
    wrote: list[Moment] = []
    read: list[Moment] = []
    packets: Packets = msgspec.field(default_factory=Packets)
    heard: list[tuple[float, str]] = []
    """The user's audio, in base64, and when it had come."""


class Provider:
    """One that runs: `url`, and after its end `noted`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.noted = Noted()

    def model(self) -> Remote:
        if self.url.startswith("http"):
            way = by_call(OPENAI, "model", "key", None, self.url)
            return Remote(OPENAI, "model", way, linger=0.1)

        @asynccontextmanager
        async def open(handle: str | None, wanted: Wanted) -> AsyncGenerator[Transport, None]:
            async with websocket.connect(self.url, proxy=None) as transport:
                yield transport

        return Remote(OPENAI, "model", open, linger=0.1)


@asynccontextmanager
async def provider(kind: Kind, think: float = 0.0) -> AsyncGenerator[Provider, None]:
    command = [sys.executable, "-m", __name__, kind, str(think)]
    async with await anyio.open_process(command, stdin=PIPE, stdout=PIPE, stderr=None) as process:
        assert process.stdin is not None and process.stdout is not None
        said = BufferedByteReceiveStream(process.stdout)
        running = Provider((await said.receive_until(b"\n", 1000)).decode())
        yield running
        await process.stdin.aclose()
        written = await said.receive_until(b"\n", LONGEST_NOTES)
        running.noted = msgspec.json.decode(written, type=Noted)


@asynccontextmanager
async def _answering(think: float, noted: Noted) -> AsyncGenerator[str, None]:
    """As it would be served in earnest."""

    async def attend(transport: Transport) -> None:
        await serve(transport, OPENAI.server(""), Answers(think, noted.notes))

    async with uvicorn(accepting(attend)) as url:
        yield url


@asynccontextmanager
async def _called(think: float, noted: Noted) -> AsyncGenerator[str, None]:
    """The same, but offers are made to it, and it is spoken to over WebRTC."""
    from antiphon.transports import webrtc

    calling = OPENAI.calling
    assert calling is not None
    accept, answer = calling.accept, calling.answer

    async def hold(sdp: str, *, task_status: TaskStatus[str]) -> None:
        async with webrtc.answer(sdp, addresses=(HOST,)) as peer:
            task_status.started(peer.sdp)
            await peer.ready()
            await serve(peer, OPENAI.server(""), Answers(think, noted.notes))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        request = HttpRequest(method="POST", url=scope["path"], headers=headers, body=body)
        offer = accept(request)
        assert offer is not None
        response = answer(Answer(sdp=await group.start(hold, offer.sdp)))
        await send({"type": "http.response.start", "status": response.status, "headers": []})
        await send({"type": "http.response.body", "body": response.body})

    with noting(noted.packets):
        async with uvicorn(app) as url, anyio.create_task_group() as group:
            yield url.replace("ws://", "http://") + "/v1"
            group.cancel_scope.cancel()


@asynccontextmanager
async def _repeating(noted: Noted) -> AsyncGenerator[str, None]:
    """Says at once what it hears, with nothing between the library and the dialect's end."""

    async def attend(connection: server.ServerConnection) -> None:
        end = OPENAI.server("")

        async def say(event: events.ServerEvent) -> None:
            for message in end.encode(event):
                await connection.send(message)

        await say(events.SessionCreated(session_id="session"))
        began = False
        async for message in connection:
            came = asyncio.get_running_loop().time()
            for event in end.decode(message):
                if isinstance(event, events.SessionUpdate):
                    await say(events.SessionUpdated(config=event.config))
                elif isinstance(event, events.InputAudioAppend):
                    noted.heard.append((came, base64.b64encode(event.audio).decode()))
                    if not began:
                        began = True
                        await say(events.ResponseCreated(response_id="response"))
                    await say(
                        events.AudioDelta(response_id="response", item_id="item", delta=event.audio)
                    )

    async with server.serve(attend, HOST, 0, **SETTINGS) as listening:
        yield f"ws://{HOST}:{next(iter(listening.sockets)).getsockname()[1]}"


async def _run(kind: Kind, think: float) -> None:
    noted = Noted()
    loop = asyncio.get_running_loop()
    assert isinstance(loop, StampedLoop)
    serving = {
        "answers": lambda: _answering(think, noted),
        "calls": lambda: _called(think, noted),
        "repeats": lambda: _repeating(noted),
    }
    async with serving[kind]() as url:
        print(url, flush=True)
        await to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
    noted.wrote, noted.read = loop.wrote, loop.read
    print(msgspec.json.encode(noted).decode(), flush=True)


if __name__ == "__main__":
    kind = msgspec.convert(sys.argv[1], Kind)
    anyio.run(
        partial(_run, kind, float(sys.argv[2])), backend_options={"loop_factory": StampedLoop}
    )
