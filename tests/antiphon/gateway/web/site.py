"""A page with the client on it, in a browser, and a server behind it that a test plays."""

import json
import shutil
import wave
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn

from antiphon.codecs import vercel
from antiphon.processors.models import find_model
from antiphon.processors.rate import Rate
from antiphon.processors.serving import serve
from antiphon.transports import Transport
from antiphon.transports.asgi import Incoming, Receive, Scope, Send

Json = dict[str, Any]

Serving = Callable[[Transport], Awaitable[None]]

WEB = Path(__file__).parents[4] / "antiphon" / "gateway" / "web"

SPEECH = Path(__file__).parents[3] / "data" / "speech"

POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
"""What a careful page allows: no inline script, no blob."""

PAGE = '<!doctype html><title>A page</title><script type="module" src="page.js"></script>'

SCRIPT = """
import * as antiphon from './antiphon.js';
window.Realtime = antiphon.Realtime;

// What is said and heard, with the times of the page.
window.begin = async (options = {}) => {
  window.log = [];
  window.sent = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    sent.push({at: performance.now(), ...JSON.parse(text)});
    send.call(this, text);
  };
  window.bot = new antiphon.Realtime({
    onEvent: event => log.push({at: performance.now(), ...event}),
    onError: error => log.push({at: performance.now(), type: 'failure', code: error.code}),
    ...options,
  });
  return await bot.connect();
};

// All samples that come out of the player, and when.
window.tap = async () => {
  window.heard = [];
  while (!bot.outputNode) await new Promise(resolve => setTimeout(resolve, 5));
  const {context} = bot.outputNode;
  await context.audioWorklet.addModule('./tap.js');
  const node = new AudioWorkletNode(context, 'tap');
  node.port.onmessage = ({data}) => heard.push({at: performance.now(), samples: data});
  bot.outputNode.connect(node);
  node.connect(context.destination);
  return context.sampleRate;
};

window.samples = () => heard.flatMap(({samples}) => Array.from(samples, x => Math.round(x * 32768)));
window.received = () => log
  .filter(event => event.type === 'audio-delta')
  .flatMap(({delta}) => Array.from(new Int16Array(
    Uint8Array.from(atob(delta), c => c.charCodeAt(0)).buffer)));

// From the first sound to the last.
window.sounding = samples => {
  const trimmed = samples.slice(samples.findIndex(x => x), samples.findLastIndex(x => x) + 1);
  return {count: trimmed.length, loudest: trimmed.reduce((a, b) => Math.max(a, Math.abs(b)), 0),
    trimmed};
};
window.same = (one, other) => `${sounding(one).trimmed}` === `${sounding(other).trimmed}`;
window.ready = true;
"""

TAP = """
registerProcessor('tap', class extends AudioWorkletProcessor {
  process([[samples]]) {
    if (samples) this.port.postMessage(samples.slice());
    return true;
  }
});
"""


class Site:
    """Serves the page, its setup endpoint, and WebSockets, to *serving* or the local model."""

    def __init__(self, serving: Serving | None = None) -> None:
        self.serving = serving or local_model
        self.setups: list[Json] = []
        self.subprotocols: list[tuple[str, ...]] = []
        self.calls: list[Json] = []
        self.refuse = 0
        self.on_call: Callable[[str], Awaitable[str]] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            incoming = Incoming(scope, receive, send)
            self.subprotocols.append(incoming.subprotocols)
            transport = await incoming.accept(subprotocol=incoming.subprotocols[0])
            await self.serving(transport)
            return
        status, kind, body = await self._answer(scope, receive)
        headers = [(b"content-type", kind.encode()), (b"content-security-policy", POLICY.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, str, bytes]:
        match scope["method"], scope["path"]:
            case "GET", "/":
                return 200, "text/html", PAGE.encode()
            case "GET", "/page.js":
                return 200, "text/javascript", SCRIPT.encode()
            case "GET", "/tap.js":
                return 200, "text/javascript", TAP.encode()
            case "GET", "/antiphon.js" | "/antiphon-worklet.js":
                return 200, "text/javascript", (WEB / scope["path"][1:]).read_bytes()
            case "POST", "/api/realtime/setup":
                self.setups.append(json.loads(await _body(receive)))
                if self.refuse:
                    return self.refuse, "application/json", b'{"error": {"message": "no"}}'
                url = (
                    f"ws://127.0.0.1:{self.port}/v4/ai/realtime-model?ai-model-id=local%2Fassistant"
                )
                told = {"token": f"ticket{len(self.setups)}", "url": url}
                return 200, "application/json", json.dumps(told).encode()
            case "POST", "/v4/ai/realtime-model/calls" if self.on_call:
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                self.calls.append({"query": scope["query_string"].decode(), **headers})
                answer = await self.on_call((await _body(receive)).decode())
                return 201, "application/sdp", answer.encode()
            case _:
                return 404, "text/plain", b""


async def local_model(transport: Transport) -> None:
    name = "local/assistant"
    await serve(transport, vercel.DIALECT.server(name), find_model(name))


@asynccontextmanager
async def page(
    site: Site, *, microphone: Path | None = None, allowed: bool = True
) -> AsyncGenerator[Any]:
    """The page in Chromium, whose microphone plays the file *microphone* once."""
    from playwright.async_api import async_playwright

    args = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
    ]
    args.append("--use-fake-ui-for-media-stream" if allowed else "--deny-permission-prompts")
    if microphone is not None:
        args.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    async with _served(site), async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=args
        )
        try:
            opened = await browser.new_page()
            await opened.goto(site.url)
            await opened.wait_for_function("window.ready")
            yield opened
        finally:
            await browser.close()


async def until(opened: Any, condition: str, timeout: float = 15) -> None:
    with anyio.fail_after(timeout):
        while not await opened.evaluate(condition):
            await anyio.sleep(0.05)


def spoken(path: Path, *, after: float, speech: str = "lisbon.wav") -> Path:
    """Someone who is silent for so many seconds, asks something, and is silent again.

    At the rate of Chromium's own device: it interpolates files of another, and hisses are lost.
    """
    with wave.open(str(SPEECH / speech)) as source:
        rate, said = source.getframerate(), source.readframes(source.getnframes())
    said = Rate(48_000).change(said + bytes(rate // 5), rate, 48_000)
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, 48_000, 0, "NONE", ""))
        sink.writeframes(bytes(2 * int(after * 48_000)) + said + bytes(2 * 30 * 48_000))
    return path


@asynccontextmanager
async def _served(site: Site) -> AsyncGenerator[None]:
    config = uvicorn.Config(site, port=0, lifespan="off", log_level="critical")  # pyright: ignore[reportArgumentType]
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        while not server.started:
            await anyio.sleep(0.01)
        site.port = server.servers[0].sockets[0].getsockname()[1]
        yield
        server.should_exit = True


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
