"""What the recorder writes down, and that nobody waits for it."""

import os
import stat
import threading
import time
from pathlib import Path

import anyio
import pytest

from antiphon.codecs import events
from antiphon.pipeline import Audio, Frame, Interrupt, Pipeline, Speech
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.player import PacedSink
from antiphon.recording import Recorder, Recording
from antiphon.recording.records import (
    AUDIO_IN,
    AUDIO_OUT,
    CONFIG,
    EVENTS_IN,
    EVENTS_OUT,
    SESSION,
    TOOLS,
    Called,
    Happened,
    Said,
    Sound,
    frame_of,
)
from antiphon.recording.writer import Parts
from tests.antiphon.recording.sessions import (
    SECOND,
    Script,
    User,
    an_assistant,
    record,
    spoken,
    topics,
    typed,
    words,
)

HELLO: Script = spoken(words("What's the weather in Oslo?"), 0)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return Recording.open(record(tmp_path_factory.mktemp("calls"), HELLO, an_assistant))


def test_every_frame_of_the_source_is_there_at_its_time(recording: Recording) -> None:
    heard = [
        (one.at, frame_of(one.body))
        for one in recording.of(AUDIO_IN)
        if isinstance(one.body, Sound)
    ]

    assert heard == list(HELLO)


def test_what_reached_the_sink_is_there(recording: Recording) -> None:
    said = [frame_of(body) for body in topics(recording, EVENTS_OUT) if isinstance(body, Said)]
    sounds = [frame_of(body) for body in topics(recording, AUDIO_OUT) if isinstance(body, Sound)]

    (transcript,) = [f for f in said if isinstance(f, events.InputTranscriptionCompleted)]
    assert "weather" in transcript.transcript
    assert any(isinstance(frame, Interrupt) for frame in said)
    assert sounds and all(isinstance(frame, Speech) for frame in sounds)


def test_what_the_sink_reported_is_there(recording: Recording) -> None:
    said = [body for body in topics(recording, EVENTS_IN) if isinstance(body, Said)]

    assert {body.member for body in said} == {"PacedSink"}
    kinds = [body.frame for body in said]
    assert kinds[0] == "output-playback-started" and "output-playback-stopped" in kinds


def test_tool_calls_and_their_answers_are_there_once(recording: Recording) -> None:
    call, answer = topics(recording, TOOLS)

    assert call == Called("call_1", "get_weather", '{"city":"Oslo"}')
    assert isinstance(answer, Called) and answer.output is not None
    assert "light rain" in answer.output


def test_how_the_model_was_configured_is_there(recording: Recording) -> None:
    (config,) = topics(recording, CONFIG)

    assert isinstance(config, Said)
    frame = frame_of(config)
    assert isinstance(frame, events.SessionUpdate) and frame.config.instructions == "Be brief."


def test_the_end_of_the_input_and_of_the_session_are_there(recording: Recording) -> None:
    first, last = topics(recording, SESSION)

    assert (first, last) == (Happened("input-ended"), Happened("ended"))
    assert recording.input_end == HELLO[-1][0] * 1000
    assert recording.whole and recording.finished and recording.virtual


def test_the_header_says_what_was_recorded_with_what(recording: Recording) -> None:
    header = recording.header

    assert header["antiphon"] and header["python"] and header["clock"] == "virtual"
    assert header["source"] == "User" and header["sink"] == "PacedSink"
    assert '"local/assistant"' in header["members"]


def test_other_programs_find_schemas_and_times_in_the_file(recording: Recording) -> None:
    from mcap.reader import make_reader

    with recording.path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        summary = reader.get_summary()
        messages = [message.log_time for _, _, message in reader.iter_messages("/audio/in")]

    assert summary is not None and summary.statistics is not None
    assert summary.statistics.message_count == len(recording.records)
    assert all(schema.encoding == "jsonschema" for schema in summary.schemas.values())
    assert messages[0] - int(recording.header["began"]) == HELLO[0][0] * 1000
    assert abs(messages[0] / 1e9 - time.time()) < 3600


def test_only_its_owner_may_read_the_file(recording: Recording) -> None:
    assert stat.S_IMODE(recording.path.stat().st_mode) == 0o600


def test_typed_events_of_the_source_are_there(tmp_path: Path) -> None:
    script = typed("Hello.", SECOND)

    recording = Recording.open(record(tmp_path, script))

    said = [frame_of(body) for body in topics(recording, EVENTS_IN) if isinstance(body, Said)]
    assert said[: len(script)] == [frame for _, frame in script]


def test_a_failure_is_written_down(tmp_path: Path) -> None:
    def fail(frame: Audio) -> Audio:
        raise ValueError("no good")

    recorder = Recorder(tmp_path)
    pipeline = Pipeline(User(HELLO), fail, lambda frame: frame, observers=[recorder])
    with pytest.raises(Exception, match="no good"), recorder:
        run_virtual(pipeline.run)

    recording = Recording.open(recorder.path)
    assert "no good" in recording.problem and not recording.finished


def test_a_recording_that_grows_goes_on_in_another_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, rotate=20_000)
    script = spoken(words("Tell me a story.") * 3, 0)

    path = record(tmp_path, script, recorder=_slowly(recorder))

    files = sorted(tmp_path.iterdir())
    assert len(files) > 1 and all(file.stat().st_size < 200_000 for file in files)
    for file in (path, files[-1]):
        recording = Recording.open(file)
        sounds = topics(recording, AUDIO_IN)
        frames = [frame_of(body) for body in sounds if isinstance(body, Sound)]
        assert frames == [frame for _, frame in script]
        assert recording.whole


async def test_a_full_queue_drops_records_and_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, asked = threading.Event(), threading.Event()
    flush = Parts.flush

    def slow(parts: Parts) -> None:
        asked.set()
        stuck.wait(10)
        flush(parts)

    monkeypatch.setattr(Parts, "flush", slow)
    recorder = Recorder(tmp_path, bound=20_000, flush=0.01)
    frame = Audio(pcm=bytes(960))
    recorder.started(["a", "b"], 0)
    with recorder:
        recorder.passed("a", frame)
        await anyio.to_thread.run_sync(asked.wait, 10)
        began = time.perf_counter()
        for _ in range(1000):
            recorder.passed("a", frame)
        took = time.perf_counter() - began
        dropped = recorder.dropped
        stuck.set()
        while recorder.backlog:
            await anyio.sleep(0.01)
        recorder.passed("a", frame)

    assert dropped > 900 and took < 1.0
    recording = Recording.open(recorder.path)
    counted = [b.count for b in topics(recording, SESSION) if isinstance(b, Happened)]
    assert sum(counted) == recorder.dropped >= dropped
    kept = [*topics(recording, AUDIO_IN), *topics(recording, AUDIO_OUT)]
    assert len(kept) == 2 * 1002 - recorder.dropped  # what "a" gives goes in, and comes out


def test_a_disk_that_fails_ends_the_recording_and_not_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(parts: Parts) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Parts, "flush", full)

    record(tmp_path, HELLO)

    assert "No space left on device" in caplog.text and caplog.text.count("ends here") == 1


def test_without_being_closed_the_recorder_ends_with_the_pipeline(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    before = threading.active_count()

    run_virtual(Pipeline(User(HELLO), lambda frame: frame, observers=[recorder]).run)

    for thread in threading.enumerate():
        if thread.name.startswith("recorder"):
            thread.join(5)
    assert threading.active_count() <= before
    assert Recording.open(recorder.path).finished


def test_a_recorder_of_which_nothing_was_recorded_leaves_no_file(tmp_path: Path) -> None:
    with Recorder(tmp_path):
        pass

    assert os.listdir(tmp_path) == []


def _slowly(recorder: Recorder) -> Recorder:
    """*recorder*, which writes each frame by itself, as a real session's second is."""
    setattr(recorder, "_bound", 1)  # noqa: B010 - under a virtual clock a full queue is written
    return recorder


def test_a_mere_observer_sees_what_the_last_member_sent(tmp_path: Path) -> None:
    def everything(frame: Frame) -> Frame:
        return frame

    recorder = Recorder(tmp_path)
    sink = PacedSink(lambda pcm, at: None)
    pipeline = Pipeline(
        User(HELLO), an_assistant(), everything, sink, fit="auto", observers=[recorder]
    )
    with recorder:
        run_virtual(pipeline.run)

    watched = Recording.open(record(tmp_path, HELLO, an_assistant))
    recording = Recording.open(recorder.path)
    for topic in (AUDIO_IN, AUDIO_OUT, EVENTS_IN):
        assert topics(recording, topic) == topics(watched, topic)
    assert len(topics(recording, EVENTS_OUT)) == len(topics(watched, EVENTS_OUT))


def test_only_a_pipeline_with_ends_can_be_watched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no source and sink"):
        Recorder(tmp_path).watch(Pipeline(lambda frame: frame))
