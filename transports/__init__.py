"""Messages and audio over networks. Knows no dialect."""

from antiphon.transports.errors import (
    Closed,
    ConnectError,
    ConnectTimeout,
    NoWebSocket,
    Refused,
    Stalled,
    TooLarge,
    TransportError,
    Unreachable,
    Unresponsive,
)
from antiphon.transports.transport import Message, Transport, Voiced

__all__ = [
    "Closed",
    "ConnectError",
    "ConnectTimeout",
    "Message",
    "NoWebSocket",
    "Refused",
    "Stalled",
    "TooLarge",
    "Transport",
    "TransportError",
    "Unreachable",
    "Unresponsive",
    "Voiced",
]
