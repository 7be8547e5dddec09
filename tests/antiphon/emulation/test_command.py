"""`antiphon emulate` says where it is and what to set, and stands in for providers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from antiphon.emulation.command import emulate

EMULATE = """
import json, sys
from pathlib import Path
from antiphon.emulation.command import emulate
given = json.loads(sys.argv[1])
script = given.pop("script", None)
sys.exit(emulate(given.pop("providers"), script=script and Path(script), **given))
"""
"""A process of its own: it ends by a signal."""


@contextmanager
def emulating(*providers: str, **given: Any) -> Generator[subprocess.Popen[str]]:
    arguments = json.dumps({"providers": providers, **given})
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", EMULATE, arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def free_ports() -> int:
    """The first of two in a row."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port: int = one.getsockname()[1]
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
            except (OSError, OverflowError):
                continue
            return port


def ended(process: subprocess.Popen[str], by: signal.Signals) -> tuple[int, str]:
    """Its exit status, and what it had to say."""
    process.send_signal(by)
    _, errors = process.communicate(timeout=10)
    return process.returncode, errors


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_prints_what_to_set_and_ends_with_ctrl_c() -> None:
    port = free_ports()
    with emulating("openai", "gemini", port=port) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip() for _ in range(9)]
        assert ended(process, signal.SIGINT) == (0, "")

    text = "\n".join(lines)
    base = re.search(r"at (http://127\.0\.0\.1:\d+), with TLS at (https://127\.0\.0\.1:\d+)", text)
    assert base is not None
    assert base.groups() == (f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port + 1}")
    assert f"export OPENAI_BASE_URL={base[1]}/v1" in lines
    assert "export OPENAI_API_KEY=antiphon" in lines
    assert f"export GOOGLE_GEMINI_BASE_URL={base[2]}" in lines
    (trusted,) = re.findall(r"export SSL_CERT_FILE=(.+)", text)
    assert not Path(trusted).exists()  # any more


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_as_json_it_is_one_line_and_the_script_is_played(tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text('voice = "tone"\n[[reply]]\nsay = "Hello."')

    given: dict[str, Any] = {"script": str(script), "think": 0.0, "fault": "401*1"}
    with emulating("openai", port=0, as_json=True, **given) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        url = told["env"]["OPENAI_BASE_URL"].replace("http", "ws", 1) + "/realtime?model=x"
        with pytest.raises(Exception, match="401"):
            connect(url)
        heard: list[Any] = []
        with connect(url) as talk:
            talk.send('{"type":"response.create"}')
            while not heard or heard[-1]["type"] != "response.done":
                heard.append(json.loads(talk.recv(timeout=5)))
            assert ended(process, signal.SIGTERM) == (0, "")  # though somebody is still there

    assert told["providers"] == {"openai": told["url"] + "/v1"}
    assert told["tls_url"] is None
    words = [one["transcript"] for one in heard if one["type"].endswith("audio_transcript.done")]
    assert words == ["Hello."]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"providers": ["nobody"]}, "there is no provider 'nobody', only openai,"),
        ({"fault": "explode"}, "there is no fault 'explode'"),
        ({"script": Path("nowhere.toml")}, "nowhere.toml"),
        ({"think": -1.0}, "think"),
    ],
)
def test_what_has_to_be_mended_is_told(
    given: dict[str, Any], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emulate(given.pop("providers", []), **given) == 2

    assert problem in capsys.readouterr().err


def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Exception) as wrong:
        emulate(["openai"], port=taken.getsockname()[1])

    assert isinstance(wrong.value, OSError)
