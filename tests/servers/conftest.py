"""Servers of others, started as the tests need them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent

STARTING = 30.0
"""Seconds for a server to listen."""


@pytest.fixture(scope="session")
def installed() -> Path:
    """Where `.ci/servers` has put them."""
    where = os.environ.get("ANTIPHON_SERVERS")
    if where:
        return Path(where)
    reason = "ANTIPHON_SERVERS is not set: run .ci/servers DIRECTORY and set it to that"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def speech_to_speech(installed: Path) -> Iterator[int]:
    """The port of Hugging Face's router."""
    python = installed / "speech-to-speech/bin/python"
    port = free_port()
    with running([str(python), str(HERE / "speech_to_speech_stub.py"), str(port)], port):
        yield port


@pytest.fixture(scope="session")
def aimock(installed: Path) -> Iterator[int]:
    """The port of CopilotKit's aimock."""
    script = installed / "node_modules/@copilotkit/aimock/dist/cli.js"
    port = free_port()
    options = ["-p", str(port), "-f", str(HERE / "aimock.json"), "--log-level", "warn"]
    with running(["node", str(script), *options], port):
        yield port


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], port: int) -> Generator[None]:
    process = subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr)
    try:
        until = time.monotonic() + STARTING
        while not listens(port):
            assert process.poll() is None, f"{command[0]} ended by itself"
            assert time.monotonic() < until, f"{command[0]} does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
