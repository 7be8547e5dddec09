"""G.711 by the tables of the recommendation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.audio import Law
from antiphon.codecs.g711 import compress, expand

each_law = pytest.mark.parametrize("law", ["mu", "a"])

SILENCE: dict[Law, bytes] = {"mu": b"\xff", "a": b"\xd5"}

MU_STEPS = [(-132 + 128 * 2**e + 4 * 2**e, 8 * 2**e) for e in range(8)]
"""Table 2 of the recommendation: a segment's lowest value and its step, in 16 bits."""

A_STEPS = [(8, 16), (264, 16), *((264 * 2**e, 16 * 2**e) for e in range(1, 7))]
"""Table 1."""


def published(law: Law) -> list[int]:
    """The value of each code."""
    values: list[int] = []
    for code in range(256):
        plain = code ^ (0xFF if law == "mu" else 0x55)
        lowest, step = (MU_STEPS if law == "mu" else A_STEPS)[plain >> 4 & 7]
        magnitude = lowest + step * (plain & 15)
        positive = code & 0x80 != 0
        values.append(magnitude if positive else -magnitude)
    return values


def samples(pcm: bytes) -> list[int]:
    return np.frombuffer(pcm, "<i2").tolist()


def pcm(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


@each_law
def test_every_code_expands_to_its_published_value(law: Law) -> None:
    assert samples(expand(bytes(range(256)), law)) == published(law)


@pytest.mark.parametrize(
    ("law", "code", "value"),
    [
        ("mu", 0x00, -32124),
        ("mu", 0x80, 32124),
        ("mu", 0x7F, 0),
        ("mu", 0xFF, 0),
        ("mu", 0xFE, 8),
        ("mu", 0x8F, 16764),
        ("mu", 0x0F, -16764),
        ("mu", 0xF0, 120),
        ("mu", 0xEF, 132),
        ("a", 0xD5, 8),
        ("a", 0x55, -8),
        ("a", 0xAA, 32256),
        ("a", 0x2A, -32256),
        ("a", 0x80, 5504),
        ("a", 0xC5, 264),
    ],
)
def test_codes_that_everyone_knows(law: Law, code: int, value: int) -> None:
    assert samples(expand(bytes([code]), law)) == [value]


@each_law
def test_every_code_survives_the_trip_but_the_negative_zero(law: Law) -> None:
    codes = bytes(range(256))

    back = compress(expand(codes, law), law)

    assert [code for code in codes if back[code] != code] == ([0x7F] if law == "mu" else [])
    assert back[0x7F] == (0xFF if law == "mu" else 0x7F)


@each_law
def test_silence_is_the_positive_zero(law: Law) -> None:
    assert compress(bytes(4), law) == SILENCE[law] * 2


@each_law
def test_each_sample_gets_the_nearest_value_and_of_two_the_louder(law: Law) -> None:
    everything = np.arange(-32768, 32768).astype("<i2")
    values = np.array(published(law))

    codes = np.frombuffer(compress(everything.tobytes(), law), np.uint8)
    chosen = values[codes]

    wide = everything.astype(np.int64)
    distances = np.abs(wide[:, None] - values[None, :])
    assert (np.abs(wide - chosen) == distances.min(axis=1)).all()
    near = np.where(distances == distances.min(axis=1)[:, None], np.abs(values), -1)
    assert (np.abs(chosen) == near.max(axis=1)).all()


@each_law
def test_both_signs_are_coded_alike(law: Law) -> None:
    positive = np.arange(1, 32768).astype("<i2")

    above = np.frombuffer(compress(positive.tobytes(), law), np.uint8)
    below = np.frombuffer(compress((-positive).astype("<i2").tobytes(), law), np.uint8)

    assert (above ^ 0x80 == below).all()


@each_law
@given(data=st.binary(max_size=64))
def test_a_byte_is_a_sample(law: Law, data: bytes) -> None:
    assert len(expand(data, law)) == 2 * len(data)
    assert len(compress(expand(data, law), law)) == len(data)
