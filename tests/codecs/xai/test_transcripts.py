"""Transcripts that grow and change their mind."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.xai import Client, Server
from antiphon.codecs.xai.transcripts import LONGEST, Transcripts

UPDATED = "conversation.item.input_audio_transcription.updated"
COMPLETED = "conversation.item.input_audio_transcription.completed"


def updated(client: Client, transcript: str, item_id: str | None = "i") -> tuple[str, bool]:
    message = {"type": UPDATED, "item_id": item_id, "transcript": transcript}
    [event] = client.decode(json.dumps(message))
    assert isinstance(event, events.InputTranscriptionDelta)
    return event.delta, event.restart


def test_what_is_new_is_heard() -> None:
    client = Client()

    heard = [updated(client, said) for said in ("What's", "What's the", "What's the", "What's")]

    assert heard == [("What's", False), (" the", False), ("", False), ("What's", True)]


def test_a_changed_word_begins_anew() -> None:
    client = Client()

    heard = [updated(client, said) for said in ("A nice", "An ice cream", "An ice cream.")]

    assert heard == [("A nice", False), ("An ice cream", True), (".", False)]


def test_items_are_apart() -> None:
    client = Client()
    updated(client, "One", "i1")

    assert updated(client, "Two", "i2") == ("Two", False)
    assert updated(client, "One more", "i1") == (" more", False)


@pytest.mark.parametrize("item_id", ["i", None])
def test_a_transcript_that_is_complete_is_over(item_id: str | None) -> None:
    client = Client()
    updated(client, "Yes", item_id)
    message = {"type": COMPLETED, "item_id": item_id, "transcript": "Yes."}
    [completed] = client.decode(json.dumps(message))

    heard = updated(client, "Yes, but", item_id)

    assert isinstance(completed, events.InputTranscriptionCompleted)
    assert heard == ("Yes, but", False)


def test_what_is_not_said_is_empty() -> None:
    [event] = Client().decode(json.dumps({"type": UPDATED, "event_id": "e"}), at=3)

    assert event == events.InputTranscriptionDelta(item_id="", delta="", event_id="e", at=3)


def test_a_transcript_too_long_to_be_compared_is_told_as_a_whole_each_time() -> None:
    client = Client()
    updated(client, "a" * LONGEST)

    assert updated(client, "a" * (LONGEST + 1)) == ("a", False)
    assert updated(client, "a" * (LONGEST + 2)) == ("a" * (LONGEST + 2), True)
    assert updated(client, "b") == ("b", True)
    assert updated(client, "bc") == ("c", False)


def test_no_more_transcripts_are_kept_than_are_under_way() -> None:
    transcripts = Transcripts()

    for number in range(10_000):
        transcripts.grown(f"item_{number}", 0, "a")

    assert transcripts.grown("item_9999", 0, "ab") == ("b", False)
    assert transcripts.grown("item_0", 0, "ab") == ("ab", False)


def delta(
    text: str, *, restart: bool = False, content_index: int = 0, transcript: str | None = None
) -> events.InputTranscriptionDelta:
    return events.InputTranscriptionDelta(
        item_id="i",
        content_index=content_index,
        delta=text,
        restart=restart,
        transcript=transcript,
    )


def whole(server: Server, event: events.InputTranscriptionDelta) -> str:
    """What the server tells at last: an item that is not known yet is told of before."""
    message = json.loads(list(server.encode(event))[-1])
    assert message["type"] == UPDATED
    return message["transcript"]


def test_a_server_tells_all_of_it_each_time() -> None:
    server = Server()

    said = [
        whole(server, event)
        for event in (
            delta("What's"),
            delta(" the"),
            delta("Other"),
            delta("What is", restart=True),
            delta(" it", content_index=1),
            delta("?", transcript="What is it?"),
            delta("!"),
        )
    ]

    assert said == [
        "What's",
        "What's the",
        "What's theOther",
        "What is",
        " it",
        "What is it?",
        "What is it?!",
    ]


def test_a_server_begins_anew_after_the_end() -> None:
    server = Server()
    whole(server, delta("Yes"))
    list(server.encode(events.InputTranscriptionCompleted(item_id="i", transcript="Yes.")))

    assert whole(server, delta("No")) == "No"


def test_a_server_repeats_no_more_than_it_keeps() -> None:
    server = Server()

    said = [whole(server, delta("a" * (LONGEST - 1))), whole(server, delta("bcd"))]

    assert [len(text) for text in said] == [LONGEST - 1, LONGEST]
    assert said[1].endswith("ab")


@given(st.lists(st.tuples(st.text("ab ", max_size=4), st.booleans()), max_size=12))
def test_what_a_server_is_told_its_client_hears(spoken: list[tuple[str, bool]]) -> None:
    server, client = Server(), Client()

    heard = [
        event
        for text, restart in spoken
        for message in server.encode(delta(text, restart=restart))
        for event in client.decode(message)
        if isinstance(event, events.InputTranscriptionDelta)
    ]

    assert [_so_far(heard[: n + 1]) for n in range(len(heard))] == [
        _so_far([delta(text, restart=restart) for text, restart in spoken[: n + 1]])
        for n in range(len(spoken))
    ]


@given(st.lists(st.text("ab ", max_size=6), max_size=12))
def test_any_transcripts_add_up(transcripts: list[str]) -> None:
    client = Client()

    heard = [updated(client, transcript) for transcript in transcripts]

    so_far = ""
    for (new, restart), transcript in zip(heard, transcripts, strict=True):
        so_far = new if restart else so_far + new
        assert so_far == transcript
    for (before, after), (_, restart) in zip(pairwise(transcripts), heard[1:], strict=True):
        assert restart == (not after.startswith(before))


def _so_far(deltas: list[events.InputTranscriptionDelta]) -> str:
    text = ""
    for one in deltas:
        text = one.delta if one.restart else text + one.delta
    return text
