"""`antiphon translate`, as a filter."""

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from antiphon.cli import main
from antiphon.codecs import events
from antiphon.codecs.events import EventFrame
from tests.antiphon.codec.plain import known, plain

ROOT = Path(__file__).parents[3]
RECORDED = sorted((ROOT / "tests" / "data" / "wire").glob("openai.*.jsonl"))


class Translate:
    """Runs the command on some lines."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, lines: bytes) -> tuple[int, list[str], list[str]]:
        """Exit status, standard output, standard error."""
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
        status = main(["translate", *arguments])
        said = self._capsys.readouterr()
        return status, said.out.splitlines(), said.err.splitlines()


@pytest.fixture
def translate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Translate:
    return Translate(monkeypatch, capsys)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    known(
        monkeypatch,
        plain("plain"),
        plain("slow", rate=16_000, without=[events.ResponseCreated, events.SpeechStarted]),
    )


SERVER = ("--from", "plain", "--to", "slow", "--side", "server")
CLIENT = ("--from", "plain", "--to", "slow", "--side", "client")


def line(event: EventFrame) -> bytes:
    return msgspec.json.encode(event) + b"\n"


CREATED = events.ResponseCreated(response_id="r")
DONE = events.ResponseDone(response_id="r", status="completed")


def test_each_line_becomes_lines_of_the_other_dialect(two: None, translate: Translate) -> None:
    status, out, err = translate(*SERVER, lines=line(DONE) + b"\n  \r\n" + line(DONE))

    assert (status, err) == (0, [])
    assert [msgspec.json.decode(one, type=events.ResponseDone) for one in out] == [DONE] * 2


def test_what_could_not_be_said_is_counted_once_at_the_end(two: None, translate: Translate) -> None:
    lines = line(CREATED) * 3 + line(DONE) + line(events.SpeechStarted())

    status, out, err = translate(*SERVER, lines=lines)

    assert (status, len(out)) == (0, 1)
    assert err == ["antiphon: not said in slow: 3 x response-created, 1 x speech-started"]


def test_a_bad_line_is_told_by_its_number_and_the_rest_goes_on(
    two: None, translate: Translate
) -> None:
    lines = line(DONE) + b"\n" + b'{"type":"response-done"}\n' + b"\xff\n" + line(DONE)

    status, out, err = translate(*SERVER, lines=lines)

    assert (status, len(out)) == (1, 2)
    assert err[0].startswith("antiphon: line 3: plain: Object missing required field")
    assert err[1:] == ["antiphon: line 4: plain: Expected UTF-8 - at `$`"]


def test_what_must_not_be_left_out_is_told_with_its_line(two: None, translate: Translate) -> None:
    lines = line(events.InputDtmf(digit="1")) + line(events.InputAudioCommit())

    status, out, err = translate(*CLIENT, lines=lines)

    assert (status, len(out)) == (1, 1)
    assert err == ["antiphon: line 1: plain has no telephone"]


def test_a_mistake_of_ours_costs_one_line(two: None, translate: Translate) -> None:
    status, out, err = translate(*SERVER, lines=b"break\n" + line(DONE))

    assert (status, len(out)) == (1, 1)
    (told,) = err
    assert "line 1: a mistake of this library: KeyError" in told


def test_a_rate_that_nobody_has_is_told_with_its_line(two: None, translate: Translate) -> None:
    sound = events.AudioDelta(response_id="r", item_id="i", delta=b"\0\0")

    status, _, err = translate(*SERVER, lines=b"rate\n" + line(sound))

    assert status == 1
    assert err == [
        "antiphon: line 2: slow cannot be given this audio: a rate is 4000 to 192000 Hz, not 7"
    ]


def test_binary_frames_are_lines_too_and_the_last_sound_is_not_lost(
    two: None, translate: Translate
) -> None:
    frame = json.dumps({"binary": base64.b64encode(bytes(960)).decode()}).encode() + b"\n"

    status, out, _ = translate(*CLIENT, lines=frame * 2)

    sounds = [base64.b64decode(json.loads(one)["binary"]) for one in out]
    assert status == 0
    assert [len(sound) for sound in sounds] == [640, 640, 32]


def test_words_that_are_no_json_are_a_json_string(two: None, translate: Translate) -> None:
    append = events.ContextAppend(content="finalize", delegation_id=None)

    status, out, _ = translate(*CLIENT, lines=line(append))

    assert (status, out) == (0, ['"finalize"'])


def test_nothing_in_is_nothing_out(two: None, translate: Translate) -> None:
    assert translate(*SERVER, lines=b"") == (0, [], [])


@pytest.mark.parametrize(
    "arguments", [("--from", "klingon", "--to", "slow"), ("--from", "plain", "--to", "klingon")]
)
def test_an_unknown_dialect_is_told_in_a_line(
    two: None, translate: Translate, arguments: tuple[str, ...]
) -> None:
    status, out, err = translate(*arguments, "--side", "server", lines=line(DONE))

    assert (status, out) == (2, [])
    assert err == ["antiphon: there is no dialect 'klingon', only plain, slow"]


@pytest.mark.parametrize("arguments", [SERVER[:4], SERVER[2:], (*SERVER[:5], "nobody")])
def test_what_is_not_asked_for_properly_is_told_with_the_usage(
    translate: Translate, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        translate(*arguments, lines=b"")

    assert ended.value.code == 2


def test_input_that_cannot_be_read_is_told_in_a_line(
    two: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object, /) -> int:
            raise OSError("the disk is gone")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Broken())))

    assert main(["translate", *SERVER]) == 1
    assert capsys.readouterr().err == "antiphon: the disk is gone\n"


def test_without_standard_input_it_says_so(
    two: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert main(["translate", *SERVER]) == 2
    assert capsys.readouterr().err == "antiphon: translate needs standard input and output\n"


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_was_recorded_is_the_same_to_its_own_dialect(path: Path, translate: Translate) -> None:
    """Server ends may add what was left out; what was said is there."""
    side = path.name.split(".")[1]
    messages = [json.loads(one)["wire"] for one in path.read_text().splitlines()]
    lines = "".join(json.dumps(message) + "\n" for message in messages).encode()

    status, out, err = translate("--from", "openai", "--to", "openai", "--side", side, lines=lines)

    assert (status, err) == (0, [])
    assert {json.loads(one)["type"] for one in out} >= {
        message["type"] for message in messages if "." in message["type"]
    } - {"conversation.item.created"}  # of the beta


def start(*arguments: str, cwd: Path) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "antiphon", "translate", *arguments],
        cwd=cwd,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


OPENAI = ("--from", "openai", "--to", "openai", "--side", "client")
APPEND = b'{"type":"input_audio_buffer.append","audio":"AAAA"}\n'


def test_in_a_live_pipe_an_answer_comes_before_the_next_line(tmp_path: Path) -> None:
    with start(*OPENAI, cwd=tmp_path) as process:
        assert process.stdin and process.stdout and process.stderr
        for _ in range(3):
            process.stdin.write(APPEND)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["type"] == "input_audio_buffer.append"
        process.stdin.close()
        assert process.stdout.read() == process.stderr.read() == b""
    assert process.returncode == 0


def test_nobody_has_to_read_it_to_the_end(tmp_path: Path) -> None:
    with start(*OPENAI, cwd=tmp_path) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(APPEND)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(APPEND)
        process.stdin.flush()
        assert process.stderr.read() == b""
        process.stdin.close()
    assert process.returncode == 1
