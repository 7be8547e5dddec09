"""What the command says of errors that a user can mend."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from antiphon.pipeline.errors import leaf


@contextmanager
def explained() -> Generator[None]:
    """Print an error of this library, or of the file system, in a line, and swallow it.

    What is neither is a mistake of ours, and goes on with its traceback.
    """
    try:
        yield
    except Exception as error:
        first = leaf(error)
        if not isinstance(first, OSError) and not type(first).__module__.startswith("antiphon."):
            raise
        print(f"antiphon: {first}", file=sys.stderr)
