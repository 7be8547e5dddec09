"""How long after the last word is the answer's first sound, in a browser?

A page of the gateway in headless Chromium, whose microphone plays synthesised speech: `hello`,
again and again, to the same local model over WebSocket and over WebRTC. `whole` is from the last
sample of the word, as the page's audio thread gets it from the microphone, to the first sample of
the answer in the page's audio. Of that are

- detection: until the page is told that speech has ended; most of it is silence that the model
  waits for, and over WebRTC the way there through the browser's encoder and its packets;
- answer: from then until the first sound: recognition, the model's think time, speech, the way
  back, and what waits for a jittery network.

`client` is what the page itself tells its user of the same wait. Milliseconds by the page's
clock; both ends are read in the audio thread, in blocks of 128 samples. The microphone and the
loudspeaker of a real machine add their own latency at both ends.
"""

import argparse
import os
import shutil
import socket
import statistics
import tempfile
import wave
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from benchmarks.harness import Row, report, version

DEVICE = 48_000
"""Hz of Chromium's own device."""

TURN = 5.0
"""Seconds from one word to the next: the answer is over before."""

WAYS = {"WebSocket": "websocket", "WebRTC": "webrtc"}

MODEL = "local/assistant?think=0.1"

PERCENTILES = (50, 95)

TAP = """
registerProcessor('tap', class extends AudioWorkletProcessor {
  process([[samples]]) {
    let most = 0;
    if (samples) for (const x of samples) most = Math.max(most, Math.abs(x));
    const loud = most > 0.004;
    if (loud !== this.loud) this.port.postMessage({loud, time: currentTime});
    this.loud = loud;
    return true;
  }
});
"""

WATCH = """
// When each side begins to be loud and when it ends, in milliseconds of the page.
window.edges = {user: [], bot: []};
window.ended = [];
const connect = AudioNode.prototype.connect;
const tapped = async (who, context, node) => {
  await context.audioWorklet.addModule('/tap.js');
  const tap = new AudioWorkletNode(context, 'tap');
  tap.port.onmessage = ({data: {loud, time}}) => {
    const {contextTime, performanceTime} = context.getOutputTimestamp();
    const now = performance.now();
    const at = performanceTime ? performanceTime + 1000 * (time - contextTime) : now;
    edges[who].push({loud, at: Math.min(at, now)});
  };
  connect.call(node, tap);
};
AudioNode.prototype.connect = function (to, ...rest) {
  const player = this instanceof AudioWorkletNode && this.numberOfInputs === 0;
  if (player && to instanceof AudioDestinationNode) tapped('bot', this.context, this);
  if (this instanceof MediaStreamAudioSourceNode && to instanceof AudioWorkletNode)
    tapped('user', this.context, this);
  return connect.call(this, to, ...rest);
};
const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject');
Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
  ...source,
  set(stream) {
    source.set.call(this, stream);
    if (!stream) return;
    const context = new AudioContext();
    tapped('bot', context, context.createMediaStreamSource(stream));
  },
});
const tell = ({data}) => {
  if (data.startsWith('{"type":"speech-stopped"')) ended.push(performance.now());
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
const settings = {
  model: MODEL, transport: TRANSPORT,
  echoCancellation: false, noiseSuppression: false, autoGainControl: false,
};
localStorage.setItem('antiphon.page', JSON.stringify(settings));
"""


class Wait(NamedTuple):
    """Of one turn, in milliseconds."""

    whole: float
    detection: float
    answer: float


def waits(user: Sequence[Any], bot: Sequence[Any], ended: Sequence[float]) -> list[Wait]:
    """One for each time that the end of speech was noticed.

    The word's last sound is that before the notice, and the answer's first that after it.
    """
    quiet = [edge["at"] for edge in user if not edge["loud"]]
    loud = [edge["at"] for edge in bot if edge["loud"]]
    found: list[Wait] = []
    for noticed, following in zip(ended, [*ended[1:], float("inf")], strict=True):
        said = [at for at in quiet if at < noticed]
        answers = [at for at in loud if noticed < at < following]
        if said and answers:
            first, last = min(answers), max(said)
            found.append(Wait(first - last, noticed - last, first - noticed))
    return found


async def measure(way: str, turns: int, folder: Path) -> tuple[list[Wait], list[float]]:
    """Waits of *turns* turns, and what the page itself says of them."""
    from playwright.async_api import async_playwright

    microphone = spoken(folder / "said.wav", turns)
    args = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    ]
    async with gateway() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=args
        )
        try:
            page = await browser.new_page()
            script = WATCH.replace("MODEL", repr(MODEL)).replace("TRANSPORT", repr(WAYS[way]))
            await page.add_init_script(script)
            await page.goto(url)
            await page.click("#talk")
            with anyio.move_on_after(20 + TURN * turns):
                while await page.locator("#latencies tbody tr").count() < turns:
                    await anyio.sleep(0.2)
            edges: Any = await page.evaluate("edges")
            ended: Any = await page.evaluate("ended")
            rows = await page.locator("#latencies tbody tr td:last-child").all_text_contents()
            await page.click("#talk")
        finally:
            await browser.close()
    return waits(edges["user"], edges["bot"], ended), [milliseconds(row) for row in rows]


def milliseconds(text: str) -> float:
    """As the page writes them."""
    number, unit = text.split()
    return float(number) * {"ms": 1, "s": 1000}[unit]


def spoken(path: Path, turns: int) -> Path:
    from antiphon.processors.local.voice import Voice
    from antiphon.processors.rate import Rate

    voice = Voice("en-us")
    said = Rate(DEVICE).change(voice.speak("hello") + bytes(voice.rate), voice.rate, DEVICE)
    word = said + bytes(max(0, 2 * int(TURN * DEVICE) - len(said)))
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, DEVICE, 0, "NONE", ""))
        sink.writeframes(bytes(2 * 2 * DEVICE) + word * turns + bytes(2 * 60 * DEVICE))
    return path


@asynccontextmanager
async def gateway() -> AsyncGenerator[str]:
    """One with its page, in this process; its address."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Mount, Route

    from antiphon.gateway.gateway import Gateway

    async def tap(request: Request) -> Response:
        return Response(TAP, media_type="text/javascript")

    served = Gateway()
    routes = [Route("/tap.js", tap), Mount("/", served)]
    app: Any = Starlette(routes=routes)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
    server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            while not server.started:
                await anyio.sleep(0.01)
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
            finally:
                server.should_exit = True
    with anyio.move_on_after(10, shield=True):
        while served.sessions:
            await anyio.sleep(0.01)
        await served.house.aclose()


Held = Mapping[str, tuple[list[Wait], list[float]]]


def percentile(values: Sequence[float], percent: int) -> float:
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def rows(held: Held) -> Iterator[Row]:
    for way, (turns, shown) in held.items():
        shares = {name: [getattr(one, name) for one in turns] for name in Wait._fields}
        for share, values in {**shares, "client": shown}.items():
            row: dict[str, object] = {"way": way, "share": share}
            for percent in PERCENTILES:
                row[f"p{percent} ms"] = percentile(values, percent)
            yield {**row, "least": min(values), "worst": max(values), "turns": len(values)}


def draw(held: Held, path: Path) -> None:
    """A row of each turn's two parts for each way, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(8, 1 + 2 * len(held)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(len(held), 1, sharex=True, squeeze=False)
    for axes, (way, (turns, _)) in zip(panels[:, 0], held.items(), strict=True):
        ordered = sorted(turns)
        places = range(len(ordered))
        noticed = [one.detection for one in ordered]
        rest = [one.answer for one in ordered]
        axes.barh(places, noticed, color="#b04e2b", label="until the end of speech was noticed")
        axes.barh(places, rest, left=noticed, color="#0b7267", label="from then to the first sound")
        middle = percentile([one.whole for one in ordered], 50)
        axes.axvline(middle, color="#222222", linewidth=1, label=f"p50: {middle:.0f} ms")
        axes.set_title(f"{way}, {len(ordered)} turns", loc="left", fontsize=9)
        axes.set_yticks([])
        axes.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
    panels[-1, 0].set_xlabel("from the last sample of speech to the first of the answer, ms")
    figure.savefig(path, format="png", metadata={"Software": None})


def main() -> None:
    question = (__doc__ or "").strip()
    parser = argparse.ArgumentParser(description=question.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows there too")
    parser.add_argument("--picture", type=Path, metavar="PATH", help="or next to the JSON")
    parser.add_argument("--turns", type=int, default=30, help="turns over each")
    parser.add_argument("--quick", action="store_true", help="one turn over each")
    given = parser.parse_args()

    missing = [one for one in ("playwright", "aiortc") if not version(one)]
    if missing or not shutil.which("chromium"):
        parser.exit(2, f"It takes chromium, playwright and aiortc; missing: {missing}\n")
    held: dict[str, tuple[list[Wait], list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            held[way] = anyio.run(measure, way, 1 if given.quick else given.turns, Path(folder))
    load = f"Load of the machine afterwards: {os.getloadavg()[0]:.1f}."
    report(f"{question}\n\nThe model is {MODEL}. {load}", list(rows(held)), given.json)
    picture = given.picture or (given.json and given.json.with_suffix(".png"))
    if picture and version("matplotlib"):
        draw(held, picture)
        print(f"\nThe turns: {picture}")
    elif picture:
        print("\nNo picture: matplotlib is not installed")


if __name__ == "__main__":
    main()
