"""Counts what a session costs, from what both sides of it say."""

import msgspec

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, Transcription
from antiphon.codecs.items import Message, TextPart
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Frame
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.amounts import NOTHING, added, microseconds, sorted_out
from antiphon.processors.counted import Counted
from antiphon.processors.prices import EXACT, Price, Prices
from antiphon.processors.spent import Spent
from antiphon.processors.stopwatch import Stopwatch

NO_COST = frozenset({"context_usage"})
"""Words of providers that count how full the context is, not what was consumed."""


class UnknownPrice(ValueError):
    """A budget is of no use without a price."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"no price is known for {model}, so that a budget would never be spent: give it a row"
            " in a file of your own, Prices.read(path)"
        )
        self.model = model


class Meter:
    """Accounts for one session with *model*: tell it what the client `said` and what it `heard`.

    It counts what the provider says it has consumed; a response of which it says nothing is
    estimated from the audio, whose rates are *input_rate* and *output_rate* in Hz, and the time
    of a session without a count is measured. Time is that of the events. *budget*, in
    micro-dollars, is the first `limit`, which may be changed at any time.
    """

    def __init__(
        self,
        model: str,
        *,
        prices: Prices | None = None,
        budget: int | None = None,
        input_rate: int = 24_000,
        output_rate: int = 24_000,
    ) -> None:
        self.model = model
        self.limit = budget
        self._prices = prices or Prices.standard()
        self._unpriced: set[str] = set()
        price = self._prices.of(model)
        if price is None:
            if budget is not None:
                raise UnknownPrice(model)
            self._unpriced.add(model)
        self._price = price or Price()
        self._counted = Counted(self._price, estimates=price is None or price.by_tokens)
        self._cost: int | None = 0
        """Of its tokens, exact; None when it is to be reckoned again."""
        self._transcriber = ""
        self._transcription = NOTHING
        self._beside = 0
        """The cost of transcriptions, exact."""
        self._text_messages = 0
        self._now = 0
        self._clock = Stopwatch()
        self._bill = Stopwatch()
        """As the clock, but corrected by what the provider says."""
        self._reported: int | None = None
        """Microseconds that the provider has said; None if it has said nothing."""
        self._reported_before = 0
        self._rates = input_rate, output_rate
        self._in = self._out = 0
        """Bytes at these rates."""
        self._heard = self._spoken = 0
        """Microseconds at other rates before."""

    # Both directions.

    def said(self, event: Frame) -> None:
        """The client says *event*; what is no client event is ignored."""
        self._now = max(self._now, event.at)
        match event:
            case events.InputAudioAppend():
                self._in += len(event.audio)
            case events.SessionUpdate() | events.SessionStart():
                self._configured(event.config)
            case events.ConversationItemCreate(item=Message(role="user") as message):
                self._typed(message)
            case _:
                pass

    def heard(self, event: Frame) -> None:
        """The model says *event*; what is no server event is ignored."""
        self._now = max(self._now, event.at)
        match event:
            case events.AudioDelta() | events.AudioChunk():
                self._out += len(event.delta)
            case events.AudioTranscriptDelta() | events.TextDelta():
                self._counted.written(len(event.delta))
            case events.ResponseCreated():
                self._counted.begun()
            case events.ResponseDone():
                self._counted.done(event.usage, *self._durations())
                self._cost = None
            case events.Custom(usage=Usage() as usage) if event.raw_type not in NO_COST:
                self._counted.so_far(usage, self._durations()[1])
                self._cost = None
            case events.InputTranscriptionCompleted(usage=Usage() as usage):
                self._transcribed(usage)
            case events.SpeechStarted():
                self._counted.speech_began(event.audio_start, self._durations()[0])
            case events.SpeechStopped():
                self._counted.speech_ended(event.audio_end, self._durations()[0])
            case events.SessionCreated() | events.SessionStarted():
                self._configured(event.config)
                self._connected(event.at)
            case events.SessionUpdated():
                self._configured(event.config)
            case events.SessionUsage():
                self._counted.whole(event.usage, *self._durations())
                self._billed(event.usage, event.at)
            case events.Reconnecting():
                self._disconnected(event.at)
            case events.SessionClosed():
                if event.usage is not None:
                    self._counted.whole(event.usage, *self._durations())
                self._disconnected(event.at)
                self._billed(event.usage, event.at)
            case _:
                pass

    def tick(self, at: int) -> None:
        """Time has come to *at* without an event."""
        self._now = max(self._now, at)

    def set_rates(self, input_rate: int, output_rate: int) -> None:
        """From now on the events' audio has these rates, in Hz."""
        self._heard, self._spoken = self._durations()
        self._in = self._out = 0
        self._rates = input_rate, output_rate

    # What came of it.

    @property
    def money(self) -> int:
        """Micro-dollars so far."""
        return (self._exact() + EXACT // 2) // EXACT

    @property
    def warned(self) -> bool:
        """At least 80 % of the limit is spent."""
        return self.limit is not None and self.money * 10 >= self.limit * 8

    @property
    def spent(self) -> bool:
        """The limit is reached: the session is to end."""
        return self.limit is not None and self.money >= self.limit

    @property
    def total(self) -> Spent:
        usage, estimated = self._counted.total
        reported = None if self._reported is None else self._reported_before + self._reported
        if reported is not None:
            usage = msgspec.structs.replace(usage, seconds=reported / 1_000_000)
        heard, spoken = self._durations()
        price = self._price
        measured = price.minute and self._bill.at(self._now) != (reported or 0)
        by_audio = (price.minute_in and heard) or (price.minute_out and spoken)
        return Spent(
            usage=usage,
            transcription=self._transcription,
            heard=heard,
            spoken=spoken,
            duration=self._clock.at(self._now),
            text_messages=self._text_messages,
            money=self.money,
            estimated=bool(estimated or measured or by_audio),
            unpriced=frozenset(self._unpriced),
        )

    def reaches(self, money: int) -> int | None:
        """When the passing of time alone will have brought it to *money*; None if it will not."""
        if not self._price.minute or not self._bill.running:
            return None
        missing = max(0, money * EXACT - self._exact())
        return self._now - (-missing // self._price.minute)

    def _exact(self) -> int:
        price = self._price
        if self._cost is None:
            self._cost = price.of_tokens(self._counted.total.usage)
        money = self._cost + self._beside + self._text_messages * price.text_message * EXACT
        if price.minute:
            money += price.minute * self._bill.at(self._now)
        if price.minute_in or price.minute_out:
            heard, spoken = self._durations()
            money += price.minute_in * heard + price.minute_out * spoken
        return money

    def _durations(self) -> tuple[int, int]:
        input_rate, output_rate = self._rates
        return (
            self._heard + self._in * 1_000_000 // (input_rate * SAMPLE_WIDTH),
            self._spoken + self._out * 1_000_000 // (output_rate * SAMPLE_WIDTH),
        )

    # What both sides say.

    def _configured(self, config: SessionConfig | None) -> None:
        transcription = config and config.input_audio_transcription
        if isinstance(transcription, Transcription) and transcription.model:
            provider = self.model.partition("?")[0].rpartition("/")[0]
            self._transcriber = f"{provider}/{transcription.model}"

    def _connected(self, at: int) -> None:
        if self._clock.running:
            return
        if self._reported is not None:
            self._reported_before, self._reported = self._reported_before + self._reported, 0
        self._clock.start(at)
        self._bill.start(at)

    def _disconnected(self, at: int) -> None:
        self._counted.ended(*self._durations())
        self._cost = None
        self._clock.stop(at)
        self._bill.stop(at)

    def _billed(self, usage: Usage | None, at: int) -> None:
        """It says what this connection has cost in all."""
        self._cost = None
        if usage is not None and usage.seconds is not None:
            self._reported = microseconds(usage.seconds)
            self._bill.correct(self._reported, at)

    def _transcribed(self, counts: Usage) -> None:
        usage = sorted_out(counts)
        billed = microseconds(counts.seconds)
        if counts.seconds is not None:
            usage = msgspec.structs.replace(usage, seconds=billed / 1_000_000)
        self._transcription = added(self._transcription, usage)
        price = self._prices.of(self._transcriber)
        if price is None:
            self._unpriced.add(self._transcriber or f"the transcriber of {self.model}")
        else:
            self._beside += price.of_tokens(usage) + price.minute * billed

    def _typed(self, message: Message) -> None:
        written = [part.text for part in message.content if isinstance(part, TextPart)]
        if written:
            self._text_messages += 1
            self._counted.typed(sum(map(len, written)))
