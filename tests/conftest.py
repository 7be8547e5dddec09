"""What every test is held to, and what some need that not every machine has."""

import asyncio
import importlib.util
import os
import shutil
import threading
from collections.abc import Callable, Iterator

import pytest

OF_PYTEST = "TestRunner._run_tests_and_fixtures"
"""The task in which anyio's plugin runs tests."""

OF_TRIO = "Trio thread"
"""Idle threads that trio keeps for ten seconds, for whoever needs one next."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "leaves_tasks: the test ends a loop whose tasks still run")


@pytest.fixture(autouse=True)
def nothing_is_left_behind(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fails a test that leaves a task or a thread running."""
    threads = set(threading.enumerate())
    tasks: list[str] = []
    close = asyncio.Runner.close

    def closing(runner: asyncio.Runner) -> None:
        running = [task.get_coro() for task in asyncio.all_tasks(runner.get_loop())]
        names = [getattr(coroutine, "__qualname__", repr(coroutine)) for coroutine in running]
        tasks.extend(name for name in names if name != OF_PYTEST)
        close(runner)

    if request.node.get_closest_marker("leaves_tasks") is None:
        monkeypatch.setattr(asyncio.Runner, "close", closing)
    yield

    assert not tasks, "tasks were left running"
    started = [t for t in set(threading.enumerate()) - threads if not t.name.startswith(OF_TRIO)]
    for thread in started:
        thread.join(timeout=5)
    assert not [thread.name for thread in started if thread.is_alive()]


@pytest.fixture
def need() -> Callable[[str], None]:
    """Skips the test where a program or module is missing; with CI=true it fails instead."""

    def check(tool: str) -> None:
        if shutil.which(tool) or importlib.util.find_spec(tool):
            return
        reason = f"{tool} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)

    return check
