"""Processors that act in silence."""

from collections.abc import Iterator

import anyio
import pytest

from antiphon.pipeline import (
    Back,
    Frame,
    Pipeline,
    ProcessorError,
    Tee,
    sleep_until,
)
from antiphon.pipeline.testing import play, run_virtual
from tests.pipeline.conftest import Timed
from tests.pipeline.parts import Script, Shout, Sink, Slow, Text, texts, words


class Silence:
    """Says so once nothing has come for *hangover* microseconds."""

    def __init__(self, hangover: int = 300_000, word: str = "silence") -> None:
        self._hangover = hangover
        self._word = word
        self.deadline: int | None = None

    def process(self, frame: Frame) -> Iterator[Frame]:
        self.deadline = frame.at + self._hangover
        yield frame

    def expire(self, at: int) -> Iterator[Frame]:
        self.deadline = None
        yield Text(text=self._word, at=at)


class Ticks:
    """Says tick each second from its start on."""

    def __init__(self) -> None:
        self.deadline = 1_000_000

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame

    def expire(self, at: int) -> Iterator[Frame]:
        self.deadline += 1_000_000
        yield Text(text=f"tick at {at}", at=at)


def said(*times: float) -> list[Frame]:
    """A text at each of these seconds."""
    return [Text(text=f"at {time:g}", at=round(time * 1_000_000)) for time in times]


def test_a_deadline_expires_in_silence(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*said(0, 0.2, 1)), Silence(), sink, Slow()).run)

    assert sink.heard == [(0, "at 0"), (200, "at 0.2"), (500, "silence"), (1_000, "at 1")]
    assert sink.frames[2].at == 500_000


def test_a_deadline_that_moves_away_in_time_does_not_expire(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*said(*(i / 10 for i in range(20)))), Silence(), sink).run)

    assert "silence" not in words(sink.frames)


def test_a_deadline_set_at_the_start_expires_without_any_frame(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*said(3.5)), Ticks(), sink).run)

    assert sink.heard == [
        (1_000, "tick at 1000000"),
        (2_000, "tick at 2000000"),
        (3_000, "tick at 3000000"),
        (3_500, "at 3.5"),
    ]


def test_the_earliest_of_several_deadlines_expires_first(timed: Timed) -> None:
    sink = Sink()
    late, early = Silence(500_000, "late"), Silence(200_000, "early")

    timed(Pipeline(Script(*said(0, 2)), late, early, sink).run)

    # What the first says at its deadline is no silence for the second.
    assert sink.heard == [
        (0, "at 0"),
        (200, "early"),
        (500, "late"),
        (700, "early"),
        (2_000, "at 2"),
    ]


def test_a_deadline_that_moves_nearer_expires_at_its_new_time(timed: Timed) -> None:
    class Alarm:
        deadline: int | None = 5_000_000

        def process(self, frame: Text) -> Iterator[Frame]:
            self.deadline = 1_000_000
            yield frame

        def expire(self, at: int) -> Iterator[Frame]:
            self.deadline = None
            yield Text(text="alarm")

    sink = Sink()

    timed(Pipeline(Script(*said(0.5, 6)), Alarm(), sink).run)

    assert sink.heard == [(500, "at 0.5"), (1_000, "alarm"), (6_000, "at 6")]


def test_a_deadline_that_is_past_expires_at_once(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*said(0), *said(3)), Slow(1), Silence(500_000), sink).run)

    # The frame of 0 s comes at 1 s, when its hangover is over.
    assert sink.heard == [(1_000, "at 0"), (1_000, "silence"), (4_000, "at 3")]


def test_what_expires_may_be_sent_back(timed: Timed) -> None:
    class Heard:
        def __init__(self) -> None:
            self.words: list[str] = []

        def process(self, frame: Frame) -> Iterator[Frame]:
            yield frame

        def process_back(self, frame: Frame) -> Iterator[Frame]:
            self.words.extend(words([frame]))
            yield from ()

    class Reports(Silence):
        def expire(self, at: int) -> Iterator[Frame]:
            for frame in super().expire(at):
                yield Back(frame=frame)

    heard, sink = Heard(), Sink()

    timed(Pipeline(Script(*said(0, 1)), heard, Reports(), sink).run)

    assert heard.words == ["silence"]
    assert words(sink.frames) == ["at 0", "at 1"]


def test_a_frame_sent_back_may_set_a_deadline(timed: Timed) -> None:
    class Waits(Silence):
        def process(self, frame: Frame) -> Iterator[Frame]:
            yield frame

        def process_back(self, frame: Frame) -> Iterator[Frame]:
            self.deadline = 500_000
            yield from ()

    def answer(frame: Text) -> Iterator[Frame]:
        if frame.text != "silence":
            yield Back(frame=frame)
        yield frame

    sink = Sink()

    timed(Pipeline(Script(*said(0, 1)), Waits(), answer, sink).run)

    assert sink.heard == [(0, "at 0"), (500, "silence"), (1_000, "at 1")]


def test_processors_in_branches_have_deadlines(timed: Timed) -> None:
    sink = Sink()

    timed(Pipeline(Script(*said(0, 1)), Tee([Shout(), Silence()], []), sink).run)

    assert (300, "silence") in sink.heard


def test_nothing_expires_behind_the_end(timed: Timed) -> None:
    sink = Sink()

    async def main() -> None:
        async with Pipeline(Silence(1_500_000), Slow(1), sink).open(output=False) as run:
            for frame in said(0, 0):
                await run.send(frame)

    timed(main)
    # It is 1.5 s while Slow still works, but the processor has finished at 0 s.
    assert sink.heard == [(1_000, "at 0"), (2_000, "at 0")]


def test_play_expires_deadlines_by_the_times_of_the_frames() -> None:
    frames = play([Silence(), Shout()], said(0, 0.2, 1))

    assert [(frame.at, word) for frame, word in zip(frames, words(frames), strict=True)] == [
        (0, "AT 0"),
        (200_000, "AT 0.2"),
        (500_000, "SILENCE"),
        (1_000_000, "AT 1"),
    ]


def test_play_expires_deadlines_behind_the_last_frame_if_asked() -> None:
    assert words(play(Silence(), said(0), until=299_999)) == ["at 0"]
    assert words(play(Silence(), said(0), until=300_000)) == ["at 0", "silence"]
    assert len(play(Ticks(), (), until=5_000_000)) == 5


def test_a_deadline_that_is_left_as_it_was_is_an_error(timed: Timed) -> None:
    class Stuck(Silence):
        def expire(self, at: int) -> Iterator[Frame]:
            yield Text(text="again", at=at)

    problem = r"Stuck failed at 0\.300 s: expire\(\) left its deadline as it was"

    with pytest.raises(ProcessorError, match=problem):
        timed(Pipeline(Script(*said(0, 1)), Stuck()).run)
    with pytest.raises(ProcessorError, match=problem):
        play(Stuck(), said(0, 1))


def test_a_full_lane_holds_deadlines_up_as_it_does_frames(timed: Timed) -> None:
    sink = Sink()

    async def main() -> None:
        async with Pipeline(Ticks(), Slow(2), sink, lane=1).open(output=False) as run:
            for frame in texts("ab"):
                run.send_nowait(frame)
            await sleep_until(8_500_000)

    timed(main)
    spoken = [(time, word) for time, word in sink.heard if word.startswith("tick")]
    assert spoken[0] == (6_000, "tick at 1000000")
    assert len(spoken) < 5


def test_two_runs_have_timers_of_their_own() -> None:
    first, second = Sink(), Sink()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(Pipeline(Script(*said(0, 1)), Silence(), first).run)
            await anyio.sleep(0.1)
            group.start_soon(Pipeline(Script(*said(0, 1)), Silence(), second).run)

    run_virtual(main)
    assert first.heard == second.heard == [(0, "at 0"), (300, "silence"), (1_000, "at 1")]
