"""From an address to a store."""

from antiphon.gateway.store.memory import MemoryStore
from antiphon.gateway.store.store import Store

SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")
"""Those with a second s are TLS."""


def open_store(
    url: str | None = None,
    *,
    prefix: str = "antiphon:",
    timeout: float = 2.0,
    given_up: float = 60.0,
) -> Store:
    """The store at *url*: of this process if it is None or `memory://`, else Valkey or Redis.

    Nothing is connected yet. *prefix* is what all names on a shared server begin with, *timeout*
    the seconds that an operation may take; for *given_up* see `Store.stay`. Raises ValueError for
    a URL that cannot be read.
    """
    scheme = "memory" if url is None else url.partition(":")[0].lower()
    if scheme == "memory":
        return MemoryStore(given_up=given_up)
    if url is None or scheme not in SCHEMES:
        known = ", ".join(f"{one}://" for one in ("memory", *SCHEMES))
        raise ValueError(f"a store's URL begins with one of {known}")
    try:
        from antiphon.gateway.store.valkey import ValkeyStore
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise ModuleNotFoundError(
            "a store outside the process needs redis: pip install 'antiphon[gateway]'", name="redis"
        ) from error
    return ValkeyStore(url, prefix=prefix, timeout=timeout, given_up=given_up)
