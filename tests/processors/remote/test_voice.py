"""Whose speech a call's sound is, whichever comes first, the sound or the words."""

from collections.abc import Iterable

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.items import AudioPart, TextPart
from antiphon.processors.remote.voice import Voice

RATE = 24_000
BLOCK = 480
"""Samples of 20 ms."""

LOUD = (8_000).to_bytes(2, "little") * BLOCK
QUIET = bytes(2 * BLOCK)


def begins(response: str, *, written: bool = False) -> list[events.ServerEvent]:
    part = TextPart(text="") if written else AudioPart()
    return [
        events.ResponseCreated(response_id=response),
        events.ContentPartAdded(response_id=response, item_id=f"item of {response}", part=part),
    ]


def made(response: str, status: str = "completed") -> list[events.ServerEvent]:
    return [
        events.AudioDone(response_id=response, item_id=f"item of {response}"),
        events.ResponseDone(response_id=response, status=status),
    ]


def started(response: str) -> events.OutputPlaybackStarted:
    return events.OutputPlaybackStarted(response_id=response)


def stopped(response: str) -> events.OutputPlaybackStopped:
    return events.OutputPlaybackStopped(response_id=response)


def heard(voice: Voice, *script: events.ServerEvent | bytes) -> list[events.ServerEvent]:
    """What comes of messages and blocks of sound, in this order."""
    out: list[events.ServerEvent] = []
    for one in script:
        out += voice.sound(one, at=0) if isinstance(one, bytes) else voice.heard(one)
    return out


def speech(out: Iterable[events.ServerEvent]) -> dict[str, int]:
    """Blocks of sound by response."""
    blocks: dict[str, int] = {}
    for event in out:
        if isinstance(event, events.AudioDelta):
            count = len(event.delta) // 2 // BLOCK
            blocks[event.response_id] = blocks.get(event.response_id, 0) + count
    return blocks


def done(out: Iterable[events.ServerEvent]) -> list[str]:
    return [event.response_id for event in out if isinstance(event, events.AudioDone)]


def test_silence_before_and_after_a_response_is_nobodys() -> None:
    voice = Voice(RATE)

    out = heard(voice, *[QUIET] * 50, *begins("r"), started("r"), *[LOUD] * 5, *made("r"))
    out += heard(voice, stopped("r"), *[QUIET] * 50)

    # A block of the silence before goes along, and the tenth of a second in which it ends.
    assert speech(out) == {"r": 1 + 5 + 4}
    assert done(out) == ["r"]
    assert out.index(events.ResponseDone(response_id="r", status="completed")) < len(out) - 1


def test_the_beginning_is_kept_until_it_is_known_whose_it_is() -> None:
    voice = Voice(RATE)

    out = heard(voice, *begins("r1"), started("r1"), LOUD, *made("r1"), stopped("r1"))
    out += heard(voice, *[QUIET] * 6, *[LOUD] * 3, *begins("r2"), LOUD, started("r2"), LOUD)

    assert speech(out)["r2"] == 1 + 5


def test_what_is_kept_is_not_kept_forever() -> None:
    voice = Voice(RATE)

    out = heard(voice, *[LOUD] * 100, *begins("r"), LOUD)

    assert speech(out) == {"r": 10}


def test_the_end_of_what_was_cut_off_is_not_the_beginning_of_what_follows() -> None:
    voice = Voice(RATE)

    out = heard(voice, *begins("r1"), started("r1"), *[LOUD] * 5, events.SpeechStarted())
    out += heard(voice, *[LOUD] * 3, *made("r1", "cancelled"), *begins("r2"), LOUD, QUIET)
    out += heard(voice, started("r2"), LOUD)

    assert speech(out) == {"r1": 5, "r2": 1}
    assert done(out) == ["r1"]
    assert out.index(events.SpeechStarted()) < [type(e) for e in out].index(events.AudioDone)


def test_a_user_who_may_not_interrupt_does_not() -> None:
    voice = Voice(RATE)
    detection = TurnDetection(type="server-vad", interrupt_response=False)

    list(voice.said(events.SessionUpdate(config=SessionConfig(turn_detection=detection))))
    out = heard(voice, *begins("r"), started("r"), LOUD, events.SpeechStarted(), LOUD)

    assert speech(out) == {"r": 2}


def test_a_response_that_is_made_while_another_is_played_is_heard_after_it() -> None:
    voice = Voice(RATE)

    out = heard(voice, *begins("r1"), started("r1"), LOUD, *made("r1"), *begins("r2"), *made("r2"))
    out += heard(voice, *[LOUD] * 4, stopped("r1"), started("r2"), *[LOUD] * 2, stopped("r2"))
    out += heard(voice, *[QUIET] * 6)

    assert speech(out) == {"r1": 5, "r2": 2 + 4}
    assert done(out) == ["r1", "r2"]


def test_a_response_of_which_nothing_is_heard_takes_no_sound_from_the_next() -> None:
    voice = Voice(RATE)

    out = heard(voice, *begins("r1"), started("r1"), LOUD, *made("r1"), stopped("r1"))
    out += heard(voice, *[QUIET] * 10, *begins("r2"), *made("r2"), *begins("r3"))
    out += heard(voice, *[LOUD] * 2, started("r3"), LOUD)

    assert speech(out) == {"r1": 1 + 4, "r3": 1 + 3}
    assert done(out) == ["r1", "r2"]


def test_a_server_that_announces_nothing_is_heard_all_the_same() -> None:
    voice = Voice(RATE)

    out = heard(voice, *begins("r1"), *[LOUD] * 3, *made("r1"), *[LOUD] * 3, *[QUIET] * 50)
    out += heard(voice, *begins("r2"), *[LOUD] * 2)

    assert speech(out) == {"r1": 6 + 4, "r2": 1 + 2}
    assert done(out) == ["r1"]


def test_what_is_written_has_no_sound() -> None:
    voice = Voice(RATE)

    assert speech(heard(voice, *begins("r", written=True), *[LOUD] * 3)) == {}


def test_a_continuous_model_has_sound_of_nothing_and_no_silence() -> None:
    voice = Voice(RATE, continuous=True)

    out = heard(voice, *[QUIET] * 50, *[LOUD] * 5, *[QUIET] * 50, LOUD)

    chunks = [event for event in out if isinstance(event, events.AudioChunk)]
    assert len(out) == len(chunks)
    assert sum(len(chunk.delta) // 2 // BLOCK for chunk in chunks) == 1 + 5 + 4 + 2


def said(voice: Voice, event: events.ClientEvent) -> list[type[events.EventFrame]]:
    return [type(one) for one in voice.said(event)]


CUT = events.ConversationItemTruncate(item_id="item of r", audio_end=0)


def test_what_was_cut_off_here_is_cut_off_there_once() -> None:
    voice = Voice(RATE)
    heard(voice, *begins("r"), started("r"), LOUD, *made("r"))

    assert said(voice, CUT) == [events.OutputAudioClear]
    assert said(voice, CUT) == []
    assert speech(heard(voice, LOUD)) == {}


def test_what_the_server_cuts_off_itself_it_is_not_told_of() -> None:
    voice = Voice(RATE)
    heard(voice, *begins("r"), started("r"), LOUD, events.SpeechStarted())

    assert said(voice, CUT) == []


def test_a_cancellation_comes_before_the_silence_that_it_is_to_bring() -> None:
    voice = Voice(RATE)

    assert said(voice, events.ResponseCancel()) == [events.ResponseCancel]
    heard(voice, *begins("r"), started("r"), LOUD)
    assert said(voice, events.ResponseCancel(response_id="another")) == [events.ResponseCancel]
    assert said(voice, events.ResponseCancel()) == [events.ResponseCancel, events.OutputAudioClear]
