"""The same conversations as over a WebSocket, on a call."""

from collections.abc import Sequence
from typing import TypeVar

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.connection import HttpResponse, Offer
from antiphon.codecs.dialects import find_dialect
from antiphon.pipeline import Audio, Interrupt, ProcessorError, Speech
from antiphon.processors.models import ModelError, find_model
from antiphon.processors.remote import remote_model
from tests.processors.remote.answering import over_webrtc
from tests.processors.remote.calls import KEY, Agent, Call, calling, of

pytestmark = pytest.mark.anyio

OPENAI = find_dialect("openai")

MS = 1_000

BUSY = 500 * MS
"""What a machine that has other things to do may be late by; `test_call` is exact."""

HANGS = 30.0
"""Seconds after which a test has hung."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def assistant() -> Agent:
    return Agent(OPENAI, "local/assistant?think=0")


E = TypeVar("E", events.OutputPlaybackCleared, events.ConversationItemTruncated)


def one_of(frames: Sequence[E], item_id: str) -> E:
    (one,) = [frame for frame in frames if frame.item_id == item_id]
    return one


def heard_of(call: Call, item_id: str) -> int:
    """Microseconds of an item's sound that came."""
    return sum(one.duration for one in of(Speech, call.frames) if one.item_id == item_id)


async def test_a_spoken_turn_with_a_tool_a_barge_in_and_a_reconnect() -> None:
    with anyio.fail_after(HANGS):
        async with over_webrtc(assistant()) as (line, provider), calling(line) as call:
            await call.say("What is the weather in Oslo?")
            await call.answered("Oslo", "7 degrees")
            await call.hears(Speech)
            await call.say("Tell me a story.")
            await call.hears(Interrupt)
            story = await call.hears(Speech)
            await anyio.sleep(1.5)
            await call.say("How are you?")
            await call.hears(Interrupt)
            answer = await call.hears(Speech)
            await call.hears(events.AudioDone, lambda done: done.item_id == answer.item_id)
            await line.drop()
            await call.hears(events.Reconnected)
            await call.say("How are you?")
            await call.hears(Speech)

    agent = line.agent
    assert [offer.credential and offer.credential.value for offer in provider.offers] == [KEY] * 2
    assert [offer.model for offer in provider.offers] == ["gpt-realtime-2"] * 2
    assert [said.arguments for said in call.transcript.said if said.who == "tool"] == [
        '{"city":"Oslo"}'
    ]
    # What the model knows to have said of the story is what came of it, and what was played.
    truncated = one_of(agent.said(events.ConversationItemTruncated), story.item_id).audio_end
    played = one_of(of(events.OutputPlaybackCleared, call.reports), story.item_id).played
    assert truncated is not None and played is not None
    assert truncated > 1_400 * MS
    assert abs(truncated - played) < BUSY
    assert abs(truncated - heard_of(call, story.item_id)) < BUSY
    # Of what was not interrupted all came, and no silence beside.
    whole = sum(
        len(delta.delta) // 2 * 1_000_000 // 24_000
        for delta in agent.models[0].said
        if isinstance(delta, events.AudioDelta) and delta.item_id == answer.item_id
    )
    assert abs(heard_of(call, answer.item_id) - whole) < BUSY
    assert {one.item_id for one in of(Speech, call.frames)} == {
        one.item_id for one in of(events.ContentPartAdded, call.frames)
    }
    assert not of(events.Error, call.frames)
    assert [event.attempt for event in of(events.Reconnecting, call.frames)] == [1]


async def test_where_the_client_hears_the_turns_it_says_when_to_be_silent() -> None:
    detection = TurnDetection(type="disabled")
    with anyio.fail_after(HANGS):
        async with (
            over_webrtc(assistant()) as (line, _),
            calling(line, config=SessionConfig(turn_detection=detection)) as call,
        ):
            await call.tell(events.SpeechStarted())
            await call.say("Tell me a story.")
            await call.tell(events.SpeechStopped())
            story = await call.hears(Speech)
            await anyio.sleep(1.0)
            await call.tell(events.SpeechStarted())
            await call.hears(events.OutputPlaybackCleared)
            await call.hears(events.ConversationItemTruncated)

    truncated = one_of(line.agent.said(events.ConversationItemTruncated), story.item_id).audio_end
    played = one_of(of(events.OutputPlaybackCleared, call.reports), story.item_id).played
    assert truncated is not None and played is not None
    assert truncated > 900 * MS
    assert abs(truncated - played) < BUSY
    assert not of(events.Error, call.frames)


async def test_a_ticket_opens_a_call_as_a_key_does() -> None:
    with anyio.fail_after(HANGS):
        async with (
            over_webrtc(Agent(OPENAI, "local/echo"), ticket="ek_1") as (line, provider),
            calling(line) as call,
        ):
            await call.hears(events.SessionUpdated)

    (offer,) = provider.offers
    assert offer.credential is not None
    assert (offer.credential.kind, offer.credential.value) == ("ticket", "ek_1")
    settled = of(events.SessionUpdate, line.agent.models[0].told)
    assert [one.config.instructions for one in settled] == ["Be brief."]


async def test_a_call_that_is_refused_for_now_is_made_again() -> None:
    refusals = HttpResponse(status=429, headers={"retry-after": "0"}), HttpResponse(status=503)
    with anyio.fail_after(HANGS):
        async with (
            over_webrtc(Agent(OPENAI, "local/echo"), *refusals) as (line, provider),
            calling(line) as call,
        ):
            await call.hears(events.SessionUpdated)

    assert len(provider.offers) == 3
    assert [event.attempt for event in of(events.Reconnecting, call.frames)] == [1, 2]


async def test_a_key_that_is_refused_is_not_shown_again() -> None:
    refusal = HttpResponse(status=401, body=b"no such key: a-key-that-nobody-sees")
    asked: list[Offer] = []
    with anyio.fail_after(HANGS), pytest.raises(ProcessorError, match="401") as raised:
        async with (
            over_webrtc(Agent(OPENAI, "local/echo"), refusal, refusal) as (line, provider),
            calling(line) as call,
        ):
            asked = provider.offers
            await call.hears(events.SessionUpdated)

    assert len(asked) == 1
    assert KEY not in str(raised.value)


async def test_a_continuous_model_is_called_with_all_that_it_is_to_be() -> None:
    agent = Agent(find_dialect("openai_live"), "local/assistant?think=0")
    with anyio.fail_after(HANGS):
        async with over_webrtc(agent) as (line, provider), calling(line) as call:
            await call.hears(events.SessionStarted)
            await call.say("How are you?")
            await call.answered("thank")
            await call.hears(Audio)

    (offer,) = provider.offers
    assert (offer.model, offer.config.instructions) == ("gpt-live-1", "Be brief.")


def test_only_models_that_take_calls_can_be_called() -> None:
    with pytest.raises(ValueError, match=r"only by WebSocket.* openai/.*openai/gpt-live"):
        remote_model("gemini/gemini-live", key="k", transport="webrtc")
    with pytest.raises(ModelError, match="gemini/gemini-live: .*not reached by WebRTC"):
        find_model("gemini/gemini-live?transport=webrtc")
    with pytest.raises(ModelError, match="no transport 'pigeon', only websocket and webrtc"):
        find_model("openai/gpt-realtime-2?transport=pigeon")


def test_that_it_is_called_can_be_said_in_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")

    model = find_model("openai/gpt-realtime-2?transport=webrtc")

    assert (model.input_rate, model.output_rate) == (24_000, 24_000)
