"""What a client asks of a session, and what the session tells of the user."""

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions, SessionConfig, TurnDetection
from antiphon.codecs.items import AudioPart, FunctionCall, Message, text_message
from antiphon.pipeline import Frame
from antiphon.processors.local.brain import Call, Say
from antiphon.processors.local.hearing import PREFIX, SILENCE
from antiphon.processors.turns import THRESHOLD
from tests.processors.local.parts import (
    Fake,
    at,
    conversed,
    detected,
    microphone,
    model,
    said,
    silence,
    speech,
    text,
)

ASK = events.ResponseCreate()
QUESTION = silence(0.5) + speech("What time is it?") + silence(1.0)
_, (OVER, _) = detected(QUESTION)
"""When the question is told to be over."""


def test_a_session_begins_with_its_id_and_its_settings() -> None:
    log = conversed(model(Fake()))

    created = log.one(events.SessionCreated)
    assert log.timed == [(0, "SessionCreated")]
    assert created.session_id == "sess_1"
    assert created.config == SessionConfig(
        output_modalities=("audio",),
        turn_detection=TurnDetection(
            type="server-vad",
            threshold=THRESHOLD,
            silence_duration=SILENCE,
            prefix_padding=PREFIX,
            create_response=True,
            interrupt_response=True,
        ),
    )


# Settings.


def test_an_update_changes_what_it_speaks_of_and_keeps_the_rest() -> None:
    first = SessionConfig(instructions="Be brief.", voice="en-gb")
    second = SessionConfig(instructions="Be kind.", output_modalities=("text",))
    brain = Fake([Say("one")])

    log = conversed(
        model(brain),
        events.SessionUpdate(config=first),
        events.SessionUpdate(config=second),
        ASK,
    )

    (created,) = (event.config for event in log.all(events.SessionCreated))
    _, settled = (event.config for event in log.all(events.SessionUpdated))
    assert created is not None and settled is not None
    assert settled.turn_detection == created.turn_detection
    assert (settled.instructions, settled.voice) == ("Be kind.", "en-gb")
    assert settled.output_modalities == ("text",)
    assert brain.turns[0].config == settled


def test_one_response_may_have_settings_of_its_own() -> None:
    brain = Fake([Say("one")], [Say("two")])
    options = ResponseOptions(instructions="Shout.", tool_choice="none", max_output_tokens=9)

    conversed(
        model(brain),
        events.SessionUpdate(config=SessionConfig(instructions="Be brief.", voice="en-gb")),
        events.ResponseCreate(options=options),
        at(1.0, ASK),
    )

    own, others = (turn.config for turn in brain.turns)
    assert (own.instructions, own.tool_choice, own.max_output_tokens) == ("Shout.", "none", 9)
    assert (own.voice, others.instructions) == ("en-gb", "Be brief.")


def test_a_longer_silence_is_waited_for_from_the_update_on() -> None:
    (_, _), (over, _) = detected(QUESTION, silence=900_000)
    patient = SessionConfig(
        turn_detection=TurnDetection(type="server-vad", silence_duration=900_000)
    )

    log = conversed(
        model(Fake()), events.SessionUpdate(config=patient), *microphone(QUESTION), until=4
    )

    assert log.when(events.SpeechStopped) == [over]
    assert over > OVER


def test_wrong_turn_detection_is_refused_and_nothing_of_the_update_is_taken() -> None:
    wrong = events.SessionUpdate(
        event_id="mine",
        config=SessionConfig(
            instructions="Shout.", turn_detection=TurnDetection(type="server-vad", threshold=7)
        ),
    )
    brain = Fake([Say("one")])

    log = conversed(model(brain), wrong, *microphone(QUESTION))

    error = log.one(events.Error)
    assert (error.code, error.client_event_id) == ("invalid_value", "mine")
    assert not log.all(events.SessionUpdated)
    assert brain.turns[0].config.instructions is None


def test_a_first_message_is_said_before_anyone_has_spoken() -> None:
    brain = Fake([Say("answer")])
    greeting = events.SessionUpdate(config=SessionConfig(first_message="Hello there."))

    log = conversed(model(brain), greeting, *microphone(QUESTION), at(2.5, greeting))

    transcripts = [done.transcript for done in log.all(events.AudioTranscriptDone)]
    assert transcripts == ["Hello there.", "answer"]
    assert log.when(events.ResponseCreated)[0] == 0
    assert said(brain.new[0]) == ["turn 1"]


def test_a_first_message_does_not_break_into_a_response() -> None:
    greeting = events.SessionUpdate(config=SessionConfig(first_message="Hello there."))

    log = conversed(model(Fake([Say("answer")])), ASK, greeting)

    assert [done.transcript for done in log.all(events.AudioTranscriptDone)] == ["answer"]


# Items.


def test_items_of_the_client_are_added_and_done() -> None:
    log = conversed(model(Fake()), text("Hi", id="hi"), text("Ho"))

    assert log.names[1:] == ["ConversationItemAdded", "ConversationItemDone"] * 2
    added = log.all(events.ConversationItemAdded)
    assert [(event.item_id, event.previous_item_id) for event in added] == [
        ("hi", None),
        ("item_1", "hi"),
    ]
    whole = text_message("Ho", id="item_1")
    assert added[1].item == msgspec.structs.replace(whole, status="completed")


@pytest.mark.parametrize(
    ("previous", "told", "order"),
    [("root", None, ["new", "a", "b"]), ("a", "a", ["a", "new", "b"])],
)
def test_items_are_put_where_the_client_wants_them(
    previous: str, told: str | None, order: list[str]
) -> None:
    brain = Fake()
    new = events.ConversationItemCreate(
        item=text_message("new", id="new"), previous_item_id=previous
    )

    log = conversed(model(brain), text("a", id="a"), text("b", id="b"), new, ASK)

    assert log.all(events.ConversationItemAdded)[-1].previous_item_id == told
    assert [item.id for item in brain.turns[0].conversation] == order


def test_a_response_answers_what_the_user_wrote_since_the_last() -> None:
    brain = Fake([Say("one")], [Say("two")])
    note = events.ConversationItemCreate(item=text_message("note", role="system"))

    conversed(model(brain), text("a"), note, text("b"), ASK, at(2, text("c")), at(2, ASK))

    assert [said(new) for new in brain.new] == [["a", "b"], ["c"]]


def test_a_deleted_item_is_forgotten_and_not_answered() -> None:
    brain = Fake()
    delete = events.ConversationItemDelete(item_id="a")

    log = conversed(model(brain), text("a", id="a"), text("b", id="b"), delete, ASK)

    assert log.one(events.ConversationItemDeleted).item_id == "a"
    assert said(brain.new[0]) == ["b"]
    assert [item.id for item in brain.turns[0].conversation] == ["b"]


def test_an_item_deleted_after_its_response_was_cancelled_is_not_answered_either() -> None:
    brain = Fake([1.0])
    delete = at(0.1, events.ConversationItemDelete(item_id="a"))
    cancel = at(0.1, events.ResponseCancel())

    conversed(model(brain), text("a", id="a"), ASK, delete, cancel, at(2.0, ASK))

    assert [said(new) for new in brain.new] == [["a"], []]


def test_an_utterance_deleted_before_it_was_understood_is_not_answered() -> None:
    brain = Fake([Say("one")], recognition=0.5)
    delete = at(OVER / 1e6 + 0.1, events.ConversationItemDelete(item_id="item_1"))

    conversed(model(brain), *microphone(QUESTION), delete)

    assert brain.new == [[]]


def test_a_retrieved_item_is_as_the_model_has_it() -> None:
    look = at(3.0, events.ConversationItemRetrieve(item_id="item_1"))

    log = conversed(model(Fake([Say("one")])), *microphone(QUESTION), look)

    assert log.one(events.ConversationItemRetrieved).item == Message(
        role="user", id="item_1", content=(AudioPart(transcript="turn 1"),), status="completed"
    )


# What cannot be done.


@pytest.mark.parametrize(
    "wrong",
    [
        events.ConversationItemRetrieve(item_id="nobody", event_id="mine"),
        events.ConversationItemDelete(item_id="nobody", event_id="mine"),
        events.ConversationItemTruncate(item_id="nobody", audio_end=0, event_id="mine"),
        events.ConversationItemCreate(
            item=text_message("new"), previous_item_id="nobody", event_id="mine"
        ),
    ],
)
def test_unknown_items_are_refused_by_name(wrong: Frame) -> None:
    log = conversed(model(Fake([Say("one")])), wrong, ASK)

    error = log.one(events.Error)
    assert (error.code, error.client_event_id, error.fatal) == ("item_not_found", "mine", False)
    assert "'nobody'" in error.message
    assert log.one(events.ResponseDone).status == "completed"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (events.InputDtmf(digit="1", event_id="mine"), "unsupported"),
        (events.InputAudioMute(event_id="mine"), "unsupported"),
        (events.ContextAppend(content="x", delegation_id=None, event_id="mine"), "unsupported"),
        (events.Custom(raw_type="x", event_id="mine"), "unsupported"),
        (
            events.ResponseCreate(options=ResponseOptions(conversation="none"), event_id="mine"),
            "unsupported",
        ),
        (
            events.ResponseCreate(options=ResponseOptions(input=()), event_id="mine"),
            "unsupported",
        ),
        (events.ResponseCancel(event_id="mine"), "response_cancel_not_active"),
        (text("again", id="hi"), "invalid_value"),
        (
            events.ConversationItemTruncate(item_id="hi", audio_end=0, event_id="mine"),
            "item_truncate_invalid_item_id",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_the_session_goes_on(wrong: Frame, code: str) -> None:
    log = conversed(model(Fake([Say("one")])), text("Hi", id="hi"), wrong, ASK)

    error = log.one(events.Error)
    assert (error.code, error.error_type) == (code, "invalid_request_error")
    assert error.client_event_id == getattr(wrong, "event_id", None)
    assert log.one(events.ResponseDone).status == "completed"


def test_an_id_that_was_given_to_a_turn_is_not_free() -> None:
    taken = at(1.0, text("mine", id="item_1"))

    log = conversed(model(Fake()), *microphone(QUESTION), taken)

    assert log.one(events.Error).code == "invalid_value"
    assert log.one(events.ConversationItemAdded).item_id == "item_1"


def test_there_is_one_response_at_a_time() -> None:
    brain = Fake([Say("one two three")], [Say("never")])
    again = at(0.21, events.ResponseCreate(event_id="mine"))

    log = conversed(model(brain), ASK, again)

    error = log.one(events.Error)
    assert error.code == "conversation_already_has_active_response"
    assert (error.client_event_id, error.at) == ("mine", 210_000)
    assert log.one(events.ResponseDone).status == "completed"


@pytest.mark.parametrize(
    ("cancelled", "status"), [("resp_1", "cancelled"), ("resp_7", "completed")]
)
def test_a_response_is_cancelled_by_its_own_name(cancelled: str, status: str) -> None:
    cancel = at(0.21, events.ResponseCancel(response_id=cancelled))

    log = conversed(model(Fake([Say("one two three")])), ASK, cancel)

    assert log.one(events.ResponseDone).status == status
    assert [error.code for error in log.all(events.Error)] == (
        ["response_cancel_not_active"] if status == "completed" else []
    )


def test_what_was_not_answered_for_a_cancellation_is_answered_next() -> None:
    brain = Fake([Say("one")], [Say("two")])

    conversed(model(brain), text("a"), ASK, at(0.1, events.ResponseCancel()), at(0.3, ASK))

    assert [said(new) for new in brain.new] == [["a"], ["a"]]


def test_what_was_answered_in_part_is_not_answered_again() -> None:
    brain = Fake([Say("one " * 40)], [Say("two")])

    conversed(model(brain), text("a"), ASK, at(0.5, events.ResponseCancel()), at(0.6, ASK))

    assert [said(new) for new in brain.new] == [["a"], []]


def test_frames_of_other_kinds_pass_by() -> None:
    log = conversed(model(Fake()), Frame(at=1), events.InputActivityStart())

    assert log.frames[1:] == [Frame(at=1)]


def test_an_item_that_is_no_speech_of_the_model_is_not_truncated() -> None:
    call = events.ConversationItemTruncate(item_id="item_1", audio_end=0)

    log = conversed(model(Fake([Call("look", "{}")])), ASK, at(1, call))

    assert log.one(events.Error).code == "item_truncate_invalid_item_id"
    done = log.one(events.OutputItemDone).item
    assert isinstance(done, FunctionCall)
