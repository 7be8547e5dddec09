"""Opening a call with OpenAI Realtime: one request with an offer, answered with an answer.

https://developers.openai.com/api/docs/guides/realtime-webrtc

A ticket is good for what it was minted for, so with one the offer is all that is sent; with a key
the model is named beside it, in a form.
"""

import hashlib
from collections.abc import Mapping

import msgspec

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
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai.profile import OPENAI, Profile
from antiphon.codecs.openai.reach import BASE_URL, credential
from antiphon.codecs.wire import WireError, bounded, read

PATH = "/realtime/calls"

_session = msgspec.json.Decoder(JsonObject)


def offer(
    model: str,
    sdp: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    config: SessionConfig | None = None,
    base_url: str = BASE_URL,
    profile: Profile = OPENAI,
) -> HttpRequest:
    """Asks for a call in answer to the offer *sdp*."""
    url = base_url.rstrip("/") + PATH
    if ticket is not None:
        return calling.offered(url, sdp, ticket)
    session = msgspec.json.encode(profile.write_session(config or SessionConfig(), model))
    boundary = "form-" + hashlib.sha256(sdp.encode() + session).hexdigest()[:32]
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, kind, content in (
            ("sdp", calling.SDP, sdp.encode()),
            ("session", "application/json", session),
        )
    )
    return HttpRequest(
        method="POST", url=url, headers=headers, body=body + f"--{boundary}--\r\n".encode()
    )


def answered(response: HttpResponse, *, profile: Profile = OPENAI) -> Answer:
    return calling.answered(response, profile.name)


def accept(request: HttpRequest, *, profile: Profile = OPENAI) -> Offer | None:
    """The server's reading, of the offer alone or of a form; None: this is another request."""
    path = path_of(request.url).rstrip("/")
    if request.method != "POST" or not path.endswith("/v1" + PATH):
        return None
    asked = SessionConfig()
    body = request.body
    kind = request.headers.get("content-type", calling.SDP)
    if kind.lower().startswith("multipart/form-data"):
        parts = _parts(kind, request.body, profile.name)
        body = parts.get("sdp", b"")
        if parts.get("session"):
            session = read(profile.name, _session, parts["session"])
            bounded(session, profile.name, "$.session")
            asked = profile.read_session(session, profile.name, "$.session")
    return Offer(
        sdp=calling.offer_of(body, profile.name),
        model=asked.model or query_of(request.url).get("model") or None,
        config=asked,
        credential=credential(bearer(request.headers)),
    )


def answer(answer: Answer) -> HttpResponse:
    return calling.answer(answer, f"/v1{PATH}")


def _parts(kind: str, body: bytes, dialect: str) -> Mapping[str, bytes]:
    """The fields of a form (RFC 7578), by their names."""
    from email.parser import BytesParser
    from email.policy import HTTP

    head = b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n"
    parts: dict[str, bytes] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            parts[name] = content
    if "sdp" not in parts:
        raise WireError(dialect, "$.sdp", "Expected a form with an offer in it")
    return parts
