"""The responses of a session and what is in them, of which the wire names none.

A response is opened by `response.started`, or by whatever comes of it first, and ended by
`response.completed`, `response.done` or both. The user's turns have no names either.
"""

from collections.abc import Generator, Iterator
from typing import Any, Literal

import msgspec

from antiphon.codecs import events

LONGEST = 1 << 20
"""Characters of a response's words that are kept, to be repeated at its end."""

TURN_DETECTED = "turn_detected"
CLIENT_CANCELLED = "client_cancelled"

Said = Iterator[events.ServerEvent]
End = Literal["completed", "done"]


class Running(msgspec.Struct):
    """A response that has not ended."""

    id: str
    item_id: str | None = None
    """Its message's, once there is one."""
    output_index: int = 0
    outputs: int = 0
    heard: bool = False
    told: bool = False
    words: list[str] = []
    length: int = 0
    written: bool = False
    """The words are a text, and not of the speech."""
    stopped: str | None = None
    """Why it will not have been completed."""
    over: bool = False
    """The user has spoken over it to the end: what comes now is of the next one."""

    def say(self, words: str, *, written: bool) -> None:
        self.told, self.written = True, written
        self.length += len(words)
        if words and self.length <= LONGEST:
            self.words.append(words)

    def closing(self, at: int) -> Said:
        """The ends of what occurred in it, and its own."""
        if self.item_id is not None:
            where: dict[str, Any] = {
                "response_id": self.id,
                "item_id": self.item_id,
                "output_index": self.output_index,
            }
            whole = None if self.length > LONGEST else "".join(self.words)
            if self.heard:
                yield events.AudioDone(**where, at=at)
            if self.told:
                if self.written:
                    yield events.TextDone(**where, text=whole, at=at)
                else:
                    yield events.AudioTranscriptDone(**where, transcript=whole, at=at)
        status = "completed" if self.stopped is None else "cancelled"
        yield events.ResponseDone(response_id=self.id, status=status, reason=self.stopped, at=at)


class Responses:
    """Names what comes from the model, by counting."""

    def __init__(self) -> None:
        self._running: Running | None = None
        self._last_end: End | None = None
        """How the last response ended, while the other end may still come for it too."""
        self._responses = 0
        self._items = 0
        self._calls = 0

    @property
    def running(self) -> str | None:
        return None if self._running is None else self._running.id

    @property
    def stream(self) -> int:
        """Of which response speech is that comes now."""
        going_on = self._running is not None and not self._running.over
        return self._responses if going_on else self._responses + 1

    def start(self, at: int) -> Generator[events.ServerEvent, None, Running]:
        """One begins: the one before it, if it runs, will not say its end any more."""
        if self._running is not None:
            yield from self._running.closing(at)
        self._responses += 1
        self._running = running = Running(id=f"response_{self._responses}")
        yield events.ResponseCreated(response_id=running.id, at=at)
        return running

    def message(self, at: int) -> Generator[events.ServerEvent, None, Running]:
        """The response whose message goes on, or begins."""
        running = self._running
        if running is None or running.over:
            running = yield from self.start(at)
        if running.item_id is None:
            running.output_index, running.item_id = self._output(running)
        return running

    def call(self, at: int, *, call_id: str | None, name: str, arguments: str) -> Said:
        running = self._running
        if running is None or running.over:
            running = yield from self.start(at)
        output_index, item_id = self._output(running)
        if not call_id:
            self._calls += 1
            call_id = f"call_{self._calls}"
        yield events.FunctionCallArgumentsDelta(
            response_id=running.id,
            item_id=item_id,
            output_index=output_index,
            call_id=call_id,
            delta=arguments,
            at=at,
        )
        yield events.FunctionCallArgumentsDone(
            response_id=running.id,
            item_id=item_id,
            output_index=output_index,
            call_id=call_id,
            name=name,
            arguments=arguments,
            at=at,
        )

    def stop(self, reason: str) -> None:
        """The one that runs will end before its time."""
        if self._running is not None and self._running.stopped is None:
            self._running.stopped = reason

    def turn_over(self) -> None:
        """The user's turn is over: a response that it was spoken into has passed with it."""
        if self._running is not None and self._running.stopped == TURN_DETECTED:
            self._running.over = True

    def end(self, how: End, at: int) -> Said:
        running, last = self._running, self._last_end
        if running is None:
            if last is not None and last != how:
                self._last_end = None
                return
            running = yield from self.start(at)  # of which nothing came
        self._running, self._last_end = None, how
        yield from running.closing(at)

    def _output(self, running: Running) -> tuple[int, str]:
        self._items += 1
        running.outputs += 1
        return running.outputs - 1, f"item_{self._items}"


class Turns:
    """Names the user's turns; a transcript is of the last that ended and has none yet."""

    def __init__(self) -> None:
        self._turns = 0
        self._speaking: str | None = None
        self._spoken: str | None = None

    def started(self) -> str:
        if self._speaking is not None:  # some servers never say that a turn stopped
            self._spoken = self._speaking
        self._speaking = self._next()
        return self._speaking

    def stopped(self) -> str:
        self._spoken, self._speaking = self._speaking or self._next(), None
        return self._spoken

    def transcribed(self) -> str:
        if self._spoken is not None:
            turn, self._spoken = self._spoken, None
        elif self._speaking is not None:
            turn, self._speaking = self._speaking, None
        else:
            turn = self._next()
        return turn

    def _next(self) -> str:
        self._turns += 1
        return f"user_{self._turns}"
