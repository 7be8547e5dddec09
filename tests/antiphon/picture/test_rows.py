"""A conversation is broken into rows without losing anything of it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from antiphon.picture.rows import part_of, rows_of
from antiphon.report import Span
from tests.antiphon.conversations import report, turn

texts = st.text("abcdefgh ", min_size=1, max_size=200).filter(str.strip)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 40)), max_size=20),
    st.floats(0, 300),
    st.floats(5, 60),
)
def test_rows_follow_each_other_and_none_is_too_long(
    speech: list[tuple[float, float]], duration: float, longest: float
) -> None:
    conversation = report(duration=duration)
    conversation.spans = [
        Span(who="bot", start=start, end=start + length, text="") for start, length in speech
    ]

    rows = rows_of(conversation, longest=longest)

    assert rows[0].start == 0.0
    assert all(one.end == other.start for one, other in itertools.pairwise(rows))
    assert all(0 < row.end - row.start <= longest + 1e-6 for row in rows)
    assert all(any(row.holds(span.end) for row in rows) for span in conversation.spans)


def test_rows_are_broken_between_turns() -> None:
    turns = [turn(8.0 * number) for number in range(8)]

    rows = rows_of(report(*turns, duration=64.0), longest=24.0)

    assert len(rows) == 3
    for row in rows[:-1]:
        assert not any(one.start < row.end < one.end for one in report(*turns, duration=64).spans)
        assert not any((t.began or 0) < row.end < (t.answer_ended or 0) for t in turns)


@given(texts, st.floats(0, 50), st.floats(0.1, 50), st.floats(3, 30))
def test_speech_over_several_rows_keeps_each_word_once(
    text: str, start: float, length: float, longest: float
) -> None:
    span = Span(who="bot", start=start, end=start + length, text=text)
    conversation = report(duration=start + length)
    conversation.spans = [span]

    parts = [part_of(span, row) for row in rows_of(conversation, longest=longest)]

    words = [word for part in parts if part is not None for word in part.text.split()]
    assert [word for word in words if word != "…"] == text.split()
