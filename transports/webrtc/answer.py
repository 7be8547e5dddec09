"""The side that answers: a server, with a browser or an SDK in front."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from antiphon.transports.webrtc.hearing import Hearing
from antiphon.transports.webrtc.ice import IceServer, Network
from antiphon.transports.webrtc.messages import LARGEST, Messages
from antiphon.transports.webrtc.peer import Peer, load
from antiphon.transports.webrtc.speaking import Speaking


@asynccontextmanager
async def answer(
    offer: str,
    *,
    rate: int = 24_000,
    rate_out: int | None = None,
    label: str | None = "oai-events",
    opens_channel: bool = False,
    ice_servers: Sequence[IceServer] = (),
    addresses: Sequence[str] = (),
    ports: tuple[int, int] | None = None,
    ice_timeout: float = 10.0,
    dtls_timeout: float = 5.0,
    channel_timeout: float = 5.0,
    vanish_timeout: float = 5.0,
    send_timeout: float = 10.0,
    close_timeout: float = 2.0,
    max_size: int = LARGEST,
) -> AsyncGenerator[Peer]:
    """Answers the session description *offer*; raises BadSdp if that is not possible.

    The peer's `sdp` is the answer, with our candidates in it. Once the other side has it, wait
    for `ready()`. The offer needs no candidates: who reaches us shows its address by that. The
    data channel *label* is the other side's to open unless *opens_channel*; None: there need
    be none. The rest is as in `connect`.
    """
    await load()
    peer = Peer(
        network=Network(tuple(ice_servers), tuple(addresses), ports),
        messages=Messages(max_size=max_size, send_timeout=send_timeout),
        hearing=Hearing(rate),
        speaking=Speaking(rate_out or rate),
        label=label,
        ice_timeout=ice_timeout,
        dtls_timeout=dtls_timeout,
        channel_timeout=channel_timeout,
        vanish_timeout=vanish_timeout,
        close_timeout=close_timeout,
    )
    try:
        await peer.accept(offer)
        if opens_channel and label is not None:
            peer.add_channel(label)
        yield peer
    finally:
        await peer.aclose()
