"""A terminal, pipe or file that may go away while the bot talks on."""

import contextlib
import os
from typing import TextIO

from antiphon.show.wording import encodable


class Outlet:
    """Writes what the stream's encoding has letters for.

    Once writing fails (the reader of a pipe has left, the disk is full), the stream is
    `gone` and what is written to it is dropped: nobody sees it, but the conversation does
    not depend on that.
    """

    def __init__(self, stream: TextIO) -> None:
        self.gone = False
        self.encoding = stream.encoding or "utf-8"
        self._stream = stream

    def write(self, text: str) -> int:
        if not self.gone:
            try:
                self._stream.write(encodable(text, self.encoding))
            except (OSError, ValueError):  # ValueError: it was closed
                self._leave()
        return len(text)

    def flush(self) -> None:
        if not self.gone:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._leave()

    def isatty(self) -> bool:
        return not self.gone and self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def line(self, text: str) -> None:
        self.write(text + "\n")
        self.flush()

    def _leave(self) -> None:
        """Let what the stream still holds go nowhere: Python flushes it again at exit.

        See https://docs.python.org/3/library/signal.html#note-on-sigpipe.
        """
        self.gone = True
        with contextlib.suppress(OSError, ValueError):  # no file, or a closed one
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)
