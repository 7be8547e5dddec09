"""Processors: fused into calls, and what they get and give."""

from collections.abc import Iterable, Iterator

from antiphon.pipeline import Audio, Frame, Interrupt, Pipeline, Speech, Tee
from antiphon.pipeline.testing import play
from tests.pipeline.parts import Result, Shout, Suffix, Text, carried, texts, words

SPEECH = Speech(pcm=bytes(2), response_id="r", item_id="i")


class Logged:
    """Notes what happens to it, and says something at its start and its end."""

    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log

    def start(self) -> Iterator[Frame]:
        self._log.append(f"{self._name} starts")
        yield Text(text=f"{self._name} is here")

    def process(self, frame: Text) -> Iterator[Frame]:
        self._log.append(f"{self._name} gets {frame.text}")
        yield frame

    def finish(self) -> Iterator[Frame]:
        self._log.append(f"{self._name} finishes")
        yield Text(text=f"{self._name} is gone")


async def test_frames_pass_processors_in_order() -> None:
    frames = await carried(Pipeline(Shout(), Suffix("!"), Suffix("?")), texts("abc"))

    assert words(frames) == ["A!?", "B!?", "C!?"]


async def test_a_pipeline_without_members_lets_frames_by() -> None:
    assert words(await carried(Pipeline(), texts("abc"))) == ["a", "b", "c"]


def test_a_frame_goes_all_the_way_before_the_next_is_made() -> None:
    log: list[str] = []

    def twice(frame: Text) -> Iterator[Text]:
        log.append(f"first {frame.text}")
        yield frame
        log.append(f"second {frame.text}")
        yield frame

    def last(frame: Text) -> Text:
        log.append(f"arrived {frame.text}")
        return frame

    play([twice, last], texts("a"))

    assert log == ["first a", "arrived a", "second a", "arrived a"]


def test_what_a_processor_does_not_yield_is_gone() -> None:
    class Odd:
        def __init__(self) -> None:
            self._count = 0

        def process(self, frame: Frame) -> Iterator[Frame]:
            self._count += 1
            if self._count % 2:
                yield frame

    assert words(play(Odd(), texts("abcde"))) == ["a", "c", "e"]


def test_a_function_may_give_one_frame_several_or_none() -> None:
    def choose(frame: Text) -> Text | list[Text] | None:
        match frame.text:
            case "one":
                return frame
            case "two":
                return [frame, frame]
            case _:
                return None

    assert words(play(choose, texts(["one", "none", "two"]))) == ["one", "two", "two"]


def test_the_annotation_of_the_parameter_decides_what_a_processor_gets() -> None:
    met: list[Frame] = []

    def hear(frame: Audio) -> Iterator[Audio]:
        met.append(frame)
        yield frame

    frames = [Text(text="a"), SPEECH, Interrupt(), Audio(pcm=b"")]

    assert play(hear, frames) == frames
    assert met == [SPEECH, Audio(pcm=b"")]


def test_a_parameter_may_be_annotated_with_several_types() -> None:
    met: list[Frame] = []

    class Hear:
        def process(self, frame: Audio | Interrupt) -> Iterator[Frame]:
            met.append(frame)
            yield frame

    play(Hear(), [Text(text="a"), SPEECH, Interrupt()])

    assert met == [SPEECH, Interrupt()]


def test_a_processor_without_an_annotation_gets_every_frame() -> None:
    met: list[Frame] = []

    def hear(frame):  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType]
        met.append(frame)  # pyright: ignore[reportUnknownArgumentType]
        return frame  # pyright: ignore[reportUnknownVariableType]

    frames = [Text(text="a"), SPEECH, Interrupt()]

    assert play(hear, frames) == frames == met  # pyright: ignore[reportUnknownArgumentType]


def test_an_object_that_can_be_called_is_a_processor() -> None:
    class Call:
        def __call__(self, frame: Frame) -> Iterable[Frame]:
            return (frame, frame)

    assert words(play(Call(), texts("a"))) == ["a", "a"]


def test_each_processor_starts_before_it_gets_what_earlier_ones_say_at_their_start() -> None:
    log: list[str] = []

    said = play([Logged("one", log), Logged("two", log)], ())

    assert log.index("two starts") < log.index("two gets one is here")
    assert set(words(said)) >= {"one is here", "two is here"}


def test_each_processor_finishes_after_it_got_what_earlier_ones_say_at_their_end() -> None:
    log: list[str] = []

    said = play([Logged("one", log), Logged("two", log)], texts("a"))

    assert log[-3:] == ["one finishes", "two gets one is gone", "two finishes"]
    assert words(said)[-2:] == ["one is gone", "two is gone"]


async def test_a_pipeline_starts_and_finishes_its_processors_as_play_does() -> None:
    played: list[str] = []
    ran: list[str] = []

    frames = play([Logged("one", played), Logged("two", played)], texts("ab"))

    assert await carried(Pipeline(Logged("one", ran), Logged("two", ran)), texts("ab")) == frames
    assert ran == played


def test_start_and_finish_may_return_nothing() -> None:
    calls: list[str] = []

    class Quiet:
        def start(self) -> None:
            calls.append("start")

        def process(self, frame: Frame) -> Iterator[Frame]:
            yield frame

        def finish(self) -> None:
            calls.append("finish")

    assert words(play(Quiet(), texts("a"))) == ["a"]
    assert calls == ["start", "finish"]


def test_a_line_may_hold_members_that_stand_for_several() -> None:
    class Loud:
        members = (Shout(), Suffix("!"))

    assert words(play([Loud(), Suffix("?")], texts("a"))) == ["A!?"]


def test_a_branch_without_members_lets_frames_by() -> None:
    assert words(play(Tee([], Shout()), texts("ab"))) == ["a", "A", "b", "B"]


def test_frames_of_any_type_may_be_given() -> None:
    def answer(frame: Text) -> Iterator[Frame]:
        yield Result(text=frame.text)
        yield SPEECH

    assert play(answer, texts("a")) == [Result(text="a"), SPEECH]


def test_a_parameter_of_any_frame_among_others_means_every_frame() -> None:
    met: list[Frame] = []

    def hear(frame: Audio | Frame) -> Frame:
        met.append(frame)
        return frame

    frames = [Text(text="a"), Interrupt()]

    assert play(hear, frames) == frames == met
