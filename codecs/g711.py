"""G.711 by table: mu-law and A-law bytes to 16-bit samples and back (ITU-T G.711, 1988).

Both laws compress a sample to sign, exponent and mantissa in eight bits, at 8000 Hz.
"""

import functools
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Law = Literal["mu", "a"]

RATE = 8000
"""Hz."""


def expand(data: bytes, law: Law) -> bytes:
    """PCM of *data*: one sample a byte."""
    return _expansion(law)[np.frombuffer(data, np.uint8)].tobytes()


def compress(pcm: bytes, law: Law) -> bytes:
    """One byte for each sample of *pcm*, the code whose value is nearest."""
    return _compression(law)[np.frombuffer(pcm, "<u2")].tobytes()


@functools.cache
def _expansion(law: Law) -> NDArray[np.int16]:
    codes = np.arange(256)
    code = codes ^ (0xFF if law == "mu" else 0x55)
    exponent, mantissa = code >> 4 & 7, code & 0xF
    if law == "mu":  # a bias of 132 makes every segment begin at a power of two
        magnitude = (((mantissa << 3) + 132) << exponent) - 132
        negative = code & 0x80 != 0
    else:  # the lowest two segments have the same step
        magnitude = np.where(
            exponent == 0,
            (mantissa << 4) + 8,
            ((mantissa << 4) + 264) << np.maximum(exponent - 1, 0),
        )
        negative = code & 0x80 == 0
    return np.where(negative, -magnitude, magnitude).astype("<i2")


@functools.cache
def _compression(law: Law) -> NDArray[np.uint8]:
    """For each sample, taken as unsigned, the code of the value nearest to it."""
    values = _expansion(law).astype(np.int32)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    samples = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int32)
    above = np.clip(np.searchsorted(ordered, samples), 1, 255)
    nearer_below = samples - ordered[above - 1] <= ordered[above] - samples
    return order[above - nearer_below].astype(np.uint8)
