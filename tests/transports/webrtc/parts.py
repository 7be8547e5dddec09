"""Two ends on this machine, and what is said between them."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import numpy as np

from antiphon.pipeline.frames import Audio
from antiphon.transports.webrtc import Hearing, Peer, answer, connect, seam

HERE = ("127.0.0.1",)
RATE = 24_000


def without_candidates(sdp: str) -> str:
    """As the offers of agents-js and TanStack are."""
    return "".join(line for line in sdp.splitlines(keepends=True) if "candidate" not in line)


@asynccontextmanager
async def pair(
    *, strip: bool = False, client: dict[str, Any] | None = None, **server: Any
) -> AsyncGenerator[tuple[Peer, Peer]]:
    """A client and a server, connected, each with its options."""
    async with AsyncExitStack() as stack:
        servers: list[Peer] = []

        async def exchange(offer: str) -> str:
            offer = without_candidates(offer) if strip else offer
            options: dict[str, Any] = {"addresses": HERE, **server}
            servers.append(await stack.enter_async_context(answer(offer, **options)))
            return servers[0].sdp

        of_client: dict[str, Any] = {"addresses": HERE, **(client or {})}
        offering = await stack.enter_async_context(connect(exchange, **of_client))
        await servers[0].ready()
        yield offering, servers[0]


def ice_of(peer: Peer) -> Any:
    """aioice's connection under *peer*."""
    return seam.ice_of(peer.transport)


def tone(frequency: float = 440.0, duration: float = 0.02, rate: int = RATE) -> Audio:
    times = np.arange(round(rate * duration)) / rate
    wave = np.rint(8_000 * np.sin(2 * np.pi * frequency * times)).astype(np.int16)
    return Audio(pcm=wave.tobytes(), rate=rate)


def pitch(frames: Iterable[Audio]) -> float:
    """The loudest frequency, in Hz; 0: it is silent."""
    frames = list(frames)
    samples = np.frombuffer(b"".join(frame.pcm for frame in frames), np.int16).astype(float)
    if not len(samples) or np.abs(samples).max() < 500:
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * frames[0].rate / len(samples))


async def listen(hearing: Hearing, duration: int = 300_000) -> list[Audio]:
    """What comes from the first sound on, for so many microseconds; fails if none does."""
    frames: list[Audio] = []
    with anyio.fail_after(5):
        async for frame in hearing:
            if not frames and pitch([frame]) == 0.0:
                continue
            frames.append(frame)
            if sum(one.duration for one in frames) >= duration:
                break
    return frames


async def until_quiet(hearing: Hearing) -> None:
    """Until a tenth of a second was silent; fails if it never is."""
    quiet = 0
    with anyio.fail_after(5):
        async for frame in hearing:
            quiet = 0 if pitch([frame]) else quiet + frame.duration
            if quiet >= 100_000:
                return


async def gone(peer: Peer) -> None:
    """Until the connection of *peer* has ended."""
    with anyio.fail_after(10):
        while peer.closed is None:
            await asyncio.sleep(0.01)
