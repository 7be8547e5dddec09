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
"""Hz either side of the lower rate's Nyquist frequency in which the response falls: what
2 ms have room for, with 0.15 dB of ripple below and 85 dB of attenuation above."""

STOP_WEIGHT = 300.0
"""How much an error in the stop band counts against one in the pass band, in amplitude."""

FRACTION_BITS = 24
"""Coefficients are multiples of 2**-24, so that sums of their products with 16-bit samples
(15 + 24 bits, and 14 more for the sum) are exact in a double, in whatever order they are taken."""

MOST_COEFFICIENTS = 1 << 20
"""8 MB. Pairs such as 47,999 and 48,000 Hz, which need a phase for every sample, have more."""

SLAB_SIZE, PRODUCT_SIZE = 1 << 13, 1 << 17
"""Multiplications in one matrix-vector and one matrix-matrix product: fewer than the 9,216
and 262,144 from which OpenBLAS uses threads, which on busy cores stall for 40 ms and more."""


@dataclass(frozen=True, slots=True)
class Polyphase:
    """A filter from one rate to another, as one matrix per *slab* of outputs.

    *up* outputs stand for *down* inputs. A slab is *width* outputs in a row; it is the
    product of a window of inputs with `slabs[q % len(slabs)]`, for the q-th slab of the
    stream. Output m needs no input after its own time; what it carries is the sound of
    *delay* outputs earlier, the middle of its filter.
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

    @property
    def piece(self) -> int:
        """How many inputs are best converted at a time."""
        return PRODUCT_SIZE * self.period // self.slabs[0].size

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
            f"cannot convert {rate_in} Hz to {rate_out} Hz: {up} different filters, one for each"
            f" output in turn, are too many; rates need a larger common factor than {common}"
        )

    width = _slab_width(up, down, taps)
    count = up // gcd(up, width)
    window = (width - 1 + 2 * delay) * down // up + 1
    outputs = np.arange(count * width).reshape(count, 1, width)
    starts = -((2 * delay - outputs[:, :, :1]) * down // up)
    inputs = starts + np.arange(window).reshape(1, window, 1)

    # How far each input is from the middle of an output's filter, in units of 1 / (up * rate_in).
    away = (outputs - delay) * down - inputs * up
    reach = delay * down
    series = impulse(min(rate_in, rate_out) / 2, delay / rate_out)
    values = chebval(np.cos(np.pi / reach * away), series)
    # The response ends in a step: a sample that falls on it is half of it.
    inside: Floats = np.heaviside(reach - np.abs(away), 0.5)
    exact: Floats = inside * values
    exact /= exact.sum(axis=1, keepdims=True)  # a constant stays the same constant
    slabs = np.ldexp(np.rint(np.ldexp(exact, FRACTION_BITS)), -FRACTION_BITS)
    slabs.setflags(write=False)
    return Polyphase(up, down, delay, slabs, tuple(int(start) for start in starts.flat))


def impulse(nyquist: float, half: float) -> Floats:
    """The impulse response that falls around *nyquist* (Hz), within *half* seconds either side.

    The coefficients c of h(t) = sum of c[k]·cos(pi·k·t/half), which are the response near
    every 1/(2·half) Hz: frequency sampling, with the samples chosen by weighted least squares.
    A windowed sinc spends on the pass band the precision that only the stop band needs: at
    8 kHz and 1 ms, cut by 85 dB from 9 kHz, it loses 0.7 dB at 7 kHz; this loses 0.1 dB.
    """
    grid = 1 / (8 * half)
    low = np.arange(nyquist - TRANSITION, 0, -grid)
    high = np.arange(nyquist + TRANSITION, 4 * (nyquist + TRANSITION), grid)
    terms = np.arange(int(2 * half * high[0]) + 3)
    places = 2 * half * np.concatenate([low, high]).reshape(-1, 1)
    response = np.sinc(places - terms) + np.sinc(places + terms)
    wanted = np.repeat([1.0, 0.0], [len(low), len(high)])
    weight = np.repeat([1.0, STOP_WEIGHT**2], [len(low), len(high)])
    # The normal equations, by einsum: lstsq and @ would use BLAS's threads, see SLAB_SIZE.
    weighted = response * weight.reshape(-1, 1)
    gram: Floats = np.einsum("fj,fk->jk", weighted, response)
    target: Floats = np.einsum("fj,f->j", weighted, wanted)
    return np.linalg.solve(gram, target).astype(np.float64)


def _slab_width(up: int, down: int, taps: int) -> int:
    """How many outputs share a window: whole periods of *up* outputs, or a part of one.

    More of them make fewer products, with more zeros in each. Where whole periods fit,
    windows half as long again as the filter cost least; elsewhere, the largest.
    """
    parts = (n for n in range(1, up + 1) if up % n == 0)
    periods = range(up, taps * up // (2 * down) + 1, up)
    return max(n for n in (*parts, *periods) if (taps + n * down // up) * n <= SLAB_SIZE)
