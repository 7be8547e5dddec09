"""Who may use the gateway: the keys that clients show, of which only digests are kept."""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from hmac import compare_digest
from typing import Self

import msgspec

from antiphon.gateway.secret import Secret
from antiphon.gateway.settings import KeySettings, Limits, Settings

VARIABLE = "ANTIPHON_API_KEYS"

ANYBODY = "any"
"""What the key of somebody is called who needs none."""

IDENTITY = 16
"""Hexadecimal digits by which those who need no key are told apart."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may do; the secret that it was shown by is not in it."""

    name: str
    id: str = ""
    """Whose usage it is: the name, and with keys that nobody has given out, whichever was shown."""
    models: tuple[str, ...] = ("*",)
    routes: Mapping[str, str] = {}
    default: str | None = None
    """None: as for all keys; "none": nobody."""
    limits: Limits = Limits()
    budget: float | None = None
    """US dollars, as is *session_budget*."""
    session_budget: float | None = None

    def __post_init__(self) -> None:
        if not self.id:
            msgspec.structs.force_setattr(self, "id", self.name)


class Keys:
    """All keys of a gateway."""

    def __init__(self, keys: Iterable[tuple[Key, Iterable[bytes]]]) -> None:
        """Each key with the SHA-256 digests of its secrets."""
        self._digests: list[tuple[bytes, Key]] = []
        self._named: dict[str, Key] = {}
        self._any: Key | None = None
        for key, digests in keys:
            self._named[key.name] = key
            self._digests += ((digest, key) for digest in digests)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Those of the configuration; without any, everybody is let in.

        Reading a configuration has seen to it that then only this machine can reach the gateway.
        """
        if not settings.keys:
            return cls.for_anybody(limits=settings.limits)
        return cls(
            (_key(name, one, settings.limits), digests_of(one))
            for name, one in settings.keys.items()
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, limits: Limits | None = None) -> Self:
        """Those of ANTIPHON_API_KEYS, none if it is not set."""
        return cls(
            (_key(name, one, limits or Limits()), digests_of(one))
            for name, one in environment_keys(environ).items()
        )

    @classmethod
    def for_anybody(cls, *, limits: Limits | None = None) -> Self:
        """Every key is good, and none is too: for a gateway that only this machine can reach."""
        keys = cls(())
        keys._any = Key(name=ANYBODY, limits=limits or Limits())
        return keys

    @property
    def anybody(self) -> bool:
        """Whether every key is good."""
        return self._any is not None

    def check(self, presented: str | None) -> Key | None:
        """The key whose secret was *presented*.

        All secrets are compared, in a time that depends neither on which it is nor on how much
        of one was right.
        """
        if self._any is not None:
            return _identified(self._any, presented)
        shown, found = _digest(presented or ""), None
        for digest, key in self._digests:
            if compare_digest(digest, shown):
                found = key
        return found if presented else None

    def named(self, id: str) -> Key | None:
        """The key with this *id*, as one remembers who has bought a ticket."""
        if self._any is not None:
            known = id == ANYBODY or id.startswith(f"{ANYBODY}-")
            return msgspec.structs.replace(self._any, id=id) if known else None
        return self._named.get(id)


def environment_keys(environ: Mapping[str, str]) -> dict[str, KeySettings]:
    """The keys of ANTIPHON_API_KEYS, separated by commas, called `key-1` and so on.

    What is empty or there twice does not count.
    """
    texts = dict.fromkeys(text.strip() for text in environ.get(VARIABLE, "").split(","))
    texts.pop("", None)
    return {
        f"key-{number}": KeySettings(secret=(Secret(text),)) for number, text in enumerate(texts, 1)
    }


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches who listens at *host*; names but localhost are not asked."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def digests_of(settings: KeySettings) -> Iterator[bytes]:
    """SHA-256, of each of its secrets."""
    for secret in settings.secret:
        yield _digest(secret.reveal())
    for digest in settings.sha256:
        yield bytes.fromhex(digest)


def _key(name: str, settings: KeySettings, limits: Limits) -> Key:
    return Key(
        name=name,
        models=settings.models,
        routes=settings.routes,
        default=settings.default,
        limits=settings.limits or limits,
        budget=settings.budget,
        session_budget=settings.session_budget,
    )


def _digest(text: str) -> bytes:
    """Keys are long and random, so that no slower hash is needed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _identified(key: Key, presented: str | None) -> Key:
    """*key* as that of whoever shows *presented*, which may be a provider's real key."""
    if not presented:
        return key
    return msgspec.structs.replace(key, id=f"{key.name}-{_digest(presented).hex()[:IDENTITY]}")
