"""How a session of Eleven Realtime is opened, and tickets for it."""

import json
from collections.abc import Mapping

import pytest

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Admission,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
)
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.elevenlabs.realtime import DIALECT, accept, connect
from antiphon.codecs.wire import WireError

MODEL = "eleven_realtime_v1_mini"
URL = f"wss://api.elevenlabs.io/v1/convai/realtime?model={MODEL}"


def upgrade(
    url: str, headers: Mapping[str, str] | None = None, subprotocols: tuple[str, ...] = ()
) -> Upgrade:
    target = "/" + url.split("/", 3)[3]
    lower = {key.lower(): value for key, value in (headers or {}).items()}
    return Upgrade(target=target, headers=lower, subprotocols=subprotocols)


def test_it_is_found_by_its_name() -> None:
    assert find_dialect("elevenlabs_realtime") is DIALECT
    assert DIALECT.name == "elevenlabs_realtime"


def test_a_server_reads_whose_key_opens_which_model() -> None:
    opened = connect(MODEL, key="sk_secret")

    admission = accept(upgrade(opened.url, opened.headers))

    assert opened.url == URL
    assert admission == Admission(model=MODEL, credential=Credential(kind="key", value="sk_secret"))
    assert "sk_secret" not in repr(opened) + repr(admission)


def test_a_browser_shows_its_ticket_in_a_subprotocol() -> None:
    opened = connect(MODEL, ticket="t1", base_url="http://localhost:1/v1/convai")

    admission = accept(upgrade(opened.url, opened.headers, opened.subprotocols))

    assert opened.url == f"ws://localhost:1/v1/convai/realtime?model={MODEL}"
    assert admission == Admission(
        model=MODEL, credential=Credential(kind="ticket", value="t1"), subprotocol="realtime"
    )


def test_a_key_may_come_as_elevenlabs_own_clients_show_it() -> None:
    admission = accept(upgrade(URL, {"xi-api-key": "sk_secret"}))

    assert admission is not None
    assert admission.credential == Credential(kind="key", value="sk_secret")


def test_nobody_need_show_anything() -> None:
    assert accept(Upgrade(target="/v1/convai/realtime")) == Admission()


@pytest.mark.parametrize("target", ["/v1/realtime", "/v1/convai/conversation", "/"])
def test_other_paths_are_other_dialects(target: str) -> None:
    assert accept(Upgrade(target=target)) is None


def test_a_ticket_is_asked_for_with_the_session_it_is_for() -> None:
    assert DIALECT.minting is not None
    asked = DIALECT.minting.mint(
        MODEL, key="sk_secret", now=0, config=SessionConfig(voice="v"), lifetime=300
    )
    ordered = DIALECT.minting.order(
        HttpRequest(method="POST", url=asked.url, headers=asked.headers, body=asked.body)
    )

    assert asked.url == "https://api.elevenlabs.io/v1/convai/realtime/client_secrets"
    assert asked.headers == {"xi-api-key": "sk_secret", "Content-Type": "application/json"}
    assert json.loads(asked.body) == {
        "session": {"type": "realtime", "model": MODEL, "audio": {"output": {"voice": "v"}}},
        "expires_after": {"anchor": "created_at", "seconds": 300},
    }
    assert ordered == Order(
        model=MODEL,
        config=SessionConfig(model=MODEL, voice="v"),
        lifetime=300,
        uses=0,
        credential=Credential(kind="key", value="sk_secret"),
    )


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "https://api.elevenlabs.io/v1/realtime/client_secrets"),
        ("GET", "https://api.elevenlabs.io/v1/convai/realtime/client_secrets"),
    ],
)
def test_other_requests_are_no_orders(method: str, url: str) -> None:
    assert DIALECT.minting is not None

    assert DIALECT.minting.order(HttpRequest(method=method, url=url)) is None


def test_a_ticket_is_read_as_it_was_answered() -> None:
    assert DIALECT.minting is not None
    config = SessionConfig(voice="voice_1")
    ticket = Ticket(token="t1", url=URL, expires_at=1_900_000_000, config=config)

    response = DIALECT.minting.answer(Order(model=MODEL), ticket)
    read = DIALECT.minting.minted(MODEL, response)

    body = json.loads(response.body)
    assert (body["value"], body["expires_at"]) == ("t1", 1_900_000_000)
    assert body["session"]["audio"]["output"]["voice"] == "voice_1"
    assert (read.token, read.url, read.expires_at) == ("t1", URL, 1_900_000_000)
    assert read.config is not None
    assert read.config.voice == "voice_1"


def test_no_ticket_is_an_error() -> None:
    assert DIALECT.minting is not None

    with pytest.raises(WireError, match=r"^elevenlabs_realtime: no ticket: status 422"):
        DIALECT.minting.minted(MODEL, HttpResponse(status=422))
