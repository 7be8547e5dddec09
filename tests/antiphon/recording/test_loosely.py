"""Sessions in real time are compared by what was said, about what, and not by when."""

from collections.abc import Sequence

import msgspec

from antiphon.codecs import events
from antiphon.pipeline import Audio, Frame, Speech
from antiphon.recording.loosely import about
from antiphon.recording.reader import Record
from antiphon.recording.records import AUDIO_OUT, EVENTS_OUT, said_of, sound_of

SECOND = 1_000_000_000


def said(*frames: Frame, begin: int = 0) -> list[Record]:
    """As if one came each 10 ms."""
    return [
        Record(AUDIO_OUT, begin + i * 10_000_000, sound_of(frame))
        if isinstance(frame, Audio)
        else Record(EVENTS_OUT, begin + i * 10_000_000, said_of("m", frame))
        for i, frame in enumerate(frames)
    ]


def speech(pcm: bytes, response: str = "r1", item: str = "i1") -> Speech:
    return Speech(pcm=pcm, response_id=response, item_id=item)


CREATED = events.ResponseCreated(response_id="r1")
DONE = events.ResponseDone(response_id="r1", status="completed")
CANCELLED = events.ResponseDone(response_id="r1", status="cancelled")
HEARD = events.InputTranscriptionCompleted(item_id="i0", transcript="hello")
ANSWER = (CREATED, speech(b"ab" * 10), speech(b"cd" * 10), DONE)


def what(then: Sequence[Record], now: Sequence[Record], end: int | None = None) -> str | None:
    found = about(then, now, end=end)
    return None if found is None else found.what


def test_times_do_not_matter() -> None:
    later = [msgspec.structs.replace(frame, at=5) for frame in (*ANSWER, HEARD)]

    assert what(said(*ANSWER, HEARD), said(*later, begin=SECOND)) is None


def test_the_order_of_different_things_does_not_matter() -> None:
    assert what(said(HEARD, *ANSWER), said(*ANSWER, HEARD)) is None


def test_the_order_of_one_thing_matters() -> None:
    assert what(said(CREATED, DONE), said(DONE, CREATED)) == "it is response-done"


def test_how_sound_is_cut_does_not_matter() -> None:
    whole = speech(b"ab" * 10 + b"cd" * 10)

    assert what(said(*ANSWER), said(CREATED, whole, DONE)) is None


def test_every_sample_matters() -> None:
    other = said(CREATED, speech(b"ab" * 10), speech(b"cd" * 9 + b"xx"), DONE)

    assert (what(said(*ANSWER), other) or "").startswith("sample 19:")
    shorter = said(CREATED, speech(b"ab" * 10), DONE)
    assert what(said(*ANSWER), shorter) == "20 samples became 10"


def test_how_far_an_interrupted_answer_had_come_does_not_matter() -> None:
    further = (CREATED, speech(b"ab" * 10), speech(b"cd" * 10), CANCELLED)
    less = (CREATED, speech(b"ab" * 10), CANCELLED)

    assert what(said(*further), said(*less)) is None
    other = (CREATED, speech(b"xy" * 10), CANCELLED)
    assert (what(said(*further), said(*other)) or "").startswith("sample 0:")


def test_what_is_missing_and_what_is_new_are_found() -> None:
    assert what(said(HEARD, *ANSWER), said(*ANSWER)) == "it is not there"
    assert what(said(*ANSWER), said(HEARD, *ANSWER)) == "it is new"


def test_other_words_are_found() -> None:
    other = events.InputTranscriptionCompleted(item_id="i0", transcript="hullo")

    assert what(said(HEARD), said(other)) == 'transcript: "hello" became "hullo"'


def test_the_last_second_before_it_was_broken_off_does_not_matter() -> None:
    then = said(HEARD, *ANSWER)

    assert what(then, said(HEARD), end=SECOND // 2) is None
    assert what(then, said(HEARD), end=3 * SECOND) == "it is not there"
    assert what(said(HEARD), then, end=SECOND) is None


def test_the_earliest_difference_is_told_with_what_came_before() -> None:
    found = about(said(HEARD, *ANSWER), said(*ANSWER[:1]), end=None)

    assert found is not None and found.recorded == said(HEARD)[0]
    later = about(said(HEARD, CREATED, DONE), said(HEARD, CREATED))
    assert later is not None and [r.time for r in later.before][:2] == [0, 10_000_000]
