"""Opening a call with xAI: one request with an offer, which names the model in its address.

xAI's documents do not tell of it; TanStack's adapter calls so.
"""

from urllib.parse import quote

from antiphon.codecs import calling
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
from antiphon.codecs.openai.reach import credential
from antiphon.codecs.xai import wire
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
    url = f"{base_url.rstrip('/')}{PATH}?model={quote(model, safe='')}"
    return calling.offered(url, sdp, ticket or key)


def answered(response: HttpResponse) -> Answer:
    return calling.answered(response, wire.NAME)


def accept(request: HttpRequest) -> Offer | None:
    """The server's reading; None: this is another request."""
    if request.method != "POST" or not path_of(request.url).rstrip("/").endswith("/v1" + PATH):
        return None
    return Offer(
        sdp=calling.offer_of(request.body, wire.NAME),
        model=query_of(request.url).get("model") or None,
        credential=credential(bearer(request.headers)),
    )


def answer(answer: Answer) -> HttpResponse:
    return calling.answer(answer, "/v1/realtime/calls", status=200)
