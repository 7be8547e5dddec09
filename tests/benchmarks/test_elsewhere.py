"""A peer's server in a process of its own, with our client in front."""

import asyncio
import sys
import time

import pytest

from benchmarks import webrtc
from benchmarks.peers import elsewhere
from benchmarks.peers.elsewhere import Elsewhere
from benchmarks.peers.trouble import Trouble

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(elsewhere.PYTHON, sys.executable)


async def test_a_tone_comes_back_until_all_packets_of_the_server_are_lost() -> None:
    async with webrtc.in_front_of("aiortc")() as line:
        tone = webrtc.beep(line.rate)
        server = line.ice[1]
        assert isinstance(server, Elsewhere)

        async def said_until(heard: bool) -> None:
            """Says tones until there is an echo, or has been none for half a second."""
            async with asyncio.timeout(10):
                since = time.perf_counter()
                while True:
                    await line.say(tone)
                    await asyncio.sleep(webrtc.FRAME)
                    if webrtc.onsets(line):
                        since = time.perf_counter()
                        line.heard.clear()
                        if heard:
                            return
                    elif not heard and time.perf_counter() - since > 0.5:
                        return

        await said_until(heard=True)
        assert await server.cpu() > 0
        await server.trouble(Trouble(loss=1.0))
        await said_until(heard=False)


async def test_a_server_that_does_not_start_is_an_error() -> None:
    async with elsewhere.elsewhere("nobody") as server:
        with pytest.raises(RuntimeError, match="ended"):
            await server.answer("")


def test_what_is_not_installed_there_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "PEERS", {"nobody": ("aiortc", "no-such-package")})

    found, skipped = webrtc.contenders()

    assert [name.partition(" ")[0] for name, _ in found] == ["antiphon", "aiortc"]
    assert len(skipped) == 1
    assert skipped[0].startswith("nobody: no-such-package is not installed")
