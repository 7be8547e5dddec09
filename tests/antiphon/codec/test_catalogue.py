"""What `antiphon dialects` says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.cli import main
from antiphon.codecs import events
from antiphon.codecs.dialects import DIALECTS, find_dialect
from tests.antiphon.codec.plain import known, plain

ROOT = Path(__file__).parents[3]


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three dialects, of which each can say less than the one before."""
    known(
        monkeypatch,
        plain("plain"),
        plain("half", rate=8000, emulated={events.GoAway: "as an error, with its code"}),
        plain("two_words", without=[events.InputAudioAppend, events.AudioDelta, events.GoAway]),
    )


def test_several_stand_side_by_side_with_a_row_for_each_event(
    three: None, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["dialects"])

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert status == 0
    assert ["client", "events", "plain", "half", "words"] in rows
    assert ["input-audio-append", "native", "native", "-"] in rows
    assert ["go-away", "native", "emul.", "-"] in rows
    assert rows.index(["audio-delta", "native", "native", "-"]) > rows.index(
        ["server", "events", "plain", "half", "words"]
    )


def test_below_the_table_is_what_else_is_known_of_each(
    three: None, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["dialects"])

    out = capsys.readouterr().out
    assert "half: Plain events" in out
    assert "8000 Hz in, 8000 Hz out" in out
    assert "PLAIN_KEY" in out and "https://example.com/plain" in out
    assert "go-away: as an error, with its code" in out


def test_one_is_told_in_detail(three: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", "half"]) == 0

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "half: Plain events"
    assert any(x.split("  ")[0] == "audio-delta" and x.endswith("native") for x in lines)
    assert any(x.endswith("emulated: as an error, with its code") for x in lines)


def test_those_that_are_named_are_told_in_that_order_and_once(
    three: None, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["dialects", "two_words", "plain", "two_words"])

    out = capsys.readouterr().out
    assert "half" not in out
    assert ["client", "events", "words", "plain"] in [line.split() for line in out.splitlines()]


def test_the_same_is_there_as_data(three: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", "--json", "half", "two_words"]) == 0

    half, words = json.loads(capsys.readouterr().out)["dialects"]
    assert half["name"] == "half" and half["rates"] == {"input": 8000, "output": 8000}
    assert half["tickets"] is False
    assert half["server"]["go-away"] == {"how": "emulated", "as": "as an error, with its code"}
    assert half["client"]["input-audio-append"] == {"how": "native"}
    assert words["client"]["input-audio-append"] == {"how": "dropped"}


def test_an_unknown_dialect_is_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", "klingon\n"]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert "no dialect" in said.err and "openai" in said.err


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_can_be_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", name]) == 0

    out = capsys.readouterr().out
    assert out.startswith(f"{name}: {find_dialect(name).title}")
    assert max(len(line) for line in out.splitlines()) <= 120


def test_all_of_them_fit_into_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    main(["dialects"])

    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 120


def test_a_terminal_without_all_letters_shows_what_it_can(tmp_path: Path) -> None:
    program = (
        "import dataclasses, antiphon.codec.catalogue as c\n"
        "from antiphon.codecs.openai import DIALECT as d\n"
        "c.find_dialect = lambda name: dataclasses.replace(d, title='Öffnungszeit')\n"
        "from antiphon.cli import main\nmain(['dialects', 'openai'])"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    assert done.stdout.startswith(b"openai: ?ffnungszeit\n"), done.stderr


def test_nobody_has_to_read_it_to_the_end(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-m", "antiphon", "dialects", "openai", "--json"],
        env=environment | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
