"""Speaks: text to samples, with espeak-ng."""

import re
import threading

from antiphon.processors.local.espeak import Deliver, Library

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
"""espeak takes some of them as commands."""

_RATES = range(80, 451)
_PITCHES = range(100)

_turn = threading.Lock()
"""espeak has one state: its users take turns."""

_read: list[Library] = []
"""The library that was read last, for what it says of itself."""

_ready: list[Library] = []
"""The library for the next utterance. Loading it takes a millisecond, before anyone waits for it."""


class Voice:
    """One way to speak; equal text gives equal samples, whatever was said before.

    *name* is a language that espeak-ng knows, with one of its variants if wanted: `en-us`,
    `en-gb`, `en-us+f3`. Threads may use one voice, or several, at once.
    """

    def __init__(self, name: str = "en-us", *, words_a_minute: int = 175, pitch: int = 50) -> None:
        """*pitch* goes from 0 to 99. Raises SynthesisError, or ValueError."""
        if words_a_minute not in _RATES:
            raise ValueError(f"espeak-ng says 80 to 450 words a minute, not {words_a_minute}")
        if pitch not in _PITCHES:
            raise ValueError(f"a voice's pitch is from 0 to 99, not {pitch}")
        language, plus, variant = name.lower().partition("+")
        library = _facts()
        if language not in library.languages:
            raise ValueError(
                f"no voice is called {name!r}: there are {', '.join(sorted(library.languages))}"
            )
        if plus and variant not in library.variants:
            raise ValueError(
                f"{language} has no variant {variant!r}: there are {', '.join(library.variants)}"
            )
        self.name = name
        self.rate = library.rate
        """Samples a second."""
        self._file = library.languages[language] + plus + variant
        self._words_a_minute = words_a_minute
        self._pitch = pitch

    def say(self, text: str, chunk: Deliver) -> None:
        """Gives *chunk* the speech as it is made, 60 ms or less at a time, until it returns False.

        *chunk* must not wait: all voices of the process wait with it. A second of speech takes less
        than a millisecond to make.
        """
        with _turn:
            library = _take()
            try:
                library.speak(
                    _CONTROLS.sub(" ", text),
                    self._file,
                    rate=self._words_a_minute,
                    pitch=self._pitch,
                    deliver=chunk,
                )
            finally:
                library.close()
                _ready.append(Library())

    def speak(self, text: str) -> bytes:
        """The whole of it."""
        pieces: list[bytes] = []

        def keep(pcm: bytes) -> bool:
            pieces.append(pcm)
            return True

        self.say(text, keep)
        return b"".join(pieces)


def _facts() -> Library:
    """What there is to choose from.

    Whoever speaks may wait for the event loop, which therefore must not wait for him here: then
    what was read before is as good.
    """
    if _turn.acquire(blocking=not _read):
        try:
            library = _take()
            _ready.append(library)
            _read[:] = [library]
        finally:
            _turn.release()
    return _read[0]


def _take() -> Library:
    return _ready.pop() if _ready else Library()
