"""The gateway's page in a browser: who speaks into its microphone, and what it plays."""

import base64
import json
import shutil
import socket
import wave
from array import array
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from antiphon.gateway.gateway import Gateway
from antiphon.gateway.settings import Settings
from antiphon.processors.local.voice import Voice
from antiphon.processors.rate import Rate

DEVICE = 48_000
"""Hz of Chromium's own device."""

HEARD = 24_000
"""Hz of what the taps keep."""

AS_IT_IS = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
"""What Chromium makes of a voice out of nowhere is not what was said."""

TAP = """
registerProcessor('tap', class extends AudioWorkletProcessor {
  process([[samples]]) {
    if (samples) this.port.postMessage(samples.slice());
    return true;
  }
});
"""

WATCH = """
window.complaints = [];
addEventListener('securitypolicyviolation', event => complaints.push(
  `${event.violatedDirective}: ${event.blockedURI}`));

// All that goes to the loudspeaker, and when; of a muted element nothing does.
window.played = [];
const tapped = async (context, node, silent = () => false) => {
  await context.audioWorklet.addModule('/tap.js');
  const tap = new AudioWorkletNode(context, 'tap');
  tap.port.onmessage = ({data}) =>
    played.push({at: performance.now(), samples: silent() ? data.fill(0) : data});
  connect.call(node, tap);
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  const player = this instanceof AudioWorkletNode && this.numberOfInputs === 0;
  if (player && to instanceof AudioDestinationNode) tapped(this.context, this);
  return connect.call(this, to, ...rest);
};
const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject');
Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
  ...source,
  set(stream) {
    source.set.call(this, stream);
    if (!stream) return;
    const context = new AudioContext({sampleRate: 24000});
    tapped(context, context.createMediaStreamSource(stream), () => this.muted);
  },
});


// What the server says but for sound, and when.
window.told = [];
const tell = ({data}) => {
  const event = JSON.parse(data);
  if (event.type !== 'audio-delta') told.push({at: performance.now(), ...event});
};
window.WebSocket = class extends WebSocket {
  constructor(...how) {
    super(...how);
    this.addEventListener('message', tell);
  }
};
window.RTCPeerConnection = class extends RTCPeerConnection {
  createDataChannel(...how) {
    const channel = super.createDataChannel(...how);
    channel.addEventListener('message', tell);
    return channel;
  }
};

// From the first sound after *begin* until there is none for a while: when, and the last of it.
const LOUD = 0.003;
const PAUSE = 400;
window.stretch = begin => {
  const chunks = played.filter(({at}) => at >= begin);
  const sounds = ({samples}) => samples.some(x => Math.abs(x) > LOUD);
  const first = chunks.findIndex(sounds);
  let last = first;
  for (let i = first; i >= 0 && i < chunks.length && chunks[i].at - chunks[last].at < PAUSE; i++)
    if (sounds(chunks[i])) last = i;
  if (first < 0) return null;
  const samples = chunks.slice(first, last + 1).flatMap(one => [...one.samples]);
  const end = samples.findLastIndex(x => Math.abs(x) > LOUD) + 1;
  return {began: chunks[first].at, ended: chunks[last].at, tail: samples.slice(0, end).slice(-7200)};
};
window.taken = () => {
  const all = new Int16Array(played.reduce((sum, {samples}) => sum + samples.length, 0));
  let at = 0;
  for (const {samples} of played)
    for (const x of samples) all[at++] = Math.max(-32768, Math.min(32767, Math.round(x * 32767)));
  let text = '';
  const bytes = new Uint8Array(all.buffer);
  for (let i = 0; i < bytes.length; i += 32768)
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
};
"""


class House:
    """A gateway, which can be shut down and opened again at its port."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Leaving it is as when the process is killed: nobody is told."""
        gateway = Gateway(self.settings)
        routes = [Route("/tap.js", _tap), Mount("/", gateway)]
        config = uvicorn.Config(
            Starlette(routes=routes), lifespan="off", log_level="critical", access_log=False
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
        with socket.create_server(("127.0.0.1", self.port)) as listener:
            self.port = listener.getsockname()[1]
            try:
                async with self._serving(server, listener):
                    yield
            finally:
                with anyio.move_on_after(10, shield=True):
                    while gateway.sessions:
                        await anyio.sleep(0.01)
                    await gateway.house.aclose()

    @asynccontextmanager
    async def _serving(
        self, server: uvicorn.Server, listener: socket.socket
    ) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            while not server.started:
                await anyio.sleep(0.01)
            try:
                yield
            finally:
                server.should_exit = server.force_exit = True
                for connection in tuple(server.server_state.connections):
                    connection.transport.abort()  # pyright: ignore


class Seen:
    """What a page should not have done."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []

    def watch(self, page: Any) -> None:
        page.on("console", self._said)
        page.on("pageerror", self._failed)
        page.on("request", self._asked)
        page.on("websocket", self._asked)

    def elsewhere(self, url: str) -> list[str]:
        host = url.split("/")[2]
        return [
            one
            for one in self.asked
            if one[:5] not in ("data:", "blob:") and one.split("/")[2] != host
        ]

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.said.append(message.text)

    def _failed(self, error: Any) -> None:
        self.said.append(str(error))

    def _asked(self, request: Any) -> None:
        self.asked.append(request.url)


@asynccontextmanager
async def browser(*, microphone: Path | None = None, allowed: bool = True) -> AsyncGenerator[Any]:
    """Chromium, whose microphone plays a file once."""
    from playwright.async_api import async_playwright

    args = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    args.append("--use-fake-ui-for-media-stream" if allowed else "--deny-permission-prompts")
    if microphone is not None:
        args.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=args
        )
        try:
            yield opened
        finally:
            await opened.close()


async def visit(
    opened: Any, house: House, settings: Mapping[str, Any] | None = None, **context: Any
) -> tuple[Any, Seen]:
    """The page as *settings* are remembered from before."""
    page = await (await opened.new_context(**context)).new_page()
    seen = Seen()
    seen.watch(page)
    kept = {**AS_IT_IS, **(settings or {})}
    await page.add_init_script(WATCH)
    await page.add_init_script(
        f"if (!localStorage['antiphon.page']) localStorage['antiphon.page'] = {json.dumps(json.dumps(kept))}"
    )
    await page.goto(house.url)
    return page, seen


def speech(path: Path, *lines: tuple[float, str]) -> Path:
    """Who is silent for so many seconds before each line, and after the last one for long."""
    voice = Voice("en-us")
    pcm = b""
    for pause, text in lines:
        said = voice.speak(text)
        said = Rate(DEVICE).change(said + bytes(voice.rate // 5 * 2), voice.rate, DEVICE)
        pcm += bytes(2 * int(pause * DEVICE)) + said
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, DEVICE, 0, "NONE", ""))
        sink.writeframes(pcm + bytes(2 * 40 * DEVICE))
    return path


async def played(page: Any) -> "array[int]":
    """Samples at HEARD of all that was played so far."""
    return array("h", base64.b64decode(await page.evaluate("taken()")))


async def phase(page: Any) -> str:
    return await page.evaluate("document.body.dataset.phase")


async def reach(page: Any, *names: str, timeout: float = 15) -> None:
    with anyio.fail_after(timeout):
        while await phase(page) not in names:
            await anyio.sleep(0.02)


async def texts(page: Any, selector: str) -> Sequence[str]:
    return [text.strip() for text in await page.locator(selector).all_inner_texts()]


async def _tap(request: Request) -> Response:
    return Response(TAP, media_type="text/javascript")
