"""Goes through what the AI SDK's hook did, step by step, with a session in its place."""

import base64
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events, vercel
from antiphon.codecs.config import ResponseOptions, SessionConfig
from antiphon.codecs.connection import Connect
from antiphon.session import Session, SessionError, ToolCall
from antiphon.transports import Transport, TransportError, memory

VECTORS = Path(__file__).parents[2] / "data" / "aisdk_session_vectors.json"

Json = dict[str, Any]

SCENARIOS: dict[str, Json] = {
    one["name"]: one for one in json.loads(VECTORS.read_text())["scenarios"]
}

MODELS = {
    "gateway": "vercel/openai/gpt-realtime-2",
    "google": "gemini/gemini-3.8-live",
    "openai": "openai/gpt-realtime",
    "xai": "xai/grok-voice-latest",
}

METHODS = {
    "connect": "connect",
    "disconnect": "disconnect",
    "close": "close",
    "addToolOutput": "add_tool_output",
    "sendEvent": "send_event",
    "sendTextMessage": "send_text_message",
    "sendAudio": "send_audio",
    "commitAudio": "commit_audio",
    "clearAudioBuffer": "clear_audio_buffer",
    "requestResponse": "request_response",
    "cancelResponse": "cancel_response",
    "startAudioCapture": "start_audio_capture",
    "stopAudioCapture": "stop_audio_capture",
    "resumeAudioCapture": "resume_audio_capture",
    "stopPlayback": "stop_playback",
    "resumePlayback": "resume_playback",
}


async def settle() -> None:
    """Until all that can happen now has happened; no time passes."""
    for _ in range(300):
        await anyio.lowlevel.checkpoint()


class Stage:
    """The world around a session: its application, its socket, its microphone."""

    def __init__(self, scenario: Json) -> None:
        self.scenario = scenario
        self.request: Json | None = None
        self.socket: Json | None = None
        self.may_open = anyio.Event()
        self.seen: Json = {}
        self.theirs: memory.MemoryTransport | None = None
        self.frames: list[Json] = []
        self.group: TaskGroup
        self.of: Session
        self.speak, self.microphone = anyio.create_memory_object_stream[bytes](100)

    def session(self) -> Session:
        options = self.scenario["options"]
        config = options["sessionConfig"]
        return Session(
            MODELS[options["model"]],
            token="http://app/setup",
            config=None if config is None else configuration(config),
            max_events=options["maxEvents"] or 500,
            on_tool_call=self.tool(options["onToolCall"]),
            on_event=lambda event: self.note("onEvent", kind(event)),
            on_error=lambda error: self.seen.update(onError=self.seen.get("onError", 0) + 1),
            on_change=self.changed,
            open=self.open,
            http=httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer)),
        )

    def tool(self, does: str) -> Callable[[ToolCall], Any] | None:
        if does == "absent":
            return None

        async def handle(call: ToolCall) -> Any:
            shown = {"toolCallId": call.call_id, "toolName": call.name, "args": call.arguments}
            self.note("onToolCall", shown)
            if does == "throws":
                raise RuntimeError("broken")
            given = does.removeprefix("returns ")
            return None if given == "undefined" else json.loads(given)

        return handle

    def note(self, what: str, value: object) -> None:
        self.seen.setdefault(what, []).append(value)

    def changed(self, what: str) -> None:
        match what:
            case "status":
                self.note("state", self.of.status)
            case "is_playing":
                self.note("state", f"playing:{str(self.of.is_playing).lower()}")
            case "is_capturing":
                self.note("state", f"capturing:{str(self.of.is_capturing).lower()}")
            case _:
                pass

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        self.request = {"url": str(request.url), "method": request.method, "body": body}
        name = self.scenario["name"]
        if "not json" in name:
            return httpx2.Response(200, text="no json")
        if "http url" in name:
            return httpx2.Response(200, json={"token": "tok", "url": "http://127.0.0.1/rt"})
        if self.scenario["socket"] is None:
            return httpx2.Response(500)
        told: Json = {"token": "tok", "url": "ws://127.0.0.1/rt"}
        asked: Json = body.get("sessionConfig") or {}
        tools = self.first_config().get("tools")
        if tools is not None and tools != asked.get("tools"):
            told["tools"] = tools
        return httpx2.Response(200, json=told)

    def first_config(self) -> Json:
        """What the session is told first, where it is of the gateway's vocabulary."""
        sent = [frame for step in self.scenario["steps"] for frame in step.get("sent", ())]
        return sent[0].get("config", {}) if sent else {}

    @asynccontextmanager
    async def open(self, way: Connect) -> AsyncGenerator[Transport]:
        self.socket = {
            "url": way.url,
            "protocols": list(way.subprotocols) or None,
            "count": 1 if self.socket is None else self.socket["count"] + 1,
        }
        await self.may_open.wait()
        ours, theirs = memory.pair()
        self.theirs = theirs
        self.group.start_soon(self.listen, theirs)
        try:
            yield ours
        finally:
            await ours.aclose()
            await theirs.aclose()

    async def play(self) -> tuple[list[Json], Json]:
        """What was seen at each step, and how it ended."""
        steps: list[Json] = []
        final: Json = {}
        async with (
            self.speak,
            self.microphone,
            anyio.create_task_group() as self.group,
            self.session() as self.of,
        ):
            for step in self.scenario["steps"]:
                self.seen = {}
                await self.do(step["step"])
                await settle()
                if self.frames:
                    self.seen["sent"], self.frames = self.frames, []
                steps.append({"step": step["step"], **self.seen})
            self.seen = {}
            final = self.final()
            await self.of.disconnect()
            await settle()
            self.group.cancel_scope.cancel()
        return steps, final

    async def do(self, step: Json) -> None:
        [(what, value)] = step.items()
        match what:
            case "call":
                try:
                    await self.call(*value)
                except (SessionError, ValueError):
                    self.seen["throws"] = True
            case "open":
                self.may_open.set()
            case "recv" | "close" | "error":
                if self.theirs is not None:  # else nobody is there to hear it
                    await self.happen(self.theirs, what, value)
            case "advanceMs":
                await anyio.sleep(value / 1000)
            case "mic":
                await self.speak.send(bytes(2 * value))
            case _:
                raise AssertionError(f"there is no step {what!r}")

    async def happen(self, theirs: memory.MemoryTransport, what: str, value: Any) -> None:
        match what:
            case "recv":
                with suppress(TransportError):  # nobody may be there any more
                    for frame in cast("list[Any]", value if isinstance(value, list) else [value]):
                        await theirs.send(written(frame))
            case "close":
                await theirs.aclose(*value)
            case _:
                theirs.drop()

    async def call(self, method: str, *given: Any) -> None:
        arguments = list(given)
        if method == "connect":
            self.may_open = anyio.Event()
            await self.of.connect(wait=False)
            return
        if method == "sendAudio":
            arguments = [base64.b64decode(given[0])]
        elif method == "startAudioCapture":
            arguments = [self.microphone]
        elif method == "requestResponse" and given:
            arguments = [msgspec.convert(given[0], ResponseOptions)]
        elif method == "sendEvent":
            arguments = [*vercel.Server().decode(json.dumps(given[0]))]
        await getattr(self.of, METHODS[method])(*arguments)

    async def listen(self, transport: memory.MemoryTransport) -> None:
        with suppress(TransportError):
            async for message in transport:
                self.frames.append(shown(json.loads(message)))

    def final(self) -> Json:
        numbers: dict[str, int] = {}
        messages: list[Json] = json.loads(msgspec.json.encode(self.of.messages))
        for message in messages:
            if re.fullmatch(r"(user|assistant)-\d+", message["id"]):
                role = message["role"]
                message["id"] = f"{role}#{numbers.setdefault(role, 0)}"
                numbers[role] += 1
        return {
            "status": self.of.status,
            "isPlaying": self.of.is_playing,
            "isCapturing": self.of.is_capturing,
            "eventsKept": len(self.of.events),
            "messages": messages,
        }


def configuration(config: Json) -> SessionConfig:
    return vercel.read_setup_request(json.dumps({"sessionConfig": config}).encode())


def kind(event: events.ServerEvent) -> str | None:
    """As the hook would see it: what it does not know, it passes on by its name."""
    if isinstance(event, events.Custom) and event.dialect == "vercel":
        return event.raw_type or None
    return str(type(event).__struct_config__.tag)


def written(frame: Any) -> str:
    if isinstance(frame, str):
        return frame
    if str(frame.get("delta", "")).startswith("$pcm16ms:"):
        ms = int(frame["delta"].partition(":")[2])
        frame = {**frame, "delta": base64.b64encode(bytes(48 * ms)).decode()}
    return json.dumps(frame)


def shown(frame: Json) -> Json:
    if isinstance(frame.get("audio"), str):
        frame["audio"] = f"$bytes:{len(base64.b64decode(frame['audio']))}"
    return frame
