"""However processors are run, fused, alone or by play, they give the same."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.pipeline import Frame, Member, Pipeline, Processor, alone
from antiphon.pipeline.testing import play, run_virtual
from tests.pipeline.parts import Result, Script, Shout, Sink, Suffix, Text


class Twice:
    """Says each frame twice."""

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame
        yield frame


class Pairs:
    """Joins two texts to one, and gives what is left at the end."""

    def __init__(self) -> None:
        self._first: Text | None = None

    def start(self) -> Iterator[Frame]:
        yield Text(text="pairs")

    def process(self, frame: Text) -> Iterator[Frame]:
        if self._first is None:
            self._first = frame
        else:
            yield Text(text=self._first.text + frame.text, at=frame.at)
            self._first = None

    def finish(self) -> Iterator[Frame]:
        if self._first is not None:
            yield self._first


class Results:
    """Gives each text as a Result too."""

    def process(self, frame: Text) -> Iterator[Frame]:
        yield Result(text=frame.text, at=frame.at)
        yield frame


class Silence:
    """Says so when nothing has come for *hangover* microseconds."""

    def __init__(self, hangover: int) -> None:
        self._hangover = hangover
        self.deadline: int | None = None

    def process(self, frame: Frame) -> Iterator[Frame]:
        self.deadline = frame.at + self._hangover
        yield frame

    def expire(self, at: int) -> Iterator[Frame]:
        self.deadline = None
        yield Text(text=f"silent at {at}", at=at)


Maker = Callable[[], Processor]

MAKERS: tuple[Maker, ...] = (
    Shout,
    lambda: Suffix("!"),
    lambda: Suffix("?"),
    Twice,
    Pairs,
    Results,
)


def sent(gaps: Sequence[int]) -> list[Frame]:
    """Texts, each so many times 10 ms after the one before."""
    return [Text(text=str(i), at=sum(gaps[: i + 1]) * 10_000) for i in range(len(gaps))]


def ran(line: Iterable[Member], frames: Sequence[Frame], seed: int) -> list[Frame]:
    """What a pipeline gives when each of *frames* is sent at its time."""
    sink = Sink()
    run_virtual(Pipeline(Script(*frames), *line, sink, lane=2).run, shuffle=seed)
    return sink.frames


@settings(max_examples=100, deadline=None)
@given(
    line=st.lists(st.sampled_from(MAKERS), min_size=1, max_size=5),
    gaps=st.lists(st.integers(0, 3), max_size=8),
    seed=st.integers(0, 2**16),
)
def test_processors_give_the_same_fused_alone_and_played(
    line: Sequence[Maker], gaps: Sequence[int], seed: int
) -> None:
    frames = sent(gaps)

    played = play([make() for make in line], frames)

    assert ran((make() for make in line), frames, seed) == played
    assert ran((alone(make()) for make in line), frames, seed) == played


@settings(max_examples=100, deadline=None)
@given(
    hangovers=st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
    gaps=st.lists(st.integers(0, 10), max_size=8),
    seed=st.integers(0, 2**16),
)
def test_deadlines_expire_the_same_fused_alone_and_played(
    hangovers: tuple[int, int, int], gaps: Sequence[int], seed: int
) -> None:
    frames = sent(gaps)

    def line() -> list[Processor]:
        # With these no two things happen at the same moment, whatever is sent when.
        return [Silence(h * 10_000 + 1_000 * 2**i) for i, h in enumerate(hangovers)]

    played = play(line(), frames)

    assert ran(line(), frames, seed) == played
    assert ran(map(alone, line()), frames, seed) == played
