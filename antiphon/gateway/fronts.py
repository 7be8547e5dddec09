"""Which dialect somebody at the door speaks, told by the path and what is shown with it.

Each front stands at the path that its own SDKs ask for, and once more behind the name of its
provider, where there is no doubt: OpenAI and xAI share theirs.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from antiphon.codecs.connection import Admission, HttpRequest, Offer, Order, Upgrade, path_of
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.wire import WireError

PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai_live", "openai"),
    "xai": ("xai",),
    "gemini": ("gemini",),
    "elevenlabs": ("elevenlabs_realtime", "elevenlabs"),
    "cartesia": ("cartesia",),
    "opper": ("opper",),
    "vercel": ("vercel",),
}
"""The dialects of a provider; the first path segment may name it."""

XAI_MODELS = "grok"
XAI_HOST = "api.x.ai"
XAI_SUBPROTOCOL = "xai-client-secret."
OPENAI_HEADERS = "x-stainless-"
XAI_QUERIES = frozenset({"conversation_id", "agent_id"})
"""What only xAI's clients ask with."""


class Visit(msgspec.Struct, frozen=True):
    """Somebody who wants a session."""

    front: Dialect
    admission: Admission


class Errand(msgspec.Struct, frozen=True):
    """Somebody who wants a ticket."""

    front: Dialect
    order: Order


class _Expiry(msgspec.Struct):
    anchor: object = None


class _Session(msgspec.Struct):
    model: str = ""


class _Asked(msgspec.Struct):
    session: _Session | None = None
    expires_after: _Expiry = msgspec.field(default_factory=_Expiry)


_asked = msgspec.json.Decoder(_Asked)


class Dial(msgspec.Struct, frozen=True):
    """Somebody who wants a call."""

    front: Dialect
    offer: Offer


def visit(upgrade: Upgrade) -> Visit | None:
    """How *upgrade* is to be read; None if nothing is there."""
    provider, path = _provider(upgrade.path)
    if provider is not None:
        _, mark, query = upgrade.target.partition("?")
        upgrade = msgspec.structs.replace(upgrade, target=path + mark + query)
    marked = provider is None and _is_xai(upgrade)
    for front in _candidates(provider, xai_first=marked):
        admission = front.accept(upgrade)
        if admission is not None:
            return Visit(front, admission)
    return None


def errand(request: HttpRequest) -> Errand | None:
    """How *request* is to be read; None if nothing is there. Raises Misread."""
    provider, request = _without_provider(request)
    marked = provider is None and (_host(request) == XAI_HOST or _is_xai_order(request))
    for front in _candidates(provider, xai_first=marked):
        if front.minting is None:
            continue
        try:
            order = front.minting.order(request)
        except WireError as error:
            raise Misread(front, error) from error
        if order is not None:
            return Errand(front, order)
    return None


def dial(request: HttpRequest) -> Dial | None:
    """How *request* is to be read; None if nothing is there. Raises Misread."""
    provider, request = _without_provider(request)
    marked = provider is None and _host(request) == XAI_HOST
    for front in _candidates(provider, xai_first=marked):
        if front.calling is None:
            continue
        try:
            offer = front.calling.accept(request)
        except WireError as error:
            raise Misread(front, error) from error
        if offer is not None:
            return Dial(front, offer)
    return None


class Misread(Exception):
    """A request came to the right place, but says nothing that can be understood."""

    def __init__(self, front: Dialect, error: WireError) -> None:
        super().__init__(str(error))
        self.front = front
        self.error = error


def named(path: str) -> str | None:
    """The provider that *path* begins with, if it does."""
    return _provider(path)[0]


def _provider(path: str) -> tuple[str | None, str]:
    """The provider that *path* begins with, if it does, and the rest."""
    first, slash, rest = path.lstrip("/").partition("/")
    return (first, slash + rest) if first in PROVIDERS else (None, path)


def _without_provider(request: HttpRequest) -> tuple[str | None, HttpRequest]:
    provider, path = _provider(path_of(request.url))
    if provider is None:
        return None, request
    _, mark, query = request.url.partition("?")
    return provider, msgspec.structs.replace(request, url=path + mark + query)


def _host(asked: HttpRequest | Upgrade) -> str:
    return asked.headers.get("host", "").partition(":")[0]


def _candidates(provider: str | None, *, xai_first: bool) -> Iterator[Dialect]:
    names: Sequence[str]
    if provider is not None:
        names = PROVIDERS[provider]
    else:
        names = [name for dialects in PROVIDERS.values() for name in dialects]
        if xai_first:
            names = ["xai", *names]
    return map(find_dialect, names)


def _is_xai(upgrade: Upgrade) -> bool:
    query = upgrade.query
    return (
        _host(upgrade) == XAI_HOST
        or any(one.startswith(XAI_SUBPROTOCOL) for one in upgrade.subprotocols)
        or query.get("model", "").startswith(XAI_MODELS)
        or bool(query.keys() & XAI_QUERIES)
    )


def _is_xai_order(request: HttpRequest) -> bool:
    """OpenAI's clients name a session, and say from when on a ticket's time counts, or who they are."""
    if any(name.startswith(OPENAI_HEADERS) for name in request.headers):
        return False
    try:
        asked = _asked.decode(request.body or b"{}")
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
    if asked.session is not None:
        return asked.session.model.startswith(XAI_MODELS)
    return asked.expires_after.anchor is None
