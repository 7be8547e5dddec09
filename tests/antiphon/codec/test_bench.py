"""`antiphon codec bench`, and that it measures what it says."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from antiphon.cli import main
from antiphon.codec import bench
from antiphon.codec.figures import table
from antiphon.codec.peers import Case, Json, OpenAI, peers, sound_in
from antiphon.codec.turn import PIECE, PIECES, Session, sound, speech, turn
from antiphon.codecs import events
from antiphon.codecs.dialects import DIALECTS, find_dialect
from tests.antiphon.codec.plain import known, plain

PCM = sound(24_000, 20)


def of(dialect: str, does: str, what: str = "audio 20 ms") -> Case:
    found = bench.cases([find_dialect(dialect)], bench.QUICK)
    return next(case for case in found if (case.does, case.what) == (does, what))


def test_every_way_of_every_dialect_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known(monkeypatch, plain(), plain("slow", rate=16_000))
    monkeypatch.setattr(bench, "PAIRS", [("plain", "slow", "client"), ("plain", "none", "client")])
    written = tmp_path / "rows.json"

    assert main(["codec", "bench", "--quick", "--json", str(written)]) == 0

    said = json.loads(written.read_text())
    ways = {(row["dialect"], row[""], row["what"]) for row in said["rows"]}
    every: set[tuple[str, str, str]] = {("plain -> slow", "translated", "audio 40 ms")}
    for name in ("plain", "slow"):
        for does in ("client decodes", "server encodes"):
            every.add((name, does, "a turn"))
        for does in ("client decodes", "server encodes", "server decodes", "client encodes"):
            every |= {(name, does, f"audio {ms} ms") for ms in (20, 40, 100, 200)}
    assert ways == every
    assert all(row["us"] > 0 for row in said["rows"])
    assert said["machine"]["python"] in capsys.readouterr().out


def test_rows_that_cannot_be_written_are_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known(monkeypatch, plain())

    assert main(["codec", "bench", "--quick", "--json", str(tmp_path / "no" / "where")]) == 1

    assert "antiphon: " in capsys.readouterr().err


@pytest.mark.parametrize("name", DIALECTS)
def test_all_speech_of_a_turn_is_on_the_wire(name: str) -> None:
    session = Session(find_dialect(name))
    said = turn(session.dialect, session.server.output_rate)

    messages = [message for event in said for message in session.answer(event)]

    client = Session(session.dialect).client
    heard = [event for message in messages for event in client.decode(message)]
    pcm = b"".join(
        event.delta for event in heard if isinstance(event, events.AudioDelta | events.AudioChunk)
    )
    assert pcm == sound(session.server.output_rate, PIECE) * PIECES


@pytest.mark.parametrize("name", DIALECTS)
def test_all_that_the_user_says_is_on_the_wire(name: str) -> None:
    session = Session(find_dialect(name))
    pcm = sound(session.client.input_rate, 20)

    messages = session.ask(events.InputAudioAppend(audio=pcm))

    server = Session(session.dialect).server
    heard = [event for message in messages for event in server.decode(message)]
    assert heard == [events.InputAudioAppend(audio=pcm)]


def test_a_peer_reads_and_writes_the_same_sound() -> None:
    written: list[dict[str, Any]] = []
    peer = Json("json", json.loads, written.append)
    reads, writes = of("openai", "client decodes"), of("openai", "server encodes")

    read, write = peer.task(reads), peer.task(writes)
    assert read is not None and write is not None
    read()
    write()

    assert len(written) == len(writes.messages)
    assert base64.b64decode(written[0]["delta"]) == PCM
    assert written[0] == json.loads(writes.messages[0])


def test_a_peer_that_reads_json_is_not_asked_for_binary_frames() -> None:
    case = Case(
        dialect="plain",
        does="client decodes",
        what="audio 20 ms",
        messages=[b"\xff\xff"],
        prepare=lambda: list,
    )

    assert Json("json", json.loads, json.dumps).task(case) is None


def test_openais_package_is_asked_for_openais_messages() -> None:
    peer = OpenAI()

    for does in ("client decodes", "client encodes"):
        task = peer.task(of("openai", does))
        assert task is not None
        task()
    assert peer.task(of("openai", "server encodes")) is None
    assert peer.task(of("openai_live", "client decodes")) is None


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(distribution: str) -> str | None:
        return None

    monkeypatch.setattr("antiphon.codec.peers.version", version)

    found, missing = peers()

    assert [peer.name for peer in found] == ["json"]
    assert missing == ["orjson", "openai"]
    assert "orjson, openai" in bench.skipped(missing)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [{"b": base64.b64encode(PCM).decode()}, "x" * 50]}, ("a", 0, "b")),
        ({"a": "short"}, None),
        ({"a": "not base64! " * 50}, None),
        ([1, None, 2.5], None),
    ],
)
def test_sound_is_found_wherever_it_is(value: Any, path: tuple[Any, ...] | None) -> None:
    assert sound_in(value) == path


def test_speech_of_a_dialect_that_has_chunks_is_a_chunk() -> None:
    assert isinstance(speech(find_dialect("openai_live"), 24_000, 20), events.AudioChunk)
    assert isinstance(speech(find_dialect("openai"), 24_000, 20), events.AudioDelta)


def test_figures_are_short_and_stand_in_columns() -> None:
    rows = [{"us": 1.23456, "by": None}, {"us": 123456.7, "more": "x"}]

    assert table(rows).splitlines() == [
        "us       by  more",
        "-------  --  ----",
        "1.23",
        "123,457      x",
    ]
