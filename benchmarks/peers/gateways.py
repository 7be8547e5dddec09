"""Gateways in processes of their own, all in front of one provider on this machine."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.crowd import Way
from benchmarks.peers.elsewhere import PYTHON, ROOT, interpreter
from benchmarks.peers.repeater import HOST

PATIENCE = 120.0
"""Seconds for one to start: LiteLLM imports for half a minute."""

MODELS = {
    "openai": "gpt-realtime",
    "vercel": "openai/gpt-realtime-2",
    "gemini": "gemini-live-2.5-flash",
}
"""What is asked for, so that nothing but the dialect matters."""

BASES = {"openai": "/v1", "vercel": "/v4/ai", "gemini": ""}

KEY = "sk-benchmark"

LEFT_OUT = f"\n\nLeft out: litellm, which is not installed ({PYTHON} names an interpreter)."

CONFIG = """
default = "none"
pass_through = false
[routes]
"gpt-realtime" = "openai/gpt-realtime"
{routes}
[observe]
log_level = "WARNING"
[limits]
session = "unlimited"
[upstreams.openai]
key = "key"
base_url = "http://{host}:{upstream}/v1"
[upstreams.vercel]
key = "key"
base_url = "http://{host}:{upstream}/v4/ai"
[upstreams.gemini]
key = "key"
base_url = "http://{host}:{upstream}"
"""

LITELLM = """
model_list:
  - model_name: gpt-realtime
    litellm_params:
      model: openai/gpt-realtime
      api_base: http://{host}:{upstream}
      api_key: none
    model_info: {{mode: realtime}}
litellm_settings: {{telemetry: false}}
general_settings: {{disable_spend_logs: true}}
"""
"""As its documentation has it, with what costs switched off."""


class Gateway(NamedTuple):
    """One that runs."""

    pid: int
    base: str

    def way(self, front: str, upstream: str) -> Way:
        """Of a client that speaks *front* to a model of *upstream*."""
        model = MODELS[front] if front == upstream else f"to-{upstream}"
        return Way(front, model, self.base + BASES[front], KEY)


@asynccontextmanager
async def antiphon(upstream: int) -> AsyncGenerator[Gateway]:
    routes = "\n".join(
        f'"{name}" = "{to}/{model}"'
        for to, model in MODELS.items()
        for name in ({f"to-{to}", model} - {"gpt-realtime"})
    )
    config = CONFIG.format(host=HOST, upstream=upstream, routes=routes)
    with _written(config, ".toml") as path:
        port = _free()
        command = [sys.executable, "-m", "antiphon", "serve", "--config", path]
        async with _running([*command, "--port", str(port)], port) as pid:
            yield Gateway(pid, f"http://{HOST}:{port}")


@asynccontextmanager
async def bare(upstream: int) -> AsyncGenerator[Gateway]:
    port = _free()
    command = [sys.executable, "-m", "benchmarks.peers.bare_relay", str(port)]
    async with _running([*command, f"ws://{HOST}:{upstream}"], port) as pid:
        yield Gateway(pid, f"http://{HOST}:{port}")


@asynccontextmanager
async def litellm(upstream: int) -> AsyncGenerator[Gateway]:
    with _written(LITELLM.format(host=HOST, upstream=upstream), ".yaml") as path:
        port = _free()
        command = [str(Path(interpreter()).with_name("litellm")), "--config", path]
        command += ["--host", HOST, "--port", str(port)]
        environment = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOG": "ERROR"}
        async with _running(command, port, environment) as pid:
            yield Gateway(pid, f"http://{HOST}:{port}")


@asynccontextmanager
async def _running(
    command: Sequence[str], port: int, more: Mapping[str, str] | None = None
) -> AsyncGenerator[int]:
    """Until it listens at *port*. Raises RuntimeError, with what it has said."""
    environment = {**os.environ, "NO_PROXY": HOST, "no_proxy": HOST, **(more or {})}
    with tempfile.TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=said, stderr=subprocess.STDOUT, cwd=ROOT, env=environment
        )
        try:
            async with asyncio.timeout(PATIENCE):
                while not await _listens(port):
                    if process.returncode is not None:
                        said.seek(0)
                        raise RuntimeError(f"{command[0]} ended: {said.read()[-2000:].decode()}")
                    await asyncio.sleep(0.1)
            yield process.pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


@contextlib.contextmanager
def _written(text: str, ending: str) -> Generator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=ending) as file:
        file.write(text)
        file.flush()
        yield file.name


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


def _free() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]
