"""Texts are told briefly, exactly and harmlessly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.show.wording import clock, duration, encodable, shortened, tool_call, width


@pytest.mark.parametrize(
    ("arguments", "output", "told"),
    [
        ("{}", "09:30", "call() → 09:30"),
        ("", "", "call() → nothing"),
        ('{"city": "Oslo", "days": 2}', "fine", 'call(city="Oslo", days=2) → fine'),
        ('{"a": {"b": [1]}}', "[1, 2]", 'call(a={"b":[1]}) → [1, 2]'),
        ("{}", '{"sky": "sunny", "celsius": 21}', 'call() → sky="sunny", celsius=21'),
        ("{}", '"quoted"', "call() → quoted"),
        ("{}", None, "call() → no answer"),
        ("not JSON\n", "21", "call(not JSON) → 21"),
        ("[" * 5000, "ok", f"call({'[' * 5000}) → ok"),
    ],
)
def test_a_tool_call_is_written_like_a_call(arguments: str, output: str | None, told: str) -> None:
    assert tool_call("call", arguments, output) == told


def test_a_failed_tool_call_says_so() -> None:
    assert tool_call("call", "{}", "no such city", failed=True) == "call() → error: no such city"


@given(st.text(), st.integers(1, 60))
def test_a_shortened_text_fits_and_shows_that_it_was_cut(text: str, columns: int) -> None:
    short = shortened(text, columns)

    assert width(short) <= columns
    assert short == text or short.endswith("…")


def test_a_text_is_cut_behind_a_word() -> None:
    assert shortened("Once upon a time there was", 17) == "Once upon a time…"
    assert shortened("Once upon a time there was", 15) == "Once upon a…"
    assert shortened("Donaudampfschifffahrt", 10) == "Donaudamp…"


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from(["ascii", "cp437", "utf-8"]))
def test_any_text_can_be_made_to_fit_an_encoding(text: str, encoding: str) -> None:
    encodable(text, encoding).encode(encoding)


def test_an_unknown_encoding_gets_ascii() -> None:
    assert encodable("café", "x-unknown") == "cafe"


def test_times_are_told_as_people_tell_them() -> None:
    assert [duration(ms) for ms in (0, 734.4, 999.4, 999.6, 3400)] == [
        "0 ms",
        "734 ms",
        "999 ms",
        "1.0 s",
        "3.4 s",
    ]
    assert [clock(seconds) for seconds in (0, 61.9, 3725)] == ["0:00", "1:01", "62:05"]
