"""Hears what somebody says: samples to a request of the grammar."""

import functools
import math

import numpy as np
import numpy.typing as npt

from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.sphinx import PAUSE, RATE, Recogniser
from antiphon.processors.local.understanding import Heard, understand

_LONGEST = 15 * RATE
"""Samples; no request takes as long, and the recogniser's time grows with them."""
_WINDOW = RATE // 100
_QUIET = 0.03
"""What is this much quieter than the loudest moment is cut off at both ends."""
_LOUDNESS = 3_000
_NOISE = 0.04 * _LOUDNESS
"""Spectra with empty bands, as synthesisers and codecs make them, are foreign to the model."""
_SILENCE = 10
"""What never gets as loud as this is no speech."""

_FIT = 0.5
_NEAR = 0.35
"""From this fit on, what was nearly understood is worth mentioning."""

Samples = npt.NDArray[np.float64]


class Ears:
    """Recognises the requests of a grammar, and that something is none of them.

    The same samples are always heard the same. Threads may share it, and take turns.
    """

    def __init__(self, grammar: Grammar) -> None:
        """Raises GrammarError when the dictionary lacks a word, or RecognitionError."""
        self._grammar = grammar
        self._recogniser = _recogniser(grammar)

    def hear(self, pcm: bytes) -> Heard:
        """*pcm* is one utterance at 16 kHz.

        What is no request has no text either: a recogniser that only knows requests would make
        up its words. Takes 30 ms and more for a second of speech.
        """
        speech = _speech(np.frombuffer(pcm, dtype="<i2").astype(np.float64))
        if not 0 < len(speech) <= _LONGEST:
            return Heard(text="")
        text, fit = self._recogniser.recognise(_prepared(speech))
        if not text:
            return Heard(text="")
        heard = understand(self._grammar, text)
        if fit >= _FIT:
            return Heard(
                text=text, intent=heard.intent, slots=heard.slots, confidence=min(fit, 1.0)
            )
        return Heard(text="", confidence=fit, nearest=heard.intent if fit >= _NEAR else None)


@functools.lru_cache(maxsize=4)
def _recogniser(grammar: Grammar) -> Recogniser:
    """One takes 0.1 s and 25 MB, so sessions share it."""
    return Recogniser(grammar)


def _speech(samples: Samples) -> Samples:
    """Without the silence at both ends, on whose length the mean spectrum would depend."""
    windows = len(samples) // _WINDOW
    if not windows:
        return samples[:0]
    levels = np.sqrt(np.mean(samples[: windows * _WINDOW].reshape(windows, _WINDOW) ** 2, axis=1))
    loudest = float(levels.max())
    if loudest < _SILENCE:
        return samples[:0]
    loud = np.flatnonzero(levels > _QUIET * loudest)
    return samples[loud[0] * _WINDOW : (loud[-1] + 1) * _WINDOW]


def _prepared(speech: Samples) -> bytes:
    """As loud as any other utterance, with a pause around it, and some noise all over."""
    speech = speech * (_LOUDNESS / math.sqrt(float(np.mean(speech**2))))
    noise = np.random.default_rng(0).normal(scale=_NOISE, size=len(speech) + 2 * PAUSE)
    noise[PAUSE : PAUSE + len(speech)] += speech
    return np.clip(noise.round(), -32768, 32767).astype("<i2").tobytes()
