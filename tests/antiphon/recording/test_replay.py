"""A recorded session goes as it went, and if it does not, where it differs is said."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.pipeline import Audio, Emit, Frame, Frames, Interrupt, Pipeline, Speech
from antiphon.processors.local.echo import echo
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Realtime
from antiphon.recording import Recorder, Recording
from antiphon.recording.compare import drawn
from antiphon.recording.records import AUDIO_OUT, EVENTS_OUT, TOOLS, Said, Sound
from antiphon.recording.replay import Bot, replay
from antiphon.recording.testing import assert_replays
from antiphon.recording.verdict import Verdict, judged
from tests.antiphon.recording.sessions import (
    BLOCK,
    MS,
    SECOND,
    Script,
    User,
    an_assistant,
    an_echo,
    record,
    silence,
    spoken,
    topics,
    typed,
    words,
)

WEATHER: Script = [
    *spoken(words("What's the weather in Oslo?"), 0),
    *spoken(words("Tell me a story."), 5 * SECOND),
    *spoken(words("Stop it."), 10 * SECOND),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("calls"), WEATHER, an_assistant)


@pytest.fixture(scope="module")
def recording(path: Path) -> Recording:
    return Recording.open(path)


def test_a_call_is_replayed_in_three_lines(path: Path) -> None:
    assert_replays(path, an_assistant)


def test_all_that_came_out_is_compared(recording: Recording) -> None:
    verdict = judged(recording, an_assistant)

    assert verdict.exact and verdict.difference is None and not verdict.problem
    assert verdict.compared == sum(1 for _ in recording.of(AUDIO_OUT, EVENTS_OUT, TOOLS)) > 50


def test_a_pipeline_with_ends_of_its_own_is_replayed_between_them(path: Path) -> None:
    def build() -> Pipeline:
        sink = PacedSink(lambda pcm, at: None)
        return Pipeline(User([(0, Audio(pcm=b""))]), an_assistant(), sink, fit="auto")

    assert_replays(path, build)


def test_a_pipeline_without_ends_is_refused(recording: Recording) -> None:
    with pytest.raises(ValueError, match="no source and sink"):
        judged(recording, lambda: Pipeline(lambda frame: frame))


# What differs.


def changed(verdict: Verdict) -> str:
    assert verdict.difference is not None
    return drawn(verdict.difference)


Change = Callable[[Any], Frame | None]


def with_frames(change: Change) -> Callable[[], Bot]:
    return lambda: [an_assistant(), change]


def test_one_sample_that_differs_is_found(recording: Recording) -> None:
    sounds = [body for body in topics(recording, AUDIO_OUT) if isinstance(body, Sound)]
    seen = 0

    def change(frame: Speech) -> Speech:
        nonlocal seen
        seen += 1
        if seen != 9:
            return frame
        pcm = bytearray(frame.pcm)
        pcm[200] ^= 1
        return msgspec.structs.replace(frame, pcm=bytes(pcm))

    text = changed(judged(recording, with_frames(change)))

    assert "sample 100:" in text and "/audio/out" in text
    assert f"{sounds[8].at / 1e6:.6f} s" in text


def without_done(frame: Frame) -> Frame | None:
    return None if isinstance(frame, events.ResponseDone) else frame


def misheard(frame: Frame) -> Frame:
    if not isinstance(frame, events.InputTranscriptionCompleted):
        return frame
    return msgspec.structs.replace(frame, transcript="else")


def misdated(frame: Frame) -> Frame:
    if not isinstance(frame, events.AudioDone):
        return frame
    return msgspec.structs.replace(frame, at=frame.at + 1)


def uninterrupted(frame: Frame) -> Frame | None:
    return None if isinstance(frame, Interrupt) else frame


def mute(frame: Frame) -> Frame | None:
    return None if isinstance(frame, Speech) else frame


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_done, "it is not there"),
        (misheard, 'transcript: "what\'s the weather in oslo" became "else"'),
        (misdated, "at: "),
        (uninterrupted, "it is not there"),
        (mute, "it is not there"),
    ],
)
def test_an_event_that_differs_is_found(recording: Recording, change: Change, told: str) -> None:
    text = changed(judged(recording, with_frames(change)))

    assert told in text


def test_what_comes_later_is_found(recording: Recording) -> None:
    class Late:
        name = "Late"

        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                if isinstance(frame, events.AudioDone):
                    await anyio.sleep(0.001)
                await emit(frame)

    text = changed(judged(recording, lambda: [an_assistant(), Late()]))

    assert "it comes +0.001000 s later" in text


def test_what_is_new_is_found(recording: Recording) -> None:
    class Twice:
        def process(self, frame: events.ResponseDone) -> Iterator[Frame]:
            yield frame
            yield frame

    text = changed(judged(recording, lambda: [an_assistant(), Twice()]))

    assert "\n+ " in text


def test_a_difference_is_shown_with_what_came_before(recording: Recording) -> None:
    def drop(frame: Frame) -> Frame | None:
        return None if isinstance(frame, events.FunctionCallArgumentsDone) else frame

    text = changed(judged(recording, with_frames(drop)))

    lines = text.splitlines()
    assert lines[0].startswith("The first difference, at ")
    (minus,) = [i for i, line in enumerate(lines) if line.startswith("- ")]
    assert "get_weather" in lines[minus]
    assert all(line.startswith("  ") for line in lines[2:minus]) and minus == 5


def test_a_replay_that_fails_is_told(path: Path) -> None:
    def fail(frame: events.ResponseDone) -> Frame:
        raise ValueError("no good")

    with pytest.raises(AssertionError, match="no good"):
        assert_replays(path, lambda: [an_assistant(), fail])


# As far as it goes.


def test_a_call_is_replayed_as_far_as_is_asked(recording: Recording) -> None:
    def drop(frame: Frame) -> Frame | None:
        late = frame.at > 6 * SECOND
        return None if late and isinstance(frame, events.ResponseDone) else frame

    assert judged(recording, with_frames(drop)).difference is not None
    verdict = judged(recording, with_frames(drop), until=5.0)

    assert verdict.difference is None and 0 < verdict.compared < len(recording.records)


@pytest.mark.parametrize("until", [0.5, 3.0, 4.11, 11.0])
def test_a_call_that_was_broken_off_is_replayed_to_there(tmp_path: Path, until: float) -> None:
    path = record(tmp_path, WEATHER, an_assistant, until=until)

    recording = Recording.open(path)

    assert not recording.finished and recording.whole
    assert judged(recording, an_assistant).difference is None


def test_a_replay_takes_its_time_when_asked(tmp_path: Path) -> None:
    import time

    path = record(tmp_path, typed("Hello.", 300 * MS))
    recording = Recording.open(path)

    began = time.monotonic()
    judged(recording, an_echo, speed=2.0)

    assert time.monotonic() - began >= recording.duration / 1e6 / 2 * 0.8


def test_another_bot_on_the_same_call_is_heard_by_a_speaker(recording: Recording) -> None:
    replayed = replay(recording, an_echo, live_sink=True)

    spans = [r for r in replayed.records if r.topic is AUDIO_OUT]
    assert spans and not replayed.problem
    assert judged(recording, an_echo, live_sink=True).difference is not None


# Held in real time.


def test_a_call_in_real_time_is_replayed_but_for_its_times(tmp_path: Path) -> None:
    def build() -> Realtime:
        return Realtime("local/assistant?think=0.05", instructions="Be brief.")

    recorder = Recorder(tmp_path)
    user, sink = User(spoken(words("Hello there."), 0)), PacedSink(lambda pcm, at: None)
    with recorder:
        anyio.run(recorder.watch(Pipeline(user, build(), sink, fit="auto")).run)

    recording = Recording.open(recorder.path)
    verdict = judged(recording, build)

    assert verdict.difference is None and not verdict.exact and verdict.compared > 10
    text = changed(judged(recording, lambda: [build(), _without(events.AudioTranscriptDone)]))
    assert "audio-transcript-done" in text


def _without(kind: type[Frame]) -> Callable[[Frame], Frame | None]:
    def drop(frame: Frame) -> Frame | None:
        return None if isinstance(frame, kind) else frame

    return drop


# Whatever anybody says.

LOUD = b"".join(
    int(9000 * ((i // 20) % 2 - 0.5)).to_bytes(2, "little", signed=True) for i in range(16_000)
)

talk = st.tuples(st.sampled_from(["loud", "quiet"]), st.integers(1, 60))
"""Blocks of 20 ms."""

write = st.tuples(st.sampled_from(["typed", "cancel", "interrupt"]), st.integers(0, 100))
"""And how many milliseconds later than the block before."""


def script_of(said: list[tuple[str, int]]) -> Script:
    at, script = 0, list[tuple[int, Frame]]()
    for what, amount in said:
        match what:
            case "loud" | "quiet":
                sound = LOUD if what == "loud" else silence(1.0)
                script += spoken((sound * 2)[: amount * 640], at)
                at += amount * BLOCK
            case "typed":
                script += typed("Hello there.", at + amount * MS)
            case "cancel":
                script.append((at + amount * MS, events.ResponseCancel(at=at)))
            case _:
                script.append((at + amount * MS, Interrupt(at=at)))
    script += spoken(silence(1.0), at)
    return sorted(script, key=lambda one: one[0])


@settings(
    max_examples=25, deadline=None, suppress_health_check=(HealthCheck.function_scoped_fixture,)
)
@given(said=st.lists(talk | write, min_size=1, max_size=8), until=st.none() | st.floats(0.1, 3.0))
def test_whatever_is_said_goes_the_same_way_again(
    tmp_path: Path, said: list[tuple[str, int]], until: float | None
) -> None:
    def build() -> Realtime:
        return Realtime(echo(think=0.1, chunk=0.05, speed=2.0))

    path = record(tmp_path, script_of(said), build, until=until)

    verdict = judged(Recording.open(path), build)

    assert verdict.exact
    assert verdict.difference is None, drawn(verdict.difference)


def test_the_model_is_told_the_time_of_the_recording(tmp_path: Path) -> None:
    script = spoken(words("What time is it?"), 0)
    recording = Recording.open(record(tmp_path, script, an_assistant))
    began = int(recording.header["began"])

    def told(began: int) -> str:
        header = {**recording.header, "began": str(began)}
        then = Recording(recording.path, header, recording.records, recording.whole)
        said = (r.body for r in replay(then, an_assistant).records)
        return "".join(str(bytes(b.body)) for b in said if isinstance(b, Said))

    assert judged(recording, an_assistant).difference is None
    assert told(began) == told(began) != told(began - 3 * 3600 * 10**9)
