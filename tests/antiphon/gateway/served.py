"""A gateway as a user runs it, `python -m antiphon serve`, in processes of its own."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import anyio
import httpx2
import websockets

from benchmarks.peers.attacks import PATH

KEY, OTHER = "sk-alice-1", "sk-bob-2"

UPSTREAM = "sk-upstream-secret-3"

SETTINGS = """
default = "local/echo"
pass_through = false
[upstreams.openai]
key = "$UPSTREAM_KEY"
[webrtc]
addresses = ["127.0.0.1"]
[keys.alice]
secret = "$ALICE"
[keys.bob]
secret = "$BOB"
"""

STARTING = 60.0
"""Seconds for a gateway to answer."""

PATIENCE = 30.0
"""Seconds for anything else, on a machine with much to do."""


class Served:
    """A gateway that runs; what it prints is `out`, and what it logs `log()`."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, *, tls: bool) -> None:
        self.process = process
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self._folder = folder
        self._scheme = "s" if tls else ""

    @property
    def url(self) -> str:
        return f"http{self._scheme}://127.0.0.1:{self.port}"

    @property
    def out(self) -> str:
        return (self._folder / "out").read_text()

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def memory(self) -> float:
        """Its resident set, in megabytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

    def started(self) -> Self:
        """Once it answers; where it is it has printed."""
        until = time.monotonic() + STARTING
        while True:
            found = re.search(r"^A gateway at https?://127.0.0.1:(\d+),", self.out, re.MULTILINE)
            if found is not None:
                self.port = int(found[1])
                if _answers(self.port):
                    return self
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    def tell(self, sig: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(sig)

    def status(self) -> int:
        """With which it exits."""
        return self.process.wait(PATIENCE)

    async def exited(self) -> int:
        with anyio.fail_after(PATIENCE):
            while self.process.poll() is None:
                await anyio.sleep(0.02)
        return self.process.returncode

    async def get(self, path: str) -> tuple[int, str]:
        async with httpx2.AsyncClient(verify=self.tls or True, timeout=PATIENCE) as client:
            answer = await client.get(self.url + path)
            return answer.status_code, answer.text

    async def post(self, path: str, *, key: str = KEY, body: Any = None) -> tuple[int, Any]:
        async with httpx2.AsyncClient(verify=self.tls or True, timeout=PATIENCE) as client:
            headers = {"authorization": f"Bearer {key}"}
            answer = await client.post(self.url + path, headers=headers, json=body)
            return answer.status_code, answer.json() if answer.content else None

    @asynccontextmanager
    async def talking(self, path: str = PATH, *, key: str = KEY) -> AsyncGenerator["Talk"]:
        async with websockets.connect(
            f"ws{self._scheme}://127.0.0.1:{self.port}{path}",
            additional_headers={"authorization": f"Bearer {key}"},
            ssl=self.tls,
            open_timeout=PATIENCE,
        ) as socket:
            talk = Talk(socket)
            await talk.until("session.created")
            await talk.say(
                type="session.update", session={"type": "realtime", "output_modalities": ["text"]}
            )
            await talk.until("session.updated")
            yield talk


class Talk:
    """A client's session, in OpenAI's messages."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def until(self, kind: str) -> dict[str, Any]:
        with anyio.fail_after(PATIENCE):
            while True:
                heard = json.loads(await self.socket.recv())
                if heard["type"] == kind:
                    return heard

    async def turn(self) -> str:
        """Something is said and answered; the answer."""
        said = [{"type": "input_text", "text": "hello"}]
        item = {"type": "message", "role": "user", "content": said}
        await self.say(type="conversation.item.create", item=item)
        await self.say(type="response.create")
        done = (await self.until("response.done"))["response"]
        assert done["status"] == "completed"
        text: str = done["output"][0]["content"][0]["text"]
        assert text
        return text

    async def ended(self) -> tuple[int, str]:
        """The code and reason with which it is closed."""
        with anyio.fail_after(PATIENCE):
            try:
                while True:
                    await self.socket.recv()
            except websockets.ConnectionClosed as closed:
                assert closed.rcvd is not None
                return closed.rcvd.code, closed.rcvd.reason


@contextmanager
def served(
    folder: Path, *more: str, settings: str = SETTINGS, tls: ssl.SSLContext | None = None
) -> Generator[Served]:
    """It listens, and it and its children are gone at the end. *more* are arguments."""
    config = folder / "gateway.toml"
    config.write_text(settings)
    with (folder / "out").open("w") as out, (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "antiphon",
                "serve",
                "--config",
                str(config),
                "--port",
                "0",
                *more,
            ],
            stdout=out,
            stderr=log,
            text=True,
            env={**os.environ, "ALICE": KEY, "BOB": OTHER, "UPSTREAM_KEY": UPSTREAM},
        )
    gateway = Served(process, folder, tls=tls is not None)
    gateway.tls = tls
    try:
        yield gateway.started()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                process.terminate()  # at once
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    """Whether it is awake: the system takes connections for it before."""
    with socket.create_connection(("127.0.0.1", port), timeout=STARTING) as connection:
        connection.sendall(b"?\r\n\r\n")
        with suppress(ConnectionError):
            connection.recv(1)
        return True
