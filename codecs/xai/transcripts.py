"""Transcripts that are said as a whole each time, where others say what is new."""

from antiphon.codecs import events
from antiphon.codecs.wire import Recent

LONGEST = 1 << 16
"""Characters of a transcript that are kept to be compared or repeated: more than an hour's."""


class Transcripts:
    """What was last said of each item that is being transcribed."""

    def __init__(self) -> None:
        self._said = Recent[tuple[str, int], str | None](64)
        """None of those that grew too long to be compared."""

    def grown(self, item_id: str, content_index: int, transcript: str) -> tuple[str, bool]:
        """What is new in *transcript*, and whether what was said before is void."""
        part = item_id, content_index
        before = self._said.get(part, "")
        self._said[part] = transcript if len(transcript) <= LONGEST else None
        if before is not None and transcript.startswith(before):
            return transcript[len(before) :], False
        return transcript, True

    def whole(self, event: events.InputTranscriptionDelta) -> str:
        """All that was understood, with what *event* adds."""
        part = event.item_id, event.content_index
        before = "" if event.restart else self._said.get(part) or ""
        whole = before + event.delta if event.transcript is None else event.transcript
        self._said[part] = whole = whole[:LONGEST]
        return whole

    def over(self, item_id: str, content_index: int) -> None:
        """The transcript is complete, so that the next one of that name begins anew."""
        self._said.pop((item_id, content_index), None)
