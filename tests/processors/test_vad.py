"""Where turns begin and end in audio: synthesised speech, noise, and what is neither."""

import wave
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs.events import SpeechStarted, SpeechStopped
from antiphon.pipeline import Audio, Frame
from antiphon.pipeline.testing import play
from antiphon.processors.resampler import resample
from antiphon.processors.vad import RATE, Detector, Started, Stopped, Vad

Wave = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int16]
Ears = Literal["silero", "energy"]

DATA = Path(__file__).parents[1] / "data" / "speech"
LEVEL = 1_640.0
"""RMS of the recordings, -26 dBFS."""

ROOM = 20.0
"""RMS of the noise in a quiet room, -64 dBFS."""

WINDOW = 32_000
SECOND = 1_000_000

both: Callable[[Callable[..., None]], Callable[..., None]] = pytest.mark.parametrize(
    "ears", ["silero", "energy"]
)


cuts = st.lists(st.integers(1, 4_000), max_size=8).map(lambda sizes: [*sizes, 1_999])


def spoken(name: str) -> Wave:
    with wave.open(str(DATA / f"{name}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


TIMER, LISBON = spoken("timer"), spoken("lisbon")


def silence(seconds: float) -> Wave:
    return np.zeros(round(seconds * RATE))


def sound(*parts: Wave, noise: float = ROOM, gain: float = 1.0) -> bytes:
    """The parts, one after the other, in a room with *noise*."""
    joined: Wave = np.concatenate(parts) * gain
    room = np.random.default_rng(1).normal(scale=noise, size=len(joined))
    return np.rint(joined + room).clip(-32_768, 32_767).astype("<i2").tobytes()


def duration(wave: Wave) -> int:
    return len(wave) * SECOND // RATE


def cut(
    pcm: bytes, sizes: Sequence[int], start: int = 0, rate: int = RATE
) -> Iterator[tuple[bytes, int]]:
    """Pieces of as many samples each, over and over, with their times."""
    place = 0
    for size in cycle(sizes):
        yield pcm[place : place + 2 * size], start + place // 2 * SECOND // rate
        place += 2 * size
        if place >= len(pcm):
            return


def heard(
    detector: Detector, pcm: bytes, sizes: Sequence[int] = (320,), start: int = 0
) -> list[Started | Stopped]:
    return [f for piece, at in cut(pcm, sizes, start) for f in detector.hear(piece, at)]


def frames(pcm: bytes, rate: int = RATE, start: int = 0) -> list[Audio]:
    """Frames of 20 ms."""
    step = rate // 50 * 2
    return [
        Audio(pcm=pcm[i : i + step], rate=rate, at=start + i // step * 20_000)
        for i in range(0, len(pcm), step)
    ]


def events(said: Sequence[Frame]) -> list[Frame]:
    return [frame for frame in said if not isinstance(frame, Audio)]


class Loud:
    """A model that takes for speech what is loud, and counts what it was asked."""

    rate = RATE
    window = 512

    def __init__(self) -> None:
        self.asked: list[Samples] = []
        self.resets = 0

    def __call__(self, samples: Samples, /) -> float:
        self.asked.append(samples)
        return float(np.abs(samples).mean() > 300)

    def reset(self) -> None:
        self.resets += 1


def loud(seconds: float) -> Wave:
    return np.random.default_rng(2).normal(scale=1_500, size=round(seconds * RATE))


# Speech


@both
@pytest.mark.parametrize("speech", [TIMER, LISBON])
@pytest.mark.parametrize("noise", [0, 1, ROOM])
def test_a_sentence_is_one_turn(ears: Ears, speech: Wave, noise: float) -> None:
    pcm = sound(silence(1.5), speech, silence(1), noise=noise)

    began, ended = heard(Detector(ears, prefix=0), pcm)

    assert isinstance(began, Started) and isinstance(ended, Stopped)
    assert abs(began.at - 1_500_000) <= 3 * WINDOW
    assert abs(ended.at - 1_500_000 - duration(speech)) <= 3 * WINDOW


@pytest.mark.parametrize("speech", [TIMER, LISBON])
@pytest.mark.parametrize("decibels", [20, 10, 5])
def test_a_sentence_in_noise_is_one_turn(speech: Wave, decibels: int) -> None:
    noise = LEVEL * 10 ** (-decibels / 20)
    pcm = sound(silence(1.5), speech, silence(1), noise=noise)

    began, ended = heard(Detector(prefix=0), pcm)

    assert abs(began.at - 1_500_000) <= 4 * WINDOW
    assert abs(ended.at - 1_500_000 - duration(speech)) <= 7 * WINDOW


@pytest.mark.parametrize("gain", [0.02, 1, 15])  # -60 to -3 dBFS
def test_quiet_and_loud_speech_is_heard(gain: float) -> None:
    pcm = sound(silence(1.5), TIMER, silence(1), LISBON, silence(1), noise=3, gain=gain)

    assert len(heard(Detector(), pcm)) == 4


def test_speech_from_the_first_sample_on_is_heard() -> None:
    began, ended = heard(Detector(), sound(LISBON, silence(1)))

    assert began == Started(at=0)
    assert abs(ended.at - duration(LISBON)) <= 2 * WINDOW


def test_speech_after_an_hour_of_silence_is_heard() -> None:
    detector = Detector()
    hour = 3_600 * SECOND
    heard(detector, sound(silence(20)), start=hour - 20 * SECOND)

    assert len(heard(detector, sound(TIMER, silence(1)), start=hour)) == 2


@both
def test_a_turn_is_told_while_it_is_spoken(ears: Ears) -> None:
    detector = Detector(ears)
    heard(detector, sound(silence(1.5)))
    assert not detector.speaking

    heard(detector, sound(TIMER[: RATE // 4]), start=1_500_000)

    assert detector.speaking


@both
def test_a_pause_shorter_than_the_hangover_is_part_of_the_turn(ears: Ears) -> None:
    pcm = sound(silence(1.5), TIMER, silence(0.6), LISBON, silence(1.2))

    began, ended = heard(Detector(ears, hangover=900_000), pcm)

    assert abs(ended.at - began.at - duration(TIMER) - 600_000 - duration(LISBON)) <= 5 * WINDOW


@both
def test_a_pause_longer_than_the_hangover_ends_the_turn(ears: Ears) -> None:
    pcm = sound(silence(1.5), TIMER, silence(0.6), LISBON, silence(0.6))

    facts = heard(Detector(ears, hangover=300_000), pcm)

    assert [type(fact) for fact in facts] == [Started, Stopped, Started, Stopped]


# What is no speech


@both
@pytest.mark.parametrize("noise", [0, 1, ROOM, 1_000])
def test_steady_noise_is_no_turn(ears: Ears, noise: float) -> None:
    assert heard(Detector(ears), sound(silence(8), noise=noise)) == []


@both
def test_a_hum_is_no_turn(ears: Ears) -> None:
    times = np.arange(8 * RATE) / RATE
    harmonics: list[Wave] = [np.sin(2 * np.pi * 100 * n * times) / n for n in range(1, 9)]
    hum: Wave = np.sum(harmonics, axis=0) * 800

    assert heard(Detector(ears), sound(hum)) == []


@both
def test_clicks_are_no_turn(ears: Ears) -> None:
    click: Wave = 12_000 * np.exp(-np.arange(240) / 40) * np.cos(np.arange(240))
    clicks = [part for gap in (0.31, 0.4, 0.217, 0.5, 0.333) * 3 for part in (click, silence(gap))]

    assert heard(Detector(ears), sound(silence(1.5), *clicks)) == []


def test_a_door_and_a_tone_are_no_turn_for_the_model() -> None:
    times = np.arange(RATE // 2) / RATE
    knock = np.random.default_rng(4).normal(scale=9_000, size=len(times)) * np.exp(-20 * times)
    tone = 4_000 * np.sin(2 * np.pi * 1_000 * times)

    assert heard(Detector(), sound(silence(1.5), knock, silence(1), tone, silence(1))) == []


# However it comes


@both
@given(sizes=cuts)
@settings(max_examples=20, deadline=None)
def test_the_cut_does_not_matter(ears: Ears, sizes: list[int]) -> None:
    pcm = sound(silence(1.2), TIMER[:16_000], silence(0.6))

    facts = heard(Detector(ears), pcm, sizes)

    assert facts == heard(Detector(ears), pcm, [len(pcm)])
    assert len(facts) == 2


@given(sizes=cuts, start=st.integers(0, 10**12))
@settings(deadline=None)
def test_nor_does_it_with_any_model(sizes: list[int], start: int) -> None:
    pcm = sound(silence(1.5), loud(0.3), silence(0.7), loud(0.2), silence(0.1), loud(1))

    facts = heard(Detector(Loud()), pcm, sizes, start)

    whole = heard(Detector(Loud()), pcm, [len(pcm)])
    assert facts == [type(fact)(fact.at + start) for fact in whole]
    assert len(facts) == 3


@both
def test_the_same_audio_is_heard_the_same_way_after_the_end(ears: Ears) -> None:
    detector = Detector(ears)
    pcm = sound(silence(1.2), TIMER, silence(1), LISBON)
    first = [*heard(detector, pcm), *detector.finish()]

    assert [*heard(detector, pcm), *detector.finish()] == first
    assert len(first) == 4


@both
@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 48_000])
def test_audio_may_come_at_any_rate(ears: Ears, rate: int) -> None:
    pcm = sound(silence(1.5), TIMER, silence(1))

    own = events(play(Vad(ears), frames(pcm)))
    other = events(play(Vad(ears), frames(resample(pcm, RATE, rate), rate)))

    assert [type(event) for event in other] == [SpeechStarted, SpeechStopped]
    assert all(abs(a.at - b.at) <= 2 * WINDOW for a, b in zip(own, other, strict=True))


@given(sizes=cuts)
@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize("rate", [24_000, 44_100])
def test_nor_does_the_cut_matter_at_another_rate(rate: int, sizes: list[int]) -> None:
    pcm = resample(sound(silence(1.5), loud(0.3), silence(1)), RATE, rate)
    pieces = [Audio(pcm=piece, rate=rate, at=at) for piece, at in cut(pcm, sizes, rate=rate)]

    whole = play(Vad(Loud()), [Audio(pcm=pcm, rate=rate)])

    assert events(play(Vad(Loud()), pieces)) == events(whole)
    assert len(events(whole)) == 2


def test_times_that_tremble_do_not_matter() -> None:
    pcm = sound(silence(1.5), TIMER, silence(1))
    tremble = np.random.default_rng(5).integers(-1_000, 1_000, 10_000)
    detector = Detector()

    facts = [
        fact
        for (piece, at), off in zip(cut(pcm, (320,)), tremble, strict=False)
        for fact in detector.hear(piece, max(0, at + int(off)))
    ]

    assert [type(fact) for fact in facts] == [Started, Stopped]


def test_times_that_drift_are_followed() -> None:
    facts: list[Started | Stopped] = []
    detector = Detector(Loud())
    pcm = sound(silence(9), loud(0.5), silence(1))

    for piece, at in cut(pcm, (320,)):
        facts += detector.hear(piece, at * 101 // 100)

    began, _ = facts
    assert abs(began.at - 9_090_000) <= 3 * WINDOW


# Audio that stays away


def test_the_turn_of_a_client_that_was_muted_ends_by_deadline() -> None:
    speech = frames(sound(silence(1.5), TIMER))

    said = play(Vad(), speech, until=10 * SECOND)

    began, ended = events(said)
    assert isinstance(began, SpeechStarted) and isinstance(ended, SpeechStopped)
    assert abs(ended.at - 1_500_000 - duration(TIMER)) <= WINDOW


def test_the_deadline_is_a_hangover_after_the_last_audio() -> None:
    detector = Detector(hangover=700_000)
    assert detector.deadline is None

    heard(detector, sound(silence(1.5), TIMER))

    end = 1_500_000 + duration(TIMER)
    assert detector.deadline is not None
    assert end <= detector.deadline - 700_000 <= end + 1
    assert [*detector.expire(detector.deadline - 1)] == []
    assert len([*detector.expire(detector.deadline)]) == 1
    assert detector.deadline is None


def test_a_short_hangover_does_not_make_a_late_network_end_a_turn() -> None:
    detector = Detector(hangover=100_000)

    heard(detector, sound(silence(1.5), TIMER[: RATE // 2]))

    assert detector.deadline is not None
    assert detector.deadline >= 2_500_000


def test_audio_that_was_lost_for_a_moment_is_part_of_the_turn() -> None:
    detector = Detector(Loud())
    first = heard(detector, sound(silence(1.5), loud(0.5)))

    second = heard(detector, sound(loud(0.5), silence(1)), start=2_300_000)

    assert [type(fact) for fact in first + second] == [Started, Stopped]


def test_audio_that_was_lost_for_the_hangover_ends_the_turn() -> None:
    detector = Detector(Loud())
    heard(detector, sound(silence(1.5), loud(0.5)))

    ended, began = heard(detector, sound(loud(0.5)), start=9_000_000)

    assert isinstance(ended, Stopped) and ended.at <= 2_000_000
    assert began == Started(at=9_000_000)


def test_the_model_is_told_that_audio_was_lost() -> None:
    model = Loud()
    detector = Detector(model)
    heard(detector, sound(silence(0.5)))
    resets = model.resets

    heard(detector, sound(silence(0.5)), start=800_000)

    assert model.resets == resets + 1


@both
def test_the_end_of_the_input_ends_an_open_turn(ears: Ears) -> None:
    detector = Detector(ears)
    heard(detector, sound(silence(1.5), TIMER))

    (ended,) = detector.finish()

    assert abs(ended.at - 1_500_000 - duration(TIMER)) <= WINDOW
    assert [*detector.finish()] == []


# The gate


def test_silence_is_spared_the_model() -> None:
    model = Loud()
    detector = Detector(model)
    heard(detector, sound(silence(2)))
    learning = len(model.asked)

    heard(detector, sound(silence(20)), start=2 * SECOND)

    assert len(model.asked) == learning
    assert learning * WINDOW <= 1_500_000


def test_while_the_room_is_unknown_the_model_hears_everything() -> None:
    model = Loud()

    heard(Detector(model), sound(silence(0.96)))

    assert len(model.asked) == 30


def test_the_model_goes_on_hearing_for_the_hangover() -> None:
    model = Loud()
    detector = Detector(model, hangover=640_000)
    heard(detector, sound(silence(3.2)))
    model.asked.clear()

    heard(detector, sound(loud(0.032) / 10, silence(3.168)), start=3_200_000)

    assert len(model.asked) == 8 + 640_000 // WINDOW


def test_the_model_hears_the_room_before_the_speech() -> None:
    model = Loud()
    detector = Detector(model)
    heard(detector, sound(silence(3.2)))
    model.asked.clear()

    heard(detector, sound(loud(0.032)), start=3_200_000)

    assert [np.abs(window).mean() > 300 for window in model.asked] == [False] * 7 + [True]


def test_a_gate_does_not_change_the_turns() -> None:
    pcm = sound(silence(2), loud(0.5), silence(0.3), loud(1), silence(3), loud(0.2), silence(2))

    gated = heard(Detector(Loud()), pcm)

    assert gated == heard(Detector(Loud(), gate=False), pcm)
    assert len(gated) == 4


def test_a_model_that_goes_on_does_not_hold_the_turn_open() -> None:
    model = Loud()
    detector = Detector(model)
    heard(detector, sound(silence(1.5), loud(0.5)))
    model.__class__ = Sure

    facts = heard(detector, sound(silence(1)), start=2 * SECOND)

    assert facts == [Stopped(at=2_016_000)]


class Sure(Loud):
    """A model to which everything is speech."""

    def __call__(self, samples: Samples, /) -> float:
        return 1.0


# The processor


def test_audio_passes_untouched_and_events_follow_what_told() -> None:
    sent = frames(sound(silence(1.5), TIMER, silence(1)))

    said = play(Vad(), sent)

    assert [frame for frame in said if isinstance(frame, Audio)] == sent
    for before, event in pairwise(said):
        if not isinstance(event, Audio):
            assert isinstance(before, Audio)
            assert event.at < before.at


def test_the_rate_may_change_on_the_way() -> None:
    pcm = sound(silence(1.5), TIMER, silence(1))
    half = len(pcm) // 640 // 2 * 640
    second = resample(pcm[half:], RATE, 48_000)
    sent = frames(pcm[:half]) + frames(second, 48_000, start=half // 2 * SECOND // RATE)

    assert len(events(play(Vad(), sent))) == 2


def test_a_model_for_another_rate_is_refused() -> None:
    model = Loud()
    model.rate = 8_000

    with pytest.raises(ValueError, match="16000 Hz here, not at 8000"):
        Vad(model)


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="threshold"):
        Vad(threshold=2)
