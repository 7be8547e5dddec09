"""A conversation keeps items in order, and of what was said, what was heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.items import AudioPart, FunctionCall, Item, Message, text_message
from antiphon.processors.local.conversation import (
    BOUND,
    Conversation,
    NoSpeech,
    UnknownItem,
    text_of,
)

SECOND = 1_000_000


def spoken(words: str, *, status: str = "completed") -> Message:
    return Message(
        role="assistant", id="said", content=(AudioPart(transcript=words),), status=status
    )


def ids(conversation: Conversation) -> list[str | None]:
    return [item.id for item in conversation]


def of(*names: str) -> Conversation:
    conversation = Conversation()
    for name in names:
        conversation.add(text_message(name, id=name))
    return conversation


def heard(words: str, seconds: int, until: int, left: int = 0) -> str:
    """What is kept of *words*, of whose *seconds* as many as *until* were heard."""
    conversation = Conversation()
    conversation.add(spoken(words))
    conversation.spoke("said", seconds * SECOND, left * SECOND)
    conversation.truncate("said", until * SECOND)
    return text_of(conversation["said"])


def test_items_stand_in_the_order_in_which_they_came() -> None:
    conversation = of("a", "b", "c")

    assert ids(conversation) == ["a", "b", "c"]
    assert conversation.last == "c"


@pytest.mark.parametrize(
    ("previous", "order"),
    [
        (None, ["a", "b", "c", "new"]),
        ("root", ["new", "a", "b", "c"]),
        ("a", ["a", "new", "b", "c"]),
        ("c", ["a", "b", "c", "new"]),
    ],
)
def test_an_item_is_put_behind_another_or_in_front(previous: str | None, order: list[str]) -> None:
    conversation = of("a", "b", "c")

    conversation.add(text_message("new", id="new"), previous)

    assert ids(conversation) == order


def test_an_item_behind_an_unknown_one_is_not_added() -> None:
    conversation = of("a")

    with pytest.raises(UnknownItem):
        conversation.add(text_message("new"), "b")

    assert ids(conversation) == ["a"]


def test_items_without_an_id_are_given_one_that_nobody_has() -> None:
    conversation = of("item_1", "item_3")

    added = [conversation.add(text_message("new")).id for _ in range(3)]

    assert added == ["item_2", "item_4", "item_5"]


def test_each_kind_of_id_is_counted_for_itself() -> None:
    conversation = Conversation()

    assert [conversation.new_id(kind) for kind in ("item", "call", "item")] == [
        "item_1",
        "call_1",
        "item_2",
    ]


def test_unknown_items_are_errors_and_replace_nothing() -> None:
    conversation = of("a")

    conversation.replace(text_message("b", id="b"))
    for wrong in (lambda: conversation["b"], lambda: conversation.delete("b")):
        with pytest.raises(UnknownItem, match="b"):
            wrong()
    with pytest.raises(UnknownItem):
        conversation.truncate("b", 0)

    assert ids(conversation) == ["a"]


def test_the_oldest_items_are_forgotten_beyond_the_bound() -> None:
    conversation = of(*map(str, range(BOUND + 2)))

    assert ids(conversation)[0] == "2"
    assert len(ids(conversation)) == BOUND


def test_items_may_come_while_others_are_looked_at() -> None:
    conversation = of("a", "b")

    for item in conversation:
        conversation.add(text_message("new", id=f"behind {item.id}"))

    assert len(ids(conversation)) == 4


def test_words_are_kept_in_the_measure_in_which_they_were_heard() -> None:
    assert heard("one two three four", seconds=4, until=2) == "one two"
    assert heard("one two three four", seconds=4, until=4) == "one two three four"
    assert heard("one two three four", seconds=4, until=0) == ""


def test_nobody_heard_more_than_there_was_or_less_than_nothing() -> None:
    conversation = Conversation()
    conversation.add(spoken("one two"))
    conversation.spoke("said", 2 * SECOND)

    assert conversation.truncate("said", 9 * SECOND) == 2 * SECOND
    assert conversation.truncate("said", -1) == 0
    assert text_of(conversation["said"]) == ""


def test_words_whose_sound_never_came_were_not_heard() -> None:
    """Of ten words of five seconds, two seconds came, and were heard to their end."""
    words = "one two three four five six seven eight nine ten"

    assert heard(words, seconds=2, until=2, left=3) == "one two three four"


def test_what_nobody_had_heard_leaves_no_words() -> None:
    assert heard("one two", seconds=0, until=5, left=1) == ""


def test_a_truncated_item_does_not_grow_again() -> None:
    """It was still being said when the user had heard enough."""
    conversation = Conversation()
    conversation.add(spoken("one two", status="in_progress"))
    conversation.spoke("said", 2 * SECOND)
    conversation.truncate("said", 1 * SECOND)

    conversation.spoke("said", 5 * SECOND)
    conversation.replace(spoken("one two three four"))

    assert conversation["said"] == spoken("one", status="incomplete")
    assert conversation.truncate("said", 9 * SECOND) == 1 * SECOND


@pytest.mark.parametrize(
    "item",
    [
        text_message("typed", id="x"),
        text_message("written", role="assistant", id="x"),
        FunctionCall(id="x", call_id="c", name="look", arguments="{}"),
    ],
)
def test_only_what_was_spoken_can_be_truncated(item: Item) -> None:
    conversation = Conversation()
    conversation.add(item)

    with pytest.raises(NoSpeech):
        conversation.truncate("x", 0)

    assert conversation["x"] == item


@given(
    words=st.lists(st.text("abc", min_size=1), max_size=20),
    seconds=st.integers(0, 100),
    cuts=st.lists(st.integers(-10, 200), min_size=1, max_size=4),
)
def test_hearing_more_never_leaves_fewer_words(
    words: list[str], seconds: int, cuts: list[int]
) -> None:
    kept = [heard(" ".join(words), seconds, cut).split() for cut in sorted(cuts)]

    assert kept == sorted(kept, key=len)
    assert all(words[: len(some)] == some for some in kept)
