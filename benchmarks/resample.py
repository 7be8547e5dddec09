"""What does changing the rate of streaming speech cost, in time, delay and sound?

Frames of 20 ms, bytes in and bytes out. Frequencies count from the Nyquist frequency of
the lower rate, 8 kHz between 16 and 24 kHz: `gain -2k` is the gain in dB at 6 kHz, `aliases`
the loudest of all tones from 9 kHz on, `snr` that of the worst tone up to 6.5 kHz, after
rounding to 16 bits (95 dB at best; soxr dithers: 91 dB). `held` is how much of the sound
that went in has not come out yet when a frame has been answered, its shift in time included.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from antiphon.pipeline import Audio
from antiphon.processors.resampler import Resampler
from benchmarks.harness import Row, arguments, cpu_us, median, report, version

PAIRS = [(16_000, 24_000), (24_000, 16_000), (8_000, 16_000), (48_000, 24_000), (44_100, 24_000)]
FRAME = 50  # a second
PEAK = 29_000

Samples = npt.NDArray[np.int16]
Wave = npt.NDArray[np.float64]
Stream = Callable[[bytes], bytes]


class Open(Protocol):
    """Starts a stream from one rate to another."""

    def __call__(self, rate_in: int, rate_out: int, /) -> Stream: ...


def antiphon(rate_in: int, rate_out: int) -> Stream:
    resampler = Resampler(rate_out)

    def process(pcm: bytes) -> bytes:
        out = resampler.process(Audio(pcm=pcm, rate=rate_in))
        return b"".join(frame.pcm for frame in out if isinstance(frame, Audio))

    return process


def soxr(quality: str) -> Open:
    library: Any = importlib.import_module("soxr")

    def start(rate_in: int, rate_out: int) -> Stream:
        stream = library.ResampleStream(rate_in, rate_out, 1, dtype="int16", quality=quality)
        return lambda pcm: stream.resample_chunk(np.frombuffer(pcm, np.int16)).tobytes()

    return start


def swr(rate_in: int, rate_out: int) -> Stream:
    av: Any = importlib.import_module("av")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_out)

    def process(pcm: bytes) -> bytes:
        samples = np.frombuffer(pcm, np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = rate_in
        return b"".join(out.to_ndarray().tobytes() for out in resampler.resample(frame))

    return process


def scipy_chunks(rate_in: int, rate_out: int) -> Stream:
    """Each frame by itself: nothing held back, and a seam between any two."""
    resample_poly: Any = importlib.import_module("scipy.signal").resample_poly

    def process(pcm: bytes) -> bytes:
        out = resample_poly(np.frombuffer(pcm, np.int16).astype(float), rate_out, rate_in)
        return np.rint(out).clip(-32_768, 32_767).astype(np.int16).tobytes()

    return process


def contenders() -> Iterator[tuple[str, Open]]:
    yield "antiphon", antiphon
    if installed := version("soxr"):
        for quality in ("QQ", "LQ", "MQ", "HQ", "VHQ"):
            yield f"soxr {installed} {quality}", soxr(quality)
    if installed := version("av"):
        yield f"swr (av {installed})", swr
    if installed := version("scipy"):
        yield f"resample_poly (scipy {installed})", scipy_chunks


def blocks(wave: Samples, rate: int) -> list[bytes]:
    return [
        part.tobytes() for part in np.split(wave, range(rate // FRAME, len(wave), rate // FRAME))
    ]


def cost(start: Open, rate_in: int, rate_out: int, repeats: int) -> float:
    """CPU time of a frame, in microseconds."""
    rng = np.random.default_rng(1)
    parts = blocks(rng.integers(-20_000, 20_000, rate_in * 10).astype(np.int16), rate_in)
    stream = start(rate_in, rate_out)

    def second() -> None:
        for part in parts:
            stream(part)

    return median(lambda: cpu_us(second, 1) / len(parts), repeats)


class Held(NamedTuple):
    mean: float
    most: float


def held(start: Open, rate_in: int, rate_out: int) -> Held:
    """Milliseconds of sound that are still inside after each frame.

    What has gone in less what has come out, plus how much later a soft click lies in it.
    """
    seconds, middle = 4, 2.0
    times = np.arange(rate_in * seconds) / rate_in
    click = np.rint(PEAK * np.exp(-(((times - middle) / 0.001) ** 2) / 2)).astype(np.int16)
    stream = start(rate_in, rate_out)
    outputs = [stream(part) for part in blocks(click, rate_in)]

    out = np.frombuffer(b"".join(outputs), np.int16).astype(np.float64)
    shift = float((out * np.arange(len(out))).sum() / out.sum() / rate_out - middle)
    gone_in = (1 + np.arange(len(outputs))) / FRAME
    come_out = np.cumsum([len(pcm) // 2 for pcm in outputs]) / rate_out
    inside = 1_000 * (gone_in - come_out + shift)[FRAME:]  # once it has settled
    return Held(float(inside.mean()), float(inside.max()))


def through(start: Open, tones: Sequence[float], rate_in: int, rate_out: int) -> Wave:
    """What 0.5 s of *tones*, together as loud as PEAK, become; without 0.1 s at either end."""
    times = np.arange(rate_in // 2) / rate_in
    waves = [np.sin(2 * np.pi * hz * times) for hz in tones]
    wave = np.rint(np.mean(waves, axis=0) * PEAK).astype(np.int16)
    stream = start(rate_in, rate_out)
    out = b"".join(stream(part) for part in blocks(wave, rate_in))
    return np.frombuffer(out, np.int16)[rate_out // 10 : rate_out * 4 // 10].astype(np.float64)


def part_at(hz: float, wave: Wave, rate: int) -> Wave:
    """The tone of *hz* that is in *wave*."""
    angles = 2 * np.pi * hz * np.arange(len(wave)) / rate
    basis = np.stack([np.sin(angles), np.cos(angles)])
    gram: Wave = np.einsum("jt,kt->jk", basis, basis)
    seen: Wave = np.einsum("jt,t->j", basis, wave)
    return np.einsum("j,jt->t", np.linalg.solve(gram, seen), basis)


def decibels(wave: Wave, reference: Wave | float) -> float:
    return float(10 * np.log10(np.mean(np.square(wave)) / np.mean(np.square(reference))))


def gain_and_snr(start: Open, hz: float, rate_in: int, rate_out: int) -> tuple[float, float]:
    """In dB: of the tone of *hz*, and between it and all else that came out."""
    out = through(start, [hz], rate_in, rate_out)
    tone = part_at(hz, out, rate_out)
    return decibels(tone, PEAK / 2**0.5), decibels(tone, out - tone)


def loudest_alias(start: Open, rate_in: int, rate_out: int) -> float | None:
    """In dB of the tone that causes it; None where there is nothing to alias.

    Beside a tone that passes, so that rounding cannot silence what is below one step.
    """
    levels: list[float] = []
    for hz in np.arange(min(rate_in, rate_out) / 2 + 1_003, rate_in / 2, 101):
        out = through(start, [997, hz], rate_in, rate_out)
        rest = out - part_at(997, out, rate_out)
        alias = part_at(abs(hz - rate_out), rest, rate_out)
        levels.append(decibels(alias, PEAK / 2 / 2**0.5))
    return max(levels, default=None)


def sound(start: Open, rate_in: int, rate_out: int) -> Row:
    nyquist = min(rate_in, rate_out) / 2
    edge = nyquist - 1_500
    tones = np.linspace(300, edge, 12)
    row: dict[str, float | None] = {
        "snr": min(gain_and_snr(start, hz, rate_in, rate_out)[1] for hz in tones),
        "aliases": loudest_alias(start, rate_in, rate_out),
    }
    for below in (2_000, 1_500, 1_000, 500):
        gain, _ = gain_and_snr(start, nyquist - below, rate_in, rate_out)
        row[f"gain -{below / 1_000:g}k"] = gain
    return row


def main() -> None:
    question = (__doc__ or "").strip()
    options = arguments(question)
    rows: list[Row] = []
    for rate_in, rate_out in PAIRS:
        ours: float | None = None
        for name, start in contenders():
            spent = cost(start, rate_in, rate_out, options.repeats)
            ours = ours or spent
            waiting = held(start, rate_in, rate_out)
            rows.append(
                {
                    "from": rate_in,
                    "to": rate_out,
                    "by": name,
                    "us a frame": spent,
                    "ratio": spent / ours,
                    "held ms": waiting.mean,
                    "at most": waiting.most,
                    **sound(start, rate_in, rate_out),
                }
            )
    report(question, rows, options.json)


if __name__ == "__main__":
    main()
