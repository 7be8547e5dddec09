"""`local/echo` answers each turn with the audio that it heard."""

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import Message, TextPart
from antiphon.processors.local.echo import echo
from antiphon.processors.local.hearing import RATE
from antiphon.processors.models import find_model
from tests.processors.local.parts import (
    MANUAL,
    at,
    conversed,
    detected,
    microphone,
    silence,
    speech,
    text,
)

QUESTION = silence(0.5) + speech("What time is it?") + silence(1.0)


def test_a_turn_is_answered_with_the_very_samples_that_were_heard() -> None:
    (told, began), (answered, ended) = detected(QUESTION)

    log = conversed(echo(), *microphone(QUESTION))

    assert (
        log.sound == QUESTION[round(began.at * RATE / 1e6) * 2 : round(ended.at * RATE / 1e6) * 2]
    )
    assert log.when(events.SpeechStarted) == [told]
    assert log.when(events.AudioDelta)[0] == answered
    assert log.one(events.ResponseDone).status == "completed"


def test_its_output_has_the_rate_of_its_input() -> None:
    assert echo().output_rate == echo().input_rate == RATE


def test_turns_are_answered_one_after_the_other_and_once() -> None:
    log = conversed(echo(think=0.1), *microphone(QUESTION, QUESTION))

    turns = log.outline.count("SpeechStarted"), log.outline.count("ResponseDone")
    assert turns == (2, 2)
    first, second = log.all(events.ResponseDone)
    assert first.output != second.output


def test_committed_audio_is_answered_when_an_answer_is_wanted() -> None:
    pcm = speech("Hello there.")

    log = conversed(
        echo(),
        events.SessionUpdate(config=MANUAL),
        events.InputAudioAppend(audio=pcm),
        events.InputAudioCommit(),
        events.ResponseCreate(),
    )

    assert log.sound == pcm


def test_typed_words_come_back_as_words_without_sound() -> None:
    log = conversed(echo(), text("Hello there."), events.ResponseCreate())

    assert log.one(events.AudioTranscriptDone).transcript == "Hello there."
    assert log.sound == b""


def test_a_written_session_gets_words_back_and_no_sound() -> None:
    written = events.SessionUpdate(config=SessionConfig(output_modalities=("text",)))

    log = conversed(
        echo(),
        written,
        *microphone(QUESTION),
        at(3.0, text("Hello there.")),
        at(3.0, events.ResponseCreate()),
    )

    assert log.sound == b""
    assert log.one(events.TextDone).text == "Hello there."


def test_a_message_without_words_is_answered_with_nothing() -> None:
    empty = Message(role="user", content=(TextPart(text=""),))

    log = conversed(echo(), events.ConversationItemCreate(item=empty), events.ResponseCreate())

    assert log.one(events.ResponseDone).output == ()


def test_it_is_found_by_its_name() -> None:
    assert find_model("local/echo?think=0.5").output_rate == RATE
