"""A browser in front of the answering side."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import anyio
import pytest

from antiphon.transports.webrtc import Flooded, Peer, answer
from tests.transports.webrtc.parts import gone, listen, pitch, tone, without_candidates

pytestmark = pytest.mark.anyio

PAGE = """<!doctype html><title>A call</title><script>
const heard = [], said = [];
let connection, channel;

async function offer(gathered) {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  connection = new RTCPeerConnection();
  connection.addTrack(stream.getTracks()[0], stream);
  connection.ontrack = ({streams}) => {
    const audio = new Audio();
    audio.srcObject = streams[0];
    audio.play();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(streams[0]).connect(analyser);
    window.frequency = () => {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const best = bins.indexOf(Math.max(...bins));
      return bins[best] < -60 ? 0 : best * context.sampleRate / analyser.fftSize;
    };
  };
  channel = connection.createDataChannel('oai-events');
  channel.onmessage = ({data}) => heard.push(typeof data === 'string' ? data : data.byteLength);
  channel.onopen = () => said.push('open');
  channel.onclose = () => said.push('closed');
  channel.binaryType = 'arraybuffer';
  await connection.setLocalDescription(await connection.createOffer());
  if (gathered)
    while (connection.iceGatheringState !== 'complete')
      await new Promise(done => setTimeout(done, 10));
  return connection.localDescription.sdp;
}

const take = sdp => connection.setRemoteDescription({type: 'answer', sdp});
</script>"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def page() -> AsyncGenerator[Any]:
    """The page above, in a browser that hears a beep every second from its microphone."""
    from playwright.async_api import async_playwright
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.http11 import Request, Response

    def get(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(HTTPStatus.OK, PAGE)
        response.headers["Content-Type"] = "text/html"
        return response

    async def never(_: ServerConnection) -> None:
        pass

    async with serve(never, "127.0.0.1", 0, process_request=get) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=str(_chromium()),
                args=[
                    "--no-sandbox",
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    "--autoplay-policy=no-user-gesture-required",
                ],
            )
            try:
                opened = await browser.new_page()
                await opened.goto(f"http://127.0.0.1:{port}/")
                yield opened
            finally:
                await browser.close()


def _chromium() -> str | None:
    import shutil

    return shutil.which("chromium")


@asynccontextmanager
async def call(opened: Any, *, gathered: bool = True) -> AsyncGenerator[Peer]:
    offer: str = await opened.evaluate(f"offer({str(gathered).lower()})")
    offer = offer if gathered else without_candidates(offer)
    assert ("a=candidate:" in offer) == gathered
    async with answer(offer) as peer:
        await opened.evaluate("sdp => take(sdp)", peer.sdp)
        await peer.ready()
        await until(opened, "channel.readyState === 'open'")  # which the page learns later
        yield peer


async def until(opened: Any, condition: str) -> None:
    with anyio.fail_after(10):
        while not await opened.evaluate(condition):
            await anyio.sleep(0.05)


@pytest.mark.parametrize("gathered", [True, False])
async def test_messages_and_audio_go_both_ways(need: Callable[[str], None], gathered: bool) -> None:
    need("chromium")
    need("playwright")
    async with page() as opened, call(opened, gathered=gathered) as peer:
        await peer.send("hello")
        await peer.send("x" * 262_144)
        await opened.evaluate("channel.send('there'), channel.send('y'.repeat(200000))")
        assert await peer.receive() == "there"
        assert len(await peer.receive()) == 200_000
        await until(opened, "heard.length === 2")
        assert await opened.evaluate("[heard[0], heard[1].length]") == ["hello", 262_144]

        beep = await listen(peer.hearing, 100_000)
        assert pitch(beep) > 100

        await peer.play(tone(880.0, 8.0))
        await until(opened, "Math.abs(frequency() - 880) < 15")
        peer.clear()
        await until(opened, "frequency() === 0")


@pytest.mark.parametrize("closes", ["connection.close()", "channel.close()"])
async def test_when_the_page_closes_we_notice(need: Callable[[str], None], closes: str) -> None:
    need("chromium")
    need("playwright")
    async with page() as opened, call(opened) as peer:
        await opened.evaluate(closes)

        with anyio.fail_after(5):
            await gone(peer)
        assert peer.closed is not None


async def test_when_we_close_the_page_notices(need: Callable[[str], None]) -> None:
    need("chromium")
    need("playwright")
    async with page() as opened:
        async with call(opened):
            pass

        await until(opened, "said.includes('closed')")


async def test_a_page_that_sends_more_than_is_read_is_cut_off(
    need: Callable[[str], None],
) -> None:
    need("chromium")
    need("playwright")
    async with page() as opened, call(opened) as peer:
        await opened.evaluate("for (let n = 0; n < 60; n++) channel.send('z'.repeat(100000))")

        with anyio.fail_after(5):
            await gone(peer)
        assert isinstance(peer.closed, Flooded)
        await until(opened, "said.includes('closed')")
