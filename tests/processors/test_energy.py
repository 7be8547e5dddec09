"""Loudness, and the noise of a room."""

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.processors.energy import QUIETEST, NoiseFloor, level, likelihood

WINDOW = 320
SECOND = 50

Samples = npt.NDArray[np.int16]


def noise(rms: float, windows: int, *, seed: int = 1) -> list[Samples]:
    wave = np.random.default_rng(seed).normal(scale=rms, size=(windows, WINDOW))
    return [np.rint(window).astype("<i2") for window in wave]


def after(*heard: list[Samples]) -> NoiseFloor:
    floor = NoiseFloor(20_000)
    for windows in heard:
        for window in windows:
            floor.rise(window)
    return floor


def test_full_scale_is_0_db() -> None:
    square = np.tile(np.array([32_767, -32_767], "<i2"), WINDOW // 2)

    assert level(square) == pytest.approx(0, abs=0.001)


def test_an_offset_is_not_loud() -> None:
    (quiet,) = noise(30, 1)

    assert level(quiet + 12_000) == pytest.approx(level(quiet), abs=0.01)


def test_steady_noise_does_not_rise() -> None:
    floor = after(noise(200, SECOND))

    assert max(floor.rise(window) for window in noise(200, 5 * SECOND, seed=2)) < 3


def test_what_is_louder_than_the_room_rises_by_as_much() -> None:
    floor = after(noise(100, SECOND))

    assert floor.rise(noise(1_000, 1)[0]) == pytest.approx(20, abs=2)


def test_the_room_is_known_after_a_second() -> None:
    assert not after(noise(100, SECOND - 1)).known
    assert after(noise(100, SECOND)).known


def test_a_room_that_becomes_louder_is_known_within_two_seconds() -> None:
    floor = after(noise(50, SECOND), noise(500, 2 * SECOND))

    assert floor.rise(noise(500, 1)[0]) < 3


def test_a_room_that_becomes_quieter_is_known_at_once() -> None:
    floor = after(noise(500, SECOND), noise(50, 1))

    assert floor.rise(noise(500, 1)[0]) == pytest.approx(20, abs=2)


def test_what_is_no_noise_does_not_lift_the_floor() -> None:
    floor = after(noise(50, SECOND))

    rises = [floor.rise(window, noise=False) for window in noise(500, 10 * SECOND)]

    assert min(rises) > 17


def test_the_last_bits_of_a_silent_line_do_not_rise() -> None:
    floor = after([np.zeros(WINDOW, "<i2")] * SECOND)

    assert floor.rise(np.zeros(WINDOW, "<i2")) < 0
    assert floor.rise(noise(32_768 * 10 ** (QUIETEST / 20), 1)[0]) < 1


def test_louder_is_likelier() -> None:
    assert [likelihood(rise) for rise in (-5, 0, 8, 16, 40)] == [0, 0, 0.5, 1, 1]
