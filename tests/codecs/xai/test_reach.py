"""How a session with xAI is opened, and tickets for it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
)
from antiphon.codecs.wire import WireError
from antiphon.codecs.xai import DIALECT
from antiphon.codecs.xai.reach import accept, answer, connect, mint, minted, order

Json = dict[str, Any]

URL = "wss://api.x.ai/v1/realtime?model=grok-voice-latest"


def upgrade(
    url: str, headers: Mapping[str, str] | None = None, subprotocols: tuple[str, ...] = ()
) -> Upgrade:
    target = "/" + url.split("/", 3)[3]
    lower = {key.lower(): value for key, value in (headers or {}).items()}
    return Upgrade(target=target, headers=lower, subprotocols=subprotocols)


def test_a_server_reads_whose_key_opens_which_model() -> None:
    opened = connect("grok-voice-latest", key="xai-secret")

    admission = accept(upgrade(opened.url, opened.headers))

    assert opened.url == URL
    assert opened.headers == {"Authorization": "Bearer xai-secret"}
    assert opened.subprotocols == ()
    assert admission is not None
    assert admission.model == "grok-voice-latest"
    assert admission.credential == Credential(kind="key", value="xai-secret")
    assert admission.subprotocol is None
    assert "secret" not in repr(opened) + repr(admission)


def test_a_browsers_ticket_is_its_only_subprotocol_and_is_echoed() -> None:
    opened = connect("m/n", ticket="t.1", base_url="http://localhost:8000/v1/")

    admission = accept(upgrade(opened.url, opened.headers, opened.subprotocols))

    assert opened.url == "ws://localhost:8000/v1/realtime?model=m%2Fn"
    assert opened.subprotocols == ("xai-client-secret.t.1",)
    assert opened.headers == {}
    assert admission is not None
    assert admission.model == "m/n"
    assert admission.credential == Credential(kind="ticket", value="t.1")
    assert admission.subprotocol == "xai-client-secret.t.1"


def test_a_subprotocol_without_a_secret_is_rather_echoed() -> None:
    admission = accept(upgrade(URL, None, ("xai-client-secret.t", "mine")))

    assert admission is not None
    assert admission.subprotocol == "mine"


@pytest.mark.parametrize("how", ["connect", "dialect"])
def test_a_conversation_is_resumed_by_its_id(how: str) -> None:
    assert DIALECT.resume is not None
    opened = (
        connect("m", ticket="t", resume="conv 1&2")
        if how == "connect"
        else DIALECT.resume(connect("m", ticket="t"), "conv 1&2")
    )

    admission = accept(upgrade(opened.url, opened.headers, opened.subprotocols))

    assert admission is not None
    assert (admission.model, admission.resume) == ("m", "conv 1&2")
    assert admission.credential == Credential(kind="ticket", value="t")


def test_calls_and_agents_are_named_in_the_address() -> None:
    admission = accept(upgrade("wss://api.x.ai//v1/realtime/?call_id=c1&agent_id=a1"))

    assert admission is not None
    assert (admission.model, admission.call_id, admission.credential) == ("a1", "c1", None)


@pytest.mark.parametrize(
    ("target", "subprotocols"),
    [
        ("/v1/realtime/client_secrets", ()),
        ("/v1/convai/realtime", ()),
        ("/", ()),
        ("/v1/realtime", ("realtime", "openai-insecure-api-key.ek_1")),
    ],
)
def test_other_clients_are_of_other_dialects(target: str, subprotocols: tuple[str, ...]) -> None:
    assert accept(Upgrade(target=target, subprotocols=subprotocols)) is None


# Tickets.


@pytest.mark.parametrize(
    ("lifetime", "body"),
    [
        (None, {}),
        (300, {"expires_after": {"seconds": 300}}),
        (0, {"expires_after": {"seconds": 1}}),
        (99_999, {"expires_after": {"seconds": 3600}}),
    ],
)
def test_a_ticket_is_asked_for_a_while_and_for_no_session(lifetime: Any, body: Json) -> None:
    asked = mint("m", key="xai-secret", now=0, config=SessionConfig(voice="eve"), lifetime=lifetime)

    assert (asked.method, asked.url) == ("POST", "https://api.x.ai/v1/realtime/client_secrets")
    assert asked.headers["Authorization"] == "Bearer xai-secret"
    assert json.loads(asked.body) == body
    assert "xai-secret" not in repr(asked)


def test_a_server_reads_what_is_asked_for() -> None:
    asked = mint("m", key="k", now=0, lifetime=300, base_url="http://localhost/v1")
    lower = {key.lower(): value for key, value in asked.headers.items()}

    ordered = order(HttpRequest(method="POST", url=asked.url, headers=lower, body=asked.body))

    assert ordered == Order(lifetime=300, uses=0, credential=Credential(kind="key", value="k"))


def test_other_clients_name_the_model() -> None:
    body = b'{"session":{"model":"grok-voice-3.0"}}'

    ordered = order(HttpRequest(method="POST", url="/v1/realtime/client_secrets", body=body))

    assert ordered is not None
    assert (ordered.model, ordered.lifetime) == ("grok-voice-3.0", None)


def test_no_body_is_an_order_too() -> None:
    assert order(HttpRequest(method="POST", url="/v1/realtime/client_secrets")) == Order(uses=0)


@pytest.mark.parametrize(
    ("method", "url"),
    [("GET", "/v1/realtime/client_secrets"), ("POST", "/v1/realtime"), ("POST", "/")],
)
def test_other_requests_are_no_orders(method: str, url: str) -> None:
    assert order(HttpRequest(method=method, url=url)) is None


def test_an_answer_has_both_shapes() -> None:
    ticket = Ticket(token="t1", url=URL, expires_at=1_900_000_000)

    response = answer(Order(model="m"), ticket)

    assert json.loads(response.body) == {
        "value": "t1",
        "expires_at": 1_900_000_000,
        "client_secret": {"value": "t1", "expires_at": 1_900_000_000},
        "session": {"model": "m"},
    }
    assert minted("grok-voice-latest", response) == ticket


@pytest.mark.parametrize(
    ("said", "expires_at"),
    [
        ({"value": "t1", "expires_at": 1_900_000_000}, 1_900_000_000),
        ({"value": "t1", "expires_at": 1_900_000_000_500}, 1_900_000_000),
        ({"value": "t1"}, None),
        ({"value": "t1", "session": {}}, None),
        ({"client_secret": {"value": "t1", "expires_at": 5}}, 5),
    ],
)
def test_a_ticket_is_found_in_either(said: Json, expires_at: int | None) -> None:
    response = HttpResponse(body=json.dumps(said).encode())

    ticket = minted("m", response, base_url="http://localhost:1/v1")

    assert ticket == Ticket(
        token="t1", url="ws://localhost:1/v1/realtime?model=m", expires_at=expires_at
    )
    assert "t1" not in repr(ticket)


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(status=500, body=b'{"value":"t1"}'),
        HttpResponse(status=401),
        HttpResponse(body=b"{}"),
        HttpResponse(body=b'{"value":""}'),
        HttpResponse(body=b'{"value":1}'),
        HttpResponse(body=b'{"value":"t1","expires_at":-1}'),
        HttpResponse(body=b'{"value":"t1","expires_at":1e300}'),
        HttpResponse(body=b"["),
    ],
)
def test_no_ticket_is_an_error_that_says_no_secret(response: HttpResponse) -> None:
    with pytest.raises(WireError) as raised:
        minted("m", response)

    assert raised.value.dialect == "xai"
    assert "t1" not in str(raised.value)
