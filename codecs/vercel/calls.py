"""Calls in this dialect: the same messages on a data channel, and audio as tracks.

Vercel has none; this is Antiphon's own addition, for pages that want WebRTC.
"""

from urllib.parse import quote

from antiphon.codecs import calling
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

CALLS = f"{SESSIONS}/calls"

TICKET = "vcst_"
"""How tickets begin, by which they are known where keys are shown, too."""


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
    url = f"{base_url.rstrip('/')}{CALLS}?ai-model-id={quote(model, safe='')}"
    return calling.offered(url, sdp, ticket or key)


def answered(response: HttpResponse) -> Answer:
    return calling.answered(response, wire.NAME)


def accept(request: HttpRequest) -> Offer | None:
    """The server's reading; None: this is another request."""
    if request.method != "POST" or not path_of(request.url).endswith(CALLS):
        return None
    shown = bearer(request.headers)
    kind = "ticket" if shown is not None and shown.startswith(TICKET) else "key"
    return Offer(
        sdp=calling.offer_of(request.body, wire.NAME),
        model=query_of(request.url).get("ai-model-id") or None,
        credential=None if shown is None else Credential(kind=kind, value=shown),
    )


def answer(answer: Answer) -> HttpResponse:
    return calling.answer(answer, f"/v4/ai{CALLS}")
