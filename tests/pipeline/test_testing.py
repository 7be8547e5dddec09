"""The test kit: play()."""

from collections.abc import Iterator

import pytest

from antiphon.pipeline import Forth, Frame, Interrupt, Pipeline, Tee, alone
from antiphon.pipeline.testing import play
from tests.pipeline.parts import Shout, Slow, Suffix, Text, texts, words


class Ends:
    """Says how many frames there were, at the end."""

    def __init__(self) -> None:
        self._count = 0

    def process(self, frame: Text) -> Iterator[Frame]:
        self._count += 1
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        yield Forth(frame=frame)

    def finish(self) -> Iterator[Frame]:
        yield Text(text=f"{self._count} frames")


def test_play_gives_what_comes_out_of_one_processor() -> None:
    assert words(play(Shout(), texts("ab"))) == ["A", "B"]


def test_play_gives_what_comes_out_of_a_line() -> None:
    assert words(play((Shout(), Suffix("!")), texts("ab"))) == ["A!", "B!"]


def test_play_of_nothing_lets_frames_by() -> None:
    assert words(play((), texts("ab"), returned=texts("c"))) == ["a", "b"]


def test_play_takes_frames_one_by_one() -> None:
    def endless() -> Iterator[Frame]:
        yield Text(text="a")
        raise RuntimeError("nobody asked for more")

    with pytest.raises(RuntimeError, match="nobody asked"):
        play(Shout(), endless())


def test_play_ends_the_input_after_the_frames_and_those_sent_back() -> None:
    played = play([Shout(), Ends()], texts("ab"), returned=texts("c"))

    assert words(played) == ["A", "B", "c", "2 frames"]
    assert played.back == []


def test_play_gives_what_comes_out_towards_the_source_apart() -> None:
    played = play(Shout(), texts("a"), returned=texts("bc"))

    assert words(played) == ["A"]
    assert words(played.back) == ["b", "c"]


def test_play_runs_branches() -> None:
    assert words(play(Tee(Shout(), Suffix("!")), texts("ab"))) == ["A", "a!", "B", "b!"]


def test_play_forgets_nothing_at_an_interrupt() -> None:
    frames = [*texts("a"), Interrupt(), *texts("b")]

    assert words(play(Shout(), frames)) == ["A", "Interrupt", "B"]


@pytest.mark.parametrize(
    "member", [Slow(), alone(Shout()), Tee(Slow())], ids=["stage", "alone", "Tee"]
)
def test_play_runs_no_stages(member: Slow) -> None:
    with pytest.raises(TypeError, match="a stage waits: run it in a Pipeline"):
        play(member, texts("a"))


def test_a_pipeline_may_hold_the_members_that_were_played() -> None:
    shout = Shout()

    assert words(play(shout, texts("a"))) == ["A"]
    assert Pipeline(shout).members == (shout,)
