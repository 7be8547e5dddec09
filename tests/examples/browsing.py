"""A page in Chromium, with a microphone, and all that goes over its WebSockets."""

import json
import shutil
import wave
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from antiphon.processors.rate import Rate

Json = dict[str, Any]

SPEECH = Path(__file__).parents[1] / "data" / "speech"

RATE = 48_000
"""That of Chromium's own device: it interpolates files of another, and hisses are lost."""

AS_IT_IS = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
const audio = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
navigator.mediaDevices.getUserMedia = () => ask({audio});
"""
"""What Chromium makes of a voice out of nowhere is not what was said."""


class Seen:
    """What has happened on a page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.sent: list[Json] = []
        self.received: list[Json] = []
        self.complaints: list[str] = []
        page.on("console", self._told)
        page.on("pageerror", self._failed)
        page.on("websocket", self._connected)

    def types(self) -> list[str]:
        return [event["type"] for event in self.received]

    def _told(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _failed(self, error: Any) -> None:
        self.complaints.append(str(error))

    def _connected(self, socket: Any) -> None:
        def sent(frame: str) -> None:
            self.sent.append(json.loads(frame))

        def received(frame: str) -> None:
            self.received.append(json.loads(frame))

        # A development server has a WebSocket of its own.
        if "/realtime" in socket.url:
            socket.on("framesent", sent)
            socket.on("framereceived", received)


@asynccontextmanager
async def browsing(url: str, *, microphone: Path | None = None) -> AsyncGenerator[Seen]:
    """The page at *url*, whose microphone plays the file *microphone* once."""
    from playwright.async_api import async_playwright

    args = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
    ]
    if microphone is not None:
        args.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=args
        )
        try:
            page = await browser.new_page()
            await page.add_init_script(AS_IT_IS)
            seen = Seen(page)
            await page.goto(url)
            yield seen
        finally:
            await browser.close()


def microphone(path: Path, seconds: Iterable[float], *, speech: str = "lisbon.wav") -> Path:
    """Someone who is silent for so many *seconds*, asks something, and so on."""
    with wave.open(str(SPEECH / speech)) as source:
        rate, said = source.getframerate(), source.readframes(source.getnframes())
    said = Rate(RATE).change(said + bytes(rate // 5), rate, RATE)
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, RATE, 0, "NONE", ""))
        for pause in seconds:
            sink.writeframes(bytes(2 * int(pause * RATE)) + said)
        sink.writeframes(bytes(2 * 30 * RATE))
    return path
