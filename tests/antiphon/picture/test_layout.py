"""Everything that happened has its place on a row of the picture."""

import pytest

from antiphon.picture.layout import Layout
from antiphon.picture.rows import Row
from antiphon.report import Report
from tests.antiphon.conversations import report, tool, turn


def measure(text: str) -> float:
    return 5.0 * len(text)


def laid_out(conversation: Report, row: Row) -> Layout:
    return Layout(conversation, row, scale=40.0, room=960.0, measure=measure, measure_bold=measure)


def test_an_answer_is_marked_with_its_response_time_below_the_wait() -> None:
    layout = laid_out(report(turn(1.0), duration=8.0), Row(0.0, 8.0))

    ((wait, box),) = layout.answers
    assert wait == (3.0, 3.75)
    assert box.lines == ["750 ms"]
    assert box.x <= layout.x(3.0) + 1
    assert box.x + box.width >= layout.x(3.75) - 1


def test_a_wait_across_two_rows_is_shaded_in_both_and_labelled_in_the_second() -> None:
    conversation = report(turn(1.0), duration=8.0)
    first, second = (laid_out(conversation, row) for row in (Row(0, 3.3), Row(3.3, 8)))

    assert first.waits == second.waits == [(3.0, 3.75)]
    assert not first.answers
    assert len(second.answers) == 1


def test_a_tool_call_and_an_interruption_are_told_where_they_happen() -> None:
    conversation = report(turn(1.0, tools=[tool(3.4)], interrupted=True), duration=8.0)

    layout = laid_out(conversation, Row(0.0, 8.0))

    ((_, call),), ((_, cut),) = layout.tools, layout.cuts
    assert " ".join(call.lines) == 'get_weather(city="Oslo") → sunny, 21 degrees'
    assert layout.x(3.4) < call.x < layout.x(3.7)
    assert " ".join(cut.lines) == (
        "interrupted, heard 3.0 s of “In Oslo it is sunny, at 21 degrees.”"
    )
    assert layout.x(6.75) < cut.x < layout.x(7.0)


@pytest.mark.parametrize(
    ("understood", "words"),
    [
        ("what is the weather in oslo", "What's the weather in Oslo?"),
        (
            "what is the weather in rome",
            "What's the weather in Oslo? (understood: what is the weather in rome)",
        ),
        ("", "What's the weather in Oslo? (not understood)"),
    ],
)
def test_what_was_understood_is_told_where_it_is_not_what_was_said(
    understood: str, words: str
) -> None:
    layout = laid_out(report(turn(1.0, understood=understood), duration=8.0), Row(0.0, 8.0))

    said = [" ".join(box.lines) for part, box in layout.words if part.who == "user"]
    assert said == [words]


def test_a_row_without_anything_is_empty() -> None:
    layout = laid_out(report(duration=8.0), Row(0.0, 8.0))

    assert not (layout.words or layout.waits or layout.answers or layout.tools or layout.cuts)
