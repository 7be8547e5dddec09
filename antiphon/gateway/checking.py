"""What has to fit together in a configuration, and what it names has to be there."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from antiphon.gateway.aliases import LOCAL, is_name, nearest
from antiphon.gateway.checking_routes import check_routes
from antiphon.gateway.keys import ANYBODY, VARIABLE, digests_of, is_loopback
from antiphon.gateway.secret import Secret
from antiphon.gateway.settings import Browser, KeySettings, Listen, Network, Settings, Upstream
from antiphon.gateway.tables import Reader


def check(settings: Settings, reader: Reader) -> None:
    """Tells *reader* of everything that does not fit."""
    for name, upstream in settings.upstreams.items():
        _check_upstream(name, upstream, reader)
    check_routes(settings, reader)
    _check_keys(settings.keys, reader)
    _check_listen(settings, settings.listen, reader)
    _check_browser(settings.browser, settings.keys, reader)
    _check_network(settings.webrtc, reader)
    _check_files(settings, reader)
    if settings.observe.metrics_token is not None:
        _check_header(settings.observe.metrics_token, ("observe", "metrics_token"), reader)
    if settings.observe.otlp is not None:
        _check_address(settings.observe.otlp, ("http", "https"), ("observe", "otlp"), reader)
    if settings.store.url is not None:
        _check_store(settings.store.url, reader)


# Upstreams.


def _check_upstream(name: str, upstream: Upstream, reader: Reader) -> None:
    from antiphon.processors.remote.providers import PROVIDERS

    path, known = ("upstreams", name), ", ".join(PROVIDERS)
    provider = upstream.provider
    if name == LOCAL:
        reader.problem(path, "is always there; its models are options of a route")
    elif not is_name(name) or "/" in name:
        reader.problem(path, "must have a name of letters, digits and .-_:@")
    elif provider is None and name not in PROVIDERS:
        near = nearest(name, PROVIDERS)
        reader.problem(path, f"needs provider, one of {known}, since it is none itself{near}")
    elif provider is not None and provider not in PROVIDERS:
        near = nearest(provider, PROVIDERS)
        reader.problem((*path, "provider"), f'"{provider}" is none of {known}{near}')
    elif provider not in (None, name) and name in PROVIDERS:
        reader.problem((*path, "provider"), f"must be {name}, or the upstream have another name")
    if upstream.key is None and upstream.base_url is None and reader.sound(*path):
        reader.problem(path, "needs key, since it has no base_url of a server without keys")
    if upstream.key is not None:
        _check_header(upstream.key, (*path, "key"), reader)
    if upstream.base_url is not None:
        schemes = ("http", "https", "ws", "wss")
        _check_address(upstream.base_url, schemes, (*path, "base_url"), reader)


# Keys.


def _check_keys(keys: Mapping[str, KeySettings], reader: Reader) -> None:
    owners: dict[bytes, str] = {}
    for name, key in keys.items():
        path = ("keys", name)
        if not is_name(name) or "/" in name:
            reader.problem(path, "must have a name of letters, digits and .-_:@")
        elif name == ANYBODY or name.startswith(f"{ANYBODY}-"):
            reader.problem(path, "has a name that is kept for those without a key")
        if not key.secret and not key.sha256 and reader.sound(*path):
            reader.problem(path, "needs secret, or the sha256 of one")
        for secret in key.secret:
            _check_header(secret, (*path, "secret"), reader)
        digests = tuple(_hexadecimal(digest) for digest in key.sha256)
        if None in digests:
            reader.problem((*path, "sha256"), "must be 64 hexadecimal digits, as of sha256sum")
            continue
        for digest in digests_of(key):
            owner = owners.setdefault(digest, name)
            if owner != name:
                place = reader.place(("keys", owner))
                where = "" if place is None else f" (line {place.line})"
                reader.problem(path, f"has the same secret as keys.{owner}{where}")


def _hexadecimal(digest: str) -> bytes | None:
    try:
        read = bytes.fromhex(digest)
    except ValueError:
        return None
    return read if len(read) == 32 and len(digest) == 64 else None


def _check_header(secret: Secret, path: tuple[str, ...], reader: Reader) -> None:
    text = secret.reveal()
    if not text.isascii() or not text.isprintable() or " " in text:
        reader.problem(path, "has spaces or characters that no header can carry")


# Where it listens.


def _check_listen(settings: Settings, listen: Listen, reader: Reader) -> None:
    if not listen.host:
        reader.problem(("listen", "host"), "must not be empty; all addresses are 0.0.0.0 or ::")
    elif not is_loopback(listen.host) and not settings.keys and reader.sound("keys"):
        reason = (
            f"{listen.host} can be reached from elsewhere, and there are no keys:"
            f" set {VARIABLE}, add a table [keys.NAME], or listen at 127.0.0.1"
        )
        reader.problem(("listen", "host"), reason)
    for one, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        alone = getattr(listen, one) is not None and getattr(listen, other) is None
        if alone and reader.sound("listen", other):
            reader.problem(("listen", one), f"needs {other} beside it")
    if listen.workers > 1 and _own(settings.store.url) and reader.sound("store"):
        reason = "above 1 needs [store] url, where workers share tickets and limits"
        reader.problem(("listen", "workers"), reason)


def _check_files(settings: Settings, reader: Reader) -> None:
    for name in ("tls_cert", "tls_key"):
        _check_file(getattr(settings.listen, name), ("listen", name), reader)
    _check_file(settings.prices, ("prices",), reader)
    folder = settings.recordings
    if folder is not None and not folder.is_dir():
        reader.problem(("recordings",), f"must be a directory, which {folder} is not")
    elif folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        reader.problem(("recordings",), f"cannot be written to: {folder}")


def _check_file(file: Path | None, path: tuple[str, ...], reader: Reader) -> None:
    if file is None:
        return
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except OSError as error:
        reader.problem(path, f"cannot be read: {file}: {error.strerror or error}")


def _check_store(url: Secret, reader: Reader) -> None:
    from antiphon.gateway.store import open_store

    try:
        open_store(url.reveal())
    except (ValueError, ModuleNotFoundError) as error:
        reader.problem(("store", "url"), f"cannot be used: {error}")


def _own(store: Secret | None) -> bool:
    """Whether each process has a store of its own."""
    return store is None or store.reveal().startswith("memory:")


# Browsers and the network.


def _check_browser(browser: Browser, keys: Mapping[str, KeySettings], reader: Reader) -> None:
    if browser.key is not None and browser.key not in keys and reader.sound("keys"):
        near = nearest(browser.key, keys)
        reader.problem(("browser", "key"), f"must be the name of one of [keys]{near}")
    for index, origin in enumerate(browser.origins):
        parts = _split(origin)
        plain = parts is not None and f"{parts.scheme}://{parts.netloc}" == origin.lower()
        if origin != "*" and (not plain or parts is None or parts.scheme not in ("http", "https")):
            path = ("browser", "origins", index)
            reader.problem(path, 'must be an origin such as "https://app.example.org", or "*"')
    if browser.cors and not browser.origins and reader.sound("browser", "origins"):
        reader.problem(("browser", "cors"), "needs origins, whose pages it is for")


def _check_network(network: Network, reader: Reader) -> None:
    for index, server in enumerate(network.ice_servers):
        if not server.url.startswith(("stun:", "stuns:", "turn:", "turns:")):
            path = ("webrtc", "ice_servers", index, "url")
            reader.problem(path, "must begin with stun:, stuns:, turn: or turns:")
    for index, address in enumerate(network.addresses):
        if not _is_address(address):
            path = ("webrtc", "addresses", index)
            reader.problem(path, f'must be an IP address of this machine, not "{address}"')
    if network.ports is not None and network.ports[0] > network.ports[1]:
        reader.problem(("webrtc", "ports"), "must be [first, last], the lower port first")


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


def _check_address(
    url: str, schemes: tuple[str, ...], path: tuple[str, ...], reader: Reader
) -> None:
    """The address itself is not told: it may have a password in it."""
    parts = _split(url)
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        reader.problem(path, f"must be an address that begins with {_either(schemes)}")
    elif parts.username is not None or parts.password is not None:
        reader.problem(path, "must have no name or password in it; see key")
    elif any(one in url for one in " \t\r\n?#\\"):
        reader.problem(path, "must have no query in it, and no spaces")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _either(schemes: tuple[str, ...]) -> str:
    return f"{', '.join(f'{one}://' for one in schemes[:-1])} or {schemes[-1]}://"
