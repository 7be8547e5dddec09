"""What goes wrong in a pipeline.

PipelineError
 ├─ FitError        neighbours do not fit; raised when the pipeline is built
 ├─ ProcessorError  a member failed; names it, and keeps the cause
 ├─ LaneFull        frames that cannot wait piled up in front of a stage
 ├─ NotRunning      a frame was sent to a run that has ended
 └─ DrainTimeout    stages did not come to their end in the time given
"""

from collections.abc import Sequence
from typing import cast


class PipelineError(Exception):
    """Something in or about a pipeline went wrong."""


def leaf(error: Exception) -> Exception:
    """*error*, or the one exception that task groups have wrapped in it."""
    if isinstance(error, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", error)
        return leaf(group.exceptions[0]) if len(group.exceptions) == 1 else group
    return error


class FitError(PipelineError):
    """Two members cannot be neighbours; the message says what to put between."""


class ProcessorError(PipelineError):
    """*member* failed; the exception that it raised is the cause."""

    def __init__(self, member: str, problem: str, at: int | None = None) -> None:
        when = "" if at is None else f" at {at / 1_000_000:.3f} s"
        super().__init__(f"{member} failed{when}: {problem}")
        self.member = member
        self.at = at


class LaneFull(PipelineError):
    """Too many frames that nobody waited with are queued in front of *member*."""

    def __init__(self, member: str, waiting: int) -> None:
        super().__init__(
            f"{waiting} frames wait in front of {member}, which does not take them;"
            " emit with `await emit(frame)`, which waits for room"
        )
        self.member = member


class NotRunning(PipelineError):
    """The run has ended or its input is closed, or it cannot begin."""


class DrainTimeout(PipelineError):
    """*members* were still running after the time that was given to come to an end."""

    def __init__(self, members: Sequence[str], seconds: float) -> None:
        super().__init__(
            f"{', '.join(members)} did not end within {seconds:g} s of the input's end and"
            " had to be cancelled; a stage ends when its frames end"
        )
        self.members = tuple(members)
