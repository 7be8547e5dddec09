"""Which model answers: from the name that a client asks for to an upstream."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from antiphon.gateway.aliases import LOCAL, Aliases, Goal, goal_of, is_name, plain
from antiphon.gateway.keys import Key
from antiphon.gateway.secret import Secret
from antiphon.gateway.settings import NOBODY, Settings

if TYPE_CHECKING:
    from antiphon.processors.realtime import Model

FRONTS: Mapping[str, str] = {
    "openai": "openai",
    "openai_live": "openai",
    "xai": "xai",
    "gemini": "gemini",
    "elevenlabs": "elevenlabs",
    "elevenlabs_realtime": "elevenlabs",
    "cartesia": "cartesia",
    "opper": "opper",
    "vercel": "vercel",
}
"""Whose models the clients of a dialect mean."""

GATEWAYS = frozenset({"opper", "vercel"})
"""Their models are other providers': each name begins with whose."""

SYNONYMS: Mapping[str, str] = {"google": "gemini", "spacexai": "xai", "x-ai": "xai"}
"""What gateways call providers."""

UNNAMED = "openai"
"""Whose models are meant at Vercel's front by names without a provider's."""

KEYLESS = "none"
"""Shown to an upstream that wants no key."""


class RoutingError(Exception):
    """Nobody answers; the message may be shown to the client."""

    def __init__(self, message: str, asked: str | None) -> None:
        super().__init__(message)
        self.asked = asked


class NoSuchModel(RoutingError):
    """No route knows the model, and there is no default."""

    def __init__(self, asked: str | None) -> None:
        super().__init__(
            f"there is {'no default model' if asked is None else _model(asked)}", asked
        )


class NotAllowed(RoutingError):
    """The model is not for this key."""

    def __init__(self, asked: str | None, key: str) -> None:
        which = "the default model" if asked is None else f"the model {_shortened(asked)}"
        super().__init__(f"the key {key} may not use {which}", asked)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A model behind the gateway, and how it is reached. Nothing of it is the client's to say."""

    name: str
    """As processors call it, provider/model: `openai/gpt-realtime-2`, `local/script`."""
    upstream: str
    """As the configuration calls it; the provider, unless that has several."""
    options: str = ""
    """Of a local model, as in a query; they come from the configuration."""
    base_url: str | None = None
    """None: it is a local model."""
    key: Secret | None = None
    voice: str | None = None
    """Speaks to clients that were written for another provider."""

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]

    @property
    def model(self) -> str:
        """As its provider calls it."""
        return self.name.partition("/")[2]

    @property
    def path(self) -> str:
        """As the configuration calls it, upstream/model."""
        return f"{self.upstream}/{self.model}"

    @property
    def dialect(self) -> str | None:
        """The name of the dialect that the upstream speaks; None: it is a local model."""
        if self.upstream == LOCAL:
            return None
        from antiphon.processors.remote.providers import dialect_of

        return dialect_of(self.name).name

    def build(self) -> "Model":
        """The model, for one session. Raises ModelError."""
        if self.upstream == LOCAL:
            from antiphon.processors.models import find_model

            return find_model(f"{self.name}?{self.options}" if self.options else self.name)
        from antiphon.processors.remote.providers import remote_model

        key = KEYLESS if self.key is None else self.key.reveal()
        return remote_model(self.name, key=key, base_url=self.base_url)


class Routes:
    """Finds who answers.

    A name that a client asks for is looked up, in this order:

    1. in the key's own routes, as it is, then as a pattern, the most literal first;
    2. in the routes of all keys, likewise;
    3. with pass-through, among the models of upstreams: `xai/grok-voice-latest` is asked of the
       upstream `xai`, a name without an upstream's of the one that is called as the front's
       provider. At the fronts of gateways (Opper's, Vercel's), where every name begins with a
       provider's, that gateway comes first and the named provider then; a name that begins with a
       provider for which there is no upstream is not passed to another provider. At Vercel's
       front a name without a provider's is OpenAI's, as there;
    4. else the key's default answers, or that of all keys.

    `models/` before a name, as Gemini's clients write it, does not count. Local models are
    reached by routes and defaults only.

    Nothing else of a name has any meaning: it has letters, digits and `.-_:@/`, no part of it
    begins with a dot, or it is unknown. So it carries neither options nor an address.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises RouteError, which reading a configuration has found before."""
        self._settings = settings
        self._all = Aliases(dict(self._goals(settings.routes)))
        self._usual = self._goal(settings.default, {})
        self._own: dict[str, Aliases] = {}

    def upstream(self, asked: str | None, *, dialect: str, key: Key) -> Target:
        """Who answers a client of the front *dialect* that has asked for the model *asked*.

        Raises NoSuchModel and NotAllowed.
        """
        goal = self._found(asked, dialect, key) or self._default(key)
        if goal is None or not is_name(goal.model):
            raise NoSuchModel(asked)
        target = self._target(goal)
        if not any(fits(pattern, target.path) for pattern in key.models):
            raise NotAllowed(asked, key.name)
        return target

    def _found(self, asked: str | None, dialect: str, key: Key) -> Goal | None:
        if asked is None or not is_name(name := plain(asked)):
            return None
        own = self._aliases(key).find(name) if key.routes else None
        return own or self._all.find(name) or self._passed(name, FRONTS[dialect])

    def _aliases(self, key: Key) -> Aliases:
        aliases = self._own.get(key.name)
        if aliases is None:
            aliases = self._own[key.name] = Aliases(dict(self._goals(key.routes)))
        return aliases

    def _goals(self, routes: Mapping[str, str]) -> Iterator[tuple[str, Goal]]:
        tables = (routes, self._settings.routes)
        for name, to in routes.items():
            yield name, goal_of(to, tables, self._settings.upstreams, via=name)

    def _passed(self, name: str, provider: str) -> Goal | None:
        if not self._settings.pass_through:
            return None
        from antiphon.processors.remote.providers import PROVIDERS

        there = self._settings.upstreams
        first, slash, rest = name.partition("/")
        named = SYNONYMS.get(first, first) if slash else ""
        if provider in GATEWAYS and provider in there and named != provider:
            return Goal(provider, name)
        if named in there:
            return Goal(named, rest)
        if provider == "vercel" and not slash:
            provider = UNNAMED
        if named in PROVIDERS or named == LOCAL:
            return None
        return Goal(provider, name) if provider in there else None

    def _default(self, key: Key) -> Goal | None:
        return self._usual if key.default is None else self._goal(key.default, key.routes)

    def _goal(self, default: str | None, routes: Mapping[str, str]) -> Goal | None:
        if default is None or default == NOBODY:
            return None
        return goal_of(default, (routes, self._settings.routes), self._settings.upstreams)

    def _target(self, goal: Goal) -> Target:
        if goal.upstream == LOCAL:
            return Target(name=f"{LOCAL}/{goal.model}", upstream=LOCAL, options=goal.options)
        from antiphon.processors.remote.providers import dialect_of

        upstream = self._settings.upstreams[goal.upstream]
        name = f"{upstream.provider or goal.upstream}/{goal.model}"
        return Target(
            name=name,
            upstream=goal.upstream,
            base_url=upstream.base_url or dialect_of(name).base_url,
            key=upstream.key,
            voice=upstream.voice,
        )


def fits(pattern: str, name: str) -> bool:
    """Whether *name* is what *pattern*, in which `*` stands for anything, describes."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _model(asked: str) -> str:
    return f"no model {_shortened(asked)}"


def _shortened(asked: str) -> str:
    return repr(asked if len(asked) <= 80 else f"{asked[:80]}...")
