"""How a call with OpenAI is opened: an offer alone or in a form, and what is answered."""

import json
from collections.abc import Mapping

import msgspec
import pytest

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Answer, Credential, HttpRequest, HttpResponse
from antiphon.codecs.openai import calls
from antiphon.codecs.wire import WireError

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"


def received(request: HttpRequest) -> HttpRequest:
    """As a server reads it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return msgspec.structs.replace(request, headers=headers)


def test_with_a_key_the_model_is_named_in_a_form_beside_the_offer() -> None:
    config = SessionConfig(instructions="Be brief.", voice="marin")

    request = calls.offer("gpt-realtime-2", SDP, key="sk-secret", config=config)
    offer = calls.accept(received(request))

    assert request.url == "https://api.openai.com/v1/realtime/calls"
    assert request.headers["Authorization"] == "Bearer sk-secret"
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert "sk-secret" not in repr(request)
    assert offer is not None
    assert (offer.sdp, offer.model) == (SDP, "gpt-realtime-2")
    assert (offer.config.instructions, offer.config.voice) == ("Be brief.", "marin")
    assert offer.credential == Credential(kind="key", value="sk-secret")
    assert "sk-secret" not in repr(offer)


def test_with_a_ticket_the_offer_is_all_since_the_rest_was_minted() -> None:
    request = calls.offer("gpt-realtime-2", SDP, ticket="ek_1", base_url="http://here/v1/")
    offer = calls.accept(received(request))

    assert (request.url, request.body) == ("http://here/v1/realtime/calls", SDP.encode())
    assert request.headers["Content-Type"] == "application/sdp"
    assert offer is not None
    assert (offer.sdp, offer.model, offer.config) == (SDP, None, SessionConfig())
    assert offer.credential == Credential(kind="ticket", value="ek_1")


def test_an_answer_is_read_as_it_was_given() -> None:
    response = calls.answer(Answer(sdp=SDP, call_id="rtc_1"))

    assert response == HttpResponse(
        status=201,
        headers={"Content-Type": "application/sdp", "Location": "/v1/realtime/calls/rtc_1"},
        body=SDP.encode(),
    )
    assert calls.answered(response) == Answer(sdp=SDP, call_id="rtc_1")


def test_a_refusal_says_its_status_and_not_the_key() -> None:
    refused = HttpResponse(status=401, body=b'{"error":{"message":"bad key sk-secret"}}')

    with pytest.raises(WireError, match="401") as raised:
        calls.answered(refused)

    assert "sk-secret" not in str(raised.value)


FORM = {"content-type": "multipart/form-data; boundary=x"}


def form(**fields: str) -> bytes:
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return f"{parts}--x--\r\n".encode()


def test_fields_of_a_browsers_form_have_no_types() -> None:
    session = json.dumps({"type": "realtime", "model": "m", "audio": {"output": {"voice": "v"}}})
    body = form(sdp=SDP, session=session)

    offer = calls.accept(
        HttpRequest(method="POST", url="/v1/realtime/calls", headers=FORM, body=body)
    )

    assert offer is not None
    assert (offer.sdp, offer.model, offer.config.voice) == (SDP, "m", "v")


def test_a_model_may_be_named_in_the_address() -> None:
    request = HttpRequest(method="POST", url="/v1/realtime/calls?model=m", body=SDP.encode())

    offer = calls.accept(request)

    assert offer is not None
    assert (offer.model, offer.credential) == ("m", None)


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(method="GET", url="/v1/realtime/calls"),
        HttpRequest(method="POST", url="/v1/realtime/client_secrets"),
        HttpRequest(method="POST", url="/v1/realtime/calls/rtc_1/hangup"),
    ],
    ids=repr,
)
def test_other_requests_open_no_call(request_: HttpRequest) -> None:
    assert calls.accept(request_) is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({}, b"\xff\xfe"),
        (FORM, b""),
        (FORM, b"nonsense"),
        (FORM, form(session="{}")),
        (FORM, form(sdp="")),
        (FORM, form(sdp=SDP, session="no json")),
        (FORM, form(sdp=SDP, session="[]")),
        (FORM, form(sdp=SDP, session='{"audio": 5}')),
        ({"content-type": "multipart/form-data"}, form(sdp=SDP)),
    ],
)
def test_what_is_no_offer_is_a_wire_error(headers: Mapping[str, str], body: bytes) -> None:
    request = HttpRequest(method="POST", url="/v1/realtime/calls", headers=headers, body=body)

    with pytest.raises(WireError):
        calls.accept(request)
