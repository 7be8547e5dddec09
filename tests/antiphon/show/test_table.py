"""The latency table."""

from antiphon.report import Latencies, Parts, Report, Turn
from antiphon.show.table import latency_table


def turn(
    said: str, response: int | None, *parts: int | None, interrupted: bool = False, began: float = 1
) -> Turn:
    detection, thinking, tools, playout = parts or (None,) * 4
    return Turn(
        said=said,
        understood="",
        answer="",
        began=began,
        end_of_speech=None,
        first_audio_heard=None,
        answer_ended=None,
        response_time_ms=response,
        parts=Parts(
            detection_ms=detection, thinking_ms=thinking, tools_ms=tools, playout_ms=playout
        ),
        interrupted=interrupted,
    )


def report(*turns: Turn, median: int | None = None, worst: int | None = None) -> Report:
    return Report(
        model="local/assistant",
        duration=60.0,
        clock="real",
        turns=list(turns),
        interruptions=[],
        spans=[],
        latency=Latencies(turns=len(turns), median_ms=median, worst_ms=worst),
    )


def test_a_row_for_each_turn_then_median_and_worst() -> None:
    table = latency_table(
        report(
            turn("Hello.", 600, 300, 280, None, 20),
            turn("What's the weather in Oslo?", 900, 320, 400, 150, 30),
            median=750,
            worst=900,
        )
    )

    assert [line.split() for line in table.splitlines() if "---" not in line] == [
        ["turn", "(ms)", "response", "detection", "thinking", "tools", "playout"],
        ["Hello.", "600", "300", "280", "-", "20"],
        ["What's", "the", "weather", "in", "Oslo?", "900", "320", "400", "150", "30"],
        ["median", "750", "310", "340", "150", "25"],
        ["worst", "900", "320", "400", "150", "30"],
    ]


def test_columns_are_aligned_whatever_was_said() -> None:
    table = latency_table(
        report(turn("Hi", 600, 300, 280, 0, 20), turn("Tell me " * 20, 9, 9, 9, 9, 9))
    )

    assert len({len(line) for line in table.splitlines()}) == 1
    assert "Tell me Tell me Tell me Tell…" in table


def test_wide_letters_take_two_columns() -> None:
    narrow, wide = latency_table(report(turn("abcdefghijkl", 5), turn("日本語", 5))).splitlines()[
        2:4
    ]

    assert len(narrow) == len(wide) + 3


def test_a_turn_without_an_answer_has_no_times() -> None:
    row = latency_table(report(turn("Hello.", None))).splitlines()[2]

    assert row.split() == ["Hello.", *"-----"]


def test_an_interrupted_answer_is_marked_and_the_mark_explained() -> None:
    table = latency_table(report(turn("Tell me a story.", 5, interrupted=True)))

    assert "Tell me a story. (!)" in table
    assert table.endswith("(!) the answer was interrupted")


def test_a_conversation_without_turns_has_no_table() -> None:
    assert latency_table(report()) == "No turn was measured."
