"""Completing what a server says of its responses: the order, what is added, what it costs."""

import gc
import sys
import types
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.complete import Complete
from antiphon.codecs.items import AudioPart, FunctionCall, Item, Message, TextPart
from antiphon.codecs.outcome import LONGEST
from tests.codecs.ledger import Ledger, calls_of, texts_of
from tests.codecs.strategies import SERVER_EVENTS, of, server_events

OF: dict[str, Any] = {"response_id": "r", "item_id": "i"}

CREATED = events.ResponseCreated(response_id="r", status="in_progress")
DONE = events.ResponseDone(response_id="r", status="completed")

SPOKEN = AudioPart(transcript="")


def completed(*stream: events.ServerEvent) -> list[events.ServerEvent]:
    complete = Complete()
    return [event for one in stream for event in complete.process(one)]


def kinds(stream: list[events.ServerEvent]) -> list[str]:
    return [type(event).__name__ for event in stream]


def message(*parts: AudioPart | TextPart, status: str = "completed") -> Message:
    return Message(role="assistant", id="i", status=status, content=parts)


def call(name: str = "f", arguments: str = "{}", status: str = "completed") -> FunctionCall:
    return FunctionCall(id="i", call_id="c", name=name, arguments=arguments, status=status)


def local_answer() -> list[events.ServerEvent]:
    """As the local model gives it, and OpenAI."""
    begun, whole = message(status="in_progress"), message(AudioPart(transcript="Hello."))
    return [
        CREATED,
        events.OutputItemAdded(**OF, item=begun),
        events.ConversationItemAdded(item_id="i", item=begun, previous_item_id=None),
        events.ContentPartAdded(**OF, part=SPOKEN),
        events.AudioTranscriptDelta(**OF, delta="Hel"),
        events.AudioDelta(**OF, delta=b"ab"),
        events.AudioTranscriptDelta(**OF, delta="lo."),
        events.AudioDone(**OF),
        events.AudioTranscriptDone(**OF, transcript="Hello."),
        events.ContentPartDone(**OF, part=AudioPart(transcript="Hello.")),
        events.ConversationItemDone(item_id="i", item=whole, previous_item_id=None),
        events.OutputItemDone(**OF, item=whole),
        events.ResponseDone(response_id="r", status="completed", output=(whole,)),
    ]


def local_call() -> list[events.ServerEvent]:
    begun, whole = call(arguments="", status="in_progress"), call()
    return [
        CREATED,
        events.OutputItemAdded(**OF, item=begun),
        events.ConversationItemAdded(item_id="i", item=begun, previous_item_id=None),
        events.FunctionCallArgumentsDelta(**OF, call_id="c", delta="{}"),
        events.FunctionCallArgumentsDone(**OF, call_id="c", name="f", arguments="{}"),
        events.ConversationItemDone(item_id="i", item=whole, previous_item_id=None),
        events.OutputItemDone(**OF, item=whole),
        events.ResponseDone(response_id="r", status="completed", output=(whole,)),
    ]


# What is whole.


@pytest.mark.parametrize("stream", [local_answer(), local_call()])
def test_what_is_whole_passes_as_it_is(stream: list[events.ServerEvent]) -> None:
    said = completed(*stream)

    assert said == stream
    Ledger().read(said)


@given(st.lists(server_events, max_size=12))
def test_what_has_nothing_to_do_with_responses_passes_as_it_is(
    stream: list[events.ServerEvent],
) -> None:
    others = [
        event
        for event in stream
        if not isinstance(
            event,
            events.OutputEvent
            | events.ResponseDone
            | events.ConversationItemAdded
            | events.ConversationItemDone
            | events.InputTranscriptionDelta
            | events.InputTranscriptionCompleted
            | events.AudioCommitted
            | events.ResponseCreated,
        )
    ]

    assert completed(*others) == others


# Bare streams.


def test_speech_and_words_alone_become_a_whole_answer_in_the_order_of_openai() -> None:
    said = completed(
        events.AudioTranscriptDelta(**OF, delta="Hello"),
        events.AudioDelta(**OF, delta=b"ab"),
        events.AudioTranscriptDelta(**OF, delta="."),
        DONE,
    )

    assert kinds(said) == [
        "ResponseCreated",
        "OutputItemAdded",
        "ConversationItemAdded",
        "ContentPartAdded",
        "AudioTranscriptDelta",
        "AudioDelta",
        "AudioTranscriptDelta",
        "AudioDone",
        "AudioTranscriptDone",
        "ContentPartDone",
        "ConversationItemDone",
        "OutputItemDone",
        "ResponseDone",
    ]
    whole = message(AudioPart(transcript="Hello."))
    assert said[-2] == events.OutputItemDone(**OF, item=whole)
    assert said[-1] == msgspec.structs.replace(DONE, output=(whole,))
    Ledger().read(said)


def test_a_response_of_nothing_is_announced_and_done() -> None:
    assert kinds(completed(DONE)) == ["ResponseCreated", "ResponseDone"]


def test_what_is_added_bears_the_time_of_what_it_was_added_for() -> None:
    said = completed(events.TextDelta(**OF, delta="a", at=5), msgspec.structs.replace(DONE, at=9))

    assert [event.at for event in said] == [5, 5, 5, 5, 5, 9, 9, 9, 9, 9]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("completed", "completed"), ("cancelled", "incomplete"), ("failed", "incomplete")],
)
def test_an_item_is_complete_if_its_response_is(outcome: str, status: str) -> None:
    done = events.ResponseDone(response_id="r", status=outcome)

    said = completed(events.TextDelta(**OF, delta="a"), done)

    assert said[-2] == events.OutputItemDone(**OF, item=message(TextPart(text="a"), status=status))


def test_a_provider_that_gives_all_the_same_id_has_an_item_for_the_words_and_one_a_call() -> None:
    said = completed(
        events.AudioDelta(**OF, delta=b"ab"),
        events.AudioTranscriptDelta(**OF, delta="Wait."),
        events.FunctionCallArgumentsDone(**OF, call_id="c1", name="f", arguments="{}"),
        events.FunctionCallArgumentsDone(**OF, call_id="c2", name="g", arguments="[]"),
        DONE,
        events.AudioTranscriptDelta(**OF, delta="late"),
    )

    Ledger().read(said)
    assert [(one.id, one.name, one.arguments) for one in calls_of(said)] == [
        ("i-c1", "f", "{}"),
        ("i-c2", "g", "[]"),
    ]
    assert texts_of(said) == ["Wait."]
    indexes = {e.item_id: e.output_index for e in said if isinstance(e, events.OutputItemDone)}
    assert indexes == {"i": 0, "i-c1": 1, "i-c2": 2}


def test_a_call_is_done_as_soon_as_its_arguments_are() -> None:
    called = events.FunctionCallArgumentsDone(**OF, call_id="c", name="f", arguments="{}")

    said = completed(CREATED, called)

    assert kinds(said)[1:] == [
        "OutputItemAdded",
        "ConversationItemAdded",
        "FunctionCallArgumentsDelta",
        "FunctionCallArgumentsDone",
        "ConversationItemDone",
        "OutputItemDone",
    ]
    assert said[1] == events.OutputItemAdded(**OF, item=call("f", "", "in_progress"))
    assert said[-1] == events.OutputItemDone(**OF, item=call())


def test_a_call_whose_arguments_never_ended_is_incomplete() -> None:
    begun = events.FunctionCallArgumentsDelta(**OF, call_id="c", delta='{"a')

    said = completed(begun, DONE)

    assert said[-2] == events.OutputItemDone(**OF, item=call("", '{"a', "incomplete"))
    assert calls_of(said) == []


def test_a_call_that_is_told_twice_is_told_once() -> None:
    called = events.FunctionCallArgumentsDone(**OF, call_id="c", name="f", arguments="{}")

    said = completed(CREATED, called, called, DONE, called)

    assert kinds(said).count("FunctionCallArgumentsDone") == 1
    Ledger().read(said)


def test_a_call_that_comes_after_its_response_is_told_whole_all_the_same() -> None:
    called = events.FunctionCallArgumentsDone(**OF, call_id="c", name="f", arguments="{}")

    said = completed(CREATED, DONE, called)

    assert [one.call_id for one in calls_of(said)] == ["c"]
    assert kinds(said).count("ResponseCreated") == 1


def test_speech_and_writing_in_one_part_are_two_parts() -> None:
    said = completed(
        events.AudioTranscriptDelta(**OF, delta="spoken"),
        events.TextDelta(**OF, delta="written"),
        events.AudioDelta(**OF, delta=b"ab"),
        events.TextDone(**OF),
        DONE,
    )

    Ledger().read(said)
    assert said[-2] == events.OutputItemDone(
        **OF, item=message(AudioPart(transcript="spoken"), TextPart(text="written"))
    )
    assert events.TextDone(**OF, content_index=1, text="written") in said


# What is told in part.


def test_an_end_repeats_what_was_said_if_it_does_not_do_so_itself() -> None:
    said = completed(
        events.AudioTranscriptDelta(**OF, delta="a"), events.AudioTranscriptDone(**OF), DONE
    )

    assert events.AudioTranscriptDone(**OF, transcript="a") in said
    assert kinds(said).count("AudioTranscriptDone") == 1


def test_an_end_that_says_otherwise_than_the_deltas_is_believed() -> None:
    said = completed(
        events.TextDelta(**OF, delta="helo"), events.TextDone(**OF, text="hello"), DONE
    )

    assert texts_of(said) == ["hello"]


def test_a_part_that_is_closed_has_no_sound_or_words_open() -> None:
    said = completed(
        events.AudioDelta(**OF, delta=b"ab"),
        events.AudioTranscriptDelta(**OF, delta="a"),
        events.ContentPartDone(**OF, part=AudioPart(transcript="a")),
        DONE,
    )

    Ledger().read(said)


def test_ends_that_come_after_all_are_not_said_twice() -> None:
    whole = message(AudioPart(transcript="a"))
    said = completed(
        events.AudioDelta(**OF, delta=b"ab"),
        events.OutputItemDone(**OF, item=whole),
        events.AudioDone(**OF),
        events.ContentPartDone(**OF, part=AudioPart(transcript="a")),
        events.ConversationItemDone(item_id="i", item=whole),
        DONE,
    )

    Ledger().read(said)
    for kind in ("AudioDone", "ContentPartDone", "ConversationItemDone", "OutputItemDone"):
        assert kinds(said).count(kind) == 1


def test_announcements_that_come_after_all_are_not_said_twice() -> None:
    begun = message(status="in_progress")
    said = completed(
        events.AudioDelta(**OF, delta=b"ab"),
        events.OutputItemAdded(**OF, item=begun),
        events.ConversationItemAdded(item_id="i", item=begun),
        events.ContentPartAdded(**OF, part=SPOKEN),
        DONE,
    )

    Ledger().read(said)


def test_an_item_of_which_only_the_id_is_told_is_shown_as_what_it_turns_out_to_be() -> None:
    said = completed(
        CREATED,
        events.OutputItemAdded(**OF),
        events.FunctionCallArgumentsDone(**OF, call_id="c", name="f", arguments="{}"),
        events.OutputItemDone(**OF),
        DONE,
    )

    Ledger().read(said)
    assert calls_of(said) == [call()]


def test_an_item_that_is_only_told_as_done_is_announced_without_what_it_says() -> None:
    said = completed(CREATED, events.OutputItemDone(**OF, item=call()))

    assert said[1] == events.OutputItemAdded(**OF, item=call("f", "", "in_progress"))


def test_the_items_of_a_provider_that_counts_none_are_counted() -> None:
    other: dict[str, Any] = {"response_id": "r", "item_id": "j"}
    said = completed(
        CREATED,
        events.OutputItemAdded(**OF),
        events.TextDelta(**OF, delta="a"),
        events.OutputItemDone(**OF),
        events.OutputItemAdded(**other),
        events.TextDelta(**other, delta="b"),
        events.OutputItemDone(**other),
        DONE,
    )

    Ledger().read(said)
    assert texts_of(said) == ["a", "b"]


def test_a_second_part_of_a_provider_that_counts_none_is_another() -> None:
    one, two = AudioPart(transcript="a"), AudioPart(transcript="b")
    said = completed(
        CREATED,
        events.ContentPartAdded(**OF, part=SPOKEN),
        events.ContentPartDone(**OF, part=one),
        events.ContentPartAdded(**OF, part=SPOKEN),
        events.AudioTranscriptDelta(**OF, delta="b"),
        events.ContentPartDone(**OF, part=two),
        DONE,
    )

    Ledger().read(said)
    assert said[-2] == events.OutputItemDone(**OF, item=message(one, two))


def test_a_part_of_which_nothing_is_shown_is_shown_as_it_is() -> None:
    said = completed(events.TextDelta(**OF, delta="a"), events.ContentPartDone(**OF), DONE)

    assert events.ContentPartDone(**OF, part=TextPart(text="a")) in said


def test_the_output_that_a_provider_gives_is_left_to_it() -> None:
    done = events.ResponseDone(response_id="r", status="cancelled", output=())

    assert completed(events.TextDelta(**OF, delta="a"), done)[-1] == done


def test_an_announcement_that_is_repeated_forgets_nothing() -> None:
    said = completed(CREATED, events.AudioDelta(**OF, delta=b"ab"), CREATED, DONE)

    assert kinds(said)[-5:] == [
        "AudioDone",
        "ContentPartDone",
        "ConversationItemDone",
        "OutputItemDone",
        "ResponseDone",
    ]


# Afterwards.


def test_words_that_come_after_their_response_open_nothing() -> None:
    late = events.AudioTranscriptDelta(**OF, delta="late", output_index=0)
    stranger = events.AudioTranscriptDelta(response_id="r", item_id="new", delta="late")

    said = completed(events.AudioDelta(**OF, delta=b"ab"), DONE, late, stranger)

    assert said[-2:] == [late, stranger]


def test_words_that_come_after_their_item_open_nothing() -> None:
    late = events.TextDelta(**OF, delta="late")

    said = completed(events.AudioDelta(**OF, delta=b"ab"), events.OutputItemDone(**OF), late, DONE)

    assert said[-2] == late
    Ledger().read([event for event in said if event is not late])


def test_a_response_that_ends_twice_is_left_so() -> None:
    assert completed(CREATED, DONE, DONE)[-1] == DONE


def test_a_provider_that_gives_all_responses_one_id_has_each_completed() -> None:
    said = completed(
        CREATED,
        events.TextDelta(**OF, delta="a"),
        DONE,
        CREATED,
        events.TextDelta(response_id="r", item_id="j", delta="b"),
        DONE,
    )

    Ledger().read(said)
    assert texts_of(said) == ["a", "b"]


# The conversation.


def test_what_the_user_said_is_an_item_before_it_is_answered() -> None:
    said = completed(
        events.AudioCommitted(item_id="u"),
        CREATED,
        events.TextDelta(**OF, delta="a"),
        events.InputTranscriptionCompleted(item_id="u", transcript="Hm?"),
        DONE,
    )

    added = [event for event in said if isinstance(event, events.ConversationItemAdded)]
    assert kinds(said)[:3] == ["AudioCommitted", "ConversationItemAdded", "ResponseCreated"]
    assert [(one.item_id, one.previous_item_id) for one in added] == [("u", None), ("i", "u")]


def test_what_the_user_said_is_not_announced_for_a_server_that_does_so() -> None:
    user: Item = Message(role="user", id="u", content=(AudioPart(),))
    stream = [
        events.AudioCommitted(item_id="u", previous_item_id=None),
        events.ConversationItemAdded(item_id="u", item=user, previous_item_id=None),
        CREATED,
    ]

    assert completed(*stream) == stream


@pytest.mark.parametrize(
    "words",
    [
        events.InputTranscriptionDelta(item_id="u", delta="a"),
        events.InputTranscriptionCompleted(item_id="u", transcript="a"),
    ],
)
def test_words_of_the_user_belong_to_an_item(words: events.ServerEvent) -> None:
    said = completed(words, words)

    shown = Message(role="user", id="u", status="completed", content=(AudioPart(),))
    assert said == [
        events.ConversationItemAdded(item_id="u", item=shown, previous_item_id=None),
        words,
        words,
    ]


def test_an_item_comes_behind_the_last_that_is_left() -> None:
    one = events.ConversationItemAdded(item_id="1", previous_item_id=None)
    two = events.ConversationItemAdded(item_id="2", previous_item_id="1")
    between = events.ConversationItemAdded(item_id="3", previous_item_id="1")

    def previous(*stream: events.ServerEvent) -> object:
        said = completed(*stream, events.TextDelta(**OF, delta="a"))
        [added] = [
            e for e in said if isinstance(e, events.ConversationItemAdded) and e.item_id == "i"
        ]
        return added.previous_item_id

    deleted = events.ConversationItemDeleted
    assert previous(one, two) == "2"
    assert previous(one, two, between) == "2"
    assert previous(one, two, deleted(item_id="2")) == "1"
    assert previous(one, two, deleted(item_id="1")) == "2"
    assert previous(one, deleted(item_id="1")) is None


def test_an_item_of_a_response_is_one_of_the_conversation_though_its_server_does_not_say() -> None:
    begun, whole = message(status="in_progress"), message(TextPart(text="a"))
    said = completed(
        CREATED,
        events.OutputItemAdded(**OF, item=begun),
        events.ContentPartAdded(**OF, part=TextPart(text="")),
        events.TextDelta(**OF, delta="a"),
        events.TextDone(**OF, text="a"),
        events.ContentPartDone(**OF, part=TextPart(text="a")),
        events.OutputItemDone(**OF, item=whole),
        DONE,
    )

    Ledger().read(said)


# Whatever comes.


def bare(response: str) -> st.SearchStrategy[events.ServerEvent]:
    """What providers say of a response that announce nothing and close nothing."""
    place: dict[str, Any] = {
        "response_id": st.just(response),
        "item_id": st.sampled_from([f"{response}1", f"{response}2"]),
    }
    part = place | {"content_index": st.integers(0, 1)}
    words = st.text(max_size=3)
    called = st.sampled_from([f"{response}-call-{n}" for n in range(3)])
    begun = st.sampled_from([f"{response}-begun-{n}" for n in range(2)])
    return st.one_of(
        st.builds(events.AudioDelta, **part, delta=st.just(b"ab")),
        st.builds(events.AudioTranscriptDelta, **part, delta=words),
        st.builds(events.TextDelta, **part, delta=words),
        st.builds(
            events.FunctionCallArgumentsDone, **place, call_id=called, name=words, arguments=words
        ),
        st.builds(events.FunctionCallArgumentsDelta, **place, call_id=begun, delta=words),
    )


@st.composite
def conversations(draw: st.DrawFn) -> list[events.ServerEvent]:
    """Two responses that run into one another, and what is late for them."""
    said = draw(st.lists(bare("r") | bare("s"), max_size=16))
    done = [events.ResponseDone(response_id=r, status="completed") for r in "rs"]
    late = draw(st.lists(bare("r") | bare("s"), max_size=3))
    return [*said, *done, *late]


@settings(deadline=None)
@given(conversations())
def test_bare_streams_become_whole(stream: list[events.ServerEvent]) -> None:
    said = completed(*stream)

    ledger = Ledger().read(said)
    assert ledger.ended == ["r", "s"]
    assert not ledger.unfinished
    assert not ledger.items


FRAMING = (
    events.ResponseCreated,
    events.OutputItemAdded,
    events.OutputItemDone,
    events.ConversationItemAdded,
    events.ConversationItemDone,
    events.ContentPartAdded,
    events.ContentPartDone,
    events.AudioDone,
    events.AudioTranscriptDone,
    events.TextDone,
)


@settings(deadline=None)
@given(conversations(), st.data())
def test_streams_of_which_some_is_missing_become_whole(
    stream: list[events.ServerEvent], data: st.DataObject
) -> None:
    whole = completed(*stream)
    partly = [e for e in whole if not isinstance(e, FRAMING) or data.draw(st.booleans())]

    Ledger().read(completed(*partly))


ANYTHING = st.one_of([of(kind).map(lambda event: _in_few_places(event)) for kind in SERVER_EVENTS])


def _in_few_places(event: Any) -> Any:
    """*event* with one of few ids, so that events meet."""
    names = {"response_id": "rs", "item_id": "ij", "call_id": "cd"}
    changes: dict[str, Any] = {
        field: ids[len(value) % 2]
        for field, ids in names.items()
        if isinstance(value := getattr(event, field, None), str)
    }
    changes |= {
        field: getattr(event, field) % 2
        for field in ("output_index", "content_index")
        if hasattr(event, field)
    }
    return msgspec.structs.replace(event, **changes)


@settings(max_examples=300, deadline=None)
@given(st.lists(ANYTHING, max_size=24))
def test_completing_what_is_complete_adds_nothing(stream: list[events.ServerEvent]) -> None:
    once = completed(*stream)

    assert completed(*once) == once


@settings(deadline=None)
@given(st.lists(ANYTHING, max_size=24))
def test_nothing_but_repetition_is_left_out(stream: list[events.ServerEvent]) -> None:
    said = kinds(completed(*stream))

    for kind in (events.AudioDelta, events.TextDelta, events.AudioTranscriptDelta):
        assert said.count(kind.__name__) == kinds(stream).count(kind.__name__)


# What it costs.


def test_memory_is_bounded() -> None:
    complete = Complete()

    def feed(first: int, last: int) -> None:
        for n in range(first, last):
            place: dict[str, Any] = {"response_id": f"r{n // 7}", "item_id": f"i{n}"}
            stream: list[events.ServerEvent] = [
                events.AudioCommitted(item_id=f"u{n}"),
                events.AudioTranscriptDelta(**place, delta="word"),
                events.AudioDelta(**place, content_index=1, delta=b"ab"),
                events.FunctionCallArgumentsDone(
                    **place, call_id=f"c{n}", name="f", arguments="{}"
                ),
            ]
            if n % 14 == 0:
                stream.append(events.ResponseDone(response_id=f"r{n // 7}", status="completed"))
            for event in stream:
                for _ in complete.process(event):
                    pass

    feed(0, 3000)
    before = size_of(complete)
    feed(3000, 9000)

    assert size_of(complete) <= before * 1.05


def test_what_is_kept_of_words_is_bounded() -> None:
    complete = Complete()
    words = "word" * 20_000

    for n in range(60):
        for _ in complete.process(events.TextDelta(**OF, content_index=n % 3, delta=words)):
            pass

    assert size_of(complete) < 2 * LONGEST


def test_the_words_of_a_response_that_is_over_are_forgotten() -> None:
    complete = Complete()

    for n in range(60):
        place: dict[str, Any] = {"response_id": f"r{n}", "item_id": f"i{n}"}
        called = events.FunctionCallArgumentsDone(
            **place, call_id="c", name="f", arguments="word" * 20_000
        )
        done = events.ResponseDone(response_id=f"r{n}", status="completed")
        for event in (events.TextDelta(**place, delta="word" * 20_000), called, done):
            for _ in complete.process(event):
                pass

    assert size_of(complete) < LONGEST


def test_a_delta_of_an_open_part_costs_a_look_at_its_part() -> None:
    complete = Complete()
    delta = events.AudioDelta(**OF, delta=b"ab")
    list(complete.process(delta))

    [same] = complete.process(delta)

    assert same is delta


def size_of(thing: object) -> int:
    """Of all that it holds, in bytes."""
    seen: set[int] = set()
    rest, size = [thing], 0
    while rest:
        one = rest.pop()
        if id(one) in seen or isinstance(one, type | types.ModuleType):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        rest += gc.get_referents(one)
    return size
