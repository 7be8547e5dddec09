"""How Gemini Live is reached, and how a server lets its clients in."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs.config import SessionConfig, ToolDefinition
from antiphon.codecs.connection import Credential, HttpRequest, HttpResponse, Ticket, Upgrade
from antiphon.codecs.gemini import DIALECT
from antiphon.codecs.gemini.reach import accept, answer, connect, mint, minted, order
from antiphon.codecs.wire import WireError

Json = dict[str, Any]

VECTORS: Json = json.loads(
    (Path(__file__).parents[2] / "data" / "aisdk" / "google.json").read_text()
)
TOKEN: list[Json] = VECTORS["token"]
HOST = "wss://generativelanguage.googleapis.com"
SERVICE = "/ws/google.ai.generativelanguage"
NOW = 1_800_000_000


def upgrade(url: str, headers: dict[str, str] | None = None) -> Upgrade:
    target = url.partition("://")[2].partition("/")[2]
    return Upgrade(target=f"/{target}", headers=headers or {})


def credential(url: str, headers: dict[str, str] | None = None) -> Credential | None:
    admission = accept(upgrade(url, headers))
    assert admission is not None
    return admission.credential


# Connecting.


def test_a_server_shows_its_key_in_a_header() -> None:
    connection = connect("gemini-3.8-live", key="g-test")
    expected = VECTORS["serverWebSocket"][0]["expected"]

    assert (connection.url, connection.headers) == (expected["url"], expected["headers"])
    assert credential(connection.url, dict(connection.headers)) == Credential(
        kind="key", value="g-test"
    )
    assert "g-test" not in repr(connection)


def test_a_browser_shows_its_ticket_in_the_query() -> None:
    connection = connect("m", ticket="auth_tokens/a b&c")

    assert connection.url == (
        f"{HOST}{SERVICE}.v1alpha.GenerativeService.BidiGenerateContentConstrained"
        "?access_token=auth_tokens%2Fa%20b%26c"
    )
    assert credential(connection.url) == Credential(kind="ticket", value="auth_tokens/a b&c")
    assert "auth_tokens" not in repr(connection)


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/v1beta/", "ws://127.0.0.1:8080"),
        ("https://proxy.example/gemini/v1alpha", "wss://proxy.example/gemini"),
        ("https://proxy.example/v1", "wss://proxy.example"),
        ("ws://127.0.0.1:8080", "ws://127.0.0.1:8080"),
    ],
)
def test_the_address_can_be_another(base_url: str, root: str) -> None:
    connection = connect("m", base_url=base_url)

    assert connection.url == f"{root}{SERVICE}.v1beta.GenerativeService.BidiGenerateContent"
    assert connection.headers == {}
    assert credential(connection.url) is None


@pytest.mark.parametrize(
    "path",
    [
        f"{SERVICE}.v1.GenerativeService.BidiGenerateContent",
        f"{SERVICE}.v1beta.GenerativeService.BidiGenerateContent",
        f"{SERVICE}.v1alpha.GenerativeService.BidiGenerateContent",
        f"{SERVICE}.v1alpha.GenerativeService.BidiGenerateContentConstrained",
        f"/{SERVICE}.v1beta.GenerativeService.BidiGenerateContent",
        "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent",
        "//ws//google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent/",
    ],
)
def test_all_paths_of_its_clients_are_known(path: str) -> None:
    assert accept(Upgrade(target=path)) is not None
    assert accept(Upgrade(target=f"{path}?key=k")) is not None


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/realtime",
        f"{SERVICE}.v2.GenerativeService.BidiGenerateContent",
        f"{SERVICE}.v1.GenerativeService.BidiGenerateContentX",
        f"/x?y={SERVICE}.v1.GenerativeService.BidiGenerateContent",
    ],
)
def test_no_other_path_is(path: str) -> None:
    assert accept(Upgrade(target=path)) is None


@pytest.mark.parametrize(
    ("query", "headers", "shown"),
    [
        ("?key=k", {}, Credential(kind="key", value="k")),
        ("?key=auth_tokens/t", {}, Credential(kind="ticket", value="auth_tokens/t")),
        ("?access_token=t", {}, Credential(kind="ticket", value="t")),
        (
            "?access_token=auth_tokens/t",
            {"x-goog-api-key": "k"},
            Credential(kind="ticket", value="auth_tokens/t"),
        ),
        ("", {"x-goog-api-key": "k"}, Credential(kind="key", value="k")),
        (
            "",
            {"authorization": "Token auth_tokens/t", "x-goog-api-key": "auth_tokens/t"},
            Credential(kind="ticket", value="auth_tokens/t"),
        ),
        ("", {"authorization": "Bearer k"}, Credential(kind="key", value="k")),
        (
            "",
            {"authorization": "bearer auth_tokens/t"},
            Credential(kind="ticket", value="auth_tokens/t"),
        ),
        ("?key=", {"authorization": "Token "}, None),
    ],
)
def test_how_a_client_shows_who_it_is(
    query: str, headers: dict[str, str], shown: Credential | None
) -> None:
    url = f"{HOST}{SERVICE}.v1alpha.GenerativeService.BidiGenerateContent{query}"

    assert credential(url, headers) == shown


# Tickets.


@pytest.mark.parametrize("vector", TOKEN, ids=[one["name"] for one in TOKEN])
def test_a_ticket_is_asked_for_as_by_the_sdk(vector: Json) -> None:
    options = vector["getTokenOptions"]
    lifetime = options.get("expiresAfterSeconds")
    base_url = vector["baseURL"]
    [expected] = vector["request"]

    request = mint(
        options["model"],
        key="g-test",
        now=NOW,
        config=config_of(options.get("sessionConfig") or {}),
        lifetime=lifetime,
        base_url=base_url,
    )

    # The SDK puts the key into the address, where logs have it.
    assert (request.method, request.url) == (
        expected["method"],
        expected["url"].removesuffix("?key=g-test"),
    )
    assert request.headers == {"content-type": "application/json", "x-goog-api-key": "g-test"}
    body = json.loads(request.body)
    opens_until = NOW + (lifetime or 60)
    assert moment(body.pop("newSessionExpireTime")) == opens_until
    assert moment(body.pop("expireTime")) == opens_until + 1800
    assert body == {k: v for k, v in expected["body"].items() if "xpireTime" not in k}


def config_of(given: Json) -> SessionConfig:
    tools = tuple(
        ToolDefinition(
            name=tool["name"], description=tool["description"], parameters=tool["parameters"]
        )
        for tool in given.get("tools", ())
    )
    return SessionConfig(instructions=given.get("instructions"), tools=tools or None)


def moment(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


@pytest.mark.parametrize("vector", TOKEN, ids=[one["name"] for one in TOKEN])
def test_a_ticket_is_read_as_by_the_sdk(vector: Json) -> None:
    reply = vector["httpReply"]
    response = HttpResponse(status=reply["status"], body=json.dumps(reply["body"]).encode())
    model, base_url = vector["getTokenOptions"]["model"], vector["baseURL"]

    if "$error" in vector["expected"]:
        with pytest.raises(WireError, match="403"):
            minted(model, response, base_url=base_url)
        return
    ticket = minted(model, response, base_url=base_url)

    expected = vector["expected"]["token"]
    assert (ticket.token, ticket.url) == (expected["token"], expected["url"])
    assert ticket.expires_at == expected.get("expiresAt")
    assert (
        connect(model, ticket=ticket.token, base_url=base_url).url
        == vector["expected"]["webSocketConfig"]["url"]
    )


def test_a_server_reads_what_a_client_asks() -> None:
    config = SessionConfig(voice="Puck", instructions="Be brief.")

    asked = order(mint("gemini-3.8-live", key="k", now=NOW, config=config))

    assert asked is not None
    assert asked.model == "gemini-3.8-live"
    assert asked.config == SessionConfig(
        model="gemini-3.8-live", voice="Puck", instructions="Be brief."
    )
    assert (asked.uses, asked.locked, asked.lifetime) == (0, None, None)
    assert asked.credential == Credential(kind="key", value="k")


def test_a_client_reads_what_a_server_answers() -> None:
    asked = order(mint("m", key="k", now=NOW))
    assert asked is not None
    ticket = Ticket(token="auth_tokens/t", url="", expires_at=NOW)

    for until in (ticket, Ticket(token="auth_tokens/t", url="")):
        again = minted("m", answer(asked, until))
        assert (again.token, again.expires_at) == (until.token, until.expires_at)


@pytest.mark.parametrize(
    ("body", "locked"),
    [
        ({}, ()),
        ({"bidiGenerateContentSetup": {"model": "models/m"}}, None),
        (
            {"bidi_generate_content_setup": {}, "field_mask": "model, temperature"},
            ("model", "temperature"),
        ),
    ],
)
def test_what_a_ticket_locks(body: Json, locked: tuple[str, ...] | None) -> None:
    asked = order(
        HttpRequest(
            method="post", url="http://h//v1beta/auth_tokens", body=json.dumps(body).encode()
        )
    )

    assert asked is not None
    assert (asked.locked, asked.uses) == (locked, 1)


def test_an_order_may_be_empty() -> None:
    assert order(HttpRequest(method="POST", url="/v1alpha/auth_tokens")) is not None


@pytest.mark.parametrize(
    ("method", "url"), [("GET", "/v1alpha/auth_tokens"), ("POST", "/v1alpha/other")]
)
def test_other_requests_are_no_orders(method: str, url: str) -> None:
    assert order(HttpRequest(method=method, url=url)) is None


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"name":1}', '{"name":"t","expireTime":"tomorrow"}', '{"name":"\\ud8'],
)
def test_a_bad_answer_is_a_wire_error(body: str) -> None:
    with pytest.raises(WireError):
        minted("m", HttpResponse(body=body.encode()))


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("2030-01-01T00:00:00Z", 1_893_456_000),
        ("2030-01-01T01:00:00.999+01:00", 1_893_456_000),
        ("2030-01-01T00:00:00.123456789Z", 1_893_456_000),
        ("2030-01-01T00:00:00", 1_893_456_000),
    ],
)
def test_when_a_ticket_expires(time: str, seconds: int) -> None:
    body = json.dumps({"name": "t", "expireTime": time}).encode()

    assert minted("m", HttpResponse(body=body)).expires_at == seconds


@pytest.mark.parametrize(
    "body", ["[]", '{"uses":"x"}', '{"bidiGenerateContentSetup":{"model":1}}', "{"]
)
def test_a_bad_order_is_a_wire_error(body: str) -> None:
    with pytest.raises(WireError):
        order(HttpRequest(method="POST", url="/v1alpha/auth_tokens", body=body.encode()))


def test_no_secret_is_shown() -> None:
    request = mint("m", key="secret", now=NOW)

    assert "secret" not in repr(request)
    assert "secret" not in request.url


def test_the_dialect_offers_all_of_it() -> None:
    minting = DIALECT.minting

    assert minting is not None
    assert minting.mint is mint and minting.order is order
    assert DIALECT.connect is connect and DIALECT.accept is accept
