"""Shows what is said while it is replayed."""

from collections.abc import Sequence

from antiphon.pipeline import Frame
from antiphon.processors.transcript import Transcript


class Watching:
    """An observer that writes a transcript of what reaches the sink."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._outlet = ""

    def started(self, members: Sequence[str], at: int) -> None:
        self._outlet = members[-2] if len(members) > 1 else ""

    def passed(self, member: str, frame: Frame) -> None:
        if member == self._outlet:
            tuple(self._transcript.process(frame))

    def returned(self, member: str, frame: Frame) -> None:
        tuple(self._transcript.process_back(frame))
