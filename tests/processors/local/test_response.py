"""A response says its parts in a provider's events, in a provider's order, at a set pace."""

from itertools import pairwise
from typing import Literal

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions, SessionConfig
from antiphon.codecs.items import FunctionCall, Message
from antiphon.pipeline import Frame, Pipeline
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.brain import Call, HangUp, Say, Sound
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.response import tokens
from antiphon.processors.local.server import OUTPUT_RATE
from tests.processors.local.parts import (
    SPOKEN_ITEM,
    STEADY,
    Fake,
    at,
    conversed,
    duration,
    model,
    text,
)

ASK = events.ResponseCreate()
WRITTEN = events.SessionUpdate(config=SessionConfig(output_modalities=("text",)))

CALLED_ITEM = [
    "OutputItemAdded",
    "ConversationItemAdded",
    "FunctionCallArgumentsDelta",
    "FunctionCallArgumentsDone",
    "ConversationItemDone",
    "OutputItemDone",
]


def test_a_spoken_answer_is_an_item_with_one_part_of_audio() -> None:
    log = conversed(model(Fake([Say("one two three")])), ASK)

    assert log.since(events.ResponseCreated) == ["ResponseCreated", *SPOKEN_ITEM, "ResponseDone"]
    assert log.one(events.ResponseDone).status == "completed"


def test_a_written_answer_is_an_item_with_one_part_of_text() -> None:
    log = conversed(model(Fake([Say("one two three")])), WRITTEN, ASK)

    assert log.since(events.ResponseCreated) == [
        "ResponseCreated",
        "OutputItemAdded",
        "ConversationItemAdded",
        "ContentPartAdded",
        "TextDelta",
        "TextDone",
        "ContentPartDone",
        "ConversationItemDone",
        "OutputItemDone",
        "ResponseDone",
    ]


def test_one_response_may_be_written_where_the_others_are_spoken() -> None:
    written = events.ResponseCreate(options=ResponseOptions(modalities=("text",)))

    log = conversed(model(Fake([Say("one")], [Say("two")])), written, at(1, ASK))

    assert log.one(events.TextDone).text == "one"
    assert log.one(events.AudioTranscriptDone).transcript == "two"


def test_a_call_closes_the_message_before_it() -> None:
    log = conversed(model(Fake([Say("one"), Call("look", '{"at": 1}'), Say("two")])), ASK, until=60)

    assert log.since(events.ResponseCreated) == [
        "ResponseCreated",
        *SPOKEN_ITEM,
        *CALLED_ITEM,
        *SPOKEN_ITEM,
        "ResponseDone",
    ]


def test_events_of_an_item_tell_its_place_in_the_response() -> None:
    log = conversed(model(Fake([Say("one"), Call("look", "{}"), Say("two")])), ASK, until=60)

    told = [event for event in log.events if isinstance(event, events.OutputEvent)]
    added = log.all(events.ConversationItemAdded)
    assert {(event.item_id, event.output_index) for event in told} == {
        (event.item_id, place) for place, event in enumerate(added)
    }
    assert {event.response_id for event in told} == {"resp_1"}


def test_parts_that_are_said_in_a_row_are_one_item() -> None:
    log = conversed(model(Fake([Say("one"), Say("two")])), ASK)

    deltas = [event.delta for event in log.all(events.AudioTranscriptDelta)]
    assert deltas == ["one", " two"]
    assert log.one(events.AudioTranscriptDone).transcript == "one two"


def test_an_item_is_empty_when_it_is_added_and_whole_when_it_is_done() -> None:
    log = conversed(model(Fake([Say("one"), Call("look", '{"at": 1}')])), ASK, until=60)

    states = {
        kind: [event.item for event in log.all(kind)]
        for kind in (events.OutputItemAdded, events.OutputItemDone)
    }
    (message, call), (said, called) = states[events.OutputItemAdded], states[events.OutputItemDone]
    assert isinstance(message, Message) and isinstance(said, Message)
    assert (message.text, message.status, said.text, said.status) == (
        "",
        "in_progress",
        "one",
        "completed",
    )
    assert isinstance(call, FunctionCall) and isinstance(called, FunctionCall)
    assert (call.arguments, call.status) == ("", "in_progress")
    assert (called.arguments, called.status) == ('{"at": 1}', "completed")
    assert log.one(events.ResponseDone).output == (said, called)
    assert [event.item for event in log.all(events.ConversationItemDone)] == [said, called]


def test_items_name_the_one_before_them() -> None:
    log = conversed(model(Fake([Say("one"), Call("look", "{}")])), text("Hi", id="hi"), ASK)

    for kind in (events.ConversationItemAdded, events.ConversationItemDone):
        told = [(event.item_id, event.previous_item_id) for event in log.all(kind)]
        assert told == [("hi", None), ("item_1", "hi"), ("item_2", "item_1")]


def test_pieces_add_up_to_what_is_repeated_at_the_end() -> None:
    words = "  one,  two\nthree "

    spoken = conversed(model(Fake([Say(words), Say("four")])), ASK)
    written = conversed(model(Fake([Say(words), Say("four")])), WRITTEN, ASK)

    whole = f"{words} four"
    assert "".join(event.delta for event in spoken.all(events.AudioTranscriptDelta)) == whole
    assert spoken.one(events.AudioTranscriptDone).transcript == whole
    assert "".join(event.delta for event in written.all(events.TextDelta)) == whole
    assert written.one(events.TextDone).text == whole


def test_an_answer_of_nothing_is_done_at_once() -> None:
    log = conversed(model(Fake([])), ASK)

    assert log.timed[1:] == [(0, "ResponseCreated"), (0, "ResponseDone")]
    assert log.one(events.ResponseDone).output == ()


def test_a_response_to_nobody_repeats_the_metadata_that_came_with_the_wish_for_it() -> None:
    wish = events.ResponseCreate(options=ResponseOptions(metadata={"topic": "tests"}))

    log = conversed(model(Fake([Say("one")])), wish)

    assert log.one(events.ResponseCreated).metadata == {"topic": "tests"}
    assert log.one(events.ResponseDone).metadata == {"topic": "tests"}


def test_speech_comes_after_the_think_time_in_even_pieces_at_its_speed() -> None:
    pace = Pace(think=0.5, chunk=0.08, speed=2.0)

    log = conversed(model(Fake([Say("one two")]), pace=pace), ASK)

    assert log.when(events.AudioDelta) == [500_000, 540_000, 580_000]
    sizes = [duration(event.delta, OUTPUT_RATE) for event in log.all(events.AudioDelta)]
    assert sizes == [80_000, 80_000, 40_000]


def test_words_are_written_one_after_the_other() -> None:
    log = conversed(model(Fake([Say("one two three")])), WRITTEN, ASK)

    assert log.when(events.TextDelta) == [200_000, 220_000, 240_000]
    assert log.when(events.ResponseDone) == [260_000 - 20_000]


def test_a_brain_that_thinks_longer_than_the_pace_is_not_waited_for_twice() -> None:
    log = conversed(model(Fake([0.7, Say("one"), 0.3, Say("two")])), ASK)

    assert log.when(events.AudioDelta) == [700_000, 1_000_000]


def test_a_tool_is_called_when_what_was_said_before_is_on_its_way() -> None:
    log = conversed(model(Fake([Say("one two"), Call("look", "{}")])), ASK)

    assert log.when(events.FunctionCallArgumentsDone) == [250_000]


@pytest.mark.parametrize("seed", [1, 2])
def test_jitter_varies_think_time_and_distances_within_its_share(seed: int) -> None:
    pace = Pace(think=0.2, chunk=0.1, speed=4.0, jitter=0.5)
    words = "one two three four five six seven eight nine ten"

    log = conversed(model(Fake([Say(words)]), pace=pace, seed=seed), ASK)

    moments = log.when(events.AudioDelta)
    distances = [after - before for before, after in pairwise(moments)]
    assert 100_000 <= moments[0] <= 300_000
    assert all(12_500 <= distance <= 37_500 for distance in distances)
    assert len(set(distances)) == len(distances)


@pytest.mark.parametrize(("modality", "distance"), [("audio", 25_000), ("text", 20_000)])
def test_a_late_reader_gets_words_no_faster_than_the_pace_afterwards(
    modality: Literal["audio", "text"], distance: int
) -> None:
    update = events.SessionUpdate(config=SessionConfig(output_modalities=(modality,)))
    pipeline = Pipeline(model(Fake([Say("one two three four")])), lane=3)

    async def read_late() -> list[Frame]:
        async with pipeline.open() as run:
            run.send_nowait(update)
            run.send_nowait(ASK)
            await anyio.sleep(10)
            run.end()
            return [frame async for frame in run]
        raise AssertionError("the run swallowed an exception")

    pieces = events.AudioDelta | events.TextDelta
    moments = [frame.at for frame in run_virtual(read_late) if isinstance(frame, pieces)]

    assert moments == [200_000, *(10_000_000 + count * distance for count in (1, 2, 3))]


def test_what_is_played_as_it_is_comes_sample_by_sample() -> None:
    pcm = b"".join(sample.to_bytes(2, "little") for sample in range(6_000))

    log = conversed(model(Fake([Sound(pcm)])), ASK)

    assert log.sound == pcm
    assert log.one(events.AudioTranscriptDone).transcript == ""


def test_half_a_sample_is_not_sent() -> None:
    log = conversed(model(Fake([Sound(b"\1\2\3")], [Sound(b"\1")])), ASK, at(1, ASK))

    assert log.sound == b"\1\2"


def test_sounds_are_left_out_where_only_text_is_wanted() -> None:
    log = conversed(model(Fake([Say("one"), Sound(b"\1\2"), Say("two")])), WRITTEN, ASK)

    assert not log.all(events.AudioDelta)
    assert log.one(events.TextDone).text == "one two"


def test_usage_counts_text_by_its_length_and_speech_by_its_duration() -> None:
    words, arguments = "one two three four five", '{"at": 1}'
    brain = Fake([Say(words), Call("look", arguments)])

    log = conversed(model(brain), text("How are you?"), ASK)

    usage = log.one(events.ResponseDone).usage
    assert usage is not None
    assert usage.input_text_tokens == usage.input_tokens == tokens("How are you?") == 3
    assert usage.input_audio_tokens == 0
    assert usage.output_audio_tokens == 10  # half a second at 20 a second
    assert usage.output_text_tokens == tokens(words) + tokens(arguments)
    assert usage.output_tokens == 10 + tokens(words) + tokens(arguments)


def test_a_model_that_hangs_up_says_goodbye_first() -> None:
    log = conversed(model(Fake([Say("bye"), HangUp()])), ASK, until=60)

    assert log.outline[-2:] == ["ResponseDone", "SessionClosed"]
    assert log.one(events.SessionClosed).reason == "hung up"
    assert log.times[-1] == 225_000


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"chunk": 0.01}, "deltas of 0.02 to 0.2 s"),
        ({"chunk": 0.3}, "deltas of 0.02 to 0.2 s"),
        ({"speed": 0.0}, "speed is above 0"),
        ({"think": -1.0}, "think not below 0"),
        ({"jitter": 1.5}, "jitter from 0 to 1"),
    ],
)
def test_a_pace_that_cannot_be_kept_is_an_error(wrong: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Pace(**wrong)


def test_stopping_closes_what_is_open_and_says_no_more() -> None:
    brain = Fake([Say("one two three four five six seven eight")])

    log = conversed(model(brain), ASK, at(0.24, events.ResponseCancel()), until=2)

    assert log.when(events.AudioDelta) == [200_000, 225_000]
    closing = log.timed[log.names.index("AudioDone") :]
    assert closing == [
        (240_000, name) for name in [*SPOKEN_ITEM[SPOKEN_ITEM.index("AudioDone") :], "ResponseDone"]
    ]
    done, item = log.one(events.ResponseDone), log.one(events.OutputItemDone).item
    assert (done.status, done.reason) == ("cancelled", "client_cancelled")
    assert isinstance(item, Message) and item.status == "incomplete"
    assert brain.stopped == 1


def test_a_text_that_was_stopped_is_repeated_as_far_as_it_was_written() -> None:
    brain = Fake([Say("one two three four")])

    log = conversed(model(brain), WRITTEN, ASK, at(0.23, events.ResponseCancel()))

    assert log.one(events.TextDone).text == "one two"


def test_a_call_is_told_whole_or_not_at_all() -> None:
    """Though the client is slow and stops the model at any moment of it."""
    for moment in range(0, 400, 10):
        brain = Fake([Say("one"), Call("look", "{}"), Say("two")])
        log = conversed(
            model(brain),
            ASK,
            at(moment / 1_000, events.ResponseCancel()),
            slowness=0.015,
            lane=1,
            until=60,
        )

        outline = log.since(events.ResponseCreated)
        assert outline.count("ResponseDone") == 1
        assert outline.count("OutputItemAdded") == outline.count("OutputItemDone")
        if "FunctionCallArgumentsDone" in outline:
            place = outline.index("FunctionCallArgumentsDone") - 3
            assert outline[place : place + len(CALLED_ITEM)] == CALLED_ITEM


def test_every_moment_is_a_good_one_to_stop() -> None:
    brain = Fake([Say("one two"), Say("three"), Call("look", "{}")])
    whole = conversed(model(brain, pace=STEADY), ASK, until=60)
    end = whole.when(events.ResponseDone)[0]

    for moment in range(0, end + 20_000, 5_000):
        brain = Fake([Say("one two"), Say("three"), Call("look", "{}")])
        log = conversed(model(brain), ASK, at(moment / 1e6, events.ResponseCancel()), until=60)

        done = log.one(events.ResponseDone)
        assert done.status == ("cancelled" if moment < end else "completed"), moment
        added = [event.item_id for event in log.all(events.ConversationItemAdded)]
        assert added == [event.item_id for event in log.all(events.ConversationItemDone)]


def test_stopping_does_not_wait_for_a_client_that_reads_nothing() -> None:
    pipeline = Pipeline(model(Fake([Say("one " * 40)])), lane=3)

    async def stop() -> list[Frame]:
        async with pipeline.open() as run:
            run.send_nowait(ASK)
            await anyio.sleep(10)
            run.send_nowait(events.ResponseCancel())
            await anyio.sleep(10)
            run.end()
            return [frame async for frame in run]
        raise AssertionError("the run swallowed an exception")

    *_, done = run_virtual(stop)

    assert isinstance(done, events.ResponseDone)
    assert (done.status, done.at) == ("cancelled", 10_000_000)
