"""Calls in this dialect: the same messages on a data channel, and audio as tracks.

Vercel has none; this is Antiphon's own addition, for pages that want WebRTC.
"""

from urllib.parse import quote

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Answer,
    Credential,
    HttpRequest,
    HttpResponse,
    Offer,
    bearer,
    path_of,
    query_of,
)
from antiphon.codecs.vercel import wire
from antiphon.codecs.vercel.reach import BASE_URL, SESSIONS
from antiphon.codecs.wire import WireError

CALLS = f"{SESSIONS}/calls"

SDP = "application/sdp"


def offer(
    model: str,
    sdp: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    config: SessionConfig | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    """Asks for a call in answer to the offer *sdp*; *config* is said on the data channel."""
    del config
    return HttpRequest(
        method="POST",
        url=f"{base_url.rstrip('/')}{CALLS}?ai-model-id={quote(model, safe='')}",
        headers={"authorization": f"Bearer {ticket or key}", "content-type": SDP},
        body=sdp.encode(),
    )


def answered(response: HttpResponse) -> Answer:
    """The client's reading; a refusal is a WireError that says the status."""
    if not 200 <= response.status < 300:
        raise WireError(wire.NAME, "$", f"Expected a call, got status {response.status}")
    headers = {name.lower(): value for name, value in response.headers.items()}
    call_id = path_of(headers.get("location", "")).rstrip("/").rpartition("/")[2]
    return Answer(sdp=response.body.decode("utf-8", "replace"), call_id=call_id or None)


def accept(request: HttpRequest) -> Offer | None:
    """The server's reading; None: this is another request."""
    if request.method != "POST" or not path_of(request.url).endswith(CALLS):
        return None
    sdp = request.body.decode("utf-8", "replace")
    if not sdp.strip():
        raise WireError(wire.NAME, "$.sdp", "Expected an offer")
    shown = bearer(request.headers)
    ticket = shown is not None and shown.startswith("vcst_")
    return Offer(
        sdp=sdp,
        model=query_of(request.url).get("ai-model-id") or None,
        credential=None
        if shown is None
        else Credential(kind="ticket" if ticket else "key", value=shown),
    )


def answer(answer: Answer) -> HttpResponse:
    headers = {"content-type": SDP}
    if answer.call_id is not None:
        headers["location"] = f"/v4/ai{CALLS}/{answer.call_id}"
    return HttpResponse(status=201, headers=headers, body=answer.sdp.encode())
