"""What a session carries, for the metrics: bytes of sound and of all else, and how long they were here."""

from collections.abc import Iterable, Iterator
from typing import Any

from antiphon.codecs import events
from antiphon.codecs.dialect import End
from antiphon.codecs.wire import Message, WireError
from antiphon.gateway.observe.metrics import Metrics
from antiphon.pipeline import Frame, now

SOUND: frozenset[type[Frame]] = frozenset(
    {events.InputAudioAppend, events.AudioDelta, events.AudioChunk}
)


class Carried:
    """What the sessions between a *front* and an *upstream* carry.

    `came` and `went` are told the bytes that the client has sent and was sent: the first of each
    those without, the second those with sound. `added` is told how many seconds a message took
    from the client to the model, `added_back` the other way.
    """

    def __init__(self, metrics: Metrics, front: str, upstream: str) -> None:
        of = front, upstream
        self.came = metrics.bytes_of(*of, "in", "message"), metrics.bytes_of(*of, "in", "audio")
        self.went = metrics.bytes_of(*of, "out", "message"), metrics.bytes_of(*of, "out", "audio")
        self.added = metrics.adding(*of, "in")
        self.added_back = metrics.adding(*of, "out")


class Measured:
    """Stands for one *end* of a session: the client's if *front*, else the model's."""

    def __init__(self, end: End[Any, Any], carried: Carried, *, front: bool) -> None:
        self._end = end
        self._came = carried.came if front else None
        self._went = carried.went if front else None
        self._added = carried.added_back if front else carried.added

    @property
    def input_rate(self) -> int:
        return self._end.input_rate

    @property
    def output_rate(self) -> int:
        return self._end.output_rate

    @property
    def deadline(self) -> int | None:
        return self._end.deadline

    def encode(self, event: Any) -> Iterator[Message]:
        sound = event.__class__ in SOUND
        count = self._went and self._went[sound]
        for message in self._end.encode(event):
            if count:
                count(len(message))
            yield message
        if sound:  # and whoever asks for more has sent it: an event's time is when it was read
            self._added((now() - event.at) / 1_000_000)

    def decode(self, message: Message, /, at: int = 0) -> Iterable[Any]:
        if self._came is None:
            return self._end.decode(message, at=at)
        try:
            heard = tuple(self._end.decode(message, at=at))
        except WireError:
            self._came[False](len(message))
            raise
        self._came[is_sound(heard)](len(message))
        return heard

    def due(self) -> Iterable[Message]:
        return self._end.due()

    def expire(self, at: int, /) -> Iterable[Any]:
        return self._end.expire(at)


def is_sound(heard: Iterable[Frame]) -> bool:
    """Whether there is sound in what was *heard*."""
    return any(event.__class__ in SOUND for event in heard)
