"""Where several processes keep their metrics together, set up before any of them counts."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that prometheus_client reads, once, as it is imported."""


@contextmanager
def counted_together() -> Generator[None]:
    """Processes started within count as one, in a folder of their own.

    For the process that starts the workers, which itself counts nothing. If the variable is set
    already, its folder is used; whoever set it empties it.
    """
    if FOLDER in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="antiphon-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]
