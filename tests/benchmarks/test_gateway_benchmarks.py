"""The gateway's benchmarks run to their end, and what they measure with can be trusted."""

import asyncio
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gateway_latency, gateway_load
from benchmarks.peers import elsewhere, process
from benchmarks.peers.crowd import Talker, Way
from benchmarks.peers.frames import LONG, LeanClient, LeanServer, frame
from benchmarks.peers.gateways import BASES, MODELS
from benchmarks.peers.repeater import DIALECTS, HOST, repeater

linux = pytest.mark.skipif(not process.KNOWN, reason="what other processes use is known on Linux")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM imports for half a minute, where it is installed."""
    monkeypatch.setenv(elsewhere.PYTHON, sys.executable)


@linux
@pytest.mark.parametrize("name", ["gateway_latency", "gateway_load"])
def test_a_benchmark_prints_a_table_and_writes_its_rows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "rows.json"
    monkeypatch.setattr(sys, "argv", [name, "--json", str(written), "--quick"])

    importlib.import_module(f"benchmarks.{name}").main()

    said = json.loads(written.read_text())
    assert said["question"].splitlines()[0] in capsys.readouterr().out
    assert said["machine"]["python"]
    ours = [row for row in said["rows"] if row["gateway"] == "antiphon"]
    assert [row["front > upstream"] for row in ours][:2] == ["openai > openai", "openai > vercel"]
    cost = "CPU" if name == "gateway_latency" else "CPU us"
    assert all(row[cost] > 0 for row in ours)


@pytest.mark.anyio
@pytest.mark.parametrize("name", DIALECTS)
async def test_each_message_comes_back_from_the_provider_once(name: str) -> None:
    async with repeater() as provider:
        talker = Talker(Way(name, MODELS[name], f"http://{HOST}:{provider.port}{BASES[name]}"))
        await talker.open()
        await provider.stamps()

        for _ in range(3):
            talker.say()
            async with asyncio.timeout(5):
                await talker.back.wait()

        stamps = await provider.stamps()
        assert len(stamps) == len(talker.went) == len(talker.came) == 3
        for went, (read, wrote), came in zip(talker.went, stamps, talker.came, strict=True):
            assert went < read < wrote < came
        await talker.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("step", [1, 7, 4096])
async def test_frames_are_found_however_they_are_cut(step: int) -> None:
    said: list[Any] = []
    audio: list[float] = []
    server = LeanServer(target=said.append, message=said.append, audio=audio.append)
    server.transport = _Paper()  # pyright: ignore[reportAttributeAccessIssue]
    client = LeanClient("/way?x=1", {}, (), message=said.append, audio=audio.append)
    asked = _Paper()
    client.connection_made(asked)  # pyright: ignore[reportArgumentType]
    masked = bytearray(frame("short", masked=True))
    masked[2:6] = b"\x01\x02\x03\x04"
    masked[6:] = bytes(a ^ b for a, b in zip(b"short", b"\x01\x02\x03\x04\x01", strict=True))

    server.data_received(bytes(asked.written))
    server.settled = True
    stream = bytes(masked) + frame(bytes(LONG), masked=True) + frame(bytes(70_000), masked=True)
    for begin in range(0, len(stream), step):
        server.data_received(stream[begin : begin + step])

    assert said == ["/way?x=1", "short"]
    assert len(audio) == 2
    client.accepted.cancel()


@linux
def test_what_a_process_uses_is_seen() -> None:
    before, began = process.cpu_of(os.getpid()), time.process_time()
    while time.process_time() - began < 0.05:
        pass

    assert 0.04 < process.cpu_of(os.getpid()) - before < 0.5
    assert process.resident_of(os.getpid()) > 1_000_000


@linux
def test_a_gateway_that_holds_nothing_has_lost_messages() -> None:
    lost = gateway_load.Load(10, 1.0, 1.0, 3, 0.5, 0.0, 30.0, 0.1, 0.1)

    assert not gateway_load.holds(lost, floor=0.0)
    assert gateway_load.holds(lost._replace(lost=0), floor=0.0)
    assert not gateway_load.holds(lost._replace(lost=0, p99=20.5), floor=0.1)


def test_what_is_added_is_above_the_way_without_a_gateway() -> None:
    def contender(gateway: str) -> gateway_latency.Contender:
        return gateway_latency.Contender(gateway, "openai", "openai", Way("", "", ""), None)

    def blocks(there: float, back: float) -> list[gateway_latency.Block]:
        return [gateway_latency.Block([there] * 3, [back] * 3, 0.02)] * 3

    measured = [
        (contender("none"), blocks(0.1, 0.2)),
        (contender("antiphon"), blocks(0.5, 0.9)),
        (contender("litellm 1"), blocks(1.0, 1.0)),
    ]

    none, ours, peer = gateway_latency.rows(measured)

    assert (none["in p50"], none["back p50"]) == (0.1, 0.2)
    assert ours["in p50"] == pytest.approx(0.4)
    assert ours["back p99"] == pytest.approx(0.7)
    assert ours["to LiteLLM"] == 1.0
    assert "to LiteLLM" not in peer


class _Paper:
    """A transport that only keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data
