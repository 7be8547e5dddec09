"""Who speaks when: turns of the user, barging in, and turns that the client decides on."""

from collections.abc import Iterable

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.items import AudioPart, Message
from antiphon.pipeline import Frame
from antiphon.processors.local.brain import Call, Say
from antiphon.processors.local.conversation import text_of
from antiphon.processors.local.pace import Pace
from tests.processors.local.parts import (
    MANUAL,
    Fake,
    at,
    conversed,
    detected,
    microphone,
    model,
    outputs,
    said,
    silence,
    speech,
    text,
)

ASK = events.ResponseCreate()
BY_HAND = events.SessionUpdate(config=MANUAL)
QUESTION = silence(0.5) + speech("What time is it?") + silence(1.0)
(TOLD, BEGAN), (OVER, ENDED) = detected(QUESTION)
"""When the question is told to begin and to be over, and where in the audio it does."""


def detection(
    *, create_response: bool | None = None, interrupt_response: bool | None = None
) -> events.SessionUpdate:
    wanted = TurnDetection(
        type="server-vad", create_response=create_response, interrupt_response=interrupt_response
    )
    return events.SessionUpdate(config=SessionConfig(turn_detection=wanted))


# The user speaks.


def test_a_spoken_turn_is_told_as_providers_tell_it() -> None:
    log = conversed(model(Fake([Say("one two three")], recognition=0.03)), *microphone(QUESTION))

    understood, first = OVER + 30_000, OVER + 230_000
    assert log.timed == [
        (0, "SessionCreated"),
        (TOLD, "SpeechStarted"),
        (OVER, "SpeechStopped"),
        (OVER, "AudioCommitted"),
        (OVER, "ConversationItemAdded"),
        (OVER, "ConversationItemDone"),
        (OVER, "ResponseCreated"),
        (understood, "InputTranscriptionDelta"),
        (understood, "InputTranscriptionCompleted"),
        (first, "OutputItemAdded"),
        (first, "ConversationItemAdded"),
        (first, "ContentPartAdded"),
        (first, "AudioTranscriptDelta"),
        (first, "AudioDelta"),
        (first + 25_000, "AudioDelta"),
        (first + 50_000, "AudioDelta"),
        (first + 50_000, "AudioDone"),
        (first + 50_000, "AudioTranscriptDone"),
        (first + 50_000, "ContentPartDone"),
        (first + 50_000, "ConversationItemDone"),
        (first + 50_000, "OutputItemDone"),
        (first + 50_000, "ResponseDone"),
    ]
    assert log.times == [frame.at for frame in log.frames]


def test_a_turn_is_one_item_from_its_first_sound_on() -> None:
    log = conversed(model(Fake([Say("one")])), text("Hi", id="hi"), *microphone(QUESTION))

    started, stopped = log.one(events.SpeechStarted), log.one(events.SpeechStopped)
    committed = log.one(events.AudioCommitted)
    added = log.all(events.ConversationItemAdded)[1]
    heard = log.one(events.InputTranscriptionCompleted)
    ids = {event.item_id for event in (started, stopped, committed, added, heard)}
    assert len(ids) == 1
    assert (started.audio_start, stopped.audio_end) == (BEGAN.at, ENDED.at)
    assert (committed.previous_item_id, added.previous_item_id) == ("hi", "hi")
    assert added.item == Message(
        role="user", content=(AudioPart(),), id=added.item_id, status="completed"
    )


def test_what_was_understood_is_in_the_conversation() -> None:
    brain = Fake([Say("one")])

    log = conversed(model(brain), *microphone(QUESTION))

    assert log.one(events.InputTranscriptionCompleted).transcript == "turn 1"
    assert [text_of(item) for item in brain.turns[0].conversation] == ["turn 1", "one"]


def test_usage_counts_what_the_user_has_said_so_far() -> None:
    log = conversed(model(Fake([Say("one")], [Say("two")])), *microphone(QUESTION, QUESTION))

    first, second = (done.usage for done in log.all(events.ResponseDone))
    assert first is not None and second is not None
    assert first.input_audio_tokens == (ENDED.at - BEGAN.at) * 10 // 1_000_000
    assert second.input_audio_tokens == (ENDED.at - BEGAN.at) * 2 * 10 // 1_000_000


def test_an_utterance_cut_by_a_pause_is_answered_as_a_whole() -> None:
    """The user goes on while the model still thinks about the first half."""
    brain = Fake([Say("one")], [Say("two")], recognition=0.05)
    pcm = silence(0.5) + speech("What time is it?") + silence(0.3) + speech("In Oslo.")
    impatient = TurnDetection(type="server-vad", silence_duration=200_000)

    log = conversed(
        model(brain, pace=Pace(think=0.5), turn_detection=impatient),
        *microphone(pcm, silence(1.0)),
    )

    assert [done.status for done in log.all(events.ResponseDone)] == ["cancelled", "completed"]
    assert said(brain.new[-1]) == ["turn 1", "turn 2"]
    assert len(log.all(events.OutputItemAdded)) == 1


# The user interrupts.


def only_output(frame: Frame) -> Iterable[Frame]:
    return [one for one in outputs(frame) if not isinstance(one, events.ResponseCreate)]


ENDLESS = " ".join(["a"] * 100)
"""Ten seconds, sent in two and a half."""

CLOSING = [
    "SpeechStarted",
    "AudioDone",
    "AudioTranscriptDone",
    "ContentPartDone",
    "ConversationItemDone",
    "OutputItemDone",
    "ResponseDone",
]


def test_an_answer_that_is_spoken_over_is_closed_at_once() -> None:
    log = conversed(model(Fake([Say(ENDLESS)])), ASK, *microphone(QUESTION))

    place = log.names.index("SpeechStarted")
    assert log.timed[place : place + len(CLOSING)] == [(TOLD, name) for name in CLOSING]
    done = log.all(events.ResponseDone)[0]
    assert (done.status, done.reason) == ("cancelled", "turn_detected")
    assert log.when(events.AudioDelta)[-1] < TOLD
    assert done.output is not None
    (item,) = done.output
    assert isinstance(item, Message) and item.status == "incomplete"


def test_the_model_knows_no_more_of_its_words_than_was_heard() -> None:
    heard = at(TOLD / 1e6, events.ConversationItemTruncate(item_id="item_1", audio_end=800_000))
    look = at(0.7, events.ConversationItemRetrieve(item_id="item_1"))

    log = conversed(model(Fake([Say(ENDLESS)])), ASK, *microphone(QUESTION), heard, look)

    truncated = log.one(events.ConversationItemTruncated)
    assert (truncated.item_id, truncated.content_index) == ("item_1", 0)
    assert truncated.audio_end == 800_000
    kept = log.one(events.ConversationItemRetrieved).item
    assert isinstance(kept, Message) and kept.status == "incomplete"
    # It was eight; how long the words are that never came is a guess: 16 characters a second.
    assert kept.text.split() == ["a"] * 6


def test_nobody_can_have_heard_more_than_was_sent() -> None:
    heard = at(2.0, events.ConversationItemTruncate(item_id="item_1", audio_end=9_000_000))
    look = at(2.1, events.ConversationItemRetrieve(item_id="item_1"))

    log = conversed(model(Fake([Say("one two three")])), ASK, heard, look)

    assert log.one(events.ConversationItemTruncated).audio_end == 300_000
    assert text_of(log.one(events.ConversationItemRetrieved).item) == "one two three"


def test_an_item_truncated_while_it_is_said_stays_truncated() -> None:
    """So it comes when the client itself hears that the user interrupts."""
    heard = at(0.3, events.ConversationItemTruncate(item_id="item_1", audio_end=0))
    look = at(5.0, events.ConversationItemRetrieve(item_id="item_1"))

    log = conversed(model(Fake([Say(ENDLESS)])), ASK, heard, at(0.3, events.ResponseCancel()), look)

    kept = log.one(events.ConversationItemRetrieved).item
    assert isinstance(kept, Message) and kept.text == ""


def test_an_answer_may_be_left_to_finish_when_the_user_speaks() -> None:
    update = detection(interrupt_response=False)
    brain = Fake([Say(ENDLESS)])

    log = conversed(model(brain), update, ASK, *microphone(QUESTION))

    assert log.one(events.ResponseDone).status == "completed"
    assert log.when(events.ResponseDone) == [200_000 + 99 * 25_000]


def test_a_turn_may_be_left_unanswered() -> None:
    brain = Fake([Say("one")])

    log = conversed(
        model(brain), detection(create_response=False), *microphone(QUESTION), at(3.0, ASK)
    )

    assert log.when(events.ResponseCreated) == [3_000_000]
    assert log.when(events.AudioCommitted) == [OVER]
    assert said(brain.new[0]) == ["turn 1"]


def test_barging_in_does_not_wait_for_a_slow_reader() -> None:
    slow = conversed(model(Fake([Say(ENDLESS)])), ASK, *microphone(QUESTION), slowness=0.05, lane=2)

    done = slow.all(events.ResponseDone)[0]
    assert (done.at, done.reason) == (TOLD, "turn_detected")


# The model interrupts.


def test_a_model_may_talk_over_the_user() -> None:
    brain = Fake([Say("one")], cuts_in=0.3)

    log = conversed(model(brain), *microphone(QUESTION))

    assert log.when(events.ResponseCreated) == [TOLD + 300_000]
    assert said(brain.new[0]) == []


def test_a_user_is_talked_over_until_the_last_word_was_heard() -> None:
    """The first of two items says nothing about the other."""
    brain = Fake([Say("one"), Call("look", "{}"), 1.0, Say("two")], cuts_in=0.3)
    first, last = (
        at(TOLD / 1e6 + seconds, events.OutputPlaybackStopped(response_id="resp_1"))
        for seconds in (0.7, 1.7)
    )
    pcm = silence(0.5) + speech("Tell me a very long story about a dragon.") * 2 + silence(1.0)

    log = conversed(model(brain), *microphone(pcm), first, last, reply=only_output)

    assert log.when(events.SpeechStopped)[0] == last.at


# The client decides when a turn is over.


def test_audio_is_committed_by_hand_when_detection_is_off() -> None:
    brain = Fake([Say("one")])
    pcm = QUESTION

    log = conversed(
        model(brain), BY_HAND, *microphone(pcm), at(3.0, events.InputAudioCommit()), at(3.1, ASK)
    )

    assert log.timed[2:8] == [
        (3_000_000, "AudioCommitted"),
        (3_000_000, "ConversationItemAdded"),
        (3_000_000, "ConversationItemDone"),
        (3_000_000, "InputTranscriptionDelta"),
        (3_000_000, "InputTranscriptionCompleted"),
        (3_100_000, "ResponseCreated"),
    ]
    assert brain.heard == [pcm]
    assert said(brain.new[0]) == ["turn 1"]


@pytest.mark.parametrize("pcm", [b"", silence(0.099)])
def test_there_must_be_something_to_commit(pcm: bytes) -> None:
    commit = events.InputAudioCommit(event_id="mine")

    log = conversed(model(Fake()), BY_HAND, events.InputAudioAppend(audio=pcm), commit)

    error = log.one(events.Error)
    assert (error.code, error.client_event_id) == ("input_audio_buffer_commit_empty", "mine")
    assert not log.all(events.AudioCommitted)


def test_audio_that_was_too_little_to_commit_is_still_there() -> None:
    append, commit = events.InputAudioAppend(audio=silence(0.06)), events.InputAudioCommit()
    brain = Fake()

    conversed(model(brain), BY_HAND, append, commit, append, commit)

    assert brain.heard == [silence(0.12)]


def test_cleared_audio_is_not_committed() -> None:
    brain = Fake()

    log = conversed(
        model(brain),
        BY_HAND,
        events.InputAudioAppend(audio=speech("Not this.")),
        events.InputAudioClear(),
        events.InputAudioAppend(audio=speech("But this.")),
        events.InputAudioCommit(),
    )

    assert "InputAudioCleared" in log.names
    assert brain.heard == [speech("But this.")]


def test_a_turn_that_was_committed_early_is_not_told_to_stop() -> None:
    pcm = silence(0.5) + speech("Tell me a very long story about a dragon.") + silence(1.0)
    middle = at(1.0, events.InputAudioCommit())

    log = conversed(model(Fake()), *microphone(pcm), middle)

    first, second = log.all(events.SpeechStarted)
    stopped = log.one(events.SpeechStopped)
    committed = [event.item_id for event in log.all(events.AudioCommitted)]
    assert committed == [first.item_id, second.item_id]
    assert stopped.item_id == second.item_id


def test_a_turn_that_was_cleared_never_was() -> None:
    pcm = silence(0.5) + speech("Tell me a very long story about a dragon.") + silence(1.0)
    middle = at(1.0, events.InputAudioClear())

    log = conversed(model(Fake()), *microphone(pcm), middle)

    _, second = log.all(events.SpeechStarted)
    assert log.one(events.AudioCommitted).item_id == second.item_id


def test_what_is_committed_after_a_turn_is_another_item() -> None:
    log = conversed(model(Fake()), *microphone(QUESTION), at(3.0, events.InputAudioCommit()))

    first, second = log.all(events.AudioCommitted)
    assert (second.item_id, second.previous_item_id) == ("item_2", first.item_id)


def test_what_a_client_heard_to_begin_is_committed_without_the_wait_before_it() -> None:
    brain = Fake()
    began = at(10.5, events.InputActivityStart())

    conversed(
        model(brain),
        BY_HAND,
        *microphone(silence(10) + QUESTION),
        began,
        at(12.5, events.InputAudioCommit()),
    )

    assert len(brain.heard[0]) < len(silence(2) + QUESTION)
    assert brain.heard[0].endswith(QUESTION)
