"""WebRTC: messages on a data channel and audio beside it, on the library `aiortc`.

`connect` offers, `answer` answers; both give a Peer.
"""

from antiphon.transports.webrtc.answer import answer
from antiphon.transports.webrtc.errors import (
    BadSdp,
    Flooded,
    NoChannel,
    NoHandshake,
    NoPath,
    NoPort,
    TooLong,
    Vanished,
)
from antiphon.transports.webrtc.hearing import Hearing
from antiphon.transports.webrtc.ice import IceServer
from antiphon.transports.webrtc.offer import connect
from antiphon.transports.webrtc.peer import Exchange, Peer
from antiphon.transports.webrtc.post import Answered, Post, post
from antiphon.transports.webrtc.speaking import Speaking

__all__ = [
    "Answered",
    "BadSdp",
    "Exchange",
    "Flooded",
    "Hearing",
    "IceServer",
    "NoChannel",
    "NoHandshake",
    "NoPath",
    "NoPort",
    "Peer",
    "Post",
    "Speaking",
    "TooLong",
    "Vanished",
    "answer",
    "connect",
    "post",
]
