"""How a call is opened, with a key or with a ticket, and what the ticket changes."""

import json

import pytest

from antiphon.codecs.cartesia import DIALECT, rates
from antiphon.codecs.cartesia.reach import VERSION, answer, mint, minted, order
from antiphon.codecs.config import AudioFormat, SessionConfig, TurnDetection
from antiphon.codecs.connection import (
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
)
from antiphon.codecs.wire import Unsayable, WireError


def asked(opened: Connect) -> Upgrade:
    target = "/" + opened.url.split("//")[1].partition("/")[2]
    return Upgrade(target=target, headers={k.lower(): v for k, v in opened.headers.items()})


def test_a_server_reads_the_agent_and_the_key_that_a_client_opens_with() -> None:
    opened = DIALECT.connect("agent/1 ä", key="sk_secret")

    admission = DIALECT.accept(asked(opened))

    assert opened.url == "wss://api.cartesia.ai/v1/agents/websocket/agent%2F1%20%C3%A4"
    assert opened.headers["Cartesia-Version"] == VERSION
    assert admission is not None
    assert admission.model == "agent/1 ä"
    assert admission.credential == Credential(kind="key", value="sk_secret")
    assert "sk_secret" not in repr(opened) + repr(admission)


def test_a_browser_opens_with_a_ticket_in_the_query() -> None:
    opened = DIALECT.connect("agent_1", ticket="t+/=", base_url="http://localhost:8000/")

    admission = DIALECT.accept(asked(opened))

    assert opened.url.startswith("ws://localhost:8000/v1/agents/websocket/agent_1?")
    assert opened.headers == {}
    assert admission is not None
    assert admission.credential == Credential(kind="ticket", value="t+/=")
    assert "t%2B" not in repr(opened)


def test_a_key_may_be_borne_and_may_be_missing() -> None:
    target = "/v1/agents/websocket/agent_1"

    borne = DIALECT.accept(Upgrade(target=target, headers={"authorization": "Bearer k"}))
    missing = DIALECT.accept(Upgrade(target=target + "/?access_token="))

    assert borne is not None
    assert borne.credential == Credential(kind="key", value="k")
    assert missing is not None
    assert missing.credential is None


@pytest.mark.parametrize(
    "target", ["/", "/v1/agents/websocket/", "/v1/agents/websocket/a/sessions", "/tts/websocket"]
)
def test_other_paths_are_not_calls(target: str) -> None:
    assert DIALECT.accept(Upgrade(target=target)) is None


CONFIG = SessionConfig(
    instructions="Be kind",
    first_message="Hello",
    output_language="de",
    voice="v_1",
    speed=1.1,
    provider_options={"dynamic_variables": {"name": "Ada"}},
)


def test_a_ticket_binds_what_is_changed_of_the_agent() -> None:
    request = mint("agent_1", key="sk_secret", now=0, config=CONFIG)

    read = order(request)

    assert request.url == "https://api.cartesia.ai/v1/agents/websocket/agent_1/sessions"
    assert json.loads(request.body) == {
        "dynamic_variables": {"name": "Ada"},
        "config_overrides": {
            "instructions": "Be kind",
            "initial_message": "Hello",
            "language": "de",
            "audio": {"output": {"voice_id": "v_1", "speed": 1.1}},
        },
    }
    assert "sk_secret" not in repr(request)
    assert read == Order(
        model="agent_1",
        config=CONFIG,
        credential=Credential(kind="key", value="sk_secret"),
    )


def test_nothing_changed_is_nothing_said() -> None:
    request = mint("agent_1", key="k", now=0, lifetime=60)

    assert json.loads(request.body) == {}
    read = order(request)
    assert read is not None
    assert read.config == SessionConfig()


def test_the_language_is_that_of_the_agent_else_the_likeliest_of_the_user() -> None:
    request = mint("a", key="k", now=0, config=SessionConfig(input_languages=("fr", "en")))

    assert json.loads(request.body) == {"config_overrides": {"language": "fr"}}


def test_a_ticket_for_what_no_agent_does_is_refused() -> None:
    with pytest.raises(Unsayable):
        mint(
            "a", key="k", now=0, config=SessionConfig(turn_detection=TurnDetection(type="disabled"))
        )


def test_requests_are_read_leniently_and_others_not_at_all() -> None:
    url = "/v1/agents/websocket/a%20b/sessions/"

    bare = order(HttpRequest(method="POST", url=url, headers={"authorization": "Bearer k"}))

    assert bare == Order(model="a b", credential=Credential(kind="key", value="k"))
    assert order(HttpRequest(method="GET", url=url)) is None
    assert order(HttpRequest(method="POST", url="/v1/agents/websocket/a")) is None
    anonymous = order(HttpRequest(method="POST", url=url, body=b'{"config_overrides":null}'))
    assert anonymous is not None
    assert anonymous.credential is None
    with pytest.raises(WireError):
        order(HttpRequest(method="POST", url=url, body=b'{"config_overrides":5}'))


def test_a_ticket_is_read_as_it_was_answered() -> None:
    ticket = Ticket(
        token="t",
        url="wss://api.cartesia.ai/v1/agents/websocket/agent_1?cartesia_version=" + VERSION,
        expires_at=1_800_000_000,
    )

    response = answer(Order(model="agent_1"), ticket)

    assert json.loads(response.body) == {"token": "t", "expires_at": 1_800_000_000}
    assert minted("agent_1", response) == ticket


@pytest.mark.parametrize("name", ["token", "access_token", "session_token"])
def test_a_token_is_found_by_any_likely_name(name: str) -> None:
    body = json.dumps({name: "t", "expires_at": "2026-11-20T20:00:00Z"}).encode()

    ticket = minted("agent_1", HttpResponse(status=201, body=body))

    assert (ticket.token, ticket.expires_at) == ("t", None)
    assert "t" not in repr(ticket).partition("?")[2]


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(status=401, body=b'{"message":"sk_secret"}'),
        HttpResponse(body=b"{}"),
        HttpResponse(body=b'{"token":""}'),
        HttpResponse(body=b'{"token":5}'),
        HttpResponse(body=b"<html>"),
    ],
)
def test_a_refusal_or_nonsense_is_a_wire_error_without_secrets(response: HttpResponse) -> None:
    with pytest.raises(WireError) as error:
        minted("agent_1", response)

    assert "sk_secret" not in str(error.value)
    assert response.status == 200 or "401" in str(error.value)


@pytest.mark.parametrize(
    ("config", "rate"),
    [
        (SessionConfig(), 24_000),
        (SessionConfig(input_audio_format=AudioFormat(type="audio/pcmu")), 8_000),
        (SessionConfig(output_audio_format=AudioFormat(type="audio/pcm", rate=44_100)), 44_100),
        (SessionConfig(output_audio_format=AudioFormat(type="audio/opus")), 24_000),
    ],
    ids=str,
)
def test_rates_are_known_before_the_call(config: SessionConfig, rate: int) -> None:
    assert rates(config) == (rate, rate)
