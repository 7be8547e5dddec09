"""Audio between events and the wire: codings, rates, halves of samples."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.audio import HIGHEST, AudioLine
from antiphon.codecs.config import AudioFormat
from antiphon.codecs.wire import WireError


def line(audio: AudioFormat | None = None) -> AudioLine:
    made = AudioLine("test", 24_000)
    if audio is not None:
        made.carry(audio)
    return made


PCMU = AudioFormat(type="audio/pcmu")


def test_pcm_is_base64_on_the_wire() -> None:
    assert line().to_wire(b"abcd") == "YWJjZA=="
    assert line().from_wire("YWJjZA==", "$.audio") == b"abcd"


@pytest.mark.parametrize(
    ("audio", "rate"),
    [
        (None, 24_000),
        (AudioFormat(type="audio/pcm"), 24_000),
        (AudioFormat(type="audio/pcm", rate=16_000), 16_000),
        (PCMU, 8000),
        (AudioFormat(type="audio/pcma", rate=8000), 8000),
    ],
)
def test_the_rate_is_that_of_the_format(audio: AudioFormat | None, rate: int) -> None:
    assert line(audio).rate == rate


def test_no_format_is_the_dialects_own_again() -> None:
    made = line(PCMU)

    made.carry(None)

    assert (made.rate, made.to_bytes(b"ab")) == (24_000, b"ab")


def test_g711_is_a_byte_a_sample() -> None:
    made = line(PCMU)

    assert made.to_bytes(bytes(4)) == b"\xff\xff"
    assert made.from_bytes(b"\xff\xff\xff") == bytes(6)
    assert made.whole("//8=", "$") == bytes(4)


@pytest.mark.parametrize(
    "audio",
    [
        AudioFormat(type="audio/opus"),
        AudioFormat(type="audio/pcm", rate=0),
        AudioFormat(type="audio/pcm", rate=-24_000),
        AudioFormat(type="audio/pcm", rate=HIGHEST + 1),
    ],
)
def test_a_format_that_is_none_is_refused_and_changes_nothing(audio: AudioFormat) -> None:
    made = line(PCMU)

    with pytest.raises(WireError):
        made.carry(audio)

    assert (made.rate, made.to_bytes(bytes(2))) == (8000, b"\xff")


def test_half_a_sample_waits_for_its_other_half() -> None:
    made = line()

    assert [made.from_bytes(piece) for piece in (b"abc", b"", b"d", b"ef")] == [
        b"ab",
        b"",
        b"cd",
        b"ef",
    ]


def test_half_a_sample_does_not_wait_for_another_stream() -> None:
    made = line()

    assert made.from_bytes(b"abc", "one") == b"ab"
    assert made.from_bytes(b"de", "two") == b"de"
    assert made.from_bytes(b"fg", "one") == b"fg"


def test_half_a_sample_of_another_format_is_noise() -> None:
    made = line()
    made.from_bytes(b"abc")

    made.carry(AudioFormat(type="audio/pcm", rate=16_000))

    assert made.from_bytes(b"de") == b"de"


def test_a_format_that_is_told_again_spoils_nothing() -> None:
    made = line()
    made.from_bytes(b"abc")

    made.carry(AudioFormat(type="audio/pcm", rate=24_000))

    assert made.from_bytes(b"d") == b"cd"


def test_audio_that_is_whole_has_nothing_to_do_with_what_flows() -> None:
    made = line()
    made.from_bytes(b"abc")

    assert made.whole(base64.b64encode(b"xyz").decode(), "$") == b"xy"
    assert made.from_bytes(b"d") == b"cd"


def test_half_a_sample_is_not_sent() -> None:
    assert line().to_bytes(b"abc") == b"ab"
    assert line(PCMU).to_bytes(b"\0\0c") == b"\xff"


@given(st.lists(st.binary(max_size=7), max_size=9))
def test_however_it_is_cut_the_samples_are_the_same(pieces: list[bytes]) -> None:
    made, whole = line(), b"".join(pieces)

    heard = [made.from_bytes(piece) for piece in pieces]

    assert all(len(piece) % 2 == 0 for piece in heard)
    assert b"".join(heard) == whole[: len(whole) // 2 * 2]


def test_what_is_no_base64_is_refused_and_changes_nothing() -> None:
    made = line()
    made.from_bytes(b"abc")

    with pytest.raises(WireError) as error:
        made.from_wire("&", "$.audio")

    assert error.value.path == "$.audio"
    assert made.from_bytes(b"d") == b"cd"


def test_either_alphabet_is_read() -> None:
    assert line().from_wire("--__", "$", "a") == line().from_wire("++//", "$", "a")
