"""The tokens of a session's responses: as the provider counts them, else estimated."""

from typing import Literal, NamedTuple

from antiphon.codecs.usage import Usage
from antiphon.processors.amounts import NOTHING, added, is_vague, sorted_out, tokens_of
from antiphon.processors.prices import Price


class Sum(NamedTuple):
    """Tokens, each of a modality, and whether any of them is only estimated."""

    usage: Usage = NOTHING
    estimated: bool = False

    def plus(self, other: "Sum") -> "Sum":
        return Sum(added(self.usage, other.usage), self.estimated or other.estimated)


EMPTY = Sum()


class Counted:
    """Follows the responses of one session; *heard* and *spoken* are how much audio there was
    of either side by then, in microseconds.

    A provider counts a response as it ends, or says in passing how much it is so far, in some
    cases only after its end; the last word on a response is what is counted. What it says of
    the whole session goes before what it said of responses.

    An estimate takes the audio of the conversation so far as heard again with each response,
    from the cache where it is cheaper; instructions and tools are not in it.
    """

    def __init__(self, price: Price, *, estimates: bool) -> None:
        self._price = price
        self._estimates = estimates
        self._before = EMPTY
        """Connections that are over."""
        self._settled = EMPTY
        self._turn = EMPTY
        """The last response; it may still be counted better."""
        self._state: Literal["open", "counted", "guessed"] = "open"
        self._heard = self._spoken = 0
        """Audio up to the end of the last response."""
        self._context = 0
        """Tokens of audio that the model has heard and said before this turn."""
        self._typed = self._written = 0
        """Characters since then."""
        self._speech = 0
        """The user's audio since then, as far as turns of it were told."""
        self._began: tuple[int | None, int] | None = None
        self._told_turns = False

    @property
    def total(self) -> Sum:
        return self._before.plus(self._settled).plus(self._turn)

    # What the provider counts.

    def begun(self) -> None:
        """A response begins, so the last is as it is."""
        if self._state != "open":
            self._settle()

    def so_far(self, usage: Usage, spoken: int) -> None:
        """It says in passing how much the response is."""
        turn = Sum(sorted_out(usage), is_vague(usage))
        news = spoken > self._spoken
        if self._state == "counted":
            news = news or turn.usage != self._turn.usage
        if news and self._state != "open":  # it is of the next already
            self._settle()
        self._turn = turn

    def done(self, usage: Usage | None, heard: int, spoken: int) -> None:
        """A response has ended, and was *usage*, if it says so."""
        self.begun()
        if usage is not None:
            self._turn = Sum(sorted_out(usage), is_vague(usage))
            self._state = "counted"
        else:
            if self._turn is EMPTY and self._estimates:
                self._turn = Sum(self._estimate(heard, spoken), True)
            self._state = "guessed"
        counts = self._turn.usage
        self._context = (counts.input_audio_tokens or 0) + (counts.output_audio_tokens or 0)
        self._mark(heard, spoken)

    def whole(self, usage: Usage, heard: int, spoken: int) -> None:
        """It says what this connection has cost in all."""
        if usage.input_tokens is not None or usage.output_tokens is not None:
            self._settled, self._turn = Sum(sorted_out(usage), is_vague(usage)), EMPTY
            self._state = "counted"
            self._mark(heard, spoken)

    def ended(self, heard: int, spoken: int) -> None:
        """The connection is over, and with it what ran."""
        if self._state == "open" and spoken > self._spoken:
            self.done(None, heard, spoken)
        self._settle()
        self._before, self._settled = self._before.plus(self._settled), EMPTY

    # What is estimated by.

    def typed(self, characters: int) -> None:
        """The user has written so much."""
        self._typed += characters

    def written(self, characters: int) -> None:
        """The model has written so much, also of what it speaks."""
        self._written += characters

    def speech_began(self, position: int | None, heard: int) -> None:
        self._began, self._told_turns = (position, heard), True

    def speech_ended(self, position: int | None, heard: int) -> None:
        if self._began is not None:
            start, heard_then = self._began
            if position is None or start is None:
                position, start = heard, heard_then
            self._speech += max(0, position - start)
            self._began = None

    def _estimate(self, heard: int, spoken: int) -> Usage:
        user = self._speech if self._told_turns else heard - self._heard
        new = user * self._price.in_per_second // 1_000_000
        said = (spoken - self._spoken) * self._price.out_per_second // 1_000_000
        return sorted_out(
            Usage(
                input_text_tokens=tokens_of(self._typed),
                input_audio_tokens=self._context + new,
                cached_input_audio_tokens=self._context,
                output_text_tokens=tokens_of(self._written),
                output_audio_tokens=said,
            )
        )

    def _mark(self, heard: int, spoken: int) -> None:
        """What there was until now is counted."""
        self._heard, self._spoken, self._speech = heard, spoken, 0
        self._typed = self._written = 0

    def _settle(self) -> None:
        self._settled, self._turn = self._settled.plus(self._turn), EMPTY
        self._state = "open"
