"""What can go wrong with WebRTC, beside what can with any connection.

ConnectError
├── BadSdp              what the other side offers or answers cannot be used
├── NoPort              none of the ports that were allowed is free
├── NoPath              no packets get through: ICE found no way
├── NoHandshake         the other side is not who signed the SDP: DTLS failed
└── NoChannel           the data channel did not open
Closed
├── Vanished            the other side is no longer there
└── Flooded             the other side sends faster than is read
TransportError
└── TooLong             a message is longer than the other side takes
"""

from antiphon.transports.errors import ABNORMAL, Closed, ConnectError, TransportError


class BadSdp(ConnectError):
    """A session description that cannot be used."""

    retryable = False


class NoPort(ConnectError):
    """No port was free in the range that was allowed."""


class NoPath(ConnectError):
    """No pair of addresses lets packets through; ICE servers may, or open ports."""


class NoHandshake(ConnectError):
    """DTLS failed: the certificate is not that of the SDP, or nobody answered."""


class NoChannel(ConnectError):
    """The data channel did not open."""


class Vanished(Closed):
    """The other side has not answered for *timeout* seconds."""

    def __init__(self, timeout: float) -> None:
        super().__init__(ABNORMAL, "", f"the other side has been gone for {timeout:g} s")
        self.retryable = True


class Flooded(Closed):
    """More than *limit* bytes of messages wait to be read."""

    def __init__(self, limit: int) -> None:
        super().__init__(1008, "", f"more than {limit} bytes of messages wait to be read")


class TooLong(TransportError):
    """A message was not sent: the other side takes no more than *limit* bytes."""

    retryable = False

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a message of {size} bytes; the other side takes up to {limit}")
