"""What a session costs, from what its two sides say."""

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, Transcription
from antiphon.codecs.items import text_message
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Frame
from antiphon.processors.meter import Meter
from antiphon.processors.prices import DOLLAR
from tests.processors.costs import (
    CREATED,
    MINUTE,
    SECOND,
    TEN,
    TWENTY,
    done,
    heard,
    lasted,
    priced,
    so_far,
    speech,
    told,
    user,
)

# What providers say.


def test_openai_counts_each_response_by_modality_and_what_was_cached() -> None:
    meter = Meter("openai/gpt-realtime-2")

    total = heard(meter, *told("openai", 30))

    # 55 of 119 text tokens are not cached; $4, $0.40, $32 in and $24, $64 out for a million.
    assert meter.money == round(55 * 4 + 64 * 0.4 + 15 * 32 + 12 * 24 + 61 * 64)
    assert total.usage == Usage(
        input_tokens=134,
        input_text_tokens=119,
        input_audio_tokens=15,
        input_image_tokens=0,
        cached_input_tokens=64,
        cached_input_text_tokens=64,
        cached_input_audio_tokens=0,
        cached_input_image_tokens=0,
        output_tokens=73,
        output_text_tokens=12,
        output_audio_tokens=61,
    )
    assert not total.estimated
    assert not total.unpriced


def test_openais_responses_are_added_up_the_interrupted_too() -> None:
    meter = Meter("openai/gpt-realtime-2")

    total = heard(meter, *told("openai", 39), *told("openai", 53), *told("openai", 55))

    first, second, third = 40 * 4 + 5 * 24, 200 * 4 + 40 * 32 + 6 * 24 + 30 * 64, 10 * 4
    assert total.money == first + second + third
    assert total.usage.input_tokens == 40 + 240 + 10


def test_a_transcriber_is_billed_beside_at_its_own_price() -> None:
    meter = Meter("openai/gpt-realtime-2")
    config = SessionConfig(input_audio_transcription=Transcription(model="gpt-4o-mini-transcribe"))
    meter.said(events.SessionUpdate(config=config))

    total = heard(meter, *told("openai", 12))

    assert total.money == 20 * 1.25 + 10 * 5
    assert total.transcription.input_audio_tokens == 20
    assert total.transcription.output_text_tokens == 10
    assert total.usage.input_tokens == 0
    assert not total.unpriced


def test_a_transcriber_may_count_seconds() -> None:
    meter = Meter("vercel/openai/gpt-realtime-2")
    config = SessionConfig(input_audio_transcription=Transcription(model="whisper-1"))

    total = heard(meter, events.SessionUpdated(config=config), *told("openai", 13))

    assert total.money == 140  # 1.4 s of $0.006 a minute
    assert total.transcription.seconds == 1.4


def test_a_transcriber_without_a_price_is_named() -> None:
    meter = Meter("openai/gpt-realtime-2")
    config = SessionConfig(input_audio_transcription=Transcription(model="new"))

    unnamed = heard(meter, *told("openai", 12))
    meter.said(events.SessionUpdate(config=config))
    named = heard(meter, *told("openai", 12))

    assert unnamed.money == named.money == 0
    assert unnamed.unpriced == {"the transcriber of openai/gpt-realtime-2"}
    assert "openai/new" in named.unpriced


def test_gemini_counts_thoughts_and_tools_and_names_no_modality() -> None:
    meter = Meter("gemini/gemini-3.8-live")

    total = heard(meter, *told("gemini", 43), done())

    # 800 and 10 of tools in at $0.75, none of it cheaper from the cache; 90 and 25 thoughts out.
    assert total.money == round((810 * 75 + 115 * 450) / 100)
    assert total.usage.cached_input_tokens == 100
    assert total.estimated  # of audio tokens it says nothing, and they are dearer


def test_xai_bills_by_the_minute_whatever_tokens_it_counts() -> None:
    meter = Meter("xai/grok-voice-latest")
    meter.said(events.ConversationItemCreate(item=text_message("Hello?")))

    created = [msgspec.structs.replace(CREATED, at=10 * SECOND)]
    finished = [msgspec.structs.replace(event, at=40 * SECOND) for event in told("xai", 31)]
    total = heard(meter, *created, *finished)

    assert total.money == 40_000 + 4_000
    assert total.usage.input_tokens == 10
    assert total.text_messages == 1
    assert total.estimated  # the time is ours


def test_openai_live_says_now_and_then_what_the_session_is_billed_in_all() -> None:
    meter = Meter("openai/gpt-live-1")
    closed = events.SessionClosed(usage=Usage(seconds=90), at=99 * SECOND)

    heard(meter, events.SessionStarted(session_id="s", at=SECOND))
    assert heard(meter, lasted(30, at=33 * SECOND)).money == 25_000
    assert heard(meter, lasted(30, at=33 * SECOND)).money == 25_000
    meter.tick(63 * SECOND)
    assert (meter.money, meter.total.estimated) == (50_000, True)
    total = heard(meter, closed)

    assert total.money == 75_000
    assert total.usage.seconds == 90
    assert not total.estimated


def test_elevenlabs_context_is_no_cost() -> None:
    meter = Meter("elevenlabs/agent_1")

    total = heard(meter, so_far(Usage(input_tokens=5_000), "context_usage"))

    assert total.usage.input_tokens == 0


# Snapshots within a response.


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        pytest.param([so_far(TEN), so_far(TWENTY), done()], 20, id="the last word counts"),
        pytest.param([so_far(TEN), so_far(TEN), done()], 10, id="said twice is counted once"),
        pytest.param([so_far(TEN), done(TWENTY)], 20, id="the end has the last word"),
        pytest.param([done(TWENTY), so_far(TWENTY)], 20, id="said again after the end"),
        pytest.param([done(), so_far(TEN), so_far(TEN)], 10, id="only after the end"),
        pytest.param([so_far(TEN)], 10, id="not yet ended"),
        pytest.param([done(TEN), so_far(TWENTY), done(TWENTY)], 30, id="two responses"),
        pytest.param([so_far(TEN), done(), speech(1), so_far(TEN), done()], 10 + 10, id="alike"),
        pytest.param([done(TEN), done(TEN)], 20, id="two responses alike"),
    ],
)
def test_a_response_is_counted_once_however_often_it_is_spoken_of(
    said: list[Frame], counted: int
) -> None:
    meter = Meter("acme/one", prices=priced(text_in=DOLLAR))

    total = heard(meter, *said)

    assert total.usage.input_text_tokens == counted
    assert total.money == counted
    assert not total.estimated


def test_what_is_said_of_the_whole_session_goes_before_what_was_said_of_responses() -> None:
    meter = Meter("acme/one", prices=priced(text_in=DOLLAR))
    fifteen = Usage(input_tokens=15, input_text_tokens=15)

    assert heard(meter, done(TEN), done(TEN)).money == 20
    assert heard(meter, events.SessionUsage(usage=fifteen)).money == 15
    assert heard(meter, done(TEN)).money == 25
    assert heard(meter, speech(1), events.SessionClosed(usage=fifteen)).money == 15
    assert not meter.total.estimated


def test_what_it_has_counted_so_far_is_not_estimated_again() -> None:
    meter = Meter("opper/openai/gpt-realtime-2")
    counted = Usage(output_tokens=100, output_audio_tokens=100)

    total = heard(meter, speech(5), events.SessionUsage(usage=counted), speech(1), done())

    assert total.usage.output_audio_tokens == 120


def test_it_is_said_of_one_connection() -> None:
    meter = Meter("acme/one", prices=priced(text_in=DOLLAR))
    five = Usage(input_tokens=5, input_text_tokens=5)

    heard(meter, CREATED, done(TWENTY), events.Reconnecting(attempt=1), CREATED)
    total = heard(meter, done(TEN), events.SessionUsage(usage=five))

    assert total.usage.input_text_tokens == total.money == 25


def test_cached_tokens_of_no_modality_are_text_then_audio() -> None:
    meter = Meter("openai/gpt-realtime-2")
    usage = Usage(input_text_tokens=10, input_audio_tokens=20, cached_input_tokens=12)

    total = heard(meter, done(usage))

    assert total.usage.cached_input_text_tokens == 10
    assert total.usage.cached_input_audio_tokens == 2
    assert total.money == round(12 * 0.4 + 18 * 32)


# Estimates.


def test_a_response_without_a_count_is_estimated_from_the_audio() -> None:
    meter = Meter("opper/openai/gpt-realtime-2")
    meter.said(user(3))

    total = heard(meter, speech(2), done())

    assert total.estimated
    assert total.usage.input_audio_tokens == 30
    assert total.usage.output_audio_tokens == 40
    assert total.money == 30 * 32 + 40 * 64
    assert (total.heard, total.spoken) == (3 * SECOND, 2 * SECOND)


def test_gemini_has_other_tokens_of_a_second() -> None:
    meter = Meter("gemini/gemini-3.8-live", input_rate=16_000)
    meter.said(events.InputAudioAppend(audio=bytes(2 * 16_000)))

    total = heard(meter, speech(1), done())

    assert total.usage.input_audio_tokens == 32
    assert total.usage.output_audio_tokens == 25


def test_the_conversation_so_far_is_heard_again_from_the_cache() -> None:
    meter = Meter("opper/openai/gpt-realtime-2")
    meter.said(user(1))
    heard(meter, speech(1), done())
    meter.said(user(1))

    total = heard(meter, speech(1), done())

    assert total.usage.input_audio_tokens == 10 + (30 + 10)
    assert total.usage.cached_input_audio_tokens == 30
    assert total.money == 20 * 32 + 30 * 0.4 + 40 * 64


def test_only_turns_of_the_user_are_counted_where_they_are_told() -> None:
    meter = Meter("opper/openai/gpt-realtime-2")
    meter.said(user(10))
    heard(meter, events.SpeechStarted(audio_start=2 * SECOND))
    meter.said(user(10))

    total = heard(meter, events.SpeechStopped(audio_end=5 * SECOND), speech(1), done())

    assert total.usage.input_audio_tokens == 30
    assert total.heard == 20 * SECOND


def test_turns_that_are_told_without_their_place_are_as_long_as_the_audio_between() -> None:
    meter = Meter("opper/openai/gpt-realtime-2")
    meter.said(user(10))
    heard(meter, events.SpeechStarted())
    meter.said(user(4))

    total = heard(meter, events.SpeechStopped(), done())

    assert total.usage.input_audio_tokens == 40


def test_words_are_estimated_at_four_characters_a_token() -> None:
    meter = Meter("opper/openai/gpt-realtime-2")
    meter.said(events.ConversationItemCreate(item=text_message("Hello there")))
    words = events.TextDelta(response_id="r", item_id="i", delta="Hi!")
    more = events.AudioTranscriptDelta(response_id="r", item_id="i", delta="Hello")

    total = heard(meter, words, more, done())

    assert total.usage.input_text_tokens == 3
    assert total.usage.output_text_tokens == 2
    assert total.money == 3 * 4 + 2 * 24


def test_a_count_that_comes_late_takes_the_place_of_the_estimate() -> None:
    meter = Meter("gemini/gemini-3.8-live")

    guessed = heard(meter, speech(2), done())
    total = heard(meter, so_far(Usage(output_audio_tokens=7)))

    assert guessed.usage.output_audio_tokens == 50
    assert total.usage.output_audio_tokens == 7
    assert not total.estimated


def test_what_was_said_when_the_connection_broke_is_estimated() -> None:
    meter = Meter("openai/gpt-realtime-2")

    total = heard(meter, CREATED, speech(1), events.Reconnecting(attempt=1, at=SECOND))

    assert total.usage.output_audio_tokens == 20
    assert total.estimated


def test_where_tokens_cost_nothing_none_are_made_up() -> None:
    meter = Meter("cartesia/agent_1")

    total = heard(meter, CREATED, speech(60, at=MINUTE), done(at=MINUTE))

    assert total.usage.output_audio_tokens == 0
    assert total.money == 60_000
