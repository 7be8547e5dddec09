"""What can go wrong with a connection.

TransportError
├── ConnectError          it could not be opened
│   ├── Unreachable       no such host, nobody listens, TLS fails
│   ├── ConnectTimeout    no answer in time
│   ├── Refused           the server answered with an HTTP status of its own
│   └── NoWebSocket       the server answers, but not as a WebSocket that was asked for
└── Closed                it was open, and is no longer
    ├── TooLarge          the other side sent more in one message than is allowed
    ├── Unresponsive      the other side answers no ping any more
    └── Stalled           the other side takes nothing any more
"""

from collections.abc import Mapping

RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which the same request may succeed later."""

ABNORMAL, GOING_AWAY, NORMAL = 1006, 1001, 1000

FINAL = frozenset({1002, 1003, 1007, 1008, 1009, 1010, 4001, 4003, 4401, 4403})
"""Close codes that say that the client, not the network, is at fault (RFC 6455, 7.4)."""


class TransportError(Exception):
    """A connection failed; *retryable* if another attempt may do better."""

    retryable: bool = True


class ConnectError(TransportError):
    """A connection could not be opened."""


class Unreachable(ConnectError):
    """There is no way to the server."""


class ConnectTimeout(ConnectError):
    """The server did not answer in time."""


class Refused(ConnectError):
    """The server answered with *status*; *body* is the beginning of what it said to that.

    The body is not part of the message, since some servers repeat the credential in it.
    """

    def __init__(self, url: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"{url} refused the connection: HTTP status {status}{_hint(status)}")
        self.status = status
        self.body = body
        self.retryable = status in RETRYABLE
        self.retry_after = _seconds(headers.get("retry-after"))
        """Seconds that the server asks to wait, if it does."""

    def __repr__(self) -> str:
        return f"Refused(status={self.status})"


class NoWebSocket(ConnectError):
    """The server speaks another protocol, or chose none of the subprotocols offered."""

    retryable = False


class Closed(TransportError):
    """The other side, or the network, ended the connection.

    *code* is that of the WebSocket: 1006 where the connection broke without one.
    """

    def __init__(self, code: int = ABNORMAL, reason: str = "", what: str = "") -> None:
        described = what or (
            "the connection broke" if code == ABNORMAL else "the other side closed"
        )
        super().__init__(f"{described} ({code}{f': {reason}' if reason else ''})")
        self.code = code
        self.reason = reason
        self.retryable = code not in FINAL

    @property
    def clean(self) -> bool:
        """Both sides were done."""
        return self.code in (NORMAL, GOING_AWAY)


class TooLarge(Closed):
    """A message was larger than is allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(1009, "", f"the other side sent a message of more than {limit} bytes")


class Unresponsive(Closed):
    """No ping was answered in time."""

    def __init__(self, timeout: float) -> None:
        super().__init__(ABNORMAL, "", f"the other side answered no ping for {timeout:g} s")
        self.retryable = True


class Stalled(Closed):
    """What was sent found no way for too long."""

    def __init__(self, timeout: float) -> None:
        super().__init__(ABNORMAL, "", f"the other side took nothing for {timeout:g} s")
        self.retryable = True


def _hint(status: int) -> str:
    return {
        401: " (the key is missing or wrong)",
        403: " (the key may not do this)",
        404: " (no such model or path)",
        429: " (too many requests)",
    }.get(status, "")


def _seconds(retry_after: str | None) -> float | None:
    """Of a Retry-After in seconds; one that is a date is left out."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None
