"""What the user says, in utterances: the service names none, and may not say where one ends."""

from antiphon.codecs import events
from antiphon.codecs.gemini import wire

_LONGEST = 1 << 16
"""Characters; a translator's user may speak for hours without a turn's end."""

_MOST_LANGUAGES = 8


class Utterances:
    """Gives each utterance a name by counting, and tells its words so far with each new one.

    It ends where the service says `finished`, else with an interruption, else with the model's
    turn unless the service has said of this utterance whether it is finished.
    """

    def __init__(self) -> None:
        self._number = 0
        self._clear()

    def _clear(self) -> None:
        self._text = ""
        self._guessed = self._flagged = False
        self._languages: tuple[str, ...] = ()

    @property
    def _item(self) -> str:
        return f"google-input-{self._number}"

    def hear(
        self, heard: list[events.ServerEvent], transcription: wire.Transcription, at: int
    ) -> None:
        if transcription.text:
            self._text += transcription.text
            self._flagged |= transcription.finished is not None
            heard.append(
                events.InputTranscriptionDelta(
                    item_id=self._item,
                    delta=self._text if self._guessed else transcription.text,
                    restart=self._guessed,
                    transcript=self._text,
                    at=at,
                )
            )
            self._guessed = False
        code = transcription.language_code
        if code and code not in self._languages and len(self._languages) < _MOST_LANGUAGES:
            self._languages += (code,)
        if transcription.finished or len(self._text) > _LONGEST:
            self.end(heard, at)

    def guess(
        self, heard: list[events.ServerEvent], transcription: wire.Transcription, at: int
    ) -> None:
        """What may have been said; the words that come next are surer."""
        if transcription.text:
            self._guessed = True
            heard.append(
                events.InputTranscriptionDelta(
                    item_id=self._item, delta=transcription.text, restart=True, at=at
                )
            )

    def turn_ends(self, heard: list[events.ServerEvent], at: int) -> None:
        if not self._flagged:
            self.end(heard, at)

    def end(self, heard: list[events.ServerEvent], at: int) -> None:
        if self._text:
            heard.append(
                events.InputTranscriptionCompleted(
                    item_id=self._item,
                    transcript=self._text,
                    languages=self._languages or None,
                    at=at,
                )
            )
            self._number += 1
            self._clear()
