"""G.711 by table: mu-law and A-law bytes to 16-bit samples and back (ITU-T G.711, 1988).

Both laws compress a sample to sign, exponent and mantissa in eight bits, at 8000 Hz.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from antiphon.codecs.audio import Law


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
    """For each sample, taken as unsigned, the code of the value nearest to it.

    Halfway between two it is the louder, as the standard has it, and silence is the positive
    one of the two codes next to zero.
    """
    values = _expansion(law).astype(np.int32)
    positive = np.arange(128, 256)
    positive = positive[np.argsort(values[positive])]
    steps = values[positive]
    samples = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int32)
    nearest = np.searchsorted((steps[:-1] + steps[1:]) // 2, np.abs(samples), side="right")
    codes = positive[nearest]
    return np.where(samples < 0, codes ^ 0x80, codes).astype(np.uint8)
