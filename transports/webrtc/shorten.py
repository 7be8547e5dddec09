"""Leaves out a little of a sound where it is least heard: a pause, or one period of a voice."""

from typing import Any

SHORTEST, LONGEST = 2_500, 10_000
"""Microseconds that can be left out at once: the periods of voices of 400 to 100 Hz."""

FADE = 5_000
"""Microseconds over which what is before runs into what is after."""

QUIET = 200
"""Below this amplitude (of 32767) it is a pause."""

ALIKE = 0.8
"""How alike, of 1, what is before and after must be for a voice to lose a period unnoticed."""


def shorten(pcm: bytes, rate: int, most: int, *, anyhow: bool = False) -> bytes:
    """*pcm* with up to *most* microseconds less; as it was if it would be heard.

    With *anyhow* something is left out even so, at the place where it is heard least.
    """
    import numpy as np

    samples: Any = np.frombuffer(pcm, np.int16).astype(np.float32)
    fade = FADE * rate // 1_000_000
    least = SHORTEST * rate // 1_000_000
    longest = min(min(most, LONGEST) * rate // 1_000_000, len(samples) - fade)
    if longest < least:
        return pcm
    start: Any = samples[:fade]
    if float(np.abs(samples).max()) < QUIET:
        lag = longest
    else:
        lags = range(least, longest + 1)
        windows: Any = np.lib.stride_tricks.sliding_window_view(samples[least:], fade)[: len(lags)]
        energies = np.einsum("ij,ij->i", windows, windows)
        alike: Any = (windows @ start) / np.sqrt(energies * float(start @ start) + 1.0)
        best = int(alike.argmax())
        if alike[best] < ALIKE and not anyhow:
            return pcm
        lag = lags[best]
    rising: Any = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    blended: Any = start * (1 - rising) + samples[lag : lag + fade] * rising
    rest: Any = samples[lag + fade :]
    return np.rint(np.concatenate([blended, rest])).astype(np.int16).tobytes()
