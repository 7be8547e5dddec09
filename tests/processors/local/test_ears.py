"""The ears: requests of the grammar are recognised, and nothing else is."""

import random
import sys
import threading
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from antiphon.processors.local.ears import RATE, Ears
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.schema import GrammarError
from antiphon.processors.local.sphinx import RecognitionError
from antiphon.processors.local.understanding import Heard, understand
from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import resample

VOICES = ("en-us", "en-us+f2", "en-us+m3")
EACH = 2
"""Sentences for each intent and voice."""

FOREIGN = (
    "my washing machine makes a strange sound",
    "how do I get to the railway station",
    "can dogs eat chocolate",
    "who won the football game last night",
    "we are going to the beach on Saturday",
    "turn on the lights in the kitchen",
    "what is the capital of Mongolia",
    "the printer is out of paper",
    "I lost my keys somewhere in the garden",
    "book a table for two at the restaurant",
    "my brother lives in a small village",
    "the coffee is too hot to drink",
)


@cache
def ears() -> Ears:
    return Ears(Grammar.load())


@cache
def spoken(text: str, voice: str = "en-us") -> bytes:
    speaker = Voice(voice)
    return resample(speaker.speak(text), speaker.rate, RATE)


def silence(seconds: float) -> bytes:
    return bytes(2 * round(RATE * seconds))


def test_nearly_all_requests_are_recognised_in_three_voices() -> None:
    rng = random.Random(1)
    grammar = Grammar.load()
    said = [grammar.example(name, rng) for name in grammar.intents for _ in range(EACH)]

    wrong: list[tuple[str, str, Heard]] = []
    for voice in VOICES:
        for text in said:
            heard, meant = ears().hear(spoken(text, voice)), understand(grammar, text)
            if (heard.intent, heard.slots) != (meant.intent, meant.slots):
                wrong.append((voice, text, heard))

    assert len(wrong) <= 0.05 * len(said) * len(VOICES), wrong


def test_nearly_all_that_is_no_request_is_rejected() -> None:
    heard = [(voice, ears().hear(spoken(text, voice))) for voice in VOICES for text in FOREIGN]

    accepted = [(voice, taken) for voice, taken in heard if taken.intent is not None]

    assert len(accepted) <= 0.1 * len(heard), accepted
    assert all(not taken.text for _, taken in heard if taken.intent is None)


def test_the_same_sound_is_heard_the_same_whatever_was_heard_before() -> None:
    pcm = spoken("set a timer for forty five minutes")
    first = ears().hear(pcm)

    for voice in VOICES:
        ears().hear(spoken("the coffee is too hot to drink", voice))
        assert ears().hear(pcm) == first
    assert first.slots == {"minutes": 45}


@pytest.mark.parametrize("gain", [0.02, 0.2, 1.5])
def test_loudness_does_not_matter(gain: float) -> None:
    samples = np.frombuffer(spoken("what is the weather in oslo"), "<i2") * gain
    pcm = np.clip(samples, -32768, 32767).astype("<i2").tobytes()

    assert ears().hear(pcm).slots == {"city": "Oslo"}


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0.3, 0.8), (1.5, 0.1)])
def test_silence_around_a_request_does_not_matter(before: float, after: float) -> None:
    pcm = silence(before) + spoken("tell me a joke") + silence(after)

    assert ears().hear(pcm).intent == "joke"


@pytest.mark.parametrize(
    "pcm",
    [
        b"",
        bytes(2),
        silence(0.005),
        silence(2),
        np.random.default_rng(1).normal(0, 800, RATE).astype("<i2").tobytes(),
        np.random.default_rng(1).normal(0, 800, 20 * RATE).astype("<i2").tobytes(),
        np.full(RATE, 32767, "<i2").tobytes(),
    ],
    ids=["empty", "one sample", "5 ms", "silence", "noise", "long noise", "constant"],
)
def test_what_is_no_speech_is_nothing(pcm: bytes) -> None:
    heard = ears().hear(pcm)

    assert (heard.text, heard.intent) == ("", None)


def test_threads_that_listen_at_once_hear_what_each_was_told() -> None:
    said = {"joke": spoken("tell me a joke"), "time": spoken("what time is it")}
    heard: dict[str, list[str | None]] = {}

    def listen(intent: str) -> None:
        heard[intent] = [ears().hear(said[intent]).intent for _ in range(3)]

    threads = [threading.Thread(target=listen, args=(intent,)) for intent in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert heard == {intent: [intent] * 3 for intent in said}


def test_a_grammar_of_ones_own_is_heard(tmp_path: Path) -> None:
    file = tmp_path / "lamps.toml"
    file.write_text(
        """
        builtin = false
        [pronounce]
        floobit = "F L UW B IH T"
        [[slot]]
        name = "room"
        values = ["kitchen", "garden"]
        [[intent]]
        name = "light"
        say = ["turn (on | off) the lights in the <room>"]
        [[intent]]
        name = "floobit"
        say = ["start the floobit"]
        """
    )

    own = Ears(Grammar.load(file))

    assert own.hear(spoken("turn on the lights in the garden")).slots == {"room": "garden"}
    assert own.hear(spoken("start the floobit")).intent == "floobit"
    assert own.hear(spoken("what time is it")).intent is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('say = ["start the floobit"]', "x.toml: intent x: the recogniser cannot pronounce 'floob"),
        (
            'say = ["floobit"]\n[pronounce]\nfloobit = "F L UE"',
            "x.toml: pronounce floobit: 'F L UE' are not phones",
        ),
    ],
)
def test_a_word_that_cannot_be_pronounced_is_named(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "x.toml"
    file.write_text(f'[[intent]]\nname = "x"\n{text}\n')

    with pytest.raises(GrammarError) as raised:
        Ears(Grammar.load(file))

    assert problem in str(raised.value)


def test_without_pocketsphinx_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "x.toml"
    file.write_text('[[intent]]\nname = "x"\nsay = ["hello world"]\n')
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)

    with pytest.raises(RecognitionError, match=r"pip install 'antiphon\[local\]'"):
        Ears(Grammar.load(file))


def test_listening_writes_nothing_to_the_terminal(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "x.toml"
    file.write_text('[[intent]]\nname = "x"\nsay = ["hello world"]\n')

    Ears(Grammar.load(file)).hear(spoken("hello world"))

    assert capfd.readouterr() == ("", "")
