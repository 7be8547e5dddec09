"""Where sessions are opened and tickets minted: recorded from the AI SDK, and both sides agreeing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from antiphon.codecs.vercel import DIALECT
from antiphon.codecs.vercel.reach import (
    accept,
    answer,
    connect,
    mint,
    minted,
    order,
    subprotocols,
    team_in,
    team_of,
    ticket_in,
)
from antiphon.codecs.wire import Unsayable, WireError

RECORDED = Path(__file__).parents[2] / "data" / "aisdk"
GATEWAY = json.loads((RECORDED / "gateway.json").read_text())
AUTH = json.loads((RECORDED / "gateway_auth_and_audio.json").read_text())["gatewayAuth"]
TOKENS = [pytest.param(vector, id=vector["name"]) for vector in GATEWAY["token"]]


def upgrade(opened: Connect, **more: Any) -> Upgrade:
    return Upgrade(
        target="/" + opened.url.split("/", 3)[3],
        headers={name.lower(): value for name, value in opened.headers.items()},
        subprotocols=opened.subprotocols,
        **more,
    )


def minting(vector: Any) -> HttpRequest:
    asked = vector["getTokenOptions"]
    config = asked.get("sessionConfig")
    return mint(
        asked["model"],
        key="vck_test",
        now=0,
        config=None if config is None else SessionConfig(voice=config["voice"]),
        lifetime=asked.get("expiresAfterSeconds"),
        base_url=vector["baseURL"],
        team=vector.get("settings", {}).get("teamIdOrSlug"),
    )


@pytest.mark.parametrize("vector", TOKENS)
def test_a_ticket_is_asked_for_as_the_sdk_asks(vector: Any) -> None:
    request = minting(vector)

    (expected,) = vector["request"]
    assert (request.method, request.url) == (expected["method"], expected["url"])
    assert request.headers == expected["headers"]
    assert json.loads(request.body) == expected["body"]


@pytest.mark.parametrize("vector", TOKENS)
def test_a_ticket_is_read_and_shown_as_the_sdk_does(vector: Any) -> None:
    model, base_url = vector["getTokenOptions"]["model"], vector["baseURL"]
    reply = vector["httpReply"]
    response = HttpResponse(status=reply["status"], body=json.dumps(reply["body"]).encode())

    if "$error" in vector["expected"]:
        with pytest.raises(WireError):
            minted(model, response, base_url=base_url)
        return
    ticket = minted(model, response, base_url=base_url)

    expected = vector["expected"]["token"]
    assert (ticket.token, ticket.url) == (expected["token"], expected["url"])
    assert ticket.expires_at == expected.get("expiresAt")
    opened = connect(
        model,
        ticket=ticket.token,
        base_url=base_url,
        team=vector.get("settings", {}).get("teamIdOrSlug"),
    )
    assert opened.url == vector["expected"]["webSocketConfig"]["url"]
    assert list(opened.subprotocols) == vector["expected"]["webSocketConfig"]["protocols"]


def test_a_server_shows_its_key_in_a_header() -> None:
    expected = GATEWAY["serverWebSocket"][0]["expected"]

    opened = connect(GATEWAY["modelId"], key="vck_test", team="team_1")

    assert (opened.url, opened.subprotocols) == (expected["url"], ())
    assert {name.lower(): value for name, value in opened.headers.items()} == expected["headers"]


@pytest.mark.parametrize("vector", AUTH["encode"])
def test_a_ticket_is_a_subprotocol(vector: Any) -> None:
    options: dict[str, str] = vector["options"] or {}
    team = options.get("teamIdOrSlug")

    assert list(subprotocols(vector["token"], team=team)) == vector["expected"]


@pytest.mark.parametrize("vector", AUTH["decode"])
def test_ticket_and_team_are_found_among_subprotocols(vector: Any) -> None:
    offered = (vector["header"] or "").split(",")

    assert (ticket_in(offered), team_in(offered)) == (vector["token"], vector["team"])


def test_the_first_ticket_counts_even_if_it_is_empty() -> None:
    assert ticket_in(("ai-gateway-auth.", "ai-gateway-auth.x")) is None


@pytest.mark.parametrize("coded", ["_w", "gA", "a", "é", "a b"])
def test_a_team_that_cannot_be_read_is_none(coded: str) -> None:
    assert team_in([f"ai-gateway-team.{coded}"]) is None


@pytest.mark.parametrize("ticket", ["", "a b", "a,b", "ü", "a/b"])
def test_a_ticket_that_is_no_part_of_a_subprotocol_is_refused(ticket: str) -> None:
    with pytest.raises(Unsayable) as refusal:
        connect("m", ticket=ticket)

    assert ticket == "" or ticket not in str(refusal.value)


# Accepting.


@given(model=st.text(min_size=1), team=st.none() | st.text(min_size=1))
def test_a_server_reads_what_a_client_opens(model: str, team: str | None) -> None:
    with_ticket = upgrade(connect(model, ticket="t.1", team=team))
    with_key = upgrade(connect(model, key="k", team=team))

    admitted = accept(with_ticket)
    assert admitted is not None
    assert (admitted.model, admitted.credential) == (model, Credential(kind="ticket", value="t.1"))
    assert admitted.subprotocol == "ai-gateway-realtime.v1"
    assert team_of(with_ticket) == team

    admitted = accept(with_key)
    assert admitted is not None
    assert (admitted.model, admitted.credential) == (model, Credential(kind="key", value="k"))
    assert admitted.subprotocol is None
    assert team_of(with_key) == team


@pytest.mark.parametrize("base_url", ["ws://host", "http://host/deep/v4/ai/", "https://host//v4"])
def test_the_base_url_is_the_clients_choice(base_url: str) -> None:
    admitted = accept(upgrade(connect("openai/gpt-realtime-2", key="k", base_url=base_url)))

    assert admitted is not None
    assert admitted.model == "openai/gpt-realtime-2"


def test_a_session_may_be_asked_for_without_a_credential() -> None:
    admitted = accept(upgrade(connect("m")))

    assert admitted is not None
    assert admitted.credential is None


@pytest.mark.parametrize(
    "target",
    [
        "/v4/ai/realtime-model",
        "/v4/ai/realtime-model?ai-model-id=",
        "/v4/ai/transcription-model?ai-model-id=m",
        "/v1/realtime?model=m",
    ],
)
def test_elsewhere_it_is_not_spoken(target: str) -> None:
    assert accept(Upgrade(target=target)) is None


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((" ai-gateway-auth.t", " ai-gateway-realtime.v1 "), "ai-gateway-realtime.v1"),
        (("ai-gateway-auth.t", "ai-gateway-team.x"), "ai-gateway-team.x"),
        (("ai-gateway-auth.t",), "ai-gateway-auth.t"),
        ((), None),
    ],
)
def test_the_subprotocol_that_is_echoed_is_a_ticket_only_in_need(
    offered: tuple[str, ...], chosen: str | None
) -> None:
    admitted = accept(Upgrade(target="/realtime-model?ai-model-id=m", subprotocols=offered))

    assert admitted is not None
    assert admitted.subprotocol == chosen


# Minting.


SECRETS = "https://host/v1/realtime/client-secrets"


def secrets(body: Any, *, method: str = "POST", url: str = SECRETS) -> HttpRequest:
    return HttpRequest(method=method, url=url, body=json.dumps(body).encode())


@pytest.mark.parametrize("vector", TOKENS)
def test_a_server_reads_what_a_client_asks_for(vector: Any) -> None:
    asked = vector["getTokenOptions"]

    assert order(minting(vector)) == Order(
        model=asked["model"],
        lifetime=asked.get("expiresAfterSeconds"),
        credential=Credential(kind="key", value="vck_test"),
    )


@pytest.mark.parametrize("expires_at", [None, 1_900_000_000])
def test_a_client_reads_what_a_server_answers(expires_at: int | None) -> None:
    url = connect("m", base_url="http://host/v4/ai").url
    ticket = Ticket(token="vcst_1", url=url, expires_at=expires_at)

    response = answer(Order(model="m"), ticket)

    assert json.loads(response.body) == {"token": "vcst_1", "expiresAt": expires_at}
    assert minted("m", response, base_url="ws://host/v4/ai") == ticket


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("wss://host/v4/ai", "https://host"),
        ("ws://host:1/v4/ai", "http://host:1"),
        ("https://host", "https://host"),
    ],
)
def test_tickets_are_minted_at_the_origin(base_url: str, origin: str) -> None:
    request = mint("m", key="k", now=0, base_url=base_url)

    assert request.url == f"{origin}/v1/realtime/client-secrets"


def test_a_ticket_may_be_ordered_without_a_key() -> None:
    assert order(secrets({"model": "m", "expiresIn": None, "routeKind": None})) == Order(model="m")


@pytest.mark.parametrize(
    "more", [{"method": "GET"}, {"url": "https://host/v1/realtime/client_secrets"}]
)
def test_other_requests_are_no_orders(more: dict[str, str]) -> None:
    assert order(secrets({"model": "m"}, **more)) is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$"),
        ({"model": 5}, "$.model"),
        ({"model": "m", "expiresIn": 0}, "$.expiresIn"),
        ({"model": "m", "expiresIn": 1e300}, "$.expiresIn"),
        ({"model": "m", "routeKind": "speech"}, "$.routeKind"),
    ],
)
def test_a_bad_order_is_refused(body: Any, path: str) -> None:
    with pytest.raises(WireError) as mistake:
        order(secrets(body))

    assert mistake.value.path == path


@pytest.mark.parametrize("body", [b"", b"{}", b'{"token":5}', b'{"token":"t","expiresAt":"x"}'])
def test_a_bad_answer_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        minted("m", HttpResponse(body=body))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"error":{"message":"bad key sk-1","type":"authentication_error"}}', "401 auth"),
        (b"<html>sk-1</html>", "401"),
    ],
)
def test_a_refusal_says_its_status_and_kind_and_no_key(body: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why) as refusal:
        minted("m", HttpResponse(status=401, body=body))

    assert "sk-1" not in str(refusal.value)


def test_no_secret_shows_in_a_repr() -> None:
    opened = connect("m", ticket="secret"), connect("m", key="secret")
    request = mint("m", key="secret", now=0)

    for shown in (*opened, *(upgrade(one) for one in opened), request, order(request)):
        assert "secret" not in repr(shown).replace("client-secrets", "")


def test_the_dialect_offers_all_of_it() -> None:
    minting = DIALECT.minting

    assert minting is not None
    assert (DIALECT.connect, DIALECT.accept) == (connect, accept)
    assert (minting.mint, minting.minted, minting.order, minting.answer) == (
        mint,
        minted,
        order,
        answer,
    )
