"""Neighbours that do not fit are refused before anything runs."""

from collections.abc import Iterator, Sequence

import pytest

from antiphon.pipeline import (
    Audio,
    Emit,
    FitError,
    Frame,
    Frames,
    Interrupt,
    Member,
    Merge,
    Pipeline,
    Processor,
    Speech,
    Tee,
    Threaded,
    alone,
)
from antiphon.pipeline.members import name_of
from antiphon.pipeline.testing import run_virtual
from tests.pipeline.parts import Result, Script, Shout, Text


class Source:
    """Gives audio at *rate*."""

    gives: tuple[type[Frame], ...] = (Audio,)

    def __init__(self, rate: int | None = 16_000) -> None:
        self.gives_rate = rate

    async def run(self, frames: Frames, emit: Emit) -> None:
        if self.gives_rate is not None:
            await emit(Audio(pcm=bytes(self.gives_rate // 25), rate=self.gives_rate))


class Writes:
    """A stage that gives texts and nothing else."""

    gives = (Text,)

    async def run(self, frames: Frames, emit: Emit) -> None:
        await emit(Text(text="a"))


class Needs:
    """Takes audio at some rates."""

    def __init__(self, *rates: int) -> None:
        self.takes_rates = frozenset(rates) or None
        self.heard: list[int] = []

    def process(self, frame: Audio) -> Iterator[Audio]:
        self.heard.append(frame.rate)
        yield frame


class Halves:
    """Gives audio at 8 kHz, whatever comes."""

    gives_rate = 8_000

    def process(self, frame: Audio) -> Iterator[Audio]:
        yield Audio(pcm=b"", rate=8_000)


class Transcribes:
    """Makes texts of audio, and lets no audio by."""

    takes = (Audio,)
    gives = (Text,)

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for _ in frames:
            await emit(Text(text="a"))


def louder(frame: Audio) -> Audio:
    return frame


def refusal(*members: Member) -> str:
    with pytest.raises(FitError) as caught:
        Pipeline(*members)
    return str(caught.value)


def names(line: Sequence[Member]) -> list[str]:
    return [name_of(member) for member in line]


def test_a_rate_that_does_not_fit_names_both_neighbours_and_what_to_put_between() -> None:
    assert refusal(Source(16_000), louder, Needs(24_000)) == (
        "Source gives audio at 16000 Hz, Needs takes 24000 Hz: put Resampler(24000) between"
        ' them, or build the pipeline with fit="auto"'
    )


def test_of_several_rates_the_nearest_is_advised() -> None:
    assert "put Resampler(24000)" in refusal(Source(22_050), Needs(8_000, 24_000, 48_000))
    assert "takes 8000 Hz or 24000 Hz or 48000 Hz" in refusal(
        Source(22_050), Needs(8_000, 24_000, 48_000)
    )


@pytest.mark.parametrize(
    "line",
    [
        (Source(24_000), Needs(24_000)),
        (Source(24_000), Needs()),
        (Source(8_000), Needs(8_000, 16_000), Needs(8_000)),
        (Source(24_000), Halves(), Needs(8_000)),
        (Source(None), Needs(8_000)),
        (Needs(8_000),),
        (Source(24_000), Transcribes(), Shout()),
        (Writes(), Merge([Source(8_000)]), Needs(8_000)),
        (Source(8_000), Merge(Writes()), Needs(8_000)),
        (Source(8_000), Tee([], Needs()), Needs(8_000)),
        (Source(16_000), Tee(Halves(), [Halves(), Needs(8_000)]), Needs(8_000)),
        (Source(8_000), Threaded(Needs(8_000)), Shout()),
    ],
    ids=lambda line: " ".join(names(line)),
)
def test_lines_that_fit_or_that_may_are_not_refused(line: Sequence[Member]) -> None:
    assert Pipeline(*line).members


@pytest.mark.parametrize(
    "line",
    [
        (Source(24_000), Halves(), Needs(24_000)),
        (Source(8_000), Needs(), Needs(16_000)),
        (Source(8_000), Tee(Needs(16_000), [])),
        (Source(8_000), Tee(Halves(), []), Needs(16_000)),
        (Writes(), Merge([Source(8_000)]), Needs(16_000)),
        (Source(8_000), alone(Needs(16_000))),
        (Source(8_000), Threaded(Needs(16_000))),
    ],
    ids=lambda line: " ".join(names(line)),
)
def test_a_rate_is_followed_through_lines_and_branches(line: Sequence[Member]) -> None:
    assert "8000 Hz" in refusal(*line) and "takes " in refusal(*line)


def test_a_type_that_does_not_come_names_both_neighbours_and_what_is_needed() -> None:
    assert refusal(Writes(), Needs()) == (
        "Needs takes Audio, but behind Writes only Text comes along:"
        " put something before it that gives Audio"
    )


def test_the_neighbour_named_is_the_one_in_front() -> None:
    def pass_by(frame: Text) -> Text:
        return frame

    assert "behind pass_by only Text comes along" in refusal(Writes(), pass_by, Needs())
    assert "behind Writes only Text comes along" in refusal(Writes(), Tee(Needs(), []))
    assert "behind Tee only Text comes along" in refusal(Writes(), Tee([], []), Needs())


def test_a_member_in_a_merge_needs_a_source() -> None:
    assert "only nothing comes along" in refusal(Source(), Merge(Needs()))


def test_a_stage_that_declares_what_it_gives_lets_nothing_else_by() -> None:
    assert "behind Transcribes only Text comes along" in refusal(Source(), Transcribes(), Needs())


def test_a_processor_adds_what_it_gives_to_what_passes_by() -> None:
    def count(frame: Text) -> Iterator[Result]:
        yield Result(text=frame.text)

    def needs(frame: Result) -> Result:
        return frame

    assert Pipeline(Writes(), count, needs).members
    assert "needs takes Result" in refusal(Writes(), Shout(), needs)


def test_a_member_that_takes_a_wider_or_a_narrower_type_fits() -> None:
    class Speaks:
        gives = (Speech,)

        async def run(self, frames: Frames, emit: Emit) -> None: ...

    def plays(frame: Speech) -> Speech:
        return frame

    assert Pipeline(Speaks(), Needs()).members
    assert Pipeline(Source(), plays).members


def test_a_member_that_takes_one_of_several_types_fits() -> None:
    def either(frame: Audio | Interrupt) -> Frame:
        return frame

    assert Pipeline(Source(), either).members
    assert "either takes Audio or Interrupt" in refusal(Writes(), either)


def test_without_a_declaration_everything_fits() -> None:
    assert Pipeline(Script(), Needs(8_000), Shout()).members


def test_auto_puts_a_resampler_where_a_rate_does_not_fit() -> None:
    needs = Needs(24_000)

    pipeline = Pipeline(Source(16_000), louder, needs, fit="auto")
    run_virtual(pipeline.run)

    assert names(pipeline.members) == ["Source", "louder", "Resampler", "Needs"]
    assert set(needs.heard) == {24_000}


def test_auto_puts_nothing_where_a_rate_fits() -> None:
    pipeline = Pipeline(Source(16_000), Needs(16_000), Needs(8_000, 16_000), fit="auto")

    assert names(pipeline.members) == ["Source", "Needs", "Needs"]


def test_auto_puts_a_resampler_where_the_rate_is_not_known() -> None:
    pipeline = Pipeline(Script(), Needs(16_000), fit="auto")

    assert names(pipeline.members) == ["Script", "Resampler", "Needs"]


def test_auto_chooses_the_nearest_rate() -> None:
    needs = Needs(8_000, 24_000, 48_000)

    run_virtual(Pipeline(Source(22_050), needs, fit="auto").run)

    assert set(needs.heard) == {24_000}


def test_auto_puts_resamplers_into_branches() -> None:
    left, right = Needs(8_000), Needs(24_000)

    run_virtual(Pipeline(Source(16_000), Tee(left, right), fit="auto").run)

    assert (set(left.heard), set(right.heard)) == ({8_000}, {24_000})


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        (None, "None is no member of a pipeline"),
        ("audio.wav", "'audio.wav' is no member of a pipeline"),
        (Frame(), "is no member of a pipeline"),
        (Shout, r"Shout is a class: put Shout\(...\) in its place"),
        (Writes, r"Writes is a class: put Writes\(...\) in its place"),
    ],
    ids=["None", "str", "frame", "processor class", "stage class"],
)
def test_what_is_no_member_is_refused(member: Member, problem: str) -> None:
    with pytest.raises(FitError, match=problem):
        Pipeline(member)
    with pytest.raises(FitError, match=problem):
        Pipeline(Tee(member, []))


def test_a_processor_that_waits_is_refused() -> None:
    async def slow(frame: Text) -> Text:
        return frame

    class Slow:
        async def process(self, frame: Text) -> list[Text]:
            return [frame]

    class Slower:
        async def process(self, frame: Text):  # pyright: ignore[reportUnknownParameterType]
            yield frame

    for member, name in ((slow, "slow"), (Slow(), "Slow"), (Slower(), "Slower")):
        with pytest.raises(FitError, match=f"{name} waits, which a processor cannot: make it a"):
            Pipeline(member)  # pyright: ignore[reportArgumentType]


def test_a_lane_needs_room() -> None:
    with pytest.raises(FitError, match="room for at least one frame, not 0"):
        Pipeline(lane=0)


def test_a_processor_is_known_by_its_methods() -> None:
    assert isinstance(Shout(), Processor)
    assert not isinstance(Writes(), Processor)
