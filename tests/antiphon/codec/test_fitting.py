"""Events between ends of different rates."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from antiphon.codec.fitting import Fitting
from antiphon.codecs import events
from antiphon.codecs.events import EventFrame
from antiphon.codecs.items import AudioPart, Message, TextPart
from antiphon.codecs.wire import Unsayable

TONE = np.rint(9000 * np.sin(2 * np.pi * 300 * np.arange(2400) / 24_000)).astype("<i2").tobytes()
"""100 ms at 24 kHz."""


@dataclass
class Rates:
    input_rate: int
    output_rate: int


def fitting(hears: int, says: int) -> Fitting:
    return Fitting(Rates(hears, hears), Rates(says, says), "plain")


def delta(pcm: bytes, item_id: str = "item_1", response_id: str = "resp_1") -> events.AudioDelta:
    return events.AudioDelta(response_id=response_id, item_id=item_id, delta=pcm, event_id="e")


def carried(through: Fitting, *given: EventFrame) -> list[Any]:
    return [out for event in given for out in through.process(event)]


def sound(said: list[Any]) -> bytes:
    return b"".join(e.delta for e in said if isinstance(e, (events.AudioDelta, events.AudioChunk)))


def test_at_equal_rates_events_pass_as_they_are() -> None:
    given = [delta(TONE), events.AudioDone(response_id="resp_1", item_id="item_1")]

    said = carried(fitting(24_000, 24_000), *given)

    assert [one is other for one, other in zip(said, given, strict=True)] == [True, True]


def test_at_equal_rates_numpy_is_not_loaded() -> None:
    program = (
        "from antiphon.codec.translation import translation\n"
        "from antiphon.codecs.openai import DIALECT\n"
        "work = translation(DIALECT, DIALECT, 'client')\n"
        'said = list(work.feed(\'{"type":"input_audio_buffer.append","audio":"AAAA"}\'))\n'
        "import sys\nprint(len(said), 'numpy' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "1 False\n", done.stderr


@pytest.mark.parametrize(("hears", "says"), [(24_000, 16_000), (16_000, 24_000), (24_000, 8_000)])
def test_speech_keeps_its_length_and_its_end_comes_before_the_word_of_it(
    hears: int, says: int
) -> None:
    done = events.AudioDone(response_id="resp_1", item_id="item_1")
    pieces = [TONE[i : i + 960] for i in range(0, len(TONE), 960)]

    said = carried(fitting(hears, says), *map(delta, pieces), done)

    assert said[-1] == done
    milliseconds = len(sound(said)) / 2 / says * 1000 - len(TONE) / 2 / hears * 1000
    assert milliseconds == pytest.approx(1, abs=0.1)  # the resampler's delay
    assert [event.event_id for event in said[:-1]] == ["e"] * len(pieces) + [None]


def test_a_new_item_begins_when_the_one_before_was_said_to_its_end() -> None:
    said = carried(fitting(24_000, 16_000), delta(TONE, "item_1"), delta(TONE, "item_2"))

    assert [event.item_id for event in said] == ["item_1", "item_1", "item_2"]
    assert said[0].delta == said[2].delta


@pytest.mark.parametrize(
    "other",
    [
        events.ResponseDone(response_id="resp_2", status="completed"),
        events.OutputItemDone(response_id="resp_1", item_id="item_2"),
        events.SpeechStarted(),
    ],
)
def test_what_happens_beside_an_item_does_not_cut_it(other: EventFrame) -> None:
    through = fitting(24_000, 16_000)
    halves = delta(TONE[:2400]), delta(TONE[2400:])

    said = carried(through, halves[0], other, halves[1])

    whole = carried(fitting(24_000, 16_000), delta(TONE))
    assert sound(said) == sound(whole)
    assert len(said) == 3


@pytest.mark.parametrize(
    "end",
    [
        events.ResponseDone(response_id="resp_1", status="completed"),
        events.OutputItemDone(response_id="resp_1", item_id="item_1"),
    ],
)
def test_whatever_ends_an_item_brings_its_end(end: EventFrame) -> None:
    said = carried(fitting(24_000, 16_000), delta(TONE), end)

    assert [type(event) for event in said] == [events.AudioDelta, events.AudioDelta, type(end)]


def test_of_what_was_interrupted_nothing_more_comes() -> None:
    through = fitting(24_000, 16_000)
    stop = events.ResponseInterrupted(response_id="resp_1")

    first = carried(through, delta(TONE), stop)
    again = carried(through, delta(TONE))

    assert [type(event) for event in first] == [events.AudioDelta, events.ResponseInterrupted]
    assert again[0].delta == first[0].delta
    assert len(list(through.finish())) == 1
    assert list(through.finish()) == []


def test_the_users_turn_is_whole_before_it_is_committed() -> None:
    said = carried(
        fitting(16_000, 24_000),
        events.InputAudioAppend(audio=TONE[:3200]),
        events.InputAudioCommit(),
        events.InputAudioAppend(audio=TONE[:3200]),
        events.InputAudioClear(),
    )

    append, commit = events.InputAudioAppend, events.InputAudioCommit
    assert [type(e) for e in said] == [append, append, commit, append, events.InputAudioClear]
    assert sum(len(e.audio) for e in said[:2]) == 4800 + 48


def test_a_continuous_model_speaks_to_the_end_of_its_session() -> None:
    said = carried(fitting(24_000, 16_000), events.AudioChunk(delta=TONE), events.SessionClosed())

    assert len(sound(said)) == 3200 + 32
    assert isinstance(said[-1], events.SessionClosed)


def test_audio_in_an_item_is_fitted_and_the_rest_of_it_kept() -> None:
    content = (TextPart(text="hm"), AudioPart(audio=TONE, transcript="tone"), AudioPart())
    item = Message(role="user", content=content, id="item_1")

    (said,) = carried(fitting(24_000, 16_000), events.ConversationItemCreate(item=item))

    text, audio, empty = said.item.content
    assert (text, empty) == (TextPart(text="hm"), AudioPart())
    assert audio.transcript == "tone"
    assert len(audio.audio) == 3200 + 32


def test_an_item_passes_as_it_is_at_equal_rates() -> None:
    item = Message(role="user", content=(AudioPart(audio=TONE),))
    create = events.ConversationItemCreate(item=item)

    assert carried(fitting(24_000, 24_000), create) == [create]


@pytest.mark.parametrize(("hears", "says"), [(7, 24_000), (24_000, 7), (47_999, 48_000)])
def test_rates_that_cannot_be_fitted_are_refused(hears: int, says: int) -> None:
    with pytest.raises(Unsayable, match="plain cannot be given"):
        carried(fitting(hears, says), delta(TONE))


def test_rates_may_change_within_a_session() -> None:
    hears, says = Rates(24_000, 24_000), Rates(16_000, 16_000)
    through = Fitting(hears, says, "plain")

    first = carried(through, delta(TONE))
    says.output_rate = 24_000
    second = carried(through, delta(TONE))
    done = carried(through, events.AudioDone(response_id="resp_1", item_id="item_1"))

    assert len(sound(first)) == 3200
    assert sound(second) == TONE
    assert len(done) == 1


def test_an_end_that_is_too_short_to_be_heard_is_not_said() -> None:
    (said,) = carried(fitting(24_000, 16_000), delta(b"\1\0"), events.SpeechStarted())

    assert isinstance(said, events.SpeechStarted)
