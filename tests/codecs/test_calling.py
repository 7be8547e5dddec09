"""Calls, from both sides: what one offers the other accepts, and what that answers is understood."""

import pytest

from antiphon.codecs.connection import Answer, HttpRequest, HttpResponse
from antiphon.codecs.dialect import Calling
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.codecs.wire import WireError

SDP = "v=0\r\ns=-\r\n"

CALLED = [name for name in DIALECTS if find_dialect(name).calling is not None]
WITH_TICKETS = [name for name in CALLED if find_dialect(name).minting is not None]

TICKETS = {"openai": "ek_1", "xai": "ek_1", "vercel": "vcst_1"}


def calling(name: str) -> Calling:
    found = find_dialect(name).calling
    assert found is not None
    return found


def test_these_are_spoken_on_calls() -> None:
    assert set(CALLED) == {"openai", "openai_live", "xai", "vercel"}


@pytest.mark.parametrize("name", CALLED)
def test_what_is_offered_with_a_key_is_accepted(name: str) -> None:
    offer = calling(name).accept(_read(calling(name).offer("m-1", SDP, key="sk-1")))

    assert offer is not None
    assert (offer.sdp, offer.model) == (SDP, "m-1")
    assert offer.credential is not None
    assert (offer.credential.kind, offer.credential.value) == ("key", "sk-1")
    assert "sk-1" not in repr(offer)


@pytest.mark.parametrize("name", WITH_TICKETS)
def test_so_is_what_is_offered_with_a_ticket(name: str) -> None:
    offer = calling(name).accept(_read(calling(name).offer("m-1", SDP, ticket=TICKETS[name])))

    assert offer is not None
    assert offer.credential is not None
    assert (offer.credential.kind, offer.credential.value) == ("ticket", TICKETS[name])


@pytest.mark.parametrize("name", CALLED)
def test_what_is_answered_is_understood(name: str) -> None:
    answer = Answer(sdp=SDP, call_id="rtc_1")

    assert calling(name).answered(calling(name).answer(answer)) == answer


@pytest.mark.parametrize("name", CALLED)
def test_a_refusal_is_told_with_its_status(name: str) -> None:
    with pytest.raises(WireError, match="401"):
        calling(name).answered(HttpResponse(status=401, body=b"no"))


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_requests_open_no_call(name: str, method: str) -> None:
    assert calling(name).accept(HttpRequest(method=method, url="/v1/else", body=b"{}")) is None


@pytest.mark.parametrize("name", ["openai", "xai", "vercel"])
@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xff\xfe"])
def test_an_offer_that_is_none_breaks_the_rules(name: str, body: bytes) -> None:
    asked = calling(name).offer("m-1", SDP, ticket=TICKETS[name])
    headers = {"content-type": "application/sdp"}

    with pytest.raises(WireError):
        calling(name).accept(HttpRequest(method="POST", url=asked.url, headers=headers, body=body))


def _read(request: HttpRequest) -> HttpRequest:
    """As a server has it."""
    headers = {key.lower(): value for key, value in request.headers.items()}
    return HttpRequest(method=request.method, url=request.url, headers=headers, body=request.body)
