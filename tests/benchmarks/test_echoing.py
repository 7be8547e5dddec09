"""How late a sound is, by looking for the sound itself."""

import pytest

from antiphon.pipeline import Audio
from antiphon.processors.resampler import Resampler
from benchmarks.peers.echoing import FRAME, WARM_UP, OtherSound, Pieces, delays, noise

RATE = 16_000


def sent(frames: int = WARM_UP + 10) -> Pieces:
    return [(number * FRAME, pcm) for number, pcm in enumerate(noise(RATE, frames))]


def test_a_frame_is_as_late_as_it_comes_later() -> None:
    heard = [(time + 0.003, pcm) for time, pcm in sent()]

    late = delays(sent(), RATE, heard, RATE)

    assert late == [pytest.approx(3.0)] * 10


def test_sound_that_is_further_back_in_its_piece_is_later_by_as_much() -> None:
    sound = bytes(2 * RATE // 1_000) + b"".join(pcm for _, pcm in sent())
    size = round(2 * RATE * FRAME)
    heard = [(time, sound[i * size : (i + 1) * size]) for i, (time, _) in enumerate(sent())]

    late = delays(sent(), RATE, heard, RATE)

    assert late == [pytest.approx(1.0)] * 10


def test_what_is_collected_before_it_is_sent_on_is_late_by_that() -> None:
    pieces = sent()
    heard = [
        (second[0], first[1] + second[1])
        for first, second in zip(pieces[::2], pieces[1::2], strict=False)
    ]

    late = delays(pieces, RATE, heard, RATE)

    assert late[-2:] == [pytest.approx(20.0), pytest.approx(20.0)]


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_the_millisecond_that_a_resampler_holds_back_counts(rate: int) -> None:
    resampler = Resampler(rate)
    heard = [
        (time, out.pcm)
        for time, pcm in sent()
        for out in resampler.process(Audio(pcm=pcm, rate=RATE))
        if isinstance(out, Audio)
    ]

    late = delays(sent(), RATE, heard, rate)

    assert late == [pytest.approx(1.0, abs=0.1)] * 10


def test_another_sound_has_no_delay() -> None:
    heard = [(time, bytes(reversed(pcm))) for time, pcm in sent()]

    with pytest.raises(OtherSound):
        delays(sent(), RATE, heard, RATE)
