"""Several processes are one to whoever scrapes any of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.gateway.observe.workers import FOLDER, counted_together
from tests.antiphon.gateway.observe.scraped import read, value

WORKER = """
import sys
from antiphon.gateway.observe.metrics import Metrics

metrics = Metrics()
metrics.session_opened("openai", "gemini", "websocket")
metrics.session_opened("openai", "gemini", "websocket")
metrics.session_closed("openai", "gemini", 3.0, "client_left")
metrics.response_time("openai", "gemini", 0.7)
for _ in range(300):
    metrics.added("openai", "gemini", "in", 0.00012)
    metrics.bytes("openai", "gemini", "in", "audio", 100)
metrics.flush()
print("counted", flush=True)
sys.stdin.readline()
metrics.close()
print("closed", flush=True)
sys.stdin.readline()
"""

SCRAPE = """
from prometheus_client import generate_latest
from antiphon.gateway.observe.metrics import Metrics

metrics = Metrics()
metrics.flush()
print(generate_latest(metrics.registry).decode())
"""

OF = {"front": "openai", "upstream": "gemini"}


def _python(program: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _scrape(folder: Path) -> str:
    output, _ = _python(SCRAPE, folder).communicate(timeout=30)
    return output


def _closes(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("go on\n")
    worker.stdin.flush()
    assert worker.stdout.readline() == "closed\n"


@pytest.fixture
def workers(tmp_path: Path) -> list[subprocess.Popen[str]]:
    started = [_python(WORKER, tmp_path) for _ in range(2)]
    for worker in started:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "counted\n"
    return started


def test_a_scrape_of_one_worker_counts_all(
    workers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    running = read(_scrape(tmp_path))
    for worker in workers:
        _closes(worker)
    over = read(_scrape(tmp_path))
    for worker in workers:
        worker.communicate("go on\n", timeout=30)

    assert value(running, "sessions", **OF) == 2
    assert value(running, "sessions_closed_total", **OF, reason="client_left") == 2
    assert value(running, "response_time_seconds_bucket", **OF, le="0.8") == 2
    added = {"direction": "in", "le": "0.00025"}
    assert value(running, "added_latency_seconds_bucket", **OF, **added) == 600
    assert value(running, "bytes_total", **OF, direction="in", kind="audio") == 60_000
    assert value(over, "sessions", **OF) is None
    assert value(over, "bytes_total", **OF, direction="in", kind="audio") == 60_000


def test_the_sessions_of_a_worker_that_was_killed_are_no_longer_open(
    workers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    workers[0].send_signal(signal.SIGKILL)
    workers[0].communicate(timeout=30)

    samples = read(_scrape(tmp_path))

    workers[1].communicate("go on\ngo on\n", timeout=30)
    assert value(samples, "sessions", **OF) == 1
    assert value(samples, "sessions_opened_total", **OF, transport="websocket") == 4


def test_the_folder_is_there_while_workers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)

    with counted_together():
        folder = Path(os.environ[FOLDER])
        assert folder.is_dir()
        worker = _python(WORKER, folder)
        worker.communicate("go on\ngo on\n", timeout=30)
        assert value(read(_scrape(folder)), "sessions_opened_total", **OF, transport="websocket")

    assert FOLDER not in os.environ
    assert not folder.exists()


def test_a_folder_that_is_named_already_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))

    with counted_together():
        assert os.environ[FOLDER] == str(tmp_path)

    assert os.environ[FOLDER] == str(tmp_path)
    assert tmp_path.exists()
