"""Opening a call with xAI: one request with an offer, which names the model in its address.

xAI's documents do not tell of it; TanStack's adapter calls so.
"""

from urllib.parse import quote

import msgspec

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Answer,
    HttpRequest,
    HttpResponse,
    Offer,
    bearer,
    path_of,
    query_of,
)
from antiphon.codecs.openai import calls
from antiphon.codecs.openai.reach import credential
from antiphon.codecs.wire import WireError
from antiphon.codecs.xai.profile import XAI
from antiphon.codecs.xai.reach import BASE_URL

PATH = "/realtime"


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
        url=f"{base_url.rstrip('/')}{PATH}?model={quote(model, safe='')}",
        headers={"Authorization": f"Bearer {ticket or key}", "Content-Type": calls.SDP},
        body=sdp.encode(),
    )


def answered(response: HttpResponse) -> Answer:
    return calls.answered(response, profile=XAI)


def accept(request: HttpRequest) -> Offer | None:
    """The server's reading; None: this is another request."""
    if request.method != "POST" or not path_of(request.url).rstrip("/").endswith("/v1" + PATH):
        return None
    sdp = request.body.decode("utf-8", "replace")
    if not sdp.strip():
        raise WireError(XAI.name, "$.sdp", "Expected an offer")
    return Offer(
        sdp=sdp,
        model=query_of(request.url).get("model") or None,
        credential=credential(bearer(request.headers)),
    )


def answer(answer: Answer) -> HttpResponse:
    return msgspec.structs.replace(calls.answer(answer), status=200)
