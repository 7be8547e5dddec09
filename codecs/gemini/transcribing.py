"""The words of the user, as the service would tell them: in order, and without a name."""

from collections.abc import Iterator

import msgspec

from antiphon.codecs import events
from antiphon.codecs.gemini import wire
from antiphon.codecs.wire import Recent


class _Said(msgspec.Struct):
    text: str = ""
    """What is certain, and was said."""
    guess: str | None = None
    """What may come behind it, and was said to be a guess."""


class Transcribing:
    """Fragments belong to one utterance until it is said to be finished, or the turn ends.

    What is begun of one item is finished before another begins, and what is known of it later
    is an utterance of its own.
    """

    def __init__(self) -> None:
        self._said = Recent[str, _Said](64)
        self._open: str | None = None

    def turn_ends(self) -> None:
        """The client takes what it has for an utterance."""
        self._open = None

    def delta(self, event: events.InputTranscriptionDelta) -> Iterator[str]:
        said = self._said.get(event.item_id) or _Said()
        whole = event.transcript
        if not event.restart and said.guess is None:
            text, guess = event.delta, None
        elif whole and whole.startswith(said.text) and len(whole) > len(said.text):
            text, guess = whole[len(said.text) :], None
        else:
            text, guess = "", event.delta if event.restart else (said.guess or "") + event.delta
        if text:
            yield from self._before(event.item_id)
            yield _transcription(text)
            self._open = event.item_id
        elif guess:
            yield _content(
                wire.ServerContent(interim_input_transcription=wire.Transcription(text=guess))
            )
        self._said[event.item_id] = _Said(text=said.text + text, guess=guess)

    def completed(self, event: events.InputTranscriptionCompleted) -> Iterator[str]:
        said = self._said.pop(event.item_id, None) or _Said()
        begun = said.text
        if begun and event.transcript.startswith(begun):
            rest = event.transcript[len(begun) :]
        elif begun and begun.strip() == event.transcript.strip():
            rest = ""
        else:
            rest = event.transcript
            if begun and self._open == event.item_id:
                yield _transcription("", finished=True)
                self._open = None
        is_open = self._open == event.item_id
        if not is_open and not rest:
            return
        if not is_open:
            yield from self._before(event.item_id)
        code = event.languages[0] if event.languages else None
        yield _transcription(rest, finished=True, language=code)
        self._open = None

    def _before(self, item_id: str) -> Iterator[str]:
        if self._open not in (None, item_id):
            yield _transcription("", finished=True)
            self._open = None


def _transcription(text: str, *, finished: bool | None = None, language: str | None = None) -> str:
    said = wire.Transcription(text=text or None, finished=finished, language_code=language)
    return _content(wire.ServerContent(input_transcription=said))


def _content(said: wire.ServerContent) -> str:
    return wire.write(wire.FromServer(server_content=said))
