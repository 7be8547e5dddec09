"""How each dialect says that somebody is not let in, and what holds for whoever has a ticket."""

from typing import Any

import msgspec
import pytest

from antiphon.codecs.config import SessionConfig, ToolDefinition, Transcription
from antiphon.codecs.connection import HttpRequest, Order, Ticket
from antiphon.codecs.dialect import Minting
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.codecs.refusing import CLOSE, STATUS, Cause, Problem

UNAUTHORIZED = Problem(cause="unauthorized", message="the key is not good")

TOOL = ToolDefinition(name="f", parameters={"type": "object"})


def refused(dialect: str, problem: Problem) -> tuple[int, Any]:
    response = find_dialect(dialect).refuse(problem)
    return response.status, msgspec.json.decode(response.body)


def minting(dialect: str) -> Minting:
    found = find_dialect(dialect).minting
    assert found is not None
    return found


# Refusals.


@pytest.mark.parametrize("dialect", ["openai", "xai", "openai_live", "vercel"])
def test_openai_and_its_like_give_an_error_with_type_and_code(dialect: str) -> None:
    status, body = refused(dialect, UNAUTHORIZED)

    assert status == 401
    assert body == {
        "error": {
            "message": "the key is not good",
            "type": "authentication_error",
            "param": None,
            "code": "invalid_api_key",
        }
    }


def test_google_gives_the_status_in_words() -> None:
    assert refused("gemini", UNAUTHORIZED) == (
        401,
        {"error": {"code": 401, "message": "the key is not good", "status": "UNAUTHENTICATED"}},
    )


def test_google_has_no_status_for_spent_money() -> None:
    status, body = refused("gemini", Problem(cause="no_credit", message="spent"))

    assert (status, body["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")


def test_elevenlabs_gives_details() -> None:
    assert refused("elevenlabs", UNAUTHORIZED) == (
        401,
        {"detail": {"status": "invalid_api_key", "message": "the key is not good"}},
    )


def test_who_may_come_back_is_told_when() -> None:
    problem = Problem(cause="too_many_requests", message="slowly", retry_after=2.4)

    for dialect in DIALECTS:
        assert find_dialect(dialect).refuse(problem).headers["retry-after"] == "2"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("cause", STATUS)
def test_every_refusal_is_one_for_http_and_for_sockets(dialect: str, cause: Cause) -> None:
    problem = Problem(cause=cause, message="no")

    status, body = refused(dialect, problem)

    assert 400 <= status < 600
    assert body
    assert problem.close_code in {1008, *CLOSE.values()}


# What a ticket binds.


def test_openai_lets_a_tickets_holder_change_everything() -> None:
    minted = SessionConfig(instructions="Be kind.", voice="marin")

    bound = minting("openai").bind(minted, None, SessionConfig(voice="cedar"))

    assert bound == SessionConfig(instructions="Be kind.", voice="cedar")


def test_opper_binds_what_is_not_zero() -> None:
    minted = SessionConfig(model="openai/gpt-realtime-2", instructions="Be kind.")
    said = SessionConfig(instructions="Be rude.", voice="cedar")

    bound = minting("opper").bind(minted, None, said)

    assert bound == msgspec.structs.replace(minted, voice="cedar")


def test_opper_binds_zeros_that_are_locked() -> None:
    said = SessionConfig(model="openai/gpt-realtime-2", tools=(TOOL,), temperature=1.0)

    bound = minting("opper").bind(SessionConfig(), ("tools", "temperature"), said)

    assert bound.tools == ()
    assert not bound.temperature
    assert bound.model == "openai/gpt-realtime-2"


def test_gemini_binds_the_whole_setup_if_no_mask_names_what() -> None:
    minted = SessionConfig(model="gemini-live", instructions="Be kind.")
    said = SessionConfig(model="other", voice="Puck", resumption_handle="h")

    bound = minting("gemini").bind(minted, None, said)

    assert bound == msgspec.structs.replace(minted, resumption_handle="h")


@pytest.mark.parametrize("voice", ["voiceConfig", "voice_config"])
def test_gemini_binds_what_the_mask_names_be_it_nothing(voice: str) -> None:
    minted = SessionConfig(model="gemini-live", temperature=0.5)
    mask = "model", f"generationConfig.speechConfig.{voice}", "generation_config.temperature"
    said = SessionConfig(
        model="other",
        instructions="Be rude.",
        voice="Puck",
        temperature=2.0,
        output_audio_transcription=Transcription(),
    )

    bound = minting("gemini").bind(minted, mask, said)

    assert bound.model == "gemini-live"
    assert bound.voice is None
    assert bound.temperature == 0.5
    assert bound.instructions == "Be rude."
    assert bound.output_audio_transcription == Transcription()


def test_gemini_binds_nothing_of_a_ticket_without_a_setup() -> None:
    said = SessionConfig(model="gemini-live", voice="Puck")

    assert minting("gemini").bind(SessionConfig(), (), said) == said


def test_vercel_binds_the_fields_that_are_locked() -> None:
    minted = SessionConfig(instructions="Be kind.")
    said = SessionConfig(instructions="Be rude.", voice="cedar", tools=(TOOL,))

    bound = minting("vercel").bind(minted, ("instructions", "tools"), said)

    assert bound == SessionConfig(instructions="Be kind.", voice="cedar")


# What is ordered.


def test_a_ticket_for_gemini_is_good_until_a_moment() -> None:
    order = minting("gemini").order(
        HttpRequest(
            method="POST",
            url="/v1alpha/auth_tokens",
            body=b'{"newSessionExpireTime": "2030-01-01T00:01:00Z"}',
        )
    )

    assert order is not None
    assert order.until == 1_893_456_060


def test_elevenlabs_gives_an_address_or_a_token() -> None:
    dialect = minting("elevenlabs")
    ticket = Ticket(token="t", url="ws://here/v1/convai/conversation?agent_id=a")

    def given(path: str) -> Any:
        order = dialect.order(
            HttpRequest(method="GET", url=f"/v1/convai/conversation/{path}?agent_id=a")
        )
        assert isinstance(order, Order)
        return msgspec.json.decode(dialect.answer(order, ticket).body)

    assert given("token") == {"token": "t"}
    assert given("get-signed-url") == {
        "signed_url": "ws://here/v1/convai/conversation?agent_id=a&conversation_signature=t"
    }
