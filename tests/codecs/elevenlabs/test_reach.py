"""How an agent is reached: what a client opens is what a server lets in."""

import json

import pytest

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
)
from antiphon.codecs.elevenlabs import DIALECT, rates
from antiphon.codecs.wire import WireError

HOST = "http://127.0.0.1:8000"


def upgrade(connect: Connect) -> Upgrade:
    """What the server sees of it."""
    target = "/" + connect.url.split("/", 3)[3]
    headers = {name.lower(): value for name, value in connect.headers.items()}
    return Upgrade(target=target, headers=headers, subprotocols=connect.subprotocols)


def test_a_public_agent_is_named_by_the_address_alone() -> None:
    connect = DIALECT.connect("agent/1 &x")

    assert connect == Connect(
        url="wss://api.elevenlabs.io/v1/convai/conversation?agent_id=agent%2F1%20%26x"
    )
    admission = DIALECT.accept(upgrade(connect))
    assert admission and (admission.model, admission.credential) == ("agent/1 &x", None)


def test_a_key_goes_into_a_header() -> None:
    connect = DIALECT.connect("a", key="sk_1", base_url=HOST + "/")

    assert connect.url == "ws://127.0.0.1:8000/v1/convai/conversation?agent_id=a"
    assert connect.headers == {"xi-api-key": "sk_1"}
    admission = DIALECT.accept(upgrade(connect))
    assert admission and admission.credential == Credential(kind="key", value="sk_1")
    assert "sk_1" not in repr(connect) + repr(admission)


def test_a_token_goes_into_a_subprotocol_that_is_not_echoed() -> None:
    connect = DIALECT.connect("a", ticket="tok")

    assert connect.subprotocols == ("convai", "bearer.tok")
    admission = DIALECT.accept(upgrade(connect))
    assert admission and admission.credential == Credential(kind="ticket", value="tok")
    assert admission.subprotocol == "convai"


def test_a_signed_address_is_opened_as_it_is() -> None:
    signed = "wss://eu.example.com/v1/convai/conversation?agent_id=a&conversation_signature=s%2B1"

    connect = DIALECT.connect("b", ticket=signed)

    assert connect == Connect(url=signed)
    admission = DIALECT.accept(upgrade(connect))
    assert admission and admission.model == "a"
    assert admission.credential == Credential(kind="ticket", value="s+1")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("convai",), "convai"),
        (("bearer.t", "convai"), "convai"),
        (("bearer.t",), "bearer.t"),
        (("bearer.t", "other"), None),
        (("other",), None),
    ],
)
def test_one_subprotocol_is_echoed_if_it_is_known(
    offered: tuple[str, ...], chosen: str | None
) -> None:
    asked = Upgrade(target="/v1/convai/conversation?agent_id=a", subprotocols=offered)

    admission = DIALECT.accept(asked)

    assert admission and admission.subprotocol == chosen


def test_what_the_sdks_open_is_let_in() -> None:
    python = Upgrade(target="/v1/convai/conversation?agent_id=a&source=python_sdk&version=2.78.0")
    signed = Upgrade(target=python.target + "&conversation_signature=s")
    bearer = Upgrade(target=python.target, headers={"authorization": "Bearer sk_1"})
    nameless = Upgrade(target="//v1/convai/conversation/?agent_id=")

    assert [
        (one.model, one.credential and one.credential.kind)
        for asked in (python, signed, bearer, nameless)
        if (one := DIALECT.accept(asked))
    ] == [("a", None), ("a", "ticket"), ("a", "key"), (None, None)]


@pytest.mark.parametrize(
    "target", ["/v1/convai/realtime?model=m", "/v1/convai/conversation/get-signed-url", "/"]
)
def test_other_paths_are_others(target: str) -> None:
    assert DIALECT.accept(Upgrade(target=target)) is None


# Tickets.


def test_a_signed_address_is_asked_for_ordered_answered_and_opened() -> None:
    minting = DIALECT.minting
    assert minting

    request = minting.mint("a b", key="sk_1", now=5, config=SessionConfig(voice="v"), base_url=HOST)
    assert (request.method, request.url, request.body) == (
        "GET",
        HOST + "/v1/convai/conversation/get-signed-url?agent_id=a%20b",
        b"",
    )
    order = minting.order(request)
    assert order is not None
    assert order == Order(
        model="a b", lifetime=900, uses=0, credential=Credential(kind="key", value="sk_1")
    )
    url = DIALECT.connect(order.model or "", base_url=HOST).url
    response = minting.answer(order, Ticket(token="s+1", url=url))
    ticket = minting.minted("a b", response, base_url=HOST)

    assert ticket.token == ticket.url == url + "&conversation_signature=s%2B1"
    admission = DIALECT.accept(upgrade(DIALECT.connect("a b", ticket=ticket.token)))
    assert admission and admission.model == "a b"
    assert admission.credential == Credential(kind="ticket", value="s+1")
    assert "sk_1" not in repr(request) + repr(order)
    assert "s%2B1" not in repr(ticket)


def test_a_ticket_that_is_an_address_is_answered_as_it_is() -> None:
    assert DIALECT.minting
    ticket = Ticket(token="ws://h/x?conversation_signature=s", url="ws://h/x")

    response = DIALECT.minting.answer(Order(), ticket)

    assert json.loads(response.body) == {"signed_url": ticket.token}


def test_an_address_without_a_query_gets_one() -> None:
    assert DIALECT.minting

    response = DIALECT.minting.answer(Order(), Ticket(token="s", url="ws://h/x"))

    assert json.loads(response.body) == {"signed_url": "ws://h/x?conversation_signature=s"}


def test_both_spellings_are_read_and_one_use_is_told_from_many() -> None:
    assert DIALECT.minting
    path = HOST + "/v1/convai/conversation/get_signed_url"

    many = DIALECT.minting.order(HttpRequest(method="GET", url=path))
    once = DIALECT.minting.order(
        HttpRequest(method="GET", url=path + "?agent_id=a&include_conversation_id=true")
    )

    assert many == Order(lifetime=900, uses=0)
    assert once and (once.model, once.uses) == ("a", 1)


def test_other_requests_are_no_orders() -> None:
    assert DIALECT.minting
    path = HOST + "/v1/convai/conversation/"

    assert DIALECT.minting.order(HttpRequest(method="POST", url=path + "get-signed-url")) is None
    assert DIALECT.minting.order(HttpRequest(method="GET", url=path + "tokens")) is None


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (HttpResponse(status=401, body=b'{"detail":"sk_1"}'), "status 401"),
        (HttpResponse(body=b"<html>"), "JSON"),
        (HttpResponse(body=b"{}"), "signed_url"),
        (HttpResponse(body=b'{"signed_url":"https://h"}'), "WebSocket"),
    ],
)
def test_a_refusal_says_why_and_nothing_secret(response: HttpResponse, said: str) -> None:
    assert DIALECT.minting

    with pytest.raises(WireError, match=said) as refused:
        DIALECT.minting.minted("a", response)

    assert "sk_1" not in str(refused.value)


def test_rates_are_the_usual_until_the_agent_tells_its_own() -> None:
    assert rates(SessionConfig()) == (16_000, 16_000)
