"""One dialect's messages into another's: one direction of a session, without I/O or clock."""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Literal, Never, TypeVar

import msgspec

from antiphon.codec.fitting import SOUND, Fitting
from antiphon.codecs import events
from antiphon.codecs.dialect import Dialect, End, Repertoire
from antiphon.codecs.foreign import without_options
from antiphon.codecs.wire import Message, Unsayable, WireError
from antiphon.pipeline.frames import SAMPLE_WIDTH

Side = Literal["client", "server"]

E = TypeVar("E", bound=events.EventFrame)

SETTLES = frozenset({events.SessionUpdate, events.SessionStart})

MOST_KINDS, LONGEST = 100, 80
"""Kinds of what was not said that are told apart, and characters of one's name."""


class Translation(Generic[E]):
    """What *hears* is told, as *says* says it, whose *dialect* has this *repertoire*.

    *alone*: nothing goes the other way, so that what an end would say there is lost: answers to
    pings, what the silence means to the end that speaks. Otherwise that is for the translation of
    the other way, between the same two ends.

    *foreign*: the two are of different providers, so that options in the words of one are left out.
    """

    def __init__(
        self,
        hears: End[Never, E],
        says: End[E, object],
        repertoire: Repertoire,
        *,
        dialect: str,
        alone: bool = False,
        foreign: bool = False,
    ) -> None:
        self.at = 0
        """The session's time in microseconds: the audio that has passed, unless `feed` is told."""
        self.unsaid: dict[str, int] = {}
        """How many events there was no word for, by kind."""
        self._hears = hears
        self._says = says
        self._repertoire = repertoire
        self._alone = alone
        self._foreign = foreign
        self._fitting = Fitting(hears, says, dialect)
        self._rest = 0

    def feed(self, message: Message, at: int | None = None) -> Iterator[Message]:
        """*message* in the other dialect, with what has become due there.

        Raises WireError if it is wrong, or Unsayable if it can neither be said nor left out, when
        all that can be said of it has been; and goes on with the next.
        """
        if at is not None:
            self.at = at
        refusal: Exception | None = None
        for event in tuple(self._hears.decode(message, self.at)):
            if at is None and type(event) in SOUND:
                self._pass(event)
            try:
                yield from self._say(event)
            except (WireError, Unsayable) as error:
                refusal = refusal or error
        yield from self._pause()
        if refusal is not None:
            raise refusal

    def finish(self) -> Iterator[Message]:
        """What is still inside, when no more will come."""
        for event in self._fitting.finish():
            yield from self._says.encode(event)
        yield from self._says.due()

    def _say(self, event: E) -> Iterator[Message]:
        if self._foreign:
            event = without_options(event)
        for fit in self._fitting.process(event):
            said = False
            for message in self._settling(fit) if type(fit) in SETTLES else self._says.encode(fit):
                said = True
                yield message
            if not said:
                self._count(fit)

    def _settling(self, event: Any) -> Iterable[Message]:
        """Formats are of one wire: where the other has not the same, it keeps its own."""
        try:
            return tuple(self._says.encode(event))
        except (WireError, Unsayable):
            config = msgspec.structs.replace(
                event.config, input_audio_format=None, output_audio_format=None
            )
            return self._says.encode(msgspec.structs.replace(event, config=config))

    def _pause(self) -> Iterator[Message]:
        """What the time means that has passed."""
        hears, says = self._hears, self._says
        if hears.deadline is not None and hears.deadline <= self.at:
            for event in tuple(hears.expire(self.at)):
                yield from self._say(event)
        if self._alone:
            if says.deadline is not None and says.deadline <= self.at:
                tuple(says.expire(self.at))
            tuple(hears.due())
        yield from says.due()

    def _pass(self, event: Any) -> None:
        heard = self._hears
        of_user = isinstance(event, events.InputAudioAppend)
        rate = heard.input_rate if of_user else heard.output_rate
        samples = len(getattr(event, SOUND[type(event)])) // SAMPLE_WIDTH
        passed, self._rest = divmod(samples * 1_000_000 + self._rest, rate)
        self.at += passed

    def _count(self, event: events.EventFrame) -> None:
        """Unless it is said at another time, or in what is said of others."""
        kind: str = str(event.__struct_config__.tag)
        if isinstance(event, events.Custom):
            kind = f"{kind} ({event.raw_type[:LONGEST]})"
            if kind not in self.unsaid and len(self.unsaid) >= MOST_KINDS:
                kind = "custom"
        elif self._repertoire.how(type(event)) is not None:
            return
        self.unsaid[kind] = self.unsaid.get(kind, 0) + 1


def translation(source: Dialect, target: Dialect, side: Side, model: str = "") -> Translation[Any]:
    """Of what the *source*'s *side* says, a client or the provider's server, and of that alone."""
    # The readable form carries the words of whichever provider is meant.
    foreign = source.name not in (target.name, "vercel")
    if side == "server":
        ends = source.client(model), target.server(model)
        repertoire = target.repertoire_of_server
        return Translation(*ends, repertoire, dialect=target.name, alone=True, foreign=foreign)
    ends = source.server(model), target.client(model)
    repertoire = target.repertoire_of_client
    return Translation(*ends, repertoire, dialect=target.name, alone=True, foreign=foreign)
