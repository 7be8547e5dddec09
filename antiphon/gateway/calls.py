"""Calls: sessions that are opened by HTTP and held over WebRTC."""

import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from antiphon.gateway.admission import Refusal
from antiphon.gateway.settings import Network
from antiphon.transports.webrtc import BadSdp, IceServer, Peer, answer

logger = logging.getLogger(__name__)

MARK = "rtc_"

_HANG_UP = re.compile(r"/v1/(?:realtime/calls|live/sessions)/([^/]+)/hangup/?$")

LONGEST = 128 * 1024
"""Characters of an offer: a browser's has five thousand."""

LINES, SECTIONS = 1000, 16
"""Lines of an offer, and sections: reading it takes a time that grows with both."""


def hung_up(path: str) -> str | None:
    """The call that a POST to *path* ends; None if it is something else."""
    found = _HANG_UP.search(path)
    return None if found is None else found[1]


@asynccontextmanager
async def picked_up(offer: str, channel: str, network: Network) -> AsyncGenerator[Peer]:
    """Answers *offer*. Raises Refusal if that is not possible."""
    if len(offer) > LONGEST:
        raise Refusal("too_large", f"an offer may have {LONGEST} characters", param="sdp")
    lines = offer.splitlines()  # as whoever reads it does: not every line ends with a newline
    if len(lines) > LINES or sum(line.startswith("m=") for line in lines) > SECTIONS:
        problem = f"an offer may have {LINES} lines, and {SECTIONS} sections"
        raise Refusal("too_large", problem, param="sdp")
    servers = [
        IceServer(
            url=one.url,
            username=one.username,
            credential=None if one.credential is None else one.credential.reveal(),
        )
        for one in network.ice_servers
    ]
    opening = answer(
        offer,
        label=channel,
        ice_servers=servers,
        addresses=network.addresses,
        ports=network.ports,
    )
    try:
        peer = await opening.__aenter__()
    except BadSdp as error:
        raise Refusal("invalid", str(error), param="sdp") from error
    try:
        yield peer
    finally:
        await opening.__aexit__(None, None, None)


class AnswerAndTalk(Response):
    """An answer to an offer; once it is sent, the call goes on in the same task until it ends."""

    def __init__(
        self,
        answer: Response,
        call: AbstractAsyncContextManager[object],
        talk: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            content=bytes(answer.body), status_code=answer.status_code, headers=answer.headers
        )
        self._call = call
        self._talk = talk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
            await self._talk()
        finally:
            await self._call.__aexit__(None, None, None)
