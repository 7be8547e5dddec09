"""Where a Valkey or Redis server is, and how it is spoken to."""

from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Connection
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError

ALIASES = {"valkey": "redis", "valkeys": "rediss"}

UNREADABLE = (
    "the store's URL cannot be read; it is redis://name:password@host:port/database or the like,"
    " with every character but letters and digits of name and password percent-encoded"
)


class Address:
    """A server's URL, taken apart; *where* is what may be shown of it.

    What is said after `?` are options of redis' connections, such as `ssl_ca_certs`. Raises
    ValueError.
    """

    def __init__(self, url: str) -> None:
        options = _read(url)
        if options is None:  # not from within, where the error would carry the password along
            raise ValueError(UNREADABLE)
        self._kind: Any = options.pop("connection_class", Connection)
        self._options = options
        self._secrets = [
            options[name] for name in ("password", "ssl_password") if options.get(name)
        ]
        self.where = _shown(url, options)
        if not self._fits():
            raise ValueError(f"the URL of the store at {self.where} has an unknown option after ?")

    def pool(self, *, size: int, timeout: float) -> Any:
        """Up to *size* connections; none is made yet."""
        options: dict[str, Any] = self._options | {
            # All of these are bounded by whoever calls; redis would spend a task on each message.
            "socket_timeout": None,
            "socket_connect_timeout": timeout,
            # Once more over a new connection where an old one turns out to be broken.
            "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
            "protocol": 2,
            "decode_responses": False,
            "encoding_errors": "surrogatepass",
        }
        return BlockingConnectionPool(
            max_connections=size, timeout=None, connection_class=self._kind, **options
        )

    def without_secrets(self, said: str) -> str:
        """*said* by the server, which may repeat what it did not understand."""
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return said

    def __repr__(self) -> str:
        return f"Address({self.where!r})"

    def _fits(self) -> bool:
        try:
            self._kind(**self._options)
        except (TypeError, ValueError, RedisError):
            return False
        return True


def _read(url: str) -> dict[str, Any] | None:
    scheme, colon, rest = url.partition(":")
    try:
        parts = urlsplit(url)
        # A password with one of /?# in it ends the host too early; then an @ is left behind.
        if parts.fragment or "@" in parts.path + parts.query:
            return None
        return dict(parse_url(ALIASES.get(scheme.lower(), scheme.lower()) + colon + rest))
    except ValueError:
        return None


def _shown(url: str, options: dict[str, Any]) -> str:
    scheme = url.partition(":")[0].lower()
    if scheme == "unix":
        return f"unix://{options.get('path', '')}"
    host = options.get("host", "localhost")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{options.get('port', 6379)}/{options.get('db', 0)}"
