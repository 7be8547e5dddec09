"""What the command says of errors that a user can mend."""

import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def explained() -> Generator[None]:
    """Print an error of this library, or of the file system, in a line, and swallow it.

    What is neither is a mistake of ours, and goes on with its traceback.
    """
    try:
        yield
    except Exception as error:
        first = _first(error)
        if not isinstance(first, OSError) and not type(first).__module__.startswith("antiphon."):
            raise
        print(f"antiphon: {first}", file=sys.stderr)


def _first(error: Exception) -> Exception:
    """The error itself, where a group of tasks has wrapped it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
