"""Changes the sampling rate of audio while it streams."""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon.pipeline import Audio, Interrupt
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.fir import Floats, check_rate, polyphase

LONGEST_PIECE = 4_096
"""Samples; longer input is converted in pieces that stay in the cache."""


class Resampler:
    """Gives all audio that passes at *rate*, whatever rate it comes at.

    A frame is answered with its share of samples at once, and keeps its time; the sound
    in it is 1 ms late. The last millisecond comes at the end of the input, or when its
    rate changes. An Interrupt makes it forget that millisecond. Audio that already is
    at *rate* passes untouched.
    """

    def __init__(self, rate: int) -> None:
        check_rate(rate)
        self.gives_rate = rate
        self._converter: Converter | None = None
        self._last: Audio | None = None

    def process(self, frame: Audio | Interrupt) -> Iterator[Audio | Interrupt]:
        if isinstance(frame, Interrupt):
            self._converter = self._last = None
            yield frame
            return
        if self._last is not None and self._last.rate != frame.rate:
            yield from self.finish()
        if frame.rate == self.gives_rate:
            yield frame
            return
        if self._converter is None:
            self._converter = Converter(frame.rate, self.gives_rate)
        self._last = frame
        pcm = self._converter.convert(frame.pcm)
        if pcm:
            yield msgspec.structs.replace(frame, pcm=pcm, rate=self.gives_rate)

    def finish(self) -> Iterator[Audio]:
        converter, last = self._converter, self._last
        self._converter = self._last = None
        if converter is None or last is None:
            return
        pcm = converter.flush()
        if pcm:
            end = last.at + last.duration
            yield msgspec.structs.replace(last, at=end, pcm=pcm, rate=self.gives_rate)


class Converter:
    """One stream of samples from *rate_in* to *rate_out*, which differ.

    n samples, however they are cut, have been answered with floor(n·rate_out/rate_in),
    of which the first *delay* (1 ms) come before the sound: the same bytes for every cut.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if rate_in == rate_out:
            raise ValueError(f"nothing to convert: both rates are {rate_in} Hz")
        self._filter = polyphase(rate_in, rate_out)
        self.delay = self._filter.delay
        self._begin()

    def _begin(self) -> None:
        fir = self._filter
        self._piece = min(fir.piece, LONGEST_PIECE)
        self._inputs = np.zeros(self._piece + 2 * fir.window + 4)
        self._origin = fir.start(0)  # which sample of the stream is at the front of _inputs
        self._heard = 0
        self._given = 0

    def convert(self, pcm: bytes) -> bytes:
        """The next samples; those that *pcm* is due."""
        samples = np.frombuffer(pcm, "<i2")
        if len(samples) <= self._piece:
            return self._convert(samples)
        starts = range(0, len(samples), self._piece)
        return b"".join(self._convert(samples[i : i + self._piece]) for i in starts)

    def flush(self) -> bytes:
        """The *delay* samples that are left at the end; then a new stream may begin."""
        if not self._heard:
            return b""
        silence = -(-self.delay * self._filter.down // self._filter.up)
        tail = self.convert(bytes(silence * SAMPLE_WIDTH))
        self._begin()
        return tail[: self.delay * SAMPLE_WIDTH]

    def _convert(self, samples: npt.NDArray[np.int16]) -> bytes:
        fir, inputs = self._filter, self._inputs
        held = self._heard - self._origin
        inputs[held : held + len(samples)] = samples
        self._heard += len(samples)
        due = self._heard * fir.up // fir.down
        if due == self._given:
            return b""

        # Whole slabs are computed, though the first was partly given and the last is partly due.
        first = self._given // fir.width
        skipped = self._given - first * fir.width
        slabs = self._slabs(first, -(-due // fir.width))
        outputs = slabs.reshape(-1)[skipped : skipped + due - self._given]
        np.rint(outputs, out=outputs)
        pcm = outputs.clip(-32768, 32767, out=outputs).astype("<i2").tobytes()

        self._given = due
        origin = fir.start(due // fir.width)
        kept = self._heard - origin
        inputs[:kept] = inputs[origin - self._origin : self._heard - self._origin]
        self._origin = origin
        return pcm

    def _slabs(self, first: int, last: int) -> Floats:
        """The outputs of the slabs from *first* to before *last*."""
        fir, inputs = self._filter, self._inputs
        kinds = len(fir.slabs)
        outputs = np.empty((last - first, fir.width))
        for slab in range(first, min(first + kinds, last)):
            windows = np.ndarray(
                (-(-(last - slab) // kinds), fir.window),
                np.float64,
                inputs,
                (fir.start(slab) - self._origin) * inputs.itemsize,
                (fir.period * inputs.itemsize, inputs.itemsize),
            )
            # np.dot copies overlapping windows for BLAS, where matmul may go without BLAS.
            outputs[slab - first :: kinds] = np.dot(windows, fir.slabs[slab % kinds])
        return outputs


def resample(pcm: bytes, rate_in: int, rate_out: int) -> bytes:
    """All of *pcm* at *rate_out*, in its place: without the delay.

    n samples become floor(n·rate_out/rate_in).
    """
    check_rate(rate_in)
    check_rate(rate_out)
    if rate_in == rate_out:
        return pcm
    converter = Converter(rate_in, rate_out)
    return (converter.convert(pcm) + converter.flush())[converter.delay * SAMPLE_WIDTH :]
