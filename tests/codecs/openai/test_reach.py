"""Connecting, and tickets, from both sides."""

import json
from typing import Any

import pytest
from openai.types.realtime.client_secret_create_response import ClientSecretCreateResponse
from pydantic import TypeAdapter

from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.connection import (
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
)
from antiphon.codecs.openai import DIALECT
from antiphon.codecs.openai.reach import accept, answer, connect, mint, minted, order
from antiphon.codecs.wire import WireError


def asked(opened: Connect) -> Upgrade:
    return Upgrade(
        target="/" + opened.url.split("/", 3)[3],
        headers={name.lower(): value for name, value in opened.headers.items()},
        subprotocols=opened.subprotocols,
    )


def test_a_call_is_listened_in_on() -> None:
    opened = connect("", key="sk", call_id="rtc_1")

    admission = accept(asked(opened))

    assert opened.url.endswith("/realtime?call_id=rtc_1")
    assert admission is not None
    assert (admission.model, admission.call_id) == (None, "rtc_1")


def test_a_session_without_a_model_may_be_asked_for() -> None:
    admission = accept(asked(connect("gpt-realtime", intent="transcription")))

    assert admission is not None
    assert (admission.model, admission.credential) == (None, None)


@pytest.mark.parametrize(
    ("upgrade", "credential"),
    [
        (
            Upgrade(target="/v1/realtime", headers={"authorization": "Bearer sk-1"}),
            Credential(kind="key", value="sk-1"),
        ),
        (
            Upgrade(target="/v1/realtime/", headers={"authorization": "Bearer ek_1"}),
            Credential(kind="ticket", value="ek_1"),
        ),
        (
            Upgrade(
                target="/proxy//v1/realtime",
                subprotocols=("realtime", "openai-insecure-api-key.sk-1", "openai-beta.x"),
            ),
            Credential(kind="key", value="sk-1"),
        ),
        (Upgrade(target="/v1/realtime", subprotocols=("realtime",)), None),
    ],
)
def test_a_credential_is_known_by_its_beginning_wherever_it_is(
    upgrade: Upgrade, credential: Credential | None
) -> None:
    admission = accept(upgrade)

    assert admission is not None
    assert admission.credential == credential


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("openai-insecure-api-key.ek_1",), None),
        (("openai-insecure-api-key.ek_1", "realtime"), "realtime"),
    ],
)
def test_only_the_marker_is_echoed(offered: tuple[str, ...], chosen: str | None) -> None:
    admission = accept(Upgrade(target="/v1/realtime", subprotocols=offered))

    assert admission is not None
    assert admission.subprotocol == chosen


@pytest.mark.parametrize("target", ["/", "/v1/realtime/calls", "/v2/realtime", "/realtime"])
def test_elsewhere_there_is_nothing(target: str) -> None:
    assert accept(Upgrade(target=target)) is None


@pytest.mark.parametrize(("lifetime", "seconds"), [(1, 10), (60, 60), (10**9, 7200)])
def test_a_ticket_is_good_for_as_long_as_openai_allows(lifetime: int, seconds: int) -> None:
    request = mint("m", key="sk", now=0, lifetime=lifetime)

    assert json.loads(request.body)["expires_after"] == {
        "anchor": "created_at",
        "seconds": seconds,
    }


def ordered(body: Any) -> Order:
    request = HttpRequest(
        method="POST",
        url="https://host/v1/realtime/client_secrets",
        headers={"authorization": "Bearer sk"},
        body=json.dumps(body).encode(),
    )
    read = order(request)
    assert read is not None
    return read


def test_an_order_is_read() -> None:
    read = ordered(
        {
            "session": {"type": "realtime", "model": "m", "instructions": "i"},
            "expires_after": {"anchor": "created_at", "seconds": 99_999},
        }
    )

    assert read == Order(
        model="m",
        config=SessionConfig(model="m", instructions="i"),
        lifetime=7200,
        uses=0,
        credential=Credential(kind="key", value="sk"),
    )


@pytest.mark.parametrize("body", [{}, {"expires_after": {}}, {"session": None}])
def test_an_order_need_not_say_much(body: Any) -> None:
    read = ordered(body)

    assert (read.model, read.lifetime, read.config) == (None, None, SessionConfig())


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"session": 5}, "$.session"),
        ({"session": {"model": 5}}, "$.session.model"),
        ({"session": {"a": 2**70}}, "$.session"),
        ({"expires_after": {"seconds": "5"}}, "$.expires_after.seconds"),
        ([], "$"),
    ],
)
def test_a_mistake_in_an_order_is_named(body: Any, path: str) -> None:
    with pytest.raises(WireError) as error:
        ordered(body)

    assert error.value.path == path


@pytest.mark.parametrize("session", [{"type": "realtime", "model": "m"}, {"type": "transcription"}])
def test_the_answer_to_an_order_is_what_openais_package_expects(session: Any) -> None:
    ticket = Ticket(token="ek_1", url="wss://host/v1/realtime", expires_at=1_000)

    response = answer(ordered({"session": session}), ticket)

    body = json.loads(response.body)
    TypeAdapter(ClientSecretCreateResponse).validate_python(body, extra="forbid")
    assert (body["value"], body["expires_at"]) == ("ek_1", 1_000)
    assert "ek_1" not in json.dumps(body["session"])


def test_rates_are_those_of_the_formats() -> None:
    config = SessionConfig(
        input_audio_format=AudioFormat(type="audio/pcmu"),
        output_audio_format=AudioFormat(type="audio/pcm", rate=16_000),
    )

    assert DIALECT.rates(config) == (8000, 16_000)


def test_a_ticket_tells_what_is_bound_to_it() -> None:
    body = {"value": "ek_1", "expires_at": 5.9, "session": {"instructions": "i"}}

    ticket = minted("m", HttpResponse(body=json.dumps(body).encode()))

    assert ticket.config == SessionConfig(instructions="i")
    assert ticket.expires_at == 5
    assert ticket.url == "wss://api.openai.com/v1/realtime?model=m"


def test_a_ticket_without_a_token_is_a_mistake() -> None:
    with pytest.raises(WireError):
        minted("m", HttpResponse(body=b"{}"))
