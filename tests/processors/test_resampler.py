"""The streaming resampler: exact in bytes, length and time, and clean in sound."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.pipeline import Audio, Frame, Interrupt, Speech
from antiphon.pipeline.testing import play
from antiphon.processors.fir import FRACTION_BITS, polyphase
from antiphon.processors.resampler import Converter, Resampler, resample

Samples = npt.NDArray[np.int16]
Wave = npt.NDArray[np.float64]

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
PAIRS = [(a, b) for a in RATES for b in RATES if a != b]
COMMON = [(16_000, 24_000), (24_000, 16_000), (8_000, 16_000), (48_000, 24_000), (44_100, 24_000)]
DOWN = [(24_000, 16_000), (48_000, 16_000), (48_000, 24_000), (44_100, 16_000), (16_000, 8_000)]

pairs = st.sampled_from(PAIRS)
sounds = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed))
cuts = st.lists(st.integers(0, 3_000), min_size=1, max_size=12)


def noise(rng: np.random.Generator, samples: int) -> Samples:
    return rng.integers(-32_768, 32_768, samples).astype("<i2")


def sine(hz: float, rate: int, *, seconds: float = 0.4, peak: float = 29_000) -> Samples:
    times = np.arange(round(rate * seconds)) / rate
    return np.rint(peak * np.sin(2 * np.pi * hz * times)).astype("<i2")


def heard(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2")


def middle(wave: Samples | Wave) -> Wave:
    """Without the ends, where a tone starts and stops."""
    edge = len(wave) // 10
    return wave[edge:-edge].astype(np.float64)


def fit(wave: Samples | Wave, hz: float, rate: int) -> tuple[complex, float]:
    """The tone of *hz* in *wave* (peak and phase), and how many dB it is above all else."""
    body, start = middle(wave), len(wave) // 10
    angles = 2 * np.pi * hz * (start + np.arange(len(body))) / rate
    basis = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    gram: Wave = np.einsum("tj,tk->jk", basis, basis)
    seen: Wave = np.einsum("tj,t->j", basis, body)
    part: Wave = np.linalg.solve(gram, seen).astype(np.float64)
    tone: Wave = (basis * part).sum(axis=1)
    return complex(part[0], part[1]), level(tone) - level(body - tone)


def level(wave: Wave) -> float:
    """In dB, of the mean power; that of full silence is taken as 80 dB below one step."""
    return float(10 * np.log10(np.mean(wave**2) + 1e-8))


def reference(wave: Samples, rate_in: int, rate_out: int) -> Samples:
    """What scipy's one-shot resampler makes of it, rounded to 16 bits too."""
    from scipy.signal import resample_poly  # pyright: ignore

    out: Wave = resample_poly(wave.astype(np.float64), rate_out, rate_in)  # pyright: ignore
    return np.rint(out).clip(-32_768, 32_767).astype("<i2")


def frames_of(wave: Samples, rate: int, sizes: list[int]) -> list[Audio]:
    """*wave* cut into frames of these sizes; their times follow one another."""
    ends = np.minimum(np.cumsum([0, *sizes]), len(wave)).tolist()
    return [
        Audio(pcm=wave[a:b].tobytes(), rate=rate, at=a * 1_000_000 // rate)
        for a, b in pairwise(ends)
    ]


def audio_in(frames: list[Frame]) -> list[Audio]:
    return [frame for frame in frames if isinstance(frame, Audio)]


def pcm_of(frames: list[Frame]) -> bytes:
    return b"".join(frame.pcm for frame in audio_in(frames))


# Bytes and lengths


@given(pair=pairs, rng=sounds, sizes=cuts)
def test_the_same_bytes_come_out_however_the_input_is_cut(
    pair: tuple[int, int], rng: np.random.Generator, sizes: list[int]
) -> None:
    wave = noise(rng, sum(sizes))
    whole, cut = Converter(*pair), Converter(*pair)

    at_once = whole.convert(wave.tobytes()) + whole.flush()
    parts = [cut.convert(part.tobytes()) for part in np.split(wave, np.cumsum(sizes[:-1]))]

    assert b"".join(parts) + cut.flush() == at_once


@pytest.mark.parametrize("pair", COMMON)
def test_even_single_samples_give_the_same_bytes(pair: tuple[int, int]) -> None:
    wave = noise(np.random.default_rng(1), 500)
    whole, single = Converter(*pair), Converter(*pair)

    parts = [single.convert(sample.tobytes()) for sample in wave]

    assert b"".join(parts) == whole.convert(wave.tobytes())


@pytest.mark.parametrize("pair", PAIRS)
def test_no_sum_of_products_needs_more_than_the_53_bits_of_a_double(pair: tuple[int, int]) -> None:
    steps = np.ldexp(polyphase(*pair).slabs, FRACTION_BITS)

    assert (steps == np.rint(steps)).all()
    assert np.abs(steps).sum(axis=1).max() * 2**15 < 2**53


@given(pair=pairs, sizes=cuts)
def test_every_block_is_answered_with_exactly_its_share(
    pair: tuple[int, int], sizes: list[int]
) -> None:
    rate_in, rate_out = pair
    converter = Converter(rate_in, rate_out)

    given_out = [len(converter.convert(bytes(2 * size))) // 2 for size in sizes]

    due = [int(total) * rate_out // rate_in for total in np.cumsum(sizes)]
    assert np.cumsum(given_out).tolist() == due
    assert len(converter.flush()) // 2 == (converter.delay if sum(sizes) else 0)


@given(pair=pairs, samples=st.integers(0, 5_000))
def test_a_whole_recording_keeps_its_length_rounded_down(
    pair: tuple[int, int], samples: int
) -> None:
    rate_in, rate_out = pair

    assert len(resample(bytes(2 * samples), *pair)) // 2 == samples * rate_out // rate_in


@given(pair=pairs, rng=sounds)
def test_a_whole_recording_is_the_stream_without_its_delay(
    pair: tuple[int, int], rng: np.random.Generator
) -> None:
    pcm = noise(rng, 3_000).tobytes()
    stream = Converter(*pair)

    assert resample(pcm, *pair) == (stream.convert(pcm) + stream.flush())[2 * stream.delay :]


def test_a_converter_starts_anew_after_its_tail() -> None:
    pcm = noise(np.random.default_rng(2), 700).tobytes()
    converter = Converter(16_000, 24_000)

    once = converter.convert(pcm) + converter.flush()

    assert converter.convert(pcm) + converter.flush() == once


@pytest.mark.parametrize("rate_out", RATES)
def test_the_delay_is_a_millisecond_in_whole_samples(rate_out: int) -> None:
    rate_in = 16_000 if rate_out != 16_000 else 24_000

    assert Converter(rate_in, rate_out).delay == rate_out // 1_000


# Sound


@pytest.mark.parametrize("pair", PAIRS)
def test_a_tone_in_the_pass_band_keeps_its_level_and_its_place(pair: tuple[int, int]) -> None:
    rate_in, rate_out = pair
    for hz in (200, min(pair) / 2 - 1_000):
        wave = sine(hz, rate_in)

        tone, _ = fit(heard(resample(wave.tobytes(), *pair)), hz, rate_out)

        assert abs(20 * np.log10(abs(tone) / 29_000)) < 0.15
        assert abs(np.angle(tone)) < 1e-3


@pytest.mark.parametrize("pair", COMMON)
@pytest.mark.parametrize("below_nyquist", [1_500, 2_000, 3_000])
def test_a_tone_in_the_pass_band_is_90_db_above_all_else(
    pair: tuple[int, int], below_nyquist: int
) -> None:
    rate_in, rate_out = pair
    hz = min(pair) / 2 - below_nyquist - 37  # no round part of a rate: rounding is noise then
    wave = sine(hz, rate_in)

    _, ours = fit(heard(resample(wave.tobytes(), *pair)), hz, rate_out)
    _, scipys = fit(reference(wave, *pair), hz, rate_out)

    assert ours >= 90
    assert ours > scipys - 3  # both are mostly the rounding to 16 bits, or scipy's is worse


@pytest.mark.parametrize("pair", DOWN)
def test_what_cannot_be_represented_is_80_db_down_from_1_khz_above_nyquist(
    pair: tuple[int, int],
) -> None:
    rate_in, _ = pair
    tones = np.arange(min(pair) / 2 + 1_000, rate_in / 2, 173)
    waves = [sine(hz, rate_in, seconds=0.1) for hz in tones]

    aliases = [level(middle(heard(resample(wave.tobytes(), *pair)))) for wave in waves]
    scipys = [level(middle(reference(wave, *pair))) for wave in waves]

    assert max(aliases) < level(waves[0].astype(np.float64)) - 80
    assert max(aliases) < max(scipys)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_constant_stays_exactly_that_constant(pair: tuple[int, int]) -> None:
    converter = Converter(*pair)
    converter.convert(np.full(1_000, 12_345, "<i2").tobytes())

    out = heard(converter.convert(np.full(1_000, 12_345, "<i2").tobytes()))

    assert set(out.tolist()) == {12_345}


@given(pair=pairs, samples=st.integers(0, 4_000))
def test_silence_gives_silence(pair: tuple[int, int], samples: int) -> None:
    assert not heard(resample(bytes(2 * samples), *pair)).any()


@pytest.mark.parametrize("pair", COMMON)
def test_what_is_too_loud_is_limited_and_does_not_wrap(pair: tuple[int, int]) -> None:
    rate_in, rate_out = pair
    low, high = [np.full(rate_in // 10, peak, "<i2") for peak in (-32_768, 32_767)]

    out = heard(resample(np.concatenate([low, high, low]).tobytes(), *pair))

    part = rate_out // 10
    assert (out[1 : part - 1] < 0).all()
    assert (out[part + 1 : 2 * part - 1] > 0).all()
    assert (out.min(), out.max()) == (-32_768, 32_767)


def test_a_click_comes_a_millisecond_later() -> None:
    click = np.zeros(400, "<i2")
    click[160] = 20_000

    out = heard(Converter(16_000, 48_000).convert(click.tobytes()))

    assert int(out.argmax()) == 160 * 3 + 48


# Frames


def test_audio_at_the_wanted_rate_passes_untouched() -> None:
    frame = Audio(pcm=bytes(640), rate=16_000, at=7)

    (out,) = play(Resampler(16_000), [frame])

    assert out is frame


def test_it_declares_the_rate_that_it_gives() -> None:
    assert Resampler(16_000).gives_rate == 16_000


def test_what_a_model_says_keeps_its_ids_and_its_time() -> None:
    said = Speech(
        pcm=bytes(960), rate=24_000, at=5_000, response_id="r", item_id="i", content_index=2
    )

    out = play(Resampler(16_000), [said])[0]

    assert out == Speech(
        pcm=bytes(640), rate=16_000, at=5_000, response_id="r", item_id="i", content_index=2
    )


@given(pair=pairs, sizes=cuts)
def test_each_frame_lies_where_its_samples_do(pair: tuple[int, int], sizes: list[int]) -> None:
    rate_in, rate_out = pair
    frames = frames_of(np.zeros(sum(sizes), "<i2"), rate_in, sizes)

    out = audio_in(play(Resampler(rate_out), frames))

    before = np.cumsum([0, *(frame.samples for frame in out)])[:-1]
    late = [frame.at - int(n) * 1_000_000 / rate_out for frame, n in zip(out, before, strict=True)]
    assert all(-2 <= one < 1_000_000 / rate_out + 1 for one in late)
    assert all(a.at <= b.at for a, b in pairwise(out))
    assert all(frame.rate == rate_out and frame.pcm for frame in out)


def test_a_frame_too_short_for_one_sample_gives_no_frame() -> None:
    frames = frames_of(np.zeros(3, "<i2"), 48_000, [1, 1, 1])
    resampler = Resampler(16_000)

    assert [len(list(resampler.process(frame))) for frame in frames] == [0, 0, 1]


def test_the_end_of_the_input_brings_the_last_millisecond() -> None:
    wave = sine(440, 16_000)
    frames = frames_of(wave, 16_000, [320] * 20)

    out = play(Resampler(24_000), frames)

    converter = Converter(16_000, 24_000)
    assert pcm_of(out) == converter.convert(wave.tobytes()) + converter.flush()
    assert (out[-1].at, audio_in(out)[-1].samples) == (400_000, 24)


@given(rng=sounds, rates=st.lists(st.sampled_from(RATES), min_size=1, max_size=5))
def test_a_new_rate_ends_one_stream_and_begins_another(
    rng: np.random.Generator, rates: list[int]
) -> None:
    rates = [rate for rate, after in pairwise([*rates, 0]) if rate != after]
    frames = [Audio(pcm=noise(rng, 500).tobytes(), rate=rate) for rate in rates]

    out = play(Resampler(16_000), frames)

    apart = [pcm_of(play(Resampler(16_000), [frame])) for frame in frames]
    assert pcm_of(out) == b"".join(apart)
    assert {frame.rate for frame in audio_in(out)} == {16_000}


@given(pair=pairs, rng=sounds)
def test_nothing_from_before_an_interrupt_is_heard_after_it(
    pair: tuple[int, int], rng: np.random.Generator
) -> None:
    rate_in, rate_out = pair
    stale, fresh = [Audio(pcm=noise(rng, 501).tobytes(), rate=rate_in) for _ in range(2)]
    interrupt = Interrupt(at=3)

    before, passed, *after = play(Resampler(rate_out), [stale, interrupt, fresh])

    assert before == play(Resampler(rate_out), [stale])[0]
    assert passed is interrupt
    assert after == play(Resampler(rate_out), [fresh])


def test_nothing_is_left_at_the_end_after_an_interrupt() -> None:
    loud = Audio(pcm=noise(np.random.default_rng(3), 320).tobytes(), rate=16_000)
    interrupt = Interrupt()

    assert play(Resampler(24_000), [loud, interrupt])[1:] == [interrupt]


def test_other_frames_pass_by() -> None:
    other = Frame(at=4)

    assert play(Resampler(24_000), [other]) == [other]


# Mistakes


@pytest.mark.parametrize("rate", [-16_000, 0, 3_999, 192_001])
def test_a_rate_that_no_audio_has_is_refused(rate: int) -> None:
    for attempt in (
        lambda: Resampler(rate),
        lambda: Converter(16_000, rate),
        lambda: Converter(rate, 16_000),
        lambda: resample(b"", rate, rate),
    ):
        with pytest.raises(ValueError, match=f"4000 to 192000 Hz, not {rate}"):
            attempt()


def test_a_converter_between_equal_rates_is_refused() -> None:
    with pytest.raises(ValueError, match="both rates are 16000 Hz"):
        Converter(16_000, 16_000)


def test_rates_whose_filter_would_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot convert 47999 Hz to 48000 Hz: 48000 different"):
        Converter(47_999, 48_000)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of element size"):
        Converter(16_000, 24_000).convert(b"\0\0\0")
