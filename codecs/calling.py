"""Opening a call with an offer and nothing else, as several dialects have it.

The offer is the body of a POST, the answer that of what comes; the call's name is in `Location`.
"""

from collections.abc import Mapping

from antiphon.codecs.connection import Answer, HttpRequest, HttpResponse, path_of
from antiphon.codecs.wire import WireError

SDP = "application/sdp"


def offered(url: str, sdp: str, shown: str | None) -> HttpRequest:
    """The request, with the key or ticket that is *shown*."""
    headers = {"Authorization": f"Bearer {shown}", "Content-Type": SDP}
    return HttpRequest(method="POST", url=url, headers=headers, body=sdp.encode())


def offer_of(body: bytes, dialect: str) -> str:
    """The offer in a request's *body*."""
    try:
        sdp = body.decode()
    except UnicodeDecodeError as error:
        raise WireError(dialect, "$.sdp", "Expected text in UTF-8") from error
    if not sdp.strip():
        raise WireError(dialect, "$.sdp", "Expected an offer")
    return sdp


def answer(answer: Answer, path: str, *, status: int = 201) -> HttpResponse:
    """The server's; calls are found beneath *path*."""
    headers: Mapping[str, str] = {"Content-Type": SDP}
    if answer.call_id is not None:
        headers = {**headers, "Location": f"{path}/{answer.call_id}"}
    return HttpResponse(status=status, headers=headers, body=answer.sdp.encode())


def answered(response: HttpResponse, dialect: str) -> Answer:
    """The client's reading; a refusal is a WireError that says the status."""
    if not 200 <= response.status < 300:
        raise WireError(dialect, "$", f"Expected a call, got status {response.status}")
    location = {name.lower(): value for name, value in response.headers.items()}.get("location")
    call_id = location and path_of(location).rstrip("/").rpartition("/")[2]
    return Answer(sdp=response.body.decode("utf-8", "replace"), call_id=call_id or None)
