"""How far audio rises above the noise of the room it was heard in."""

import math

import numpy as np
import numpy.typing as npt

MEMORY = 1_000_000
"""Microseconds: the quietest window of the last one to two times this is the room's noise.

Speech closes its lips more often than that, so its own dips never lift the floor far.
"""

QUIETEST = -66.0
"""dBFS; noise below counts as this, so that the last bits of a silent line are no sound."""

FULL_SCALE = 32_768.0


def level(samples: npt.NDArray[np.int16]) -> float:
    """RMS about the mean, since microphones have an offset; in dB below full scale."""
    wave = samples.astype(np.float64)
    mean = float(wave.sum()) / len(wave)
    power = float(np.dot(wave, wave)) / len(wave) - mean * mean
    # One thousandth of the smallest step stands for nothing at all.
    return 10 * math.log10(max(power, 1e-6) / FULL_SCALE**2)


class NoiseFloor:
    """Follows the noise of a room: down at once, up within two MEMORYs."""

    def __init__(self, window: int) -> None:
        """*window* is the length of what is heard at once, in microseconds."""
        self._windows = max(1, MEMORY // window)
        self._before = math.inf
        self._lowest = math.inf
        self._count = 0

    @property
    def known(self) -> bool:
        """Whether enough was heard for the floor to be the room's."""
        return self._before < math.inf

    def rise(self, samples: npt.NDArray[np.int16], *, noise: bool = True) -> float:
        """By how many dB the next window is above the noise.

        What is known to be no *noise* does not lift the floor, however long it lasts.
        """
        heard = level(samples)
        self._lowest = min(self._lowest, heard)
        rise = heard - max(min(self._lowest, self._before), QUIETEST)
        if noise:
            self._count += 1
            if self._count == self._windows:
                self._before, self._lowest, self._count = self._lowest, math.inf, 0
        return rise


def likelihood(rise: float) -> float:
    """The share of certainty that a *rise* in dB is speech: a half at 8 dB, all at 16."""
    return min(max(rise / 16, 0.0), 1.0)
