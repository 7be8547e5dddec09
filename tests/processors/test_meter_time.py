"""What time and audio cost, and budgets, as a meter counts them."""

from collections.abc import Iterator

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, Message, text_message
from antiphon.codecs.usage import Usage
from antiphon.processors.meter import Meter, UnknownPrice
from antiphon.processors.prices import DOLLAR
from antiphon.processors.spent import Spent
from tests.processors.costs import (
    CREATED,
    MINUTE,
    SECOND,
    TEN,
    done,
    heard,
    lasted,
    priced,
    speech,
    told,
    user,
)

# Time.


def test_time_without_a_connection_is_not_billed() -> None:
    meter = Meter("cartesia/agent_1")

    total = heard(
        meter,
        msgspec.structs.replace(CREATED, at=MINUTE),
        events.Reconnecting(attempt=1, at=2 * MINUTE),
        msgspec.structs.replace(CREATED, at=5 * MINUTE),
        events.Reconnected(at=5 * MINUTE),
        events.SessionClosed(at=6 * MINUTE),
        events.RateLimits(limits=(), at=9 * MINUTE),
    )

    assert total.duration == 2 * MINUTE
    assert total.money == 120_000


def test_each_connection_has_a_count_of_its_own() -> None:
    meter = Meter("openai/gpt-live-1")
    started = events.SessionStarted(session_id="s", at=0)

    total = heard(
        meter,
        started,
        lasted(60, at=MINUTE),
        events.Reconnecting(attempt=1, at=MINUTE),
        msgspec.structs.replace(started, at=2 * MINUTE),
        lasted(30, at=2 * MINUTE + 31 * SECOND),
        events.SessionClosed(usage=Usage(seconds=30), at=3 * MINUTE),
    )

    assert total.usage.seconds == 90
    assert total.money == 75_000
    assert not total.estimated


def test_what_is_spent_is_projected_to_an_hour() -> None:
    meter = Meter("cartesia/agent_1")
    assert meter.total.per_hour is None

    total = heard(meter, CREATED, events.RateLimits(limits=(), at=30 * SECOND))

    assert total.per_hour == 60 * 60_000
    assert total.dollars * 100 == 3


def test_audio_may_be_billed_by_the_minute_at_whatever_rate_it_has() -> None:
    prices = priced(minute_in=60_000, minute_out=120_000)
    meter = Meter("acme/one", prices=prices, input_rate=16_000, output_rate=16_000)
    second = bytes(2 * 16_000)

    meter.said(events.InputAudioAppend(audio=second))
    meter.heard(events.AudioChunk(delta=second))
    meter.set_rates(8_000, 8_000)
    meter.said(events.InputAudioAppend(audio=second))
    meter.heard(events.AudioChunk(delta=second))

    assert (meter.total.heard, meter.total.spoken) == (3 * SECOND, 3 * SECOND)
    assert meter.money == 3_000 + 6_000
    assert meter.total.estimated


def test_only_what_the_user_writes_is_a_text_message() -> None:
    meter = Meter("xai/grok-voice-latest")
    spoken = Message(role="user", content=(AudioPart(transcript="Hello"),))
    items = (text_message("Hi"), spoken, Message(role="system", content=()))
    for item in items:
        meter.said(events.ConversationItemCreate(item=item))

    assert meter.total.text_messages == 1


# Budgets.


def test_a_budget_is_nearly_spent_at_80_percent_and_spent_at_100() -> None:
    meter = Meter("acme/one", prices=priced(text_in=DOLLAR), budget=100)

    def states() -> Iterator[tuple[int, bool, bool]]:
        for more in (79, 1, 19, 1):
            meter.heard(done(Usage(input_text_tokens=more)))
            yield meter.money, meter.warned, meter.spent

    assert list(states()) == [
        (79, False, False),
        (80, True, False),
        (99, True, False),
        (100, True, True),
    ]


def test_the_limit_may_be_lowered_and_raised_from_outside() -> None:
    meter = Meter("acme/one", prices=priced(text_in=DOLLAR))
    meter.heard(done(Usage(input_text_tokens=50)))
    assert not meter.warned

    meter.limit = 50
    assert meter.spent
    meter.limit = 1_000
    assert not meter.warned
    meter.limit = 0
    assert meter.spent


def test_it_is_known_when_time_alone_will_have_spent_so_much() -> None:
    meter = Meter("cartesia/agent_1", budget=60_000)
    assert meter.reaches(60_000) is None

    meter.heard(msgspec.structs.replace(CREATED, at=SECOND))
    meter.tick(31 * SECOND)

    assert meter.reaches(60_000) == 61 * SECOND
    assert meter.reaches(10) == 31 * SECOND
    assert Meter("openai/gpt-realtime-2").reaches(1) is None


def test_a_budget_without_a_price_is_refused() -> None:
    with pytest.raises(UnknownPrice, match=r"acme/two.*Prices\.read"):
        Meter("acme/two", budget=1)


def test_without_a_price_all_is_counted_and_nothing_costs() -> None:
    meter = Meter("acme/two")
    meter.said(user(1))

    total = heard(meter, done(TEN), speech(1), done())

    assert total.money == 0
    assert total.unpriced == {"acme/two"}
    assert total.usage.input_text_tokens == 10
    assert total.usage.output_audio_tokens == 20


def test_sessions_are_added_up() -> None:
    one, two = Meter("openai/gpt-realtime-2"), Meter("openai/gpt-live-1")
    heard(one, CREATED, *told("openai", 30))
    heard(two, events.SessionStarted(session_id="s"), lasted(30, at=30 * SECOND))

    both = one.total + two.total

    assert both.money == one.money + two.money == 4_918 + 25_000
    assert both.usage.input_tokens == 134
    assert both.usage.seconds == 30
    assert both.duration == 30 * SECOND
    assert Spent() + both == both
