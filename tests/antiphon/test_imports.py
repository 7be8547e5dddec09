"""Importing costs little, and loads nothing that was not asked for."""

import subprocess
import sys

import pytest

HEAVY = {
    "scipy",
    "aiortc",
    "av",
    "matplotlib",
    "numpy",
    "opentelemetry",
    "pocketsphinx",
    "prometheus_client",
    "redis",
    "rich",
    "sounddevice",
    "starlette",
}


def _loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after *statement*."""
    program = f"{statement}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import antiphon",
        "import antiphon.codecs.events",
        "import antiphon.cli; antiphon.cli._parser()",
    ],
)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    assert not _loaded_by(statement) & HEAVY


def test_the_processors_load_neither_codecs_of_files_nor_devices() -> None:
    assert not _loaded_by("import antiphon.processors") & (HEAVY - {"numpy"})


def test_the_folders_are_not_importable_by_their_bare_names() -> None:
    loaded = _loaded_by("import antiphon.processors, antiphon.pipeline.testing")

    assert not loaded & {"pipeline", "processors", "transports"}
