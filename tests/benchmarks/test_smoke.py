"""Benchmarks run to their end; what they measure is for a quieter machine to say."""

import importlib
import json
import sys
from pathlib import Path

import pytest

SMALL = {
    "codecs": ["--repeats", "1", "--messages", "1"],
    "hop": ["--repeats", "1", "--frames", "1"],
    "imports": ["--repeats", "1"],
    "interrupt": ["--repeats", "1"],
    "memory": ["--pipelines", "2"],
    "resample": ["--repeats", "1"],
    "round_trip": ["--quick"],
    "sessions": ["--seconds", "0.1", "--at-most", "2"],
    "simulate": ["--repeats", "1", "--minutes", "0.1"],
    "vad": ["--repeats", "1", "--texts", "1"],
    "webrtc": ["--repeats", "1", "--seconds", "2"],
    "websocket": ["--quick"],
}


@pytest.mark.filterwarnings("default")  # peers, where they are installed, have their own
@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_prints_a_table_and_writes_its_rows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "rows.json"
    monkeypatch.setattr(sys, "argv", [name, "--json", str(written), *SMALL[name]])

    importlib.import_module(f"benchmarks.{name}").main()

    said = json.loads(written.read_text())
    assert said["question"].splitlines()[0] in capsys.readouterr().out
    assert said["machine"]["python"]
    assert said["rows"]
