"""What a server remembers of its responses: their numbers, and the words it owes for them."""

import re

from antiphon.codecs.wire import Recent

LONGEST = 1 << 20
"""Characters of a part's words that are kept to be repeated."""


class Words:
    """Those of one part of an item."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self.written = False
        """They are text, and some of it was sent."""
        self.told = False
        """They were sent as a whole."""

    def say(self, words: str) -> None:
        kept = words[: LONGEST - self._length]
        if kept:
            self._pieces.append(kept)
            self._length += len(kept)

    def tell(self, whole: str) -> None:
        self._pieces, self._length, self.told = [whole[:LONGEST]], LONGEST, True

    @property
    def text(self) -> str:
        return "".join(self._pieces)


class Response:
    """All its messages have the same number, up to which an interruption silences."""

    def __init__(self, response_id: str, number: int) -> None:
        self.id = response_id
        self.number = number
        self.running = True
        self.interrupted = False
        self.parts = Recent[tuple[str, int], Words](64)

    def words(self, item_id: str, index: int) -> Words:
        words = self.parts.get((item_id, index))
        if words is None:
            words = self.parts[item_id, index] = Words()
        return words


class Responses:
    """Those of a session; turns of the user count with them."""

    def __init__(self) -> None:
        self.number = 0
        self.latest: Response | None = None
        self._known = Recent[str, Response](32)
        self._turns = Recent[str, int](32)
        self._played = 0

    def of(self, response_id: str) -> Response:
        latest = self.latest
        if latest is not None and latest.id == response_id:
            return latest
        response = self._known.get(response_id)
        if response is None:
            self.number = max(self.number + 1, _number_in(response_id))
            response = self._known[response_id] = self.latest = Response(response_id, self.number)
        return response

    def turn(self, item_id: str) -> int:
        """A user's turn that is understood as it is being answered is of the answer's number.

        A client takes a higher one for the end of the response.
        """
        number = self._turns.get(item_id)
        if number is None:
            if self.latest is None or not self.latest.running:
                self.number += 1
            number = self._turns[item_id] = self.number
        return number

    def sent(self, duration: int, at: int) -> None:
        """So much more speech is to be played."""
        self._played = max(self._played, at) + duration

    def audible(self, at: int) -> list[Response]:
        """Those that the user may be speaking over, though the last may be complete already."""
        return [
            response
            for response in self._known.values()
            if not response.interrupted
            and (response.running or (response is self.latest and at < self._played))
        ]

    def meant(self, response_id: str | None) -> Response | None:
        return self._known.get(response_id or "", self.latest)

    def holder(self, item_id: str) -> tuple[int, str]:
        """The number of the response with the item, and its words, as far as they are known."""
        for response in reversed(self._known.values()):
            said = [w.text for (item, _), w in response.parts.items() if item == item_id]
            if said:
                return response.number, "".join(said)
        return _number_in(item_id) or self.number, ""


_NAME = re.compile(r"elevenlabs-(?:response|item)-(\d{1,15})")


def _number_in(name: str) -> int:
    """The number of which our own client made this name; 0 if another did."""
    found = _NAME.match(name)
    return int(found[1]) if found else 0


class Calls:
    """Tool calls that wait for a client, and when all of a response are answered."""

    def __init__(self) -> None:
        self._pending = Recent[str, str](256)
        self._settled = Recent[str, None](256)
        """Answered, or asked by a response that was cancelled."""

    def made(self, call_id: str, response_id: str, *, wanted: bool) -> None:
        self._settled.pop(call_id, None)
        if wanted:
            self._pending[call_id] = response_id
        else:
            self._settled[call_id] = None

    def withdrawn(self, call_id: str) -> None:
        self._pending.pop(call_id, None)
        self._settled[call_id] = None

    def cancelled(self, response_id: str) -> None:
        for call_id in [one for one, of in self._pending.items() if of == response_id]:
            self.withdrawn(call_id)

    def answered(self, call_id: str) -> bool:
        """Whether the model shall go on: with the last result that its response waits for."""
        if call_id in self._settled:
            return False
        response_id = self._pending.get(call_id)
        self.withdrawn(call_id)
        return response_id is None or response_id not in self._pending.values()
