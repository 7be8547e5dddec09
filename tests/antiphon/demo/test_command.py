"""The demo's conversation, and what it leaves."""

import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest

from antiphon.demo.command import CALLER, demo
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.report import Report


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `antiphon demo --fast` leaves."""
    out = tmp_path_factory.mktemp("demo")
    assert demo(out, fast=True, plain=True) == 0
    return out


@pytest.fixture(scope="module")
def report(left: Path) -> Report:
    return msgspec.json.decode((left / "report.json").read_bytes(), type=Report)


def test_every_line_is_understood_as_it_was_said(report: Report) -> None:
    said = [line.say for line in CALLER.line]

    assert [turn.said for turn in report.turns] == said
    for turn in report.turns:
        words = "".join(c for c in turn.said.lower() if c.isalpha() or c == " ").split()
        understood = turn.understood.lower().replace("'", "")
        assert all(word in understood for word in words), turn


def test_the_tools_are_called_with_what_was_asked_for(report: Report) -> None:
    calls = [(call.name, call.arguments) for turn in report.turns for call in turn.tools]

    assert calls == [
        ("get_time", "{}"),
        ("get_weather", '{"city":"Oslo"}'),
        ("set_timer", '{"minutes":5}'),
    ]


def test_the_story_is_interrupted_where_it_was_heard_to(report: Report) -> None:
    (interruption,) = report.interruptions

    span = next(s for s in report.spans if s.who == "bot" and s.text == interruption.text)
    assert span.end <= interruption.at
    assert abs((interruption.at - span.start) * 1000 - interruption.heard_ms) < 150


def test_every_answer_comes_within_a_second_and_its_parts_add_up(report: Report) -> None:
    timed = [turn for turn in report.turns if turn.response_time_ms is not None]

    assert len(timed) >= len(CALLER.line) - 1
    for turn in timed:
        assert turn.response_time_ms is not None and 0 < turn.response_time_ms < 1500
        parts = msgspec.structs.astuple(turn.parts)
        assert abs(sum(part or 0 for part in parts) - turn.response_time_ms) <= 5


def test_the_recording_has_the_user_left_and_the_bot_right(left: Path, report: Report) -> None:
    with wave.open(str(left / "conversation.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, SAMPLE_WIDTH)
        rate = file.getframerate()
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)

    for span in report.spans:
        column = 0 if span.who == "user" else 1
        assert np.abs(both[int(span.start * rate) : int(span.end * rate), column]).max() > 1000


def test_the_same_conversation_goes_the_same_way_twice(left: Path, tmp_path: Path) -> None:
    demo(tmp_path, fast=True, plain=True)

    for name in ("conversation.wav", "report.json"):
        assert (tmp_path / name).read_bytes() == (left / name).read_bytes()


def test_ctrl_c_at_any_moment_leaves_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*work: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("antiphon.demo.command.run_virtual", interrupted)

    assert demo(tmp_path, fast=True, plain=True) == 130

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"conversation.wav", "report.json", "timeline.png"}
