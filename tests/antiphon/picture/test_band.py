"""Texts are set in lines that fit, and never over each other."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from antiphon.picture.band import Band, Box, wrapped

texts = st.text("abcdefgh ", min_size=1, max_size=200).filter(str.strip)


def measure(text: str) -> float:
    return 5.0 * len(text)


def overlap(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    above = one.y + one.height <= other.y or other.y + other.height <= one.y
    return not beside and not above


@given(texts, st.floats(20, 300), st.integers(1, 5))
def test_lines_are_as_wide_as_allowed_and_say_it_all_or_show_that_they_do_not(
    text: str, width: float, most: int
) -> None:
    lines = wrapped(text, width, measure, most=most)

    assert 0 < len(lines) <= most
    assert all(measure(line) <= width for line in lines)
    kept = "".join(lines).replace(" ", "")
    assert kept == text.replace(" ", "") or kept.endswith("…")


def test_lines_are_broken_between_words() -> None:
    assert wrapped("tell me a story", 55, measure, most=4) == ["tell me a", "story"]
    assert wrapped("tell me a story", 55, measure, most=1) == ["tell me a…"]


@given(st.lists(st.tuples(texts, st.floats(0, 500), st.floats(10, 400)), max_size=12))
def test_texts_never_overlap_and_stay_on_the_page(placed: list[tuple[str, float, float]]) -> None:
    band = Band(500.0, 11.0, measure)

    for text, x, wide in placed:
        band.put(text, x, preferred=wide, room=wide * 2)

    assert not any(overlap(one, other) for one, other in itertools.combinations(band.boxes, 2))
    assert all(box.x >= 0 and box.x + box.width <= 500.0 for box in band.boxes)
    assert band.height == max((box.y + box.height for box in band.boxes), default=0)
