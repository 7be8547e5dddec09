"""Designs the polyphase low-pass filters between two sampling rates."""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
import numpy.typing as npt
from numpy.polynomial.chebyshev import chebval

Floats = npt.NDArray[np.float64]

LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000

TRANSITION = 1_000
"""Hz either side of the lower rate's Nyquist frequency in which the response falls.

2 ms of filter have room for 0.1 dB of ripple below and 85 dB of attenuation above a gap
of 2 kHz, and not for a narrower one: T·df = (-10·lg(d1·d2) - 13) / 14.6 (Kaiser's estimate).
"""

STOP_WEIGHT = 160.0
"""How much an error in the stop band counts against one in the pass band, in amplitude."""

MOST_COEFFICIENTS = 1 << 22
"""32 MB; pairs such as 47,999 and 48,000 Hz, with a phase for every sample, need more."""

FRACTION_BITS = 24
"""Coefficients are multiples of 2**-24, so that sums of their products with 16-bit samples
(15 + 24 bits, and 14 more for the sum) are exact in a double, in whatever order they are taken."""


@dataclass(frozen=True, slots=True)
class Polyphase:
    """A filter from one rate to another, as one matrix per *slab* of outputs.

    *up* outputs stand for *down* inputs. A slab is *width* outputs in a row; it is the
    product of a window of inputs with `slabs[q % len(slabs)]`, for the q-th slab of the
    stream. Windows reach *delay* outputs' time further back than forward, so output m
    needs no input after its own time and carries the sound of output m - *delay*.
    """

    up: int
    down: int
    delay: int
    slabs: Floats  # slab, place in the window, output in the slab
    starts: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.slabs.shape[2]

    @property
    def window(self) -> int:
        return self.slabs.shape[1]

    @property
    def period(self) -> int:
        """Inputs from one use of a slab to the next."""
        return len(self.slabs) * self.width * self.down // self.up

    def start(self, slab: int) -> int:
        """Where the window of the stream's *slab* starts, counted from the first input."""
        turns, index = divmod(slab, len(self.slabs))
        return turns * self.period + self.starts[index]


def check_rate(rate: int) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"a rate is {LOWEST_RATE} to {HIGHEST_RATE} Hz, not {rate}")


@lru_cache(maxsize=32)
def polyphase(rate_in: int, rate_out: int) -> Polyphase:
    """The filter from *rate_in* to *rate_out*; made once for each pair.

    Its delay is 1 ms, rounded down to whole outputs. The length of a window, 2 ms,
    decides what it can do: flat to 1 kHz below the lower rate's Nyquist frequency,
    and cut from 1 kHz above it.
    """
    check_rate(rate_in)
    check_rate(rate_out)
    common = gcd(rate_in, rate_out)
    up, down = rate_out // common, rate_in // common
    delay = rate_out // 1_000
    taps = 2 * delay * down // up + 1
    if up * taps > MOST_COEFFICIENTS:
        raise ValueError(
            f"{rate_in} Hz and {rate_out} Hz have no common factor that makes a filter small"
        )

    width = _slab_width(up, down, taps)
    count = up // gcd(up, width)
    window = (width - 1 + 2 * delay) * down // up + 1
    outputs = np.arange(count * width).reshape(count, 1, width)
    starts = -((2 * delay - outputs[:, :, :1]) * down // up)
    inputs = starts + np.arange(window).reshape(1, window, 1)

    # How far each input is from the middle of an output's filter, in units of 1 / (up * rate_in).
    away = (outputs - delay) * down - inputs * up
    half = delay * down
    series = impulse(min(rate_in, rate_out) / 2, delay / rate_out)
    values = chebval(np.cos(np.pi / half * away), series)
    slabs = _quantised(np.where(np.abs(away) <= half, values, 0.0))
    slabs.setflags(write=False)
    return Polyphase(up, down, delay, slabs, tuple(int(start) for start in starts.flat))


def impulse(nyquist: float, half: float) -> Floats:
    """The impulse response that falls around *nyquist* (Hz), within *half* seconds either side.

    The coefficients c of h(t) = sum of c[k]·cos(pi·k·t/half), which are the response near
    every 1/(2·half) Hz: frequency sampling, with the samples chosen by weighted least squares.
    A windowed sinc gives the pass band the precision that only the stop band needs; at 1 ms
    and 8 kHz this is flat 1 kHz further, for the same 85 dB.
    """
    grid = 1 / (16 * half)
    low = np.arange(0, max(nyquist - TRANSITION, nyquist / 2), grid)
    high = np.arange(nyquist + TRANSITION, 4 * (nyquist + TRANSITION), grid)
    terms = np.arange(int(2 * half * high[0]) + 3)
    places = 2 * half * np.concatenate([low, high]).reshape(-1, 1)
    response = np.sinc(places - terms) + np.sinc(places + terms)
    wanted = np.repeat([1.0, 0.0], [len(low), len(high)])
    weight = np.repeat([1.0, STOP_WEIGHT], [len(low), len(high)])
    series, *_ = np.linalg.lstsq(response * weight.reshape(-1, 1), wanted * weight, rcond=None)
    return series


def _slab_width(up: int, down: int, taps: int) -> int:
    """How many outputs share a window.

    More of them make fewer, larger products but more zeros in each; windows half as long
    again as the filter cost least. A slab is some whole periods of *up* outputs, or a
    whole part of one.
    """
    fitting = max(taps * up // (2 * down), 1)
    if fitting >= up:
        return fitting // up * up
    return max(n for n in range(1, fitting + 1) if up % n == 0)


def _quantised(slabs: Floats) -> Floats:
    """*slabs* in whole steps, with every output's coefficients adding up to exactly 1."""
    steps = float(1 << FRACTION_BITS)
    coarse = np.rint(slabs / slabs.sum(axis=1, keepdims=True) * steps)
    largest = coarse.argmax(axis=1, keepdims=True)
    missing = steps - coarse.sum(axis=1, keepdims=True)
    np.put_along_axis(coarse, largest, np.take_along_axis(coarse, largest, 1) + missing, axis=1)
    return coarse / steps
