"""`antiphon replay`, and the recordings of `antiphon demo` and `antiphon talk`."""

import argparse
import contextlib
import io
import sys
from pathlib import Path

import pytest

from antiphon.demo.command import demo
from antiphon.processors.wavefile import WaveWriter
from antiphon.recording import Recording
from antiphon.recording.arguments import add_arguments
from antiphon.recording.testing import assert_replays
from antiphon.talk import Talk, talk
from tests.antiphon.recording.sessions import RATE, an_echo, record, spoken, words

BOTS = """
from antiphon.processors.realtime import Realtime
from tests.antiphon.recording.sessions import an_echo


def echo():
    return an_echo()


def other():
    return Realtime("local/assistant")


number = 3
"""


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `antiphon demo --fast --record` leaves."""
    folder = tmp_path_factory.mktemp("demo")
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert demo(folder / "out", fast=True, plain=True, record=folder / "calls") == 0
    (path,) = (folder / "calls").iterdir()
    assert f"antiphon replay {path} holds it again" in told.getvalue()
    return path


@pytest.fixture
def bots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_bots.py").write_text(BOTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "some_bots", raising=False)


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = parser.parse_args([str(argument) for argument in arguments])
    return given.run(given)


def test_the_demo_is_replayed_to_the_sample(
    demonstration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(demonstration) == 0

    assert capsys.readouterr().out.startswith("Equal to the sample and the microsecond: ")


def test_the_demo_leaves_the_same_with_and_without_a_recorder(
    demonstration: Path, tmp_path: Path
) -> None:
    demo(tmp_path, fast=True, plain=True)

    for name in ("conversation.wav", "report.json"):
        recorded = demonstration.parent.parent / "out" / name
        assert recorded.read_bytes() == (tmp_path / name).read_bytes()


def test_a_talk_with_files_is_recorded_and_replayed(tmp_path: Path) -> None:
    with WaveWriter(tmp_path / "in.wav", RATE) as file:
        file.write(words("What's the weather in Oslo?"))
    asked = Talk(
        source=tmp_path / "in.wav",
        sink=tmp_path / "out.wav",
        tools="tests.antiphon.recording.sessions:get_weather",
        instructions="Be brief.",
        json=True,
        fast=True,
        record=tmp_path / "calls",
    )

    assert talk(asked) == 0

    (path,) = (tmp_path / "calls").iterdir()
    assert_replays(path)
    header = Recording.open(path).header
    assert header["bot"] == "talk" and header["instructions"] == "Be brief."


@pytest.mark.usefixtures("bots")
def test_the_bot_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = record(tmp_path / "calls", spoken(words("Hello there."), 0), an_echo)

    assert run(path, "--pipeline", "some_bots:echo") == 0
    assert run(path, "--pipeline", "some_bots:other", "--live-sink") == 1

    assert "The first difference, at " in capsys.readouterr().out


def test_a_bot_that_nobody_knows_must_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = record(tmp_path, spoken(words("Hello there."), 0), an_echo)

    assert run(path) == 2

    assert "--pipeline module:attr" in capsys.readouterr().err


@pytest.mark.usefixtures("bots")
@pytest.mark.parametrize("name", ["some_bots:no", "no_bots:echo", "some_bots:number"])
def test_a_bot_that_is_not_there_is_told(
    demonstration: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(demonstration, "--pipeline", name) == 2

    assert name in capsys.readouterr().err


def test_a_file_that_is_no_recording_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.mcap").write_bytes(b"nothing")

    assert (run(tmp_path / "x.mcap"), run(tmp_path / "none.mcap")) == (2, 2)

    told = capsys.readouterr().err
    assert "x.mcap: no recording" in told and "none.mcap" in told


def test_part_of_it_can_be_seen_at_some_speed(
    demonstration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(demonstration, "--until", "3", "--speed", "20") == 0

    told = capsys.readouterr().out
    assert "hello there" in told and "3.0 s" in told


def test_a_broken_recording_is_replayed_as_far_as_it_goes(
    demonstration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = demonstration.read_bytes()
    (tmp_path / "half.mcap").write_bytes(data[: len(data) // 2])

    assert run(tmp_path / "half.mcap") == 0

    told = capsys.readouterr()
    assert "broken off" in told.err and "Equal" in told.out
