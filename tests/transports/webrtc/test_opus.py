"""Opus as it is used here: mono at the pipeline's rate, one packet every 20 ms."""

import numpy as np
import pytest

from antiphon.transports.webrtc.opus import RATES, SILENCE, Decoder, Encoder, Resampler, length


def tone(rate: int, count: int) -> list[bytes]:
    """Frames of 20 ms."""
    times = np.arange(rate * count // 50) / rate
    wave = np.rint(8_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    return [part.tobytes() for part in np.split(wave, count)]


def loudness(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, np.int16).astype(float)
    return float(np.sqrt((samples**2).mean()))


@pytest.mark.parametrize("rate", sorted(RATES))
def test_a_tone_comes_back_as_loud_as_it_was(rate: int) -> None:
    encoder, decoder = Encoder(rate), Decoder(rate)

    heard = b"".join(decoder.decode(encoder.encode(frame)) for frame in tone(rate, 50))

    assert loudness(heard[rate:]) == pytest.approx(8_000 / 2**0.5, rel=0.1)
    assert len(heard) // 2 == pytest.approx(rate, abs=rate // 500)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_sound_is_held_back_by_no_more_than_the_codec_and_two_milliseconds(rate: int) -> None:
    encoder, decoder = Encoder(48_000), Decoder(rate)
    silence = bytes(encoder.size)
    click = np.zeros(960, np.int16)
    click[100:148] = 20_000

    heard = b"".join(
        decoder.decode(encoder.encode(frame)) for frame in [silence] * 5 + [click.tobytes()] * 1
    )
    heard += b"".join(decoder.decode(encoder.encode(silence)) for _ in range(3))

    peak = int(np.abs(np.frombuffer(heard, np.int16).astype(int)).argmax()) / rate
    assert peak - (0.1 + 100 / 48_000) <= 0.0065 + 0.002 + 0.001  # libopus looks 6.5 ms ahead


def test_one_lost_packet_is_concealed_by_what_went_before() -> None:
    encoder, decoder = Encoder(24_000), Decoder(24_000)
    packets = [encoder.encode(frame) for frame in tone(24_000, 30)]

    heard = [decoder.decode(packet) for packet in packets[:20]]
    filled = decoder.conceal(20_000)
    after = [decoder.decode(packet) for packet in packets[21:]]

    assert loudness(filled) > 0.7 * loudness(heard[-1])
    assert len(filled) == len(heard[-1])
    assert loudness(after[-1]) == pytest.approx(loudness(heard[-1]), rel=0.1)


@pytest.mark.parametrize("duration", [2_500, 20_000, 60_000])
def test_it_is_concealed_for_as_long_as_is_asked(duration: int) -> None:
    encoder, decoder = Encoder(24_000), Decoder(24_000)
    for frame in tone(24_000, 20):
        decoder.decode(encoder.encode(frame))

    filled = decoder.conceal(duration)

    assert len(filled) == 48 * duration // 1_000
    assert loudness(filled) > 2_000


def test_what_is_concealed_for_long_fades() -> None:
    encoder, decoder = Encoder(24_000), Decoder(24_000)
    for frame in tone(24_000, 20):
        decoder.decode(encoder.encode(frame))

    filled = [decoder.conceal(20_000) for _ in range(6)]

    assert loudness(filled[-1]) < 0.05 * loudness(filled[0])


def test_what_is_no_packet_is_concealed() -> None:
    decoder = Decoder(16_000)
    decoder.decode(SILENCE)

    for nonsense in (b"\x03", b"\xff" * 3, b"\xfb\x00\x00", bytes(range(200))):
        assert len(decoder.decode(nonsense)) <= 16_000 // 4


@pytest.mark.parametrize(
    ("payload", "ticks"),
    [
        (b"", 0),
        (SILENCE, 960),
        (b"\x00", 480),  # SILK, 10 ms
        (b"\x18", 2880),  # SILK, 60 ms
        (b"\x68", 960),  # hybrid, 20 ms
        (b"\x80", 120),  # CELT, 2.5 ms
        (b"\xf9", 1920),  # two frames
        (b"\xfb\x03", 2880),  # three
        (b"\xfb", 0),
        (b"\x1b\x03", 0),  # 180 ms: longer than a packet may be
    ],
)
def test_a_packet_says_how_long_it_is(payload: bytes, ticks: int) -> None:
    assert length(payload) == ticks


def test_what_is_at_the_wanted_rate_is_not_resampled() -> None:
    pcm = tone(24_000, 1)[0]

    assert Resampler(24_000).convert(pcm, 24_000) is pcm


def test_another_rate_is_resampled_as_it_comes() -> None:
    resampler = Resampler(48_000)

    out = b"".join(resampler.convert(frame, 44_100) for frame in tone(44_100, 50))

    assert len(out) // 2 == pytest.approx(48_000, abs=100)


def test_opus_takes_its_own_rates_only() -> None:
    with pytest.raises(ValueError, match="44100"):
        Encoder(44_100)
