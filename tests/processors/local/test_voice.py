"""The voice: speech in pieces, always the same for the same text."""

import sys
import threading

import numpy as np
import pytest

from antiphon.processors.local.espeak import SynthesisError
from antiphon.processors.local.voice import Voice

NAMES = ("en-us", "en-gb", "en-us+f2", "en-us+m3", "en-us+klatt2", "en-us+whisper")
TEXT = "The weather in Paris is sunny, with eighteen degrees."


def seconds(pcm: bytes, voice: Voice) -> float:
    return len(pcm) / 2 / voice.rate


def test_a_sentence_lasts_as_long_as_it_takes_to_say() -> None:
    voice = Voice()

    pcm = voice.speak(TEXT)

    assert 2 < seconds(pcm, voice) < 4
    assert np.abs(np.frombuffer(pcm, "<i2")).max() > 5_000


@pytest.mark.parametrize("name", NAMES)
def test_the_same_text_sounds_the_same_whatever_was_said_before(name: str) -> None:
    voice = Voice(name)
    first = voice.speak(TEXT)

    voice.speak("Something else.")
    Voice("en-gb+f5", pitch=80, words_a_minute=250).speak("And somebody else.")

    assert voice.speak(TEXT) == first
    assert Voice(name).speak(TEXT) == first


def test_an_utterance_that_was_stopped_leaves_no_trace() -> None:
    voice = Voice()
    whole = voice.speak(TEXT)

    voice.say(TEXT, lambda pcm: False)

    assert voice.speak(TEXT) == whole


def test_voices_differ() -> None:
    said = {Voice(name).speak(TEXT) for name in NAMES}
    said |= {Voice(pitch=80).speak(TEXT), Voice(words_a_minute=220).speak(TEXT)}

    assert len(said) == len(NAMES) + 2


def test_speech_comes_in_pieces_of_at_most_sixty_milliseconds() -> None:
    voice = Voice()
    pieces: list[bytes] = []

    def keep(pcm: bytes) -> bool:
        pieces.append(pcm)
        return True

    voice.say(TEXT, keep)

    assert len(pieces) > 30
    assert max(seconds(piece, voice) for piece in pieces) <= 0.0601
    assert b"".join(pieces) == voice.speak(TEXT)


def test_nothing_more_is_said_once_it_is_unwanted() -> None:
    taken: list[bytes] = []

    def until_three(pcm: bytes) -> bool:
        taken.append(pcm)
        return len(taken) < 3

    Voice().say(TEXT, until_three)

    assert len(taken) == 3


def test_what_the_listener_raises_reaches_the_caller() -> None:
    def fail(pcm: bytes) -> bool:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        Voice().say(TEXT, fail)


def test_threads_that_speak_at_once_do_not_mix() -> None:
    voices = [Voice(name) for name in NAMES[:3]]
    alone = [voice.speak(TEXT) for voice in voices]
    together: dict[int, list[bytes]] = {}

    def speak(number: int) -> None:
        together[number] = [voices[number].speak(TEXT) for _ in range(10)]

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert together == {number: [alone[number]] * 10 for number in range(3)}


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_no_text_is_next_to_no_sound(text: str) -> None:
    voice = Voice()

    assert seconds(voice.speak(text), voice) < 0.1


def test_control_characters_are_no_commands() -> None:
    voice = Voice()

    assert voice.speak("one \x01+50P two\x00") == voice.speak("one  +50P two ")


@pytest.mark.parametrize("text", ["<speak>loud & clear</speak>", "[[h@l'oU]]", "naïve, 25 °C ½"])
def test_any_text_can_be_said(text: str) -> None:
    voice = Voice()

    assert seconds(voice.speak(text), voice) > 0.5


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("martian", r"no voice is called 'martian': there are .*en-us"),
        ("en-us+nobody", r"en-us has no variant 'nobody': there are .*f2"),
        ("", "no voice is called ''"),
    ],
)
def test_an_unknown_voice_is_refused_with_those_that_there_are(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Voice(name)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="80 to 450 words a minute, not 20"):
        Voice(words_a_minute=20)
    with pytest.raises(ValueError, match="from 0 to 99, not 100"):
        Voice(pitch=100)


def test_without_espeak_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    Voice().speak("x")
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr("antiphon.processors.local.voice._ready", [])

    with pytest.raises(SynthesisError, match=r"pip install 'antiphon\[local\]'"):
        Voice()


def test_speaking_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    Voice("en-us+f2").speak(TEXT)

    assert capfd.readouterr() == ("", "")
