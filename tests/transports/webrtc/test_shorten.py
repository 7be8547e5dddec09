"""Leaving out a little sound where it is not heard."""

import numpy as np
import pytest

from antiphon.transports.webrtc.shorten import LONGEST, shorten

RATE = 24_000


def tone(frequency: float, duration: float = 0.02) -> bytes:
    times = np.arange(round(RATE * duration)) / RATE
    return np.rint(8_000 * np.sin(2 * np.pi * frequency * times)).astype(np.int16).tobytes()


def left_out(pcm: bytes, less: bytes) -> float:
    """Microseconds."""
    return (len(pcm) - len(less)) / 2 / RATE * 1_000_000


def test_of_silence_as_much_is_left_out_as_is_asked_for() -> None:
    pcm = bytes(960)

    assert left_out(pcm, shorten(pcm, RATE, 5_000)) == pytest.approx(5_000, abs=50)


@pytest.mark.parametrize("frequency", [110.0, 150.0, 220.0, 400.0])
def test_of_a_voice_whole_periods_are_left_out(frequency: float) -> None:
    pcm = tone(frequency)

    less = shorten(pcm, RATE, LONGEST)

    periods = left_out(pcm, less) * frequency / 1_000_000
    assert periods == pytest.approx(round(periods), abs=0.05)
    assert round(periods) >= 1


def test_the_seam_is_no_louder_and_no_click() -> None:
    pcm = tone(220.0)

    less = np.frombuffer(shorten(pcm, RATE, LONGEST), np.int16).astype(int)

    steps = np.abs(np.diff(np.frombuffer(pcm, np.int16).astype(int)))
    assert np.abs(np.diff(less)).max() <= steps.max() * 1.1
    assert np.abs(less).max() <= 8_000


def test_noise_stays_as_it_is_unless_something_must_go() -> None:
    noise = np.random.default_rng(1).integers(-8_000, 8_000, 480).astype(np.int16).tobytes()

    assert shorten(noise, RATE, LONGEST) == noise
    assert len(shorten(noise, RATE, LONGEST, anyhow=True)) < len(noise)


@pytest.mark.parametrize("most", [0, 1_000, 2_400])
def test_less_than_a_period_is_not_worth_it(most: int) -> None:
    assert shorten(bytes(960), RATE, most) == bytes(960)


@pytest.mark.parametrize("size", [0, 2, 100, 250])
def test_what_is_too_short_stays_as_it_is(size: int) -> None:
    assert shorten(bytes(size), RATE, LONGEST) == bytes(size)
