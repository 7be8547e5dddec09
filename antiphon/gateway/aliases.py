"""Routes as they are written: names and patterns of names, and what they lead to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

LOCAL = "local"
"""The upstream that runs here."""

LONGEST = 200

_SEGMENT = r"[A-Za-z0-9_:@-][A-Za-z0-9_:@.-]*"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
"""No segment begins with a dot, so that no path can be climbed with it."""


class RouteError(ValueError):
    """A route leads nowhere; the message is the end of a sentence about it."""


def is_name(text: str) -> bool:
    """Whether *text* may be asked of a provider: letters, digits and `.-_:@/`."""
    return len(text) <= LONGEST and _NAME.fullmatch(text) is not None


def plain(name: str) -> str:
    """*name* without what Gemini's clients may or may not put before it."""
    return name.removeprefix("models/")


class Goal(NamedTuple):
    """What a route leads to in the end."""

    upstream: str
    model: str
    """May have a `*`, for what the route's own stood for."""
    options: str = ""
    """Of a local model, as in a query."""


class _Pattern(NamedTuple):
    prefix: str
    suffix: str
    goal: Goal

    def caught(self, name: str) -> str | None:
        """What the `*` stands for in *name*."""
        whole = len(self.prefix) + len(self.suffix)
        if len(name) < whole or not name.startswith(self.prefix):
            return None
        if not name.endswith(self.suffix):
            return None
        return name[len(self.prefix) : len(name) - len(self.suffix)]


class Aliases:
    """Routes that can be looked up: a name as it is, then patterns, the most literal first."""

    def __init__(self, goals: Mapping[str, Goal]) -> None:
        self._exact = {plain(name): goal for name, goal in goals.items() if "*" not in name}
        patterns: list[_Pattern] = []
        for name, goal in goals.items():
            prefix, star, suffix = plain(name).partition("*")
            if star:
                patterns.append(_Pattern(prefix, suffix, goal))
        self._patterns = sorted(
            patterns, key=lambda one: (-len(one.prefix + one.suffix), -len(one.prefix), one.prefix)
        )

    def find(self, name: str) -> Goal | None:
        if (goal := self._exact.get(name)) is not None:
            return goal
        for pattern in self._patterns:
            if (caught := pattern.caught(name)) is not None:
                goal = pattern.goal
                return goal._replace(model=goal.model.replace("*", caught))
        return None


def goal_of(
    name: str, routes: Sequence[Mapping[str, str]], upstreams: Iterable[str], *, via: str = ""
) -> Goal:
    """What *name*, the right side of a route, leads to in the end; raises RouteError.

    It is upstream/model, or the name of another route: of the first of *routes* that has it, and
    from there on of this and those behind it. *via* is the route's own name, in the first.
    """
    scope, seen = 0, [(0, via)] if via else []
    while True:
        path, _, options = name.partition("?")
        upstream, slash, model = path.partition("/")
        if slash and upstream in (LOCAL, *upstreams):
            return _goal(upstream, model, options, "*" in via)
        there = (at for at, table in enumerate(routes) if at >= scope and name in table)
        if (scope := next(there, -1)) < 0:
            raise RouteError(_nowhere(name, routes, upstreams))
        if (scope, name) in seen:
            way = " -> ".join((*(one for _, one in seen), name))
            raise RouteError(f"leads to itself: {way}")
        if "*" in name:
            raise RouteError(f'leads to "{name}", which is a pattern; only one name can follow')
        seen.append((scope, name))
        name = routes[scope][name]


def _goal(upstream: str, model: str, options: str, pattern: bool) -> Goal:
    if upstream == LOCAL and "*" in model:
        raise RouteError("has a * in a local model, which has to be named")
    if upstream != LOCAL and options:
        raise RouteError(f"has options, which only local models have; see [upstreams.{upstream}]")
    if model.count("*") > pattern:
        raise RouteError("has more * than its name, for which they stand")
    if not is_name(model.replace("*", "x")):
        raise RouteError(f'leads to "{upstream}/{model}", which can be no model\'s name')
    return Goal(upstream, model, options)


def _nowhere(name: str, routes: Sequence[Mapping[str, str]], upstreams: Iterable[str]) -> str:
    from antiphon.processors.remote.providers import PROVIDERS

    upstream, slash, _ = name.partition("/")
    if not slash:
        near = nearest(name, [route for table in routes for route in table if "*" not in route])
        return f'leads to "{name}", which is neither upstream/model nor another route{near}'
    if upstream in PROVIDERS:
        return f'leads to "{name}", but there is no [upstreams.{upstream}]'
    there = [LOCAL, *upstreams]
    near = nearest(upstream, [*there, *PROVIDERS])
    return f'leads to "{name}", but the upstreams are {", ".join(there)}{near}'


def nearest(name: str, names: Iterable[str]) -> str:
    """A suggestion, if there is any."""
    near = get_close_matches(name, list(names), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
