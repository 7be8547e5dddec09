"""The picture of a conversation shows what happened in it."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from antiphon.picture.strip import ANSWER, BOT, CUT, LEFT, RIGHT, TOOL, USER
from antiphon.picture.timeline import WIDTH, draw
from antiphon.report import Report
from tests.antiphon.conversations import report, tool, turn

RATE = 8_000

Pixels = npt.NDArray[np.int16]


def sound(conversation: Report, who: str) -> npt.NDArray[np.int16]:
    """Noise wherever *who* speaks."""
    samples = np.zeros(int(conversation.duration * RATE), np.int16)
    noise = np.random.default_rng(1)
    for span in conversation.spans:
        if span.who == who:
            start, end = int(span.start * RATE), int(span.end * RATE)
            part = samples[start:end]
            part[:] = noise.integers(-12_000, 12_000, len(part))
    return samples


def drawn(conversation: Report, path: Path) -> Pixels:
    """The picture, as rows of columns of red, green and blue."""
    user, bot = sound(conversation, "user"), sound(conversation, "bot")
    draw(conversation, user, bot, RATE, path / "timeline.png")
    return pixels(path / "timeline.png")


def pixels(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(np.int16)


def ink(picture: Pixels, color: str) -> npt.NDArray[np.bool_]:
    """Where *color* (as #rrggbb) was drawn."""
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return np.abs(picture - np.array(wanted, np.int16)).max(axis=2) < 12


def test_both_are_drawn_loud_where_they_speak_and_flat_where_they_are_silent(
    tmp_path: Path,
) -> None:
    picture = drawn(report(turn(1.0), duration=10.0), tmp_path)

    def columns(color: str, start: float, end: float) -> float:
        """Pixels of *color* in each column, on average, from *start* s to *end* s."""
        scale = picture.shape[1] / WIDTH
        left, right = (
            int((LEFT + at / 10.0 * (WIDTH - LEFT - RIGHT)) * scale) for at in (start, end)
        )
        return float(ink(picture[150:], color)[:, left:right].sum(axis=0).mean())

    assert columns(USER, 1.2, 2.8) > 20
    assert columns(USER, 4.0, 9.0) < 5
    assert columns(BOT, 4.0, 6.5) > 20
    assert columns(BOT, 0.2, 3.5) < 5


def test_the_user_is_above_the_bot(tmp_path: Path) -> None:
    picture = drawn(report(turn(1.0), duration=10.0), tmp_path)

    (user, _), (bot, _) = (np.nonzero(ink(picture[100:], color)) for color in (USER, BOT))
    assert user.max() < bot.min()


@pytest.mark.parametrize(
    ("color", "conversation"),
    [
        (TOOL, report(turn(1.0, tools=[tool(3.4)]), duration=10.0)),
        (CUT, report(turn(1.0, interrupted=True), duration=10.0)),
    ],
)
def test_tool_calls_and_interruptions_are_marked_in_their_colors(
    tmp_path: Path, color: str, conversation: Report
) -> None:
    without = ink(drawn(report(turn(1.0), duration=10.0), tmp_path), color).sum()

    assert ink(drawn(conversation, tmp_path), color).sum() > without + 50


def test_a_response_time_is_marked_from_the_one_to_the_other(tmp_path: Path) -> None:
    marks = ink(drawn(report(turn(1.0), duration=10.0), tmp_path)[100:], ANSWER)

    longest = marks.sum(axis=1).max() * WIDTH / marks.shape[1]
    assert longest == pytest.approx(0.75 / 10.0 * (WIDTH - LEFT - RIGHT), abs=4)


def test_nothing_reaches_the_edge_of_the_page(tmp_path: Path) -> None:
    picture = drawn(
        report(
            *(
                turn(
                    8.0 * n, said="Tell me " * 30, answer="a long story " * 30, tools=[tool(8 * n)]
                )
                for n in range(6)
            ),
            duration=48.0,
            model="a/model-with-a-long-name" * 20,
        ),
        tmp_path,
    )

    edges = [picture[:8], picture[-8:], picture[:, :8], picture[:, -8:]]
    assert all((edge == 255).all() for edge in edges)


def test_a_long_conversation_has_more_rows_instead_of_a_wider_page(tmp_path: Path) -> None:
    short = drawn(report(turn(1.0), duration=10.0), tmp_path)
    long = drawn(report(*(turn(15.0 * n) for n in range(40)), duration=600.0), tmp_path)

    assert short.shape[1] == long.shape[1] == 1920
    assert long.shape[0] > 10 * short.shape[0]


@pytest.mark.parametrize("duration", [0.0, 0.01, 3.0])
def test_a_conversation_in_which_nothing_was_said_has_a_picture(
    tmp_path: Path, duration: float
) -> None:
    picture = drawn(report(duration=duration), tmp_path)

    assert ink(picture[100:], USER).any()
    assert ink(picture[100:], BOT).any()


def test_sound_that_ends_early_is_followed_by_silence(tmp_path: Path) -> None:
    conversation = report(turn(1.0), duration=10.0)
    nothing = np.zeros(0, np.int16)

    draw(conversation, sound(conversation, "user")[: 2 * RATE], nothing, RATE, tmp_path / "a.png")

    assert ink(pixels(tmp_path / "a.png")[100:], USER).any()


@pytest.mark.parametrize(
    "text", ["$x^2$ costs $5", "日本語 😀 \ud800", "a\x1b[31m\nb", "\\frac{", "%s {0}"]
)
def test_any_text_can_be_drawn_without_a_warning(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        drawn(report(turn(1.0, said=text, answer=text), duration=10.0, model=text), tmp_path)

    assert not caplog.records


def test_the_same_conversation_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        nothing = np.zeros(RATE, np.int16)
        draw(report(turn(1.0), duration=8.0), nothing, nothing, RATE, tmp_path / name)

    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_drawing_on_a_new_machine_is_silent_and_leaves_pyplot_alone(tmp_path: Path) -> None:
    script = """
import sys, pathlib, numpy
from antiphon.picture.timeline import draw
from antiphon.report import Latencies, Report
assert "matplotlib" not in sys.modules
report = Report(
    model="local/assistant", duration=8.0, clock="real", turns=[], interruptions=[], spans=[],
    latency=Latencies(turns=0, median_ms=None, worst_ms=None),
)
draw(report, numpy.zeros(0, "<i2"), numpy.zeros(0, "<i2"), 8000, pathlib.Path(sys.argv[1]))
assert "matplotlib.pyplot" not in sys.modules
"""

    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path / "a.png")],
        env={**os.environ, "MPLCONFIGDIR": str(tmp_path / "new")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert (tmp_path / "a.png").exists()
