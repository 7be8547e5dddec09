"""Whose words pass between a client and the model behind, and as whose."""

from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig, ToolDefinition, Transcription
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.items import FunctionCallOutput
from antiphon.gateway.policy import Policy
from antiphon.gateway.tickets import Grant

TOOL = ToolDefinition(name="f", parameters={"type": "object"})

ULAW = AudioFormat(type="audio/pcmu", rate=8000)

BOUND = SessionConfig(model="openai/gpt-realtime-2", instructions="Be kind.")


def told(policy: Policy, **said: Any) -> SessionConfig:
    """What the model hears of it."""
    event = policy.said(events.SessionUpdate(config=SessionConfig(**said)))
    assert isinstance(event, events.SessionUpdate)
    return event.config


def bound(front: str, config: SessionConfig, locked: tuple[str, ...] | None = None) -> Policy:
    minting = find_dialect(front).minting
    assert minting is not None
    grant = Grant(front=front, key="alice", model=config.model, config=config, locked=locked)
    return Policy(model=config.model, bind=minting.bind, grant=grant)


# What a ticket binds.


def test_what_opper_binds_holds_at_the_start_and_ever_after() -> None:
    policy = bound("opper", BOUND, ("tools",))

    for _ in range(2):
        config = told(policy, instructions="Be rude.", voice="cedar", tools=(TOOL,))
        assert (config.instructions, config.voice, config.tools) == ("Be kind.", "cedar", ())


def test_who_comes_with_a_page_ticket_cannot_change_what_it_may_do() -> None:
    policy = bound(
        "vercel", msgspec.structs.replace(BOUND, tools=(TOOL,)), ("instructions", "tools")
    )

    config = told(policy, instructions="Be rude.", tools=())

    assert (config.instructions, config.tools) == ("Be kind.", (TOOL,))


def test_the_model_is_told_what_is_bound_before_the_client_has_said_anything() -> None:
    initial = bound("openai", BOUND).initial

    assert initial is not None
    assert initial.instructions == "Be kind."
    assert initial.model is None
    assert Policy().initial is None


def test_what_is_bound_shows_in_the_session_that_is_created() -> None:
    created = bound("openai", BOUND).heard(
        events.SessionCreated(config=SessionConfig(voice="marin", model="local"))
    )

    assert isinstance(created, events.SessionCreated)
    assert created.config == msgspec.structs.replace(BOUND, voice="marin")


# Between two providers.


def test_words_for_another_provider_are_left_out() -> None:
    policy = Policy(other_provider=True, voice="Puck")

    config = told(
        policy,
        voice="alloy",
        provider_options={"prompt": {"id": "p"}},
        input_audio_transcription=Transcription(model="whisper-1", language="en"),
        instructions="Be kind.",
    )

    assert config == SessionConfig(
        voice="Puck",
        instructions="Be kind.",
        input_audio_transcription=Transcription(language="en"),
    )


def test_so_are_they_in_what_is_said_later() -> None:
    output = FunctionCallOutput(call_id="c", output="1", provider_options={"x": 1})

    said = Policy(other_provider=True).said(events.ConversationItemCreate(item=output))

    assert isinstance(said, events.ConversationItemCreate)
    assert said.item == FunctionCallOutput(call_id="c", output="1")


def test_for_the_same_provider_they_stay() -> None:
    options = {"prompt": {"id": "p"}}

    assert told(Policy(), voice="alloy", provider_options=options) == SessionConfig(
        voice="alloy", provider_options=options
    )


def test_formats_are_those_of_the_clients_own_wire() -> None:
    policy = Policy(other_wire=True, model="gpt-realtime-2")

    assert told(policy, input_audio_format=ULAW).input_audio_format is None
    shown = policy.heard(
        events.SessionUpdated(
            config=SessionConfig(model="x", input_audio_format=AudioFormat(type="audio/pcm"))
        )
    )

    assert isinstance(shown, events.SessionUpdated)
    assert shown.config == SessionConfig(model="gpt-realtime-2", input_audio_format=ULAW)


@pytest.mark.parametrize(
    "event", [events.Reconnecting(attempt=1), events.Reconnected(replayed=0, lost=0)]
)
def test_what_is_between_the_gateway_and_the_model_stays_there(event: events.ServerEvent) -> None:
    assert Policy().heard(event) is None
