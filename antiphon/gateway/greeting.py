"""A greeting for clients that wait for one, from models that do not give it.

OpenAI's server says first of all that there is a session; many others wait for the client to say
how it is to be, and some never tell what has become of that.
"""

from collections.abc import Iterator

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, merge
from antiphon.pipeline import Frame, now


class Greeting:
    """Members around a model: `said` before it, this processor behind it.

    With *acknowledges* the model tells by itself how it was settled, beside that there is a
    session.
    """

    def __init__(self, session_id: str, *, acknowledges: bool) -> None:
        self._session_id = session_id
        self._acknowledges = acknowledges
        self._config = SessionConfig()
        self._settled = False

    def said(self, event: Frame) -> Frame:
        """What the model is told; what is for the client passes by it."""
        if not isinstance(event, events.SessionUpdate):
            return event
        before, self._config = self._config, merge(self._config, event.config)
        if self._settled and self._config == before:
            # Some models cannot be changed, and need not be.
            return events.SessionUpdated(config=self._config, at=now())
        self._settled = True
        return event

    def start(self) -> Iterator[Frame]:
        yield events.SessionCreated(session_id=self._session_id, config=SessionConfig(), at=now())

    def process(self, event: Frame) -> Iterator[Frame]:
        if not isinstance(event, events.SessionCreated | events.SessionStarted):
            yield event
        elif not self._acknowledges:
            told = event.config or SessionConfig()
            yield events.SessionUpdated(config=merge(self._config, told), at=event.at)
