"""`local/script` with replies answers by what it hears, in order, and with what tools say."""

import wave
from pathlib import Path

import pytest

from antiphon.codecs import events
from antiphon.pipeline import Frame
from antiphon.processors.local.casting import Book, Casting
from antiphon.processors.local.reply import Reply, tone
from antiphon.processors.local.script import ScriptError, script
from antiphon.processors.local.server import Server
from antiphon.processors.models import find_model
from tests.processors.local.parts import (
    OUTPUT_RATE,
    RATE,
    Log,
    conversed,
    duration,
    microphone,
    outputs,
    silence,
    text,
)

SPEECH = silence(0.3) + tone(0.6, RATE) + silence(1.0)
"""Somebody says something, and a turn ends."""

THINK = 300_000


def playing(*replies: Reply, default: Reply | None = None, voice: str = "tone") -> Server:
    return script(replies=Book(replies, default=default, voice=voice))


def written(*texts: str) -> list[Frame]:
    """A user who writes, and waits five seconds for each answer."""
    return [
        frame
        for place, words in enumerate(texts)
        for frame in (text(words, at=5.0 * place), events.ResponseCreate(at=5_000_000 * place))
    ]


def said(log: Log) -> list[str | None]:
    return [event.transcript for event in log.all(events.AudioTranscriptDone)]


def heard(log: Log) -> list[str]:
    return [event.transcript for event in log.all(events.InputTranscriptionCompleted)]


# What is answered with what.


def test_replies_without_a_condition_follow_each_other() -> None:
    log = conversed(playing(Reply().says("One."), Reply().says("Two.")), *written("a", "b"))

    assert said(log) == ["One.", "Two."]


def test_what_is_said_is_told_apart_by_a_pattern_as_often_as_it_comes() -> None:
    weather = Reply(when="weather|rain").says("It is dry.")

    log = conversed(
        playing(Reply().says("Hello."), weather), *written("RAIN?", "hm", "the weather")
    )

    assert said(log) == ["It is dry.", "Hello.", "It is dry."]


def test_a_spoken_turn_has_the_words_that_are_next_in_the_script() -> None:
    first = Reply(hears="Who are you?").says("A script.")
    second = Reply(hears="Really?").says("Yes.")

    log = conversed(playing(first, second), *microphone(SPEECH, SPEECH))

    assert heard(log) == ["Who are you?", "Really?"]
    assert said(log) == ["A script.", "Yes."]


def test_each_of_several_spoken_turns_that_wait_for_an_answer_has_words_of_its_own() -> None:
    casting = Casting(Book([Reply(hears="One."), Reply(when="x"), Reply(hears="Two.")]))

    assert [casting.words() for _ in range(3)] == ["One.", "Two.", None]


def test_words_that_are_written_are_found_wherever_they_are_in_the_script() -> None:
    first = Reply(hears="Who are you?").says("A script.")
    second = Reply(hears="Really?").says("Yes.")

    log = conversed(playing(first, second), *written("really", "Who ARE you"))

    assert said(log) == ["Yes.", "A script."]


def test_what_nothing_fits_gets_the_default_and_without_one_is_told_so() -> None:
    once = Reply(when="a", times=1).says("A.")

    assert said(conversed(playing(once, default=Reply().says("Pardon?")), *written("a", "a"))) == [
        "A.",
        "Pardon?",
    ]
    assert said(conversed(playing(once), *written("b"))) == ["The script has no answer to: b"]


def test_a_spoken_turn_that_the_script_does_not_know_has_no_words_and_no_answer() -> None:
    log = conversed(playing(), *microphone(SPEECH))

    assert heard(log) == [""]
    assert [done.output for done in log.all(events.ResponseDone)] == [()]


def test_two_sessions_of_one_model_each_begin_at_the_beginning() -> None:
    model = playing(Reply().says("One."), Reply().says("Two."))

    assert [said(conversed(model, *written("a"))) for _ in range(2)] == [["One."], ["One."]]


def test_words_can_depend_on_what_was_said() -> None:
    log = conversed(playing(Reply().says(str.upper)), *written("loud"))

    assert said(log) == ["LOUD"]


# Tools.


def test_a_tool_is_called_and_then_what_follows_is_said() -> None:
    weather = Reply().says("Let me see.").calls("get_weather", city="Oslo").then("It is warm.")

    log = conversed(playing(weather), *written("?"), reply=outputs)

    (call,) = log.all(events.FunctionCallArgumentsDone)
    assert (call.name, call.arguments) == ("get_weather", '{"city": "Oslo"}')
    assert said(log) == ["Let me see.", "It is warm."]


def test_tools_can_be_called_side_by_side_and_one_after_the_other() -> None:
    reply = Reply().calls("a").calls("b").then().calls("c", '{"not": json').then(str.upper)

    log = conversed(playing(reply), *written("?"), reply=outputs)

    calls = log.all(events.FunctionCallArgumentsDone)
    assert [(call.response_id, call.name, call.arguments) for call in calls] == [
        ("resp_1", "a", "{}"),
        ("resp_1", "b", "{}"),
        ("resp_2", "c", '{"not": json'),
    ]
    assert said(log) == ["C DID IT"]


def test_what_a_tool_has_answered_can_choose_the_reply() -> None:
    replies = (
        Reply().calls("look"),
        Reply(after="look", when="nothing").says("It is dark."),
        Reply(after="taste").says("Sweet."),
        Reply(after="look", when="did it").says("I see."),
    )

    log = conversed(playing(*replies), *written("?"), reply=outputs)

    assert said(log) == ["I see."]


def test_a_tool_after_which_nothing_is_to_be_said_is_followed_by_the_next_reply() -> None:
    log = conversed(
        playing(Reply().calls("look"), Reply().says("Well.")), *written("?"), reply=outputs
    )

    assert said(log) == ["Well."]


# Sound, time, errors.


def test_a_tone_speaks_for_as_long_as_the_words_would() -> None:
    log = conversed(playing(Reply().says("x" * 20)), *written("?"))

    assert duration(log.sound, OUTPUT_RATE) == pytest.approx(20 * 60_000, abs=2)
    assert said(log) == ["x" * 20]


def test_a_voice_of_espeak_speaks_the_words() -> None:
    tones, voice = (
        conversed(playing(Reply().says("Hello."), voice=name), *written("?")).sound
        for name in ("tone", "en-gb")
    )

    assert voice and voice != tones


def test_samples_are_played_as_they_are() -> None:
    pcm = tone(0.25, OUTPUT_RATE)

    assert conversed(playing(Reply().plays(pcm)), *written("?")).sound == pcm


def test_thinking_takes_its_time() -> None:
    log = conversed(playing(Reply().thinks(2.0).says("Well.")), *written("?"))

    assert log.when(events.AudioTranscriptDelta) == [2_000_000]


def test_an_answer_that_fails_says_why() -> None:
    log = conversed(playing(Reply().says("Well,").fails("overloaded", "Too much.")), *written("?"))

    assert (error := log.one(events.Error)).code == "overloaded"
    assert error.message == "Too much."
    done = log.one(events.ResponseDone)
    assert (done.status, done.error and done.error.code) == ("failed", "overloaded")


def test_it_can_hang_up() -> None:
    log = conversed(playing(Reply().says("Bye.").hangs_up()), *written("?"), until=60)

    assert log.names[-1] == "SessionClosed"
    assert log.ended < 10_000_000


def test_a_user_can_be_heard_to_speak_over_an_answer() -> None:
    long = Reply().says("Once upon a time there was a dragon.").interrupted("Stop!", after=0.5)

    log = conversed(playing(long, Reply(when="stop").says("All right.")), *written("?"), until=20)

    first, second = log.all(events.ResponseDone)
    assert (first.status, first.reason) == ("cancelled", "turn_detected")
    assert second.status == "completed"
    spoken = [one for one in log.all(events.AudioDelta) if one.response_id == "resp_1"]
    assert sum(duration(one.delta, OUTPUT_RATE) for one in spoken) == 500_000
    assert heard(log) == ["Stop!"]
    assert said(log)[-1] == "All right."


def test_a_user_who_interrupts_without_words_gets_no_answer() -> None:
    long = Reply().says("Once upon a time there was a dragon.").interrupted()

    log = conversed(playing(long, Reply().says("More.")), *written("?", "and?"))

    assert [done.output for done in log.all(events.ResponseDone)][1] == ()
    assert said(log)[-1] == "More."


def test_the_same_script_sounds_the_same() -> None:
    def play() -> Log:
        reply = Reply().says("Once upon a time.").interrupted("Stop!")
        return conversed(playing(reply, default=Reply().says("Well.")), *written("a", "b"))

    one, other = play(), play()

    assert one.frames == other.frames
    assert one.times == other.times


# Files.


def test_a_script_with_replies_is_read_from_a_file(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "bell.wav"), "wb") as file:
        file.setparams((1, 2, OUTPUT_RATE, 0, "NONE", ""))
        file.writeframes(bell := tone(0.2, OUTPUT_RATE))
    path = tmp_path / "script.toml"
    path.write_text(
        """
        voice = "tone"

        [[reply]]
        hears = "How warm is it?"
        call = "get_weather"
        arguments = { city = "Oslo" }
        then = [{ wait = 1.0, call = "look" }, { say = "Warm." }]

        [[reply]]
        when = "bell"
        times = 1
        sound = "bell.wav"

        [[reply]]
        when = "fail"
        error = "overloaded"

        [default]
        say = "Pardon?"
        hang_up = true
        """
    )
    model = find_model(f"local/script?path={path}&think=0.1")
    assert isinstance(model, Server)

    log = conversed(
        model, *written("bell", "how warm is it", "fail", "bell"), until=60, reply=outputs
    )

    calls = log.all(events.FunctionCallArgumentsDone)
    assert [(call.name, call.arguments) for call in calls] == [
        ("get_weather", '{"city": "Oslo"}'),
        ("look", "{}"),
    ]
    assert log.sound.startswith(bell)
    assert said(log) == ["", "Warm.", "Pardon?"]
    assert log.one(events.Error).code == "overloaded"
    assert log.names[-1] == "SessionClosed"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[reply]]\nsing = 'la'", r"unknown field `sing` - at `\$.reply\[0\]`"),
        ("[[reply]]\n[[reply]]\nwhen = '('", r"is no pattern.*at `\$.reply\[1\]`"),
        ("[[reply]]\nhears = 'a'\nwhen = 'b'", r"neither when nor after.*at `\$.reply\[0\]`"),
        ("[[reply]]\nsound = 'no.wav'", r"no\.wav cannot be read.*at `\$.reply\[0\]`"),
        ("[[reply]]\nsay = 'a'\nthen = [{ say = 'b' }]", r"call one before.*\$.reply\[0\]"),
        ("[[reply]]\ntimes = 0", r"one time or more.*\$.reply\[0\]"),
        ("[[reply]]\nwait = -1", r">= 0.0 - at `\$.reply\[0\].wait`"),
        ("[default]\nhears = 1", r"at `\$.default.hears`"),
        ("voice = 'klingon-of-mars'\n[default]", "no voice is called 'klingon-of-mars'"),
        ("[[reply]]\n[[line]]", "unknown field `line`"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_name_and_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "script.toml"
    path.write_text(text)

    with pytest.raises(ScriptError, match=problem) as wrong:
        script(path)

    assert str(path) in str(wrong.value)


def test_a_sound_has_to_be_mono(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, OUTPUT_RATE, 0, "NONE", ""))
        file.writeframes(bytes(8))

    with pytest.raises(ValueError, match="mono"):
        Reply().plays(path)


def test_a_spoken_request_can_be_recognised() -> None:
    from tests.processors.local.parts import speech

    book = Book([Reply(when="time").says("Late.")], recognise=True, voice="tone")
    asked = silence(0.3) + speech("What time is it?") + silence(1.0)

    log = conversed(script(replies=book), *microphone(asked))

    assert heard(log) == ["what time is it"]
    assert said(log) == ["Late."]
