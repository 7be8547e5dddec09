"""Puts an example up as its README says, in a copy of what is in the checkout."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

INSTALLING = 120.0
"""Seconds; with a cache it takes less than five."""

RUNNING = 60.0
"""Seconds."""


def copied(name: str, folder: Path) -> Path:
    """A copy of the example, of whose installation nothing is taken along."""
    left = shutil.ignore_patterns("node_modules", "dist", ".env", "*.wav")
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=left))


def installed(name: str, folder: Path) -> Path:
    """The example with its packages. Skips where there is no registry; with CI=true it fails."""
    where = copied(name, folder)
    command = ["npm", "install", "--prefer-offline", "--no-fund", "--no-audit", "--loglevel=error"]
    done = _run(command, where, timeout=INSTALLING)
    if done.returncode:
        reason = f"npm cannot install {name}: {done.stderr[-500:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return where


def run(where: Path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What *command* has come to."""
    return _run(command, where, environment, timeout=RUNNING)


def _run(
    command: Sequence[str],
    where: Path,
    environment: Mapping[str, str] | None = None,
    *,
    timeout: float,
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        check=False,
        cwd=where,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
