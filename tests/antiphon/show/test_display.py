"""What is shown while a conversation happens is complete, in order, and can hurt no terminal."""

import io
import json
import os
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.processors.latency import TurnTimes
from antiphon.processors.transcript import Said
from antiphon.show.display import JsonLines, Live, Plain, Show, show_for
from antiphon.show.outlet import Outlet

WEATHER = Said(
    who="tool",
    item_id="call_1",
    at=3_600_000,
    text="get_weather",
    arguments='{"city": "Oslo"}',
    output="sunny, 21 degrees",
    done=True,
)

TIMES = TurnTimes(
    item_id="item_1",
    ended=3_000_000,
    detected=3_300_000,
    called=3_400_000,
    returned=3_450_000,
    received=3_700_000,
    heard=3_734_000,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


def user(text: str, *, done: bool = True, at: int = 3_420_000) -> Said:
    return Said(who="user", item_id="item_1", at=at, text=text, done=done)


def bot(text: str, *, done: bool = True, heard: int | None = None) -> Said:
    return Said(who="assistant", item_id="item_2", at=4_160_000, text=text, done=done, heard=heard)


def told(*said: Said) -> list[str]:
    """The lines of Plain."""
    out = io.StringIO()
    show = Plain(out)
    for one in said:
        show.said(one)
    return out.getvalue().splitlines()


def objects(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_says_when_who_and_what() -> None:
    assert told(user("What's the weather in Oslo?")) == [
        "   3.42 s  user  What's the weather in Oslo?"
    ]


def test_a_tool_call_is_shown_with_what_it_gave() -> None:
    assert told(WEATHER) == [
        '   3.60 s  tool  get_weather(city="Oslo") → sunny, 21 degrees',
    ]


def test_an_utterance_is_told_once_when_it_has_finished() -> None:
    growing = bot("", done=False)
    out = io.StringIO()
    show = Plain(out)

    for text in ("Once", "Once upon", "Once upon a time."):
        growing.text = text
        show.said(growing)
    assert out.getvalue() == ""
    growing.done = True
    show.said(growing)
    show.said(growing)

    assert out.getvalue() == "   4.16 s  bot   Once upon a time.\n"


def test_speech_of_which_nothing_was_understood_is_told_too() -> None:
    assert told(user("")) == ["   3.42 s  user  (nothing understood)"]


def test_a_response_time_is_told_with_its_parts() -> None:
    out = io.StringIO()

    Plain(out).measured(TIMES)

    assert out.getvalue() == (
        "   3.73 s        answered after 734 ms: "
        "detection 300, thinking 350, tools 50, playout 34\n"
    )


def test_an_interruption_follows_what_it_interrupted() -> None:
    assert told(bot("Once upon a time.", done=False, heard=3_400_000)) == [
        "   4.16 s  bot   Once upon a time.",
        "   4.16 s        interrupted: 3.4 s heard of “Once upon a time.”",
    ]


def test_an_interruption_that_is_told_twice_is_shown_once_and_at_its_time() -> None:
    out = io.StringIO()
    show = Plain(out)

    show.said(bot("Once upon a time."))
    show.level(0.5, 0.0, 7_560_000)
    show.interrupted("item_2", 3_400_000)
    show.said(bot("Once upon a time.", heard=3_400_000))

    assert [line[:26] for line in out.getvalue().splitlines()[1:]] == ["   7.56 s        interrupt"]


def test_what_is_unfinished_at_the_end_is_told_then() -> None:
    out = io.StringIO()
    show = Plain(out)
    show.said(bot("I was about to", done=False))

    show.close()

    assert out.getvalue() == "   4.16 s  bot   I was about to\n"


@given(st.text())
def test_no_text_can_break_a_line_or_control_the_terminal(text: str) -> None:
    (line,) = told(user(text))

    assert line.startswith("   3.42 s  user  ")
    assert line.isprintable() or not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in line)
    assert not set(line) & set("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_control_characters_are_spelled_out() -> None:
    assert told(user("a\x1b[31mb\nc\u202ed"))[0].endswith(r"a\x1b[31mb c\u202ed")


def test_what_an_encoding_lacks_is_written_in_plain_letters() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    show = Plain(out)

    show.said(WEATHER)
    show.said(bot("Zürich… “naïve” 日本"))

    lines = raw.getvalue().decode("ascii").splitlines()
    assert lines[0].endswith('get_weather(city="Oslo") -> sunny, 21 degrees')
    assert lines[1].endswith('Zurich... "naive" ??')


def test_only_what_an_encoding_lacks_is_changed() -> None:
    raw = io.BytesIO()

    out = io.TextIOWrapper(raw, encoding="latin-1")
    Outlet(out).line("Zürich → Genève")

    assert raw.getvalue() == "Zürich -> Genève\n".encode("latin-1")


def test_json_lines_hold_everything_under_stable_names() -> None:
    out = io.StringIO()
    show = JsonLines(out)
    show.said(user("Hi"))
    show.said(WEATHER)
    show.measured(TIMES)
    show.said(bot("Once", heard=3_400_000))
    show.note("bye")

    assert objects(out) == [
        {"type": "said", "at": 3.42, "who": "user", "item_id": "item_1", "text": "Hi"},
        {
            "type": "tool",
            "at": 3.6,
            "call_id": "call_1",
            "name": "get_weather",
            "arguments": '{"city": "Oslo"}',
            "output": "sunny, 21 degrees",
            "failed": False,
        },
        {
            "type": "response",
            "at": 3.734,
            "item_id": "item_1",
            "response_ms": 734,
            "detection_ms": 300,
            "thinking_ms": 350,
            "tools_ms": 50,
            "playout_ms": 34,
        },
        {"type": "said", "at": 4.16, "who": "bot", "item_id": "item_2", "text": "Once"},
        {
            "type": "interrupted",
            "at": 4.16,
            "item_id": "item_2",
            "heard_ms": 3400,
            "text": "Once",
        },
        {"type": "note", "at": 4.16, "text": "bye"},
    ]


@given(st.text(st.characters(exclude_categories=[])))
def test_json_lines_carry_any_text_unchanged_in_ascii(text: str) -> None:
    out = io.StringIO()

    JsonLines(out).said(user(text))

    assert out.getvalue().isascii()
    assert objects(out)[0]["text"] == text


@pytest.mark.parametrize("kind", [Plain, JsonLines, Live])
def test_a_closed_pipe_is_noted_and_the_conversation_goes_on(kind: type[Plain | Live]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        show = kind(stream)

        show.said(user("Hello?"))
        show.level(0.5, 0.5, 4_000_000)
        show.said(bot("Is anybody there?"))
        show.close()


def test_what_is_written_to_a_closed_stream_is_dropped() -> None:
    stream = io.StringIO()
    stream.close()
    out = Outlet(stream)

    out.line("Hello?")

    assert out.gone


@pytest.mark.parametrize(
    ("name", "value"), [("TERM", "dumb"), ("TERM", "unknown"), ("NO_COLOR", "1")]
)
def test_a_terminal_that_wants_it_simple_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    assert isinstance(show_for(Terminal()), Plain)


def test_a_file_gets_plain_lines() -> None:
    assert isinstance(show_for(io.StringIO()), Plain)


def test_a_terminal_gets_plain_lines_when_asked_or_without_rich(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(show_for(Terminal(), plain=True), Plain)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert isinstance(show_for(Terminal()), Plain)


def live() -> tuple[Show, Terminal]:
    terminal = Terminal()
    show = show_for(terminal)
    assert isinstance(show, Live)
    return show, terminal


def test_a_terminal_shows_who_speaks_how_loud_and_for_how_long() -> None:
    show, terminal = live()

    show.said(bot("In Oslo it is", done=False))
    show.level(0.0, 0.5, 62_000_000)
    during = terminal.getvalue()
    show.level(0.0, 0.0, 63_000_000)
    after = terminal.getvalue()[len(during) :]
    show.close()

    assert "1:02" in during
    assert "━━━━" in during
    assert "the bot speaks" in during
    assert "In Oslo it is" in during
    assert "speaks" not in after
    assert "━" not in after


def test_a_short_pause_between_words_is_not_shown() -> None:
    show, terminal = live()

    show.level(0.5, 0.0, 1_000_000)
    so_far = len(terminal.getvalue())
    show.level(0.0, 0.0, 1_200_000)
    show.close()

    assert "the user speaks" in terminal.getvalue()[so_far:]


def test_what_was_said_stays_on_the_terminal_and_the_moving_line_goes() -> None:
    show, terminal = live()

    show.level(0.5, 0.0, 1_000_000)
    show.said(user("Hello there."))
    show.measured(TIMES)
    show.close()

    assert "Hello there." in terminal.getvalue()
    assert "answered after 734 ms" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the last line is empty
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1


def test_a_terminal_is_left_alone_until_there_is_something_to_show() -> None:
    _, terminal = live()

    assert terminal.getvalue() == ""


@pytest.mark.parametrize("columns", [1, 5, 12, 20, 33, 200])
def test_any_width_of_terminal_will_do(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    show, terminal = live()

    show.level(0.5, 0.5, 1_000_000)
    show.said(WEATHER)
    show.said(bot("Once upon a time there was a shepherd boy", heard=1_000_000))
    show.level(0.5, 0.5, 2_000_000)
    show.close()

    assert terminal.getvalue()


def test_texts_cannot_control_a_terminal() -> None:
    show, terminal = live()

    show.said(user("a\x1b]0;title\x07b [bold]c :smile:", done=False))
    show.level(0.0, 0.0, 0)
    show.said(user("a\x1b]0;title\x07b [bold]c :smile:"))
    show.close()

    assert "\x1b]0" not in terminal.getvalue()
    assert "[bold]c :smile:" in terminal.getvalue()
