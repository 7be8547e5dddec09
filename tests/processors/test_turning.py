"""A continuous model, heard in turns."""

from typing import Any

from antiphon.codecs import events
from antiphon.codecs.items import text_message
from antiphon.pipeline import Frame
from antiphon.processors.turning import PAUSE, Turning

MS = 1_000
LOUD, QUIET = b"\1\0" * 480, bytes(960)


def chunk(at: int, pcm: bytes = LOUD) -> events.AudioChunk:
    return events.AudioChunk(delta=pcm, at=at)


def words(speaker: Any, text: str, at: int) -> events.TranscriptFragment:
    return events.TranscriptFragment(speaker=speaker, delta=text, start=at, end=at, at=at)


def told(turning: Turning, *said: Frame) -> list[Frame]:
    return [frame for event in said for frame in turning.process(event)]


def kinds(frames: list[Frame]) -> list[str]:
    return [type(frame).__name__ for frame in frames]


def test_what_it_speaks_is_a_response_until_it_pauses() -> None:
    turning = Turning()

    heard = told(turning, words("assistant", "Hello.", 0), chunk(0), chunk(20 * MS))
    assert kinds(heard) == [
        "ResponseCreated",
        "AudioTranscriptDelta",
        "AudioDelta",
        "AudioDelta",
    ]
    assert turning.deadline == 20 * MS + PAUSE

    over = list(turning.expire(20 * MS + PAUSE))
    assert kinds(over) == ["AudioDone", "AudioTranscriptDone", "ResponseDone"]
    assert isinstance(over[1], events.AudioTranscriptDone)
    assert over[1].transcript == "Hello."
    assert turning.deadline is None


def test_short_silence_is_part_of_speech_and_long_silence_is_no_speech() -> None:
    turning = Turning()

    assert told(turning, chunk(0, QUIET)) == []
    heard = told(turning, chunk(0), chunk(20 * MS, QUIET), chunk(40 * MS))
    assert kinds(heard).count("AudioDelta") == 3
    assert kinds(told(turning, chunk(40 * MS + PAUSE, QUIET))) == [
        "AudioDone",
        "AudioTranscriptDone",
        "ResponseDone",
    ]
    assert told(turning, chunk(2 * PAUSE, QUIET)) == []


def test_each_response_has_a_name_of_its_own() -> None:
    turning = Turning()

    first = told(turning, chunk(0))
    told(turning, chunk(PAUSE, QUIET))
    second = told(turning, chunk(2 * PAUSE))

    assert isinstance(first[0], events.ResponseCreated)
    assert isinstance(second[0], events.ResponseCreated)
    assert first[0].response_id != second[0].response_id


def test_what_the_user_says_is_a_turn_that_ends_when_the_model_speaks() -> None:
    turning = Turning()

    heard = told(turning, words("user", "how are", 0), words("user", " you", 300 * MS))
    assert kinds(heard) == ["SpeechStarted", "InputTranscriptionDelta", "InputTranscriptionDelta"]

    answered = told(turning, words("assistant", "Fine.", 500 * MS))
    assert kinds(answered) == [
        "SpeechStopped",
        "AudioCommitted",
        "ConversationItemAdded",
        "InputTranscriptionCompleted",
        "ResponseCreated",
        "AudioTranscriptDelta",
    ]
    assert isinstance(answered[3], events.InputTranscriptionCompleted)
    assert answered[3].transcript == "how are you"


def test_whoever_speaks_into_it_begins_a_turn() -> None:
    turning = Turning()
    told(turning, chunk(0))

    assert kinds(told(turning, words("user", "stop", 100 * MS)))[0] == "SpeechStarted"


def test_the_end_of_the_session_ends_what_it_says() -> None:
    turning = Turning()
    told(turning, chunk(0))

    assert kinds(told(turning, events.SessionClosed(at=1))) == [
        "AudioDone",
        "AudioTranscriptDone",
        "ResponseDone",
        "SessionClosed",
    ]
    assert list(turning.finish()) == []


def test_it_is_told_what_is_written_and_is_asked_for_nothing() -> None:
    turning = Turning()
    wrote = events.ConversationItemCreate(item=text_message("Hello."))

    told_of = turning.said(wrote)
    assert isinstance(told_of, events.ContextAppend)
    assert told_of.content == "Hello."
    assert turning.said(events.ResponseCreate()) is None
    assert turning.said(events.ResponseCancel()) is None
    append = events.InputAudioAppend(audio=LOUD)
    assert turning.said(append) is append
