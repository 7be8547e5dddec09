"""How Opper is reached, and how a server in its place reads that."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.config import SessionConfig, Transcription
from antiphon.codecs.connection import (
    Admission,
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
)
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.opper import DIALECT
from antiphon.codecs.opper.reach import accept, connect
from antiphon.codecs.opper.tickets import answer, mint, minted, order
from antiphon.codecs.wire import WireError

EXPIRES = 1_795_212_060


def upgraded(opened: Connect) -> Upgrade:
    return Upgrade(
        target="/" + opened.url.split("/", 3)[3],
        headers={name.lower(): value for name, value in opened.headers.items()},
        subprotocols=opened.subprotocols,
    )


def test_the_dialect_is_found_by_its_name() -> None:
    assert find_dialect("opper") is DIALECT
    assert DIALECT.repertoire_of_client.native.isdisjoint(DIALECT.repertoire_of_client.emulated)
    assert DIALECT.repertoire_of_server.native.isdisjoint(DIALECT.repertoire_of_server.emulated)


def test_a_server_connects_with_its_key() -> None:
    opened = connect("openai/gpt-realtime-2", key="op-secret")

    assert opened == Connect(
        url="wss://api.opper.ai/v3/realtime", headers={"Authorization": "Bearer op-secret"}
    )
    assert accept(upgraded(opened)) == Admission(
        credential=Credential(kind="key", value="op-secret")
    )
    assert "op-secret" not in repr(opened)


def test_a_browser_connects_with_a_ticket_that_is_echoed() -> None:
    opened = connect("openai/gpt-realtime-2", ticket="ort_abc", base_url="http://127.0.0.1:8000/")

    assert opened == Connect(
        url="ws://127.0.0.1:8000/v3/realtime", subprotocols=("opper-ticket.ort_abc",)
    )
    assert accept(upgraded(opened)) == Admission(
        credential=Credential(kind="ticket", value="ort_abc"), subprotocol="opper-ticket.ort_abc"
    )


def test_a_ticket_may_stand_in_the_address() -> None:
    admission = accept(Upgrade(target="/v3/realtime?ticket=a%2Fb"))

    assert admission == Admission(credential=Credential(kind="ticket", value="a/b"))


def test_a_key_goes_before_a_ticket_which_is_echoed_all_the_same() -> None:
    admission = accept(
        Upgrade(
            target="/v3/realtime?ticket=x",
            headers={"authorization": "bearer key"},
            subprotocols=("chat", "opper-ticket.y"),
        )
    )

    assert admission == Admission(
        credential=Credential(kind="key", value="key"), subprotocol="opper-ticket.y"
    )


def test_a_management_key_is_left_to_whoever_checks_keys() -> None:
    admission = accept(upgraded(connect("", key="opmak-1")))

    assert admission is not None and admission.credential is not None
    assert admission.credential.value.startswith("opmak-")


@pytest.mark.parametrize("target", ["/v3/realtime", "/v3/realtime?ticket=", "/v3/realtime/"])
def test_whoever_shows_nothing_is_read_as_such(target: str) -> None:
    assert accept(Upgrade(target=target, subprotocols=("opper-ticket.",))) == Admission()


@pytest.mark.parametrize("name", ["concierge", "front desk/2", "ä"])
def test_a_function_has_an_address_of_its_own(name: str) -> None:
    opened = connect(f"function/{name}", key="k")

    assert opened.url.startswith("wss://api.opper.ai/v3/realtime/")
    admission = accept(upgraded(opened))
    assert admission is not None and admission.model == f"function/{name}"


@pytest.mark.parametrize(
    "target",
    [
        "/v1/realtime",
        "/v3/realtime-sessions",
        "/v3/realtimes",
        "/v3/realtime/a/b",
        "/prefix/v3/realtime",
        "/",
    ],
)
def test_other_addresses_are_not_opper(target: str) -> None:
    assert accept(Upgrade(target=target)) is None


# Tickets.


def body(request: HttpRequest) -> dict[str, object]:
    return json.loads(request.body)


def test_a_ticket_is_asked_for_as_opper_wants_it() -> None:
    request = mint("openai/x", key="k", now=0, config=SessionConfig(voice="marin"), lifetime=120)

    assert (request.method, request.url) == ("POST", "https://api.opper.ai/v3/realtime-sessions")
    assert request.headers["authorization"] == "Bearer k"
    assert body(request) == {
        "config": {"model": "openai/x", "voice": "marin"},
        "ttl_seconds": 120,
    }


def test_a_ticket_for_anything_binds_nothing() -> None:
    assert body(mint("", key="k", now=0)) == {}


def test_all_that_is_configured_is_bound_zero_or_not() -> None:
    config = SessionConfig(tools=(), output_audio_transcription=None, temperature=0.0)

    request = mint("openai/x", key="k", now=0, config=config)

    assert body(request)["locked_fields"] == ["tools", "temperature", "output_transcription"]


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-5, 1), (299, 299), (3600, 300)])
def test_lifetimes_are_kept_within_bounds_on_both_sides(asked: int, given: int) -> None:
    request = mint("", key="k", now=0, lifetime=asked)
    read = order(HttpRequest(method="POST", url=request.url, body=b'{"ttl_seconds":%d}' % asked))

    assert body(request)["ttl_seconds"] == given
    assert read is not None and read.lifetime == given


def test_a_server_reads_what_a_client_asked() -> None:
    config = SessionConfig(voice="marin", tools=(), input_audio_transcription=Transcription())

    read = order(mint("openai/x", key="k", now=0, config=config, lifetime=90))

    assert read == Order(
        model="openai/x",
        config=SessionConfig(
            model="openai/x", voice="marin", tools=(), input_audio_transcription=Transcription()
        ),
        lifetime=90,
        locked=("tools",),
        uses=1,
        credential=Credential(kind="key", value="k"),
    )


@pytest.mark.parametrize("content", [b"", b"{}", b'{"config":null,"locked_fields":null}'])
@pytest.mark.parametrize("url", ["/v3/realtime-sessions", "https://x//v3//realtime-sessions/?a=1"])
def test_everything_about_a_ticket_has_a_default(content: bytes, url: str) -> None:
    read = order(HttpRequest(method="POST", url=url, body=content))

    assert read == Order(lifetime=60, uses=1)


@pytest.mark.parametrize(
    ("method", "url"), [("GET", "/v3/realtime-sessions"), ("POST", "/v3/realtime"), ("POST", "/")]
)
def test_other_requests_are_not_for_a_ticket(method: str, url: str) -> None:
    assert order(HttpRequest(method=method, url=url)) is None


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"[]", "$"),
        (b"{", "$"),
        (b"\xff", "$"),
        (b'{"ttl_seconds":"long"}', "$.ttl_seconds"),
        (b'{"locked_fields":["tools","tols"]}', "$.locked_fields[1]"),
        (b'{"locked_fields":"tools"}', "$.locked_fields"),
        (b'{"config":{"voice":1}}', "$.config.voice"),
        (b'{"config":{"x":' + b"[" * 10_000, "$"),
    ],
)
def test_a_bad_request_for_a_ticket_is_a_wire_error(content: bytes, path: str) -> None:
    with pytest.raises(WireError) as caught:
        order(HttpRequest(method="POST", url="/v3/realtime-sessions", body=content))

    assert caught.value.path == path


def test_a_client_reads_the_ticket_that_a_server_gave() -> None:
    ticket = Ticket(token="ort_abc", url="wss://gateway/v3/realtime", expires_at=EXPIRES)

    response = answer(Order(), ticket)

    assert json.loads(response.body) == {
        "client_secret": "ort_abc",
        "expires_at": "2026-11-20T22:01:00Z",
        "ws_url": "wss://gateway/v3/realtime",
    }
    assert minted("openai/x", response) == ticket


def test_a_ticket_without_an_end_has_none() -> None:
    ticket = Ticket(token="t", url="ws://h/v3/realtime")

    assert minted("", answer(Order(), ticket)) == ticket


def answered(**fields: object) -> HttpResponse:
    return HttpResponse(body=json.dumps({"client_secret": "t", **fields}).encode())


def test_the_secret_has_two_names() -> None:
    response = HttpResponse(status=201, body=b'{"ticket":"t","expires_at":"2026-11-20T22:01:00Z"}')

    assert minted("", response) == Ticket(
        token="t", url="wss://api.opper.ai/v3/realtime", expires_at=EXPIRES
    )


def test_the_address_is_that_of_the_base_or_the_function_unless_told() -> None:
    response = answered()

    assert minted("", response, base_url="http://h").url == "ws://h/v3/realtime"
    assert minted("function/f", response).url == "wss://api.opper.ai/v3/realtime/f"


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("wss://h/v3/realtime?ticket=t", "wss://h/v3/realtime"),
        ("wss://h/v3/realtime?region=eu&ticket=t&x=", "wss://h/v3/realtime?region=eu&x="),
        ("https://h/v3/realtime", "wss://h/v3/realtime"),
        ("", "wss://api.opper.ai/v3/realtime"),
        (None, "wss://api.opper.ai/v3/realtime"),
    ],
)
def test_the_address_does_not_repeat_the_ticket(url: str | None, bare: str) -> None:
    assert minted("", answered(ws_url=url)).url == bare


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T22:01:00Z", EXPIRES),
        ("2026-11-20T23:01:00+01:00", EXPIRES),
        ("2026-11-20T22:01:00.123456789Z", EXPIRES),
        ("2026-11-20T22:01:00", EXPIRES),
        ("", None),
        (None, None),
    ],
)
def test_the_end_of_a_ticket_is_a_moment(text: str | None, moment: int | None) -> None:
    assert minted("", answered(expires_at=text)).expires_at == moment


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"client_secret": ""}, "$.client_secret"),
        ({"client_secret": None}, "$.client_secret"),
        ({"client_secret": 1}, "$.client_secret"),
        ({"expires_at": "soon"}, "$.expires_at"),
        ({"expires_at": 5}, "$.expires_at"),
        ({"ws_url": "ftp://h"}, "$.ws_url"),
        ({"ws_url": "wss://"}, "$.ws_url"),
        ({"ws_url": "wss://[h"}, "$.ws_url"),
    ],
)
def test_a_bad_answer_is_a_wire_error(fields: dict[str, object], path: str) -> None:
    with pytest.raises(WireError) as caught:
        minted("", answered(**fields))

    assert caught.value.path == path


@pytest.mark.parametrize("status", [400, 401, 402, 500])
def test_a_refusal_says_its_status_and_nothing_secret(status: int) -> None:
    response = HttpResponse(status=status, body=b'{"error":{"message":"bad key op-secret"}}')

    with pytest.raises(WireError, match=str(status)) as caught:
        minted("", response)

    assert "op-secret" not in str(caught.value)


@given(content=st.binary(max_size=40))
def test_whatever_is_answered_nothing_but_a_wire_error_comes_of_it(content: bytes) -> None:
    for read in (
        lambda: minted("", HttpResponse(body=content)),
        lambda: order(HttpRequest(method="POST", url="/v3/realtime-sessions", body=content)),
    ):
        try:
            read()
        except WireError as error:
            assert error.dialect == "opper"
