"""A gateway in a process of its own, for clients that know nothing of it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

KEY = "key-of-the-tests"

STARTING = 30.0
"""Seconds for a gateway to listen."""


@contextmanager
def gateway(folder: Path, *, settings: str = "") -> Generator[str]:
    """Its URL. *settings* are TOML; KEY is the only key. Its log is `gateway.log` in *folder*."""
    config = folder / "antiphon.toml"
    config.write_text(settings)
    port = free_port()
    environment = {**os.environ, "ANTIPHON_API_KEYS": KEY}
    options = ["--config", str(config), "--port", str(port)]
    command = [sys.executable, "-m", "antiphon", "serve", *options]
    with (
        (folder / "gateway.log").open("w") as log,
        running(command, port, log=log.fileno(), environment=environment),
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(
    command: list[str], port: int, *, log: int, environment: dict[str, str] | None = None
) -> Generator[None]:
    """A server that listens at *port*; it is told to end, and made to if it does not."""
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        until = time.monotonic() + STARTING
        while not listens(port):
            assert process.poll() is None, f"{command[0]} ended by itself"
            assert time.monotonic() < until, f"{command[0]} does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
