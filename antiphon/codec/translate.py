"""`antiphon translate`: a filter from one dialect's messages to another's, a line each."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from antiphon.codec.lines import plain, read_line, write_line
from antiphon.codec.translation import Side, Translation, translation
from antiphon.codecs.dialects import UnknownDialect, find_dialect
from antiphon.codecs.wire import Message, Unsayable, WireError

MISTAKES, UNUSABLE = 1, 2
"""Exit statuses: some lines were not understood or could not be said; nothing can be done."""


def translate(source: str, target: str, side: Side, model: str) -> int:
    """From standard input to standard output, as it comes; the exit status."""
    try:
        heard, spoken = find_dialect(source), find_dialect(target)
    except UnknownDialect as error:
        _tell(str(error))
        return UNUSABLE
    if sys.stdin is None or sys.stdout is None:
        _tell("translate needs standard input and output")
        return UNUSABLE
    work = translation(heard, spoken, side, model)
    refused = _carry(work, source, sys.stdin.buffer, sys.stdout.buffer)
    if work.unsaid:
        unsaid = ", ".join(f"{count} x {kind}" for kind, count in work.unsaid.items())
        _tell(f"not said in {target}: {unsaid}")
    return MISTAKES if refused else 0


def _carry(work: Translation[Any], source: str, lines: Iterable[bytes], out: BinaryIO) -> bool:
    """Every line, whatever is wrong with another; whether something was."""
    refused = False
    for where, messages in _translated(work, source, lines):
        try:
            out.writelines(write_line(message) for message in messages)
        except (WireError, Unsayable) as error:
            refused = True
            _tell(f"{where}: {error}")
        except OSError:
            raise
        except Exception as error:  # ours, and no reason to keep the rest from anyone
            refused = True
            _tell(f"{where}: a mistake of this library: {type(error).__name__}: {error}")
        out.flush()
    return refused


def _translated(
    work: Translation[Any], source: str, lines: Iterable[bytes]
) -> Iterator[tuple[str, Iterator[Message]]]:
    for number, line in enumerate(lines, 1):
        yield f"line {number}", _messages(work, source, line)
    yield "at the end", work.finish()


def _messages(work: Translation[Any], source: str, line: bytes) -> Iterator[Message]:
    message = read_line(line, source)
    if message is not None:
        yield from work.feed(message)


def _tell(what: str) -> None:
    print(f"antiphon: {plain(what)}", file=sys.stderr)
