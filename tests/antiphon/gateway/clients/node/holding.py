"""Conversations of JavaScript clients with a gateway: in Node and on a browser's pages."""

import json
import os
import shutil
import signal
import subprocess
import wave
from array import array
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import msgspec

from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import resample
from tests.antiphon.gateway.clients.running import KEY, free_port, gateway, running

HERE = Path(__file__).parent

SCRIPTS = ("agents-websocket", "genai")
"""Clients in Node."""

PAGES = {
    "agents-webrtc": ("agents-webrtc", ""),
    "ai-gateway": ("ai-session", "gateway"),
    "ai-google": ("ai-session", "google"),
    "ai-openai": ("ai-session", "openai"),
    "ai-xai": ("ai-session", "xai"),
    "elevenlabs": ("elevenlabs", ""),
    "tanstack-gemini": ("tanstack", "gemini"),
    "tanstack-grok": ("tanstack", "grok"),
    "tanstack-openai": ("tanstack", "openai"),
}
"""Clients in a browser: the script, and which of its providers."""

AT_ONCE = 4
"""Conversations: they take as long as people's do, and a browser works for each."""

PATIENCE = 60.0
"""Seconds for one of them."""

SPEECH = {"weather": "What is the weather in Oslo?", "wellbeing": "How are you?"}
"""What the user says; the rest is written."""

SETTINGS = """
[browser]
origins = ["{origin}"]
cors = true

[agents.agent_weather]

[[agents.agent_weather.tools]]
name = "get_weather"
description = "What the weather is like in a city."

[agents.agent_weather.tools.parameters]
type = "object"
required = ["city"]

[agents.agent_weather.tools.parameters.properties.city]
type = "string"
"""
"""Clients of agents bring no tools: they are configured where the agent is."""

BROWSER = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)

REMARKS = ("ScriptProcessorNode is deprecated", "Ephemeral token support is experimental")
"""What browsers and packages write in the best of cases."""

Line = dict[str, Any]


class Held:
    """A conversation, as the client's script has told it."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.complaints: list[str] = []
        """What else was written, by whomever."""
        self.over = anyio.Event()

    def note(self, text: str) -> None:
        try:
            line = msgspec.json.decode(text, type=Line)
            kind = line["kind"]
        except (msgspec.MsgspecError, KeyError):
            if not any(remark in text for remark in REMARKS):
                self.complaints.append(text)
            return
        self.lines.append(line)
        if kind in ("done", "failed"):
            self.over.set()

    def all(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["kind"] == kind]

    def texts(self, kind: str) -> list[str]:
        """An answer has none where a tool was called instead."""
        return [line["text"] for line in self.all(kind) if line["text"]]

    @property
    def pcm(self) -> "tuple[array[int], int]":
        """The samples that came out of the loudspeaker, and their rate."""
        (heard,) = self.all("heard")
        with wave.open(heard["wav"]) as file:
            return array("h", file.readframes(file.getnframes())), file.getframerate()


@dataclass(frozen=True, slots=True)
class Evening:
    """All that was said, and the gateway's log."""

    conversations: dict[str, Held]
    log: list[Line]


def hold(wanted: Collection[str], installed: Path, folder: Path) -> Evening:
    """The conversations of the *wanted*, with packages as `.ci/node-clients` has installed them."""
    scripts = folder / "scripts"
    shutil.copytree(HERE, scripts, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (scripts / "node_modules").symlink_to(installed.absolute() / "node_modules")
    say_all(folder / "speech")
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with ExitStack() as servers:
        base = servers.enter_context(gateway(folder, settings=SETTINGS.format(origin=origin)))
        given = [base, KEY, str(folder / "speech"), str(folder)]
        if PAGES.keys() & set(wanted):
            log = servers.enter_context((folder / "application.log").open("w"))
            application = ["node", str(scripts / "application.mjs"), *given, str(port)]
            servers.enter_context(running(application, port, log=log.fileno()))
        held = anyio.run(_hold, wanted, scripts, given, origin)
    lines = (folder / "gateway.log").read_text().splitlines()
    return Evening(held, [json.loads(line) for line in lines if line.startswith("{")])


def say_all(speech: Path) -> None:
    """What the user says, at the rates that microphones have."""
    voice = Voice("en-us")
    for rate in (16_000, 24_000, 48_000):
        (speech / str(rate)).mkdir(parents=True)
        for name, words in SPEECH.items():
            with wave.open(str(speech / str(rate) / f"{name}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes(resample(voice.speak(words), voice.rate, rate))


def has_browser() -> bool:
    return shutil.which("chromium") is not None and find_spec("playwright") is not None


async def _hold(
    wanted: Collection[str], scripts: Path, given: list[str], origin: str
) -> dict[str, Held]:
    held = {name: Held() for name in wanted}
    room = anyio.CapacityLimiter(AT_ONCE)

    async def one(conversation: Held, talk: Callable[..., Awaitable[None]], *given: Any) -> None:
        async with room:
            with anyio.move_on_after(PATIENCE) as patience:
                await talk(conversation, *given)
            if patience.cancelled_caught:
                conversation.complaints.append("it did not end")

    async with AsyncExitStack() as stack:
        browser: Any = None
        if PAGES.keys() & set(wanted) and has_browser():
            browser = await stack.enter_async_context(_browser())
        async with anyio.create_task_group() as group:
            for name, conversation in held.items():
                if name in SCRIPTS:
                    command = ["node", str(scripts / f"{name}.mjs"), *given]
                    group.start_soon(one, conversation, _run, command)
                elif browser is not None:
                    page, provider = PAGES[name]
                    asked = {"base": given[0], "provider": provider, "name": name}
                    url = f"{origin}/{page}.html?{urlencode(asked)}"
                    group.start_soon(one, conversation, _visit, browser, url)
    return held


async def _run(held: Held, command: list[str]) -> None:
    """A script in Node, until it ends by itself."""
    environment = {**os.environ, "NODE_NO_WARNINGS": "1"}
    process = await anyio.open_process(command, stderr=subprocess.STDOUT, env=environment)
    assert process.stdout is not None
    try:
        rest = b""
        async for piece in process.stdout:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                held.note(line.decode())
        if await process.wait() != 0:
            held.complaints.append(f"it ended with {process.returncode}")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.aclose()


@asynccontextmanager
async def _browser() -> AsyncGenerator[Any]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        path = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=path, args=list(BROWSER))
        try:
            yield browser
        finally:
            await browser.close()


async def _visit(held: Held, browser: Any, url: str) -> None:
    """A page, until its conversation is over."""
    page = await browser.new_page()

    def written(message: Any) -> None:
        held.note(message.text)

    def failed(error: Any) -> None:
        held.complaints.append(str(error))

    page.on("console", written)
    page.on("pageerror", failed)
    try:
        await page.goto(url)
        await held.over.wait()
    finally:
        await page.close()
