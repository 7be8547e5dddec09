"""The side that offers: a client of a provider, or of a gateway."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from antiphon.transports.webrtc.hearing import Hearing
from antiphon.transports.webrtc.ice import IceServer, Network
from antiphon.transports.webrtc.messages import LARGEST, Messages
from antiphon.transports.webrtc.peer import Exchange, Peer, load
from antiphon.transports.webrtc.speaking import Speaking


@asynccontextmanager
async def connect(
    exchange: Exchange,
    *,
    rate: int = 24_000,
    rate_out: int | None = None,
    label: str = "oai-events",
    ice_servers: Sequence[IceServer] = (),
    addresses: Sequence[str] = (),
    ports: tuple[int, int] | None = None,
    answer_timeout: float = 10.0,
    ice_timeout: float = 10.0,
    dtls_timeout: float = 5.0,
    channel_timeout: float = 5.0,
    vanish_timeout: float = 5.0,
    send_timeout: float = 10.0,
    close_timeout: float = 2.0,
    max_size: int = LARGEST,
) -> AsyncGenerator[Peer]:
    """Offers a voice and a data channel, and closes both at the end; raises a ConnectError.

    *exchange* brings the offer, with our candidates in it, to the other side and returns its
    answer; `post` makes one. Audio is heard at *rate* Hz and best said at *rate_out*, which is
    the same unless given. Sockets are bound to *addresses* (all but the loopback's unless
    given) and a port of *ports* (first, last). A connection whose other side does not answer
    for *vanish_timeout* ends with Vanished. All times are in seconds.
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
        peer.add_audio()
        peer.add_channel(label)
        await peer.offer(exchange, timeout=answer_timeout)
        await peer.ready()
        yield peer
    finally:
        await peer.aclose()
