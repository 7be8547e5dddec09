"""Names who holds the event loop.

A member that computes, or waits without saying so, stops everything else on its loop.
Nothing can be done about it from inside, but from a thread it can be seen.
"""

import logging
import sys
import threading
from asyncio import Handle
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from antiphon.pipeline.fuse import STEPS, Node
from antiphon.pipeline.stage import StageNode

PIECES = STEPS | {Handle._run.__code__}
"""What is done in one go: of asyncio's loop also whatever a task does between two waits."""

log = logging.getLogger(__name__)


class Watchdog:
    """An observer that tells which member has held the loop for *limit* seconds.

    It looks on from a thread at what the loop's thread is doing, so the way of the frames
    has no trace of it. *told* is given the member's name and a sentence, once for each time;
    without it the sentence is logged as a warning. On uvloop and trio it sees only
    processors.
    """

    def __init__(self, limit: float = 0.5, told: Callable[[str, str], None] | None = None) -> None:
        if limit <= 0:
            raise ValueError(f"the limit is seconds, above 0, not {limit}")
        self._limit = limit
        self._told = told or _log
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def started(self, members: Sequence[str], at: int) -> None:
        self._over.clear()
        loop = threading.get_ident()
        self._thread = threading.Thread(
            target=self._watch, args=(loop,), name="antiphon watchdog", daemon=True
        )
        self._thread.start()

    def ended(self, failure: BaseException | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, loop: int) -> None:
        before: list[FrameType] = []
        told: FrameType | None = None
        while not self._over.wait(self._limit):
            innermost = sys._current_frames().get(loop)  # pyright: ignore[reportPrivateUsage]
            stack = list(_stack(innermost))
            calls = [frame for frame in stack if frame.f_code in PIECES]
            # A call that was under way at the last look too has not let go of the loop since.
            held = next((call for call in calls if call in before), None)
            if held is not None and held is not told:
                told = held
                self._told(name := _member(held, stack), self._sentence(name, stack[0]))
            before = calls

    def _sentence(self, name: str, innermost: FrameType) -> str:
        code = innermost.f_code
        where = f"{code.co_filename}:{innermost.f_lineno}, in {code.co_name}"
        return (
            f"{name} has held the event loop for {self._limit:g} s ({where}): what computes or"
            " waits this long belongs into a thread, see Threaded"
        )


def _log(name: str, sentence: str) -> None:
    log.warning(sentence)


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """From the innermost frame outwards."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _member(held: FrameType, stack: Sequence[FrameType]) -> str:
    """Whose call *held* is, or whose stage's."""
    for frame in (held, *stack):
        if frame.f_code in STEPS or frame.f_code is StageNode.run.__code__:
            node: Node = frame.f_locals["self"]
            return node.name
    return "something outside the pipeline"
