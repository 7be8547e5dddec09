"""What a model answers and when: after tools, in silence, and when the user has left."""

from collections.abc import Iterable

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Frame
from antiphon.processors.local.brain import Call, Say
from antiphon.processors.local.responses import LINGER, SOON
from tests.processors.local.parts import (
    MANUAL,
    SPOKEN_ITEM,
    Fake,
    at,
    conversed,
    detected,
    duration,
    microphone,
    model,
    outputs,
    said,
    silence,
    speech,
    text,
)

ASK = events.ResponseCreate()
QUESTION = silence(0.5) + speech("What time is it?") + silence(1.0)
_, (OVER, _) = detected(QUESTION)
"""When the question is told to be over."""

IDLE = TurnDetection(type="server-vad", idle_timeout=5_000_000)


# Tools.


def test_a_response_after_a_tool_gets_its_output() -> None:
    brain = Fake([Say("one"), Call("look", "{}")], [Say("two")])

    log = conversed(model(brain), *microphone(QUESTION), reply=outputs)

    assert [said(new) for new in brain.new] == [["turn 1"], ["look did it"]]
    called = log.names.index("FunctionCallArgumentsDone")
    assert log.names[called:] == [
        "FunctionCallArgumentsDone",
        "ConversationItemDone",
        "OutputItemDone",
        "ResponseDone",
        "ConversationItemAdded",  # the output
        "ConversationItemDone",
        "ResponseCreated",
        *SPOKEN_ITEM,
        "ResponseDone",
    ]


def test_several_calls_are_items_of_one_response() -> None:
    brain = Fake([Call("look", "{}"), Call("listen", "{}")], [Say("two")])

    log = conversed(model(brain), ASK, reply=outputs)

    first, _ = log.all(events.ResponseDone)
    assert first.output is not None and len(first.output) == 2
    calls = log.all(events.FunctionCallArgumentsDone)
    assert [(call.call_id, call.output_index) for call in calls] == [("call_1", 0), ("call_2", 1)]
    assert said(brain.new[1]) == ["look did it", "listen did it"]


def test_ids_are_counted_and_no_two_are_the_same() -> None:
    brain = Fake([Say("one"), Call("look", "{}")], [Say("two")], [Say("three")])

    log = conversed(model(brain), *microphone(QUESTION), at(3.0, ASK), reply=outputs)

    responses = [event.response_id for event in log.all(events.ResponseCreated)]
    items = [event.item_id for event in log.all(events.ConversationItemAdded)]
    assert responses == ["resp_1", "resp_2", "resp_3"]
    assert items == [f"item_{count + 1}" for count in range(len(items))]
    assert [event.event_id for event in log.events] == [
        f"event_{count + 1}" for count in range(len(log.events))
    ]


# What is answered.


def test_a_response_waits_until_the_user_is_understood() -> None:
    brain = Fake([Say("one")], recognition=0.4)

    log = conversed(model(brain), *microphone(QUESTION))

    assert log.when(events.ResponseCreated) == [OVER]
    assert log.when(events.AudioDelta) == [OVER + 600_000]


def test_what_is_new_comes_in_the_order_of_the_conversation() -> None:
    """Though the utterance is only understood when the message is already there."""
    brain = Fake([Say("one")], recognition=0.5)

    conversed(
        model(brain),
        events.SessionUpdate(config=MANUAL),
        events.InputAudioAppend(audio=speech("Hello there.")),
        events.InputAudioCommit(),
        text("And good evening."),
        ASK,
    )

    assert [said(new) for new in brain.new] == [["turn 1", "And good evening."]]


def test_what_is_not_understood_yet_is_left_for_the_next_response() -> None:
    brain = Fake([0.5, Say("one")], [Say("two")], recognition=0.3)
    pcm, commit = events.InputAudioAppend(audio=silence(0.1)), events.InputAudioCommit()

    conversed(
        model(brain),
        events.SessionUpdate(config=MANUAL),
        pcm,
        commit,
        ASK,
        at(0.1, pcm),
        at(0.1, commit),
        at(2.0, ASK),
    )

    assert [said(new) for new in brain.new] == [["turn 1"], ["turn 2"]]


# Silence.


def test_after_the_idle_timeout_the_model_speaks_up() -> None:
    """It counts from when the answer, faster sent than played, has been heard."""
    brain = Fake([Say("one two three")], [])

    log = conversed(model(brain, turn_detection=IDLE), ASK, until=6)

    heard = 200_000 + 300_000
    place = log.names.index("InputTimeoutTriggered")
    assert log.timed[place:] == [
        (heard + 5_000_000, name)
        for name in [
            "InputTimeoutTriggered",
            "AudioCommitted",
            "ConversationItemAdded",
            "ConversationItemDone",
            "ResponseCreated",
            "ResponseDone",
        ]
    ]
    assert log.one(events.InputTimeoutTriggered).item_id == log.one(events.AudioCommitted).item_id
    assert said(brain.new[1]) == []


def test_the_timeout_tells_which_audio_was_silent() -> None:
    pcm = silence(6)

    log = conversed(model(Fake([]), turn_detection=IDLE), ASK, *microphone(pcm))

    event = log.one(events.InputTimeoutTriggered)
    assert log.when(events.InputTimeoutTriggered) == [5_000_000]
    assert event.audio_start is not None and event.audio_end is not None
    assert event.audio_end - event.audio_start == pytest.approx(5_000_000, abs=20_000)


def test_the_model_speaks_up_again_and_again() -> None:
    log = conversed(model(Fake(), turn_detection=IDLE), ASK, until=16)

    assert log.when(events.InputTimeoutTriggered) == [5_000_000, 10_000_000, 15_000_000]


def test_a_user_who_speaks_is_not_idle() -> None:
    """Neither before the timeout nor for as long as the turn lasts."""
    long = silence(4.5) + (speech("Tell me a story.") + silence(0.2)) * 6 + silence(1)
    assert duration(long) > 10_000_000
    (_, _), (over, _) = detected(long)

    log = conversed(model(Fake([]), turn_detection=IDLE), ASK, *microphone(long), until=15)

    assert not log.all(events.InputTimeoutTriggered)
    assert log.when(events.ResponseCreated) == [0, over]


def test_the_timeout_does_not_run_in_a_turn_that_the_response_ended_in() -> None:
    """The response was not to be interrupted."""
    patient = TurnDetection(type="server-vad", idle_timeout=500_000, interrupt_response=False)
    pcm = silence(0.5) + speech("Tell me a very long story about a dragon.") + silence(1.0)
    (told, _), (over, _) = detected(pcm)

    log = conversed(
        model(Fake([Say("one")]), turn_detection=patient),
        at(told / 1e6 - 0.1, ASK),
        *microphone(pcm),
    )

    assert all(time > over for time in log.when(events.InputTimeoutTriggered))


def test_a_response_that_is_asked_for_ends_the_wait() -> None:
    log = conversed(model(Fake(), turn_detection=IDLE), ASK, at(4.0, ASK), until=8.9)

    assert log.when(events.ResponseCreated) == [0, 4_000_000]


def test_while_a_tool_works_nobody_is_idle() -> None:
    brain = Fake([Call("look", "{}")])

    log = conversed(model(brain, turn_detection=IDLE), ASK, until=20)

    assert not log.all(events.InputTimeoutTriggered)


def test_a_new_timeout_is_used_from_the_next_response_on() -> None:
    shorter = TurnDetection(type="server-vad", idle_timeout=1_000_000)
    update = events.SessionUpdate(config=SessionConfig(turn_detection=shorter))

    log = conversed(model(Fake(), turn_detection=IDLE), update, ASK, until=1.5)

    assert log.when(events.InputTimeoutTriggered) == [1_000_000]


# The user leaves.


def test_an_answer_under_way_is_said_to_its_end() -> None:
    log = conversed(model(Fake([Say("one two three four")])), ASK, until=0.2)

    assert log.one(events.ResponseDone).status == "completed"
    assert log.times[-1] == 275_000


def test_a_turn_that_was_open_is_finished_and_answered() -> None:
    pcm = silence(0.5) + speech("What time is it?")

    log = conversed(model(Fake([Say("one")], recognition=0.1)), *microphone(pcm))

    left = duration(pcm)
    assert log.when(events.SpeechStopped) == [left]
    assert log.when(events.AudioDelta) == [left + 300_000]
    assert log.one(events.ResponseDone).status == "completed"


def test_audio_that_nobody_committed_is_not_answered() -> None:
    log = conversed(model(Fake()), events.SessionUpdate(config=MANUAL), *microphone(QUESTION))

    assert log.names == ["SessionCreated", "SessionUpdated"]


def test_nobody_speaks_up_when_the_user_has_left() -> None:
    """Though the session goes on until all is understood."""
    brain = Fake([0.5, Say("one")], [Say("two")], recognition=20.0)

    log = conversed(
        model(brain, turn_detection=IDLE),
        ASK,
        at(0.1, events.InputAudioAppend(audio=silence(0.1))),
        at(0.1, events.InputAudioCommit()),
    )

    assert log.ended == 20_100_000
    assert log.when(events.ResponseCreated) == [0]


def test_a_tool_that_still_works_is_waited_for() -> None:
    """Its output, and the wish for a response to it, come back when the input has ended."""
    brain = Fake([Call("look", "{}")], [Say("two")])

    log = conversed(model(brain), ASK, reply=outputs)

    assert [said(new) for new in brain.new] == [[], ["look did it"]]
    assert log.all(events.ResponseDone)[1].status == "completed"


def test_a_tool_that_never_answers_is_waited_for_only_so_long() -> None:
    log = conversed(model(Fake([Call("look", "{}")])), ASK)

    assert log.names[-1] == "ResponseDone"
    assert log.ended == round(LINGER * 1e6) + 200_000


def test_a_client_that_wants_no_response_to_an_output_is_waited_for_only_so_long() -> None:
    def only_output(frame: Frame) -> Iterable[Frame]:
        return [one for one in outputs(frame) if not isinstance(one, events.ResponseCreate)]

    log = conversed(model(Fake([Call("look", "{}")])), ASK, reply=only_output)

    assert log.ended == round(SOON * 1e6) + 200_000


def test_an_output_to_nothing_keeps_nobody_waiting() -> None:
    output = FunctionCallOutput(call_id="unknown", output="done")

    log = conversed(model(Fake()), events.ConversationItemCreate(item=output))

    assert log.ended == 0


def test_barging_in_ends_the_wait_for_a_response_to_an_output() -> None:
    brain = Fake([Call("look", "{}")], [Say("two")])
    output = at(
        0.3, events.ConversationItemCreate(item=FunctionCallOutput(call_id="call_1", output="1"))
    )

    unanswered = TurnDetection(type="server-vad", create_response=False)

    log = conversed(model(brain, turn_detection=unanswered), ASK, output, *microphone(QUESTION))

    assert log.ended == microphone(QUESTION)[-1].at
    assert log.when(events.ResponseCreated) == [0]
