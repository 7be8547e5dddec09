"""What the user says while there is nobody to hear it."""

from collections import deque
from collections.abc import Iterator

from antiphon.codecs import events
from antiphon.pipeline.frames import SAMPLE_WIDTH

COMMANDS = 1000
"""Events other than audio that are kept; beyond, the oldest are dropped too."""


class Held:
    """Keeps client events in order: the newest *duration* microseconds of audio, and the rest."""

    def __init__(self, duration: int, rate: int) -> None:
        self._room = duration * rate // 1_000_000 * SAMPLE_WIDTH
        self._rate = rate
        self._events: deque[events.ClientEvent] = deque()
        self._audio = 0
        self._commands = 0
        self._lost = 0

    def put(self, event: events.ClientEvent) -> None:
        self._events.append(event)
        if isinstance(event, events.InputAudioAppend):
            self._audio += len(event.audio)
        else:
            self._commands += 1
        while self._audio > self._room or self._commands > COMMANDS:
            self._forget(audio=self._audio > self._room)

    def _forget(self, *, audio: bool) -> None:
        """Drop the oldest of a kind; what is behind keeps its order."""
        for index, event in enumerate(self._events):
            if isinstance(event, events.InputAudioAppend) is audio:
                del self._events[index]
                if isinstance(event, events.InputAudioAppend):
                    self._audio -= len(event.audio)
                    self._lost += len(event.audio)
                else:
                    self._commands -= 1
                return

    def take(self) -> Iterator[events.ClientEvent]:
        """All that is kept, which is then no longer."""
        while self._events:
            event = self._events.popleft()
            if isinstance(event, events.InputAudioAppend):
                self._audio -= len(event.audio)
            else:
                self._commands -= 1
            yield event

    def lost(self) -> int:
        """Microseconds of audio that were dropped since this was last asked."""
        lost, self._lost = self._lost, 0
        return lost // SAMPLE_WIDTH * 1_000_000 // self._rate
