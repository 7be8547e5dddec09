"""The command, as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from antiphon.processors.local.voice import Voice

ROOT = Path(__file__).parents[2]


def antiphon(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "antiphon", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def question(tmp_path: Path) -> Path:
    """Somebody asks for the weather, at the voice's own rate."""
    voice = Voice("en-us")
    path = tmp_path / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(voice.rate)
        file.writeframes(voice.speak("What's the weather in Oslo?"))
    return path


def test_without_a_command_it_says_what_there_is(tmp_path: Path) -> None:
    done = antiphon(cwd=tmp_path)

    assert done.returncode == 2
    assert "demo" in done.stdout and "talk" in done.stdout


def test_talk_answers_a_file_with_a_file(tmp_path: Path, question: Path) -> None:
    (tmp_path / "mytools.py").write_text(
        'def get_weather(city: str) -> str:\n    "The weather."\n    return f"Hail in {city}."\n'
    )

    done = antiphon(
        *("talk", "--in", str(question), "--out", "answer.wav", "--fast"),
        *("--tools", "mytools:get_weather", "--json"),
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    (tool,) = [entry for entry in entries if entry["type"] == "tool"]
    assert json.loads(tool["arguments"]) == {"city": "Oslo"}
    assert tool["output"] == "Hail in Oslo."
    assert any("Hail in Oslo" in e["text"] for e in entries if e.get("who") == "bot")
    with wave.open(str(tmp_path / "answer.wav")) as answer:
        samples = np.frombuffer(answer.readframes(answer.getnframes()), "<i2")
        assert answer.getframerate() == 24_000
    assert np.abs(samples).max() > 3000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("talk", "--in", "missing.wav", "--out", "a.wav"), "missing.wav: there is no such file"),
        (("talk", "--model", "local/genius"), "local/assistant, local/echo, local/script"),
        (("talk", "--model", "local/echo?thnk=1"), "only think"),
        (("talk", "--tools", "nowhere:tool"), "MODULE:ATTR"),
        (("talk", "--fast"), "--fast needs --in and --out"),
    ],
)
def test_a_mistake_is_told_in_a_line(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = antiphon(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_ctrl_c_ends_talk_and_keeps_what_was_said(tmp_path: Path, question: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    arguments = ["talk", "--in", str(question), "--out", "answer.wav", "--model", "local/echo"]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "antiphon", *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()  # it has heard something
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        assert b"Traceback" not in process.stderr.read()

    assert process.returncode == 0
    with wave.open(str(tmp_path / "answer.wav")) as answer:
        assert answer.getnframes() > 0
