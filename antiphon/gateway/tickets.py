"""Tickets: what a browser is let in with, instead of a key.

Whoever has a key buys one, with what it is good for. The gateway remembers its hash.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping

import msgspec

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Order, Ticket
from antiphon.codecs.dialect import Dialect
from antiphon.gateway.store import Store

BEGINNINGS: Mapping[str, str] = {
    "openai": "ek_",
    "xai": "ek_",
    "elevenlabs_realtime": "ek_",
    "gemini": "auth_tokens/",
    "elevenlabs": "cvtkn_",
    "cartesia": "ctk_",
    "opper": "ort_",
    "vercel": "vcst_",
}
"""By these some clients know tickets from keys."""

LIFETIMES: Mapping[str, tuple[int, int]] = {
    "openai": (600, 7200),
    "xai": (600, 3600),
    "elevenlabs_realtime": (600, 7200),
    "gemini": (60, 72_000),
    "elevenlabs": (900, 900),
    "cartesia": (60, 3600),
    "opper": (60, 300),
    "vercel": (60, 300),
}
"""Seconds within which a session must be opened: unless said otherwise, and at most."""

FAMILIES = (frozenset({"openai", "xai", "elevenlabs_realtime"}),)
"""Dialects that share paths, so that one's ticket may be shown to the other."""

ENTROPY = 32
"""Bytes."""


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a ticket is good for."""

    front: str
    key: str
    """The name of the key that it was bought with, which pays."""
    model: str | None = None
    config: SessionConfig = SessionConfig()
    locked: tuple[str, ...] | None = None
    """As in Order: in the words of the front."""

    def fits(self, dialect: str) -> bool:
        return self.front == dialect or any({self.front, dialect} <= one for one in FAMILIES)


_grant = msgspec.json.Decoder(Grant)


async def mint(
    store: Store, front: Dialect, order: Order, *, key: str, url: str, now: float | None = None
) -> Ticket:
    """A ticket for *order*, to be shown at *url*. Raises StoreAway."""
    moment = time.time() if now is None else now
    usual, longest = LIFETIMES[front.name]
    asked = order.lifetime
    if asked is None and order.until is not None:
        asked = int(order.until - moment)
    lifetime = min(max(usual if asked is None else asked, 1), longest)
    token = BEGINNINGS[front.name] + secrets.token_urlsafe(ENTROPY)
    grant = Grant(
        front=front.name, key=key, model=order.model, config=order.config, locked=order.locked
    )
    uses = 1 if order.uses is None else order.uses
    await store.keep_ticket(
        digest(token), msgspec.json.encode(grant), uses=uses, lifetime=float(lifetime)
    )
    return Ticket(token=token, url=url, expires_at=int(moment) + lifetime, config=order.config)


async def redeem(store: Store, dialect: str, token: str) -> Grant | None:
    """What *token* is good for at this front, once; None if it is not. Raises StoreAway."""
    if not is_ticket(token):
        return None
    kept = await store.redeem(digest(token))
    if kept is None:
        return None
    grant = _grant.decode(kept)
    return grant if grant.fits(dialect) else None


def is_ticket(value: str) -> bool:
    """Whether *value* looks like one of ours; all others need not be looked for."""
    return value.startswith(tuple(BEGINNINGS.values()))


def digest(token: str) -> str:
    """What is remembered of it: of so many random bits no slower hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
