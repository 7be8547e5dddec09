"""`antiphon token`, against a provider on this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from antiphon.cli import main

LATER = 4_000_000_000


class Provider(BaseHTTPRequestHandler):
    asked: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        Provider.asked.append((self.headers["Authorization"], json.loads(self.rfile.read(length))))
        body = json.dumps({"value": "ek_1", "expires_at": LATER}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def base_url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_token_is_printed_as_json(
    base_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-key")

    status = main(
        ["token", "openai", "--model", "m", "--voice", "marin", "--lifetime", "60"]
        + ["--base-url", base_url]
    )

    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "provider": "openai",
        "token": "ek_1",
        "url": base_url.replace("http", "ws") + "/realtime?model=m",
        "expiresAt": LATER,
    }
    key, body = Provider.asked[-1]
    assert key == "Bearer sk-the-key"
    assert body["session"]["audio"]["output"]["voice"] == "marin"


@pytest.mark.parametrize(
    ("provider", "said"),
    [("openai", "OPENAI_API_KEY"), ("openai_live", "no tickets"), ("acme", "no dialect 'acme'")],
)
def test_what_is_wrong_is_said_in_a_line(
    provider: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    status = main(["token", provider, "--model", "m"])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
