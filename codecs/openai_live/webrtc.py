"""Opening a Live session over WebRTC: one request with an offer, answered with an answer.

Events then go over the data channel "oai-events"; the format of audio is negotiated in the SDP.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.json import Decoder

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import (
    Answer,
    Credential,
    HttpRequest,
    HttpResponse,
    Offer,
    bearer,
)
from antiphon.codecs.openai_live import wire
from antiphon.codecs.openai_live.reach import BASE_URL, PATH
from antiphon.codecs.openai_live.session import config_of, session
from antiphon.codecs.wire import Unsayable, WireError, read

DATA_CHANNEL = "oai-events"

_JSON: Mapping[str, str] = {"content-type": "application/json"}


def webrtc_session(
    model: str,
    sdp: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    config: SessionConfig | None = None,
    base_url: str = BASE_URL,
) -> HttpRequest:
    """Asks for a session in answer to the offer *sdp*."""
    if ticket is not None:
        raise Unsayable(wire.NAME, "has no client secrets: a session is opened with a key")
    if not sdp:
        raise Unsayable(wire.NAME, "opens no WebRTC session without an offer")
    asked = session(config or SessionConfig(), model, webrtc=True)
    return HttpRequest(
        method="POST",
        url=base_url.rstrip("/") + PATH,
        headers={"authorization": f"Bearer {key}", **_JSON},
        body=wire.write(_Asked(session=asked, transport=_Transport(sdp=sdp))).encode(),
    )


def read_webrtc_session(request: HttpRequest, model: str = "") -> Offer | None:
    """The server's reading; None: this is another request."""
    path = request.url.partition("?")[0].rstrip("/")
    if request.method != "POST" or not path.endswith("/v1" + PATH):
        return None
    asked = read(wire.NAME, _asked, request.body)
    key = bearer(request.headers)
    config = config_of(asked.session, model)
    return Offer(
        sdp=asked.transport.sdp,
        model=config.model,
        config=config,
        credential=None if key is None else Credential(kind="key", value=key),
    )


def answer_webrtc(answer: Answer) -> HttpResponse:
    given = _Answered(
        session=wire.Snapshot(id=answer.call_id or ""), transport=_Transport(sdp=answer.sdp)
    )
    return HttpResponse(headers=_JSON, body=wire.write(given).encode())


def read_answer(response: HttpResponse) -> Answer:
    """The client's reading; a refusal is a WireError that says the status."""
    if not 200 <= response.status < 300:
        raise WireError(wire.NAME, "$", f"Expected a session, got status {response.status}")
    given = read(wire.NAME, _answered, response.body)
    return Answer(call_id=given.session.id, sdp=given.transport.sdp)


class _Transport(msgspec.Struct, frozen=True, kw_only=True):
    sdp: wire.Id
    type: Literal["webrtc"] = "webrtc"


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    session: wire.Session
    transport: _Transport


class _Answered(msgspec.Struct, frozen=True, kw_only=True):
    session: wire.Snapshot
    transport: _Transport


_asked: Decoder[_Asked] = Decoder(_Asked)
_answered: Decoder[_Answered] = Decoder(_Answered)
