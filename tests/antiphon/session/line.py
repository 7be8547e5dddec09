"""A session on a line to a gateway that a test plays."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup

from antiphon.codecs.connection import Connect
from antiphon.session import Session, TextPart, ToolCall, ToolPart
from antiphon.transports import Transport, TransportError, memory

Json = dict[str, Any]

MODEL = "vercel/openai/gpt-realtime-2"

TICKET = {"token": "tok", "url": "ws://127.0.0.1/rt"}


async def token() -> Json:
    return TICKET


async def settle() -> None:
    """Until all that can happen now has happened; no time passes."""
    for _ in range(200):
        await anyio.lowlevel.checkpoint()


class Line:
    """The gateway's side: `said` is what the session has said, as JSON."""

    def __init__(self, *, room: float = 10_000, listens: bool = True) -> None:
        self.said: list[Json] = []
        self.ways: list[Connect] = []
        self.open_now = 0
        self.transport: memory.MemoryTransport
        self.group: TaskGroup
        self._room = room
        self._listens = listens

    @asynccontextmanager
    async def open(self, way: Connect) -> AsyncGenerator[Transport]:
        self.ways.append(way)
        ours, theirs = memory.pair(room=self._room)
        self.transport = theirs
        self.open_now += 1
        if self._listens:
            self.group.start_soon(self._listen, theirs)
        try:
            yield ours
        finally:
            self.open_now -= 1
            await ours.aclose()
            await theirs.aclose()

    async def tell(self, *told: Json | str) -> None:
        for one in told:
            await self.transport.send(one if isinstance(one, str) else json.dumps(one))
        await settle()

    def types(self) -> list[str]:
        return [one["type"] for one in self.said]

    async def _listen(self, transport: memory.MemoryTransport) -> None:
        with suppress(TransportError, anyio.ClosedResourceError):
            async for message in transport:
                self.said.append(json.loads(message))


@asynccontextmanager
async def session_on(line: Line, **options: Any) -> AsyncGenerator[Session]:
    options = {"token": token, "open": line.open} | options
    async with anyio.create_task_group() as line.group:
        async with Session(options.pop("model", MODEL), **options) as session:
            yield session
        await settle()
        line.group.cancel_scope.cancel()


@asynccontextmanager
async def connected(line: Line, **options: Any) -> AsyncGenerator[Session]:
    async with session_on(line, **options) as session:
        await session.connect(wait=False)
        await settle()
        await line.tell({"type": "session-updated"})
        assert session.status == "connected"
        line.said.clear()
        yield session


def audio(item: str, ms: int, response: str = "r1") -> Json:
    delta = base64.b64encode(bytes(48 * ms)).decode()
    return {"type": "audio-delta", "responseId": response, "itemId": item, "delta": delta}


def call(call_id: str, name: str = "look", arguments: str = "{}", response: str = "r1") -> Json:
    return {
        "type": "function-call-arguments-done",
        "responseId": response,
        "itemId": f"item-{call_id}",
        "callId": call_id,
        "name": name,
        "arguments": arguments,
    }


def created(response: str = "r1") -> Json:
    return {"type": "response-created", "responseId": response}


def done(response: str = "r1", status: str = "completed", **more: Any) -> Json:
    return {"type": "response-done", "responseId": response, "status": status, **more}


SPEECH: Json = {"type": "speech-started"}


def truncation(item: str, ms: int) -> Json:
    return {
        "type": "conversation-item-truncate",
        "itemId": item,
        "contentIndex": 0,
        "audioEndMs": ms,
    }


def outputs(line: Line) -> list[tuple[str, Any]]:
    """The outputs of tools that were said, as what their JSON says."""
    items = [one["item"] for one in line.said if one["type"] == "conversation-item-create"]
    return [(item["callId"], json.loads(item["output"])) for item in items if "callId" in item]


def texts(session: Session) -> list[str]:
    """What the text parts of all messages say."""
    parts = [part for message in session.messages for part in message.parts]
    return [part.text for part in parts if isinstance(part, TextPart)]


def tools(session: Session) -> list[ToolPart]:
    parts = [part for message in session.messages for part in message.parts]
    return [part for part in parts if isinstance(part, ToolPart)]


def ignored(error: Exception) -> None:
    """A handler of errors that are expected."""


def later(call: ToolCall) -> None:
    """A handler of calls that are answered by `add_tool_output`."""


def sunny(call: ToolCall) -> str:
    return "sunny"
