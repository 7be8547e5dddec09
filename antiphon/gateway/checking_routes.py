"""Whether every route leads somewhere, and can be used by somebody."""

from collections.abc import Iterable, Mapping

from antiphon.gateway.aliases import LOCAL, Goal, RouteError, goal_of, is_name, plain
from antiphon.gateway.places import Path
from antiphon.gateway.routing import fits
from antiphon.gateway.settings import NOBODY, KeySettings, Settings
from antiphon.gateway.tables import Reader


def check_routes(settings: Settings, reader: Reader) -> None:
    """Tells *reader* of routes that lead nowhere, or that nobody can use.

    Local models that are written down are built once, which tells whether their options are
    right and their files there.
    """
    checker = _Checker(settings, reader)
    checker.routes(settings.routes, ("routes",), (settings.routes,), None)
    if settings.default is not None and reader.place(("default",)) is not None:
        checker.goal(settings.default, ("default",), (settings.routes,), None)
    for name, agent in settings.agents.items():
        if not is_name(plain(name)):
            reason = "can never be asked for: names have letters, digits and .-_:@/"
            reader.problem(("agents", name), reason)
        if agent.model is not None:
            checker.goal(agent.model, ("agents", name, "model"), (settings.routes,), None)
    for name, key in settings.keys.items():
        tables = (key.routes, settings.routes)
        checker.patterns(key.models, ("keys", name, "models"))
        checker.routes(key.routes, ("keys", name, "routes"), tables, key)
        if key.default is not None:
            checker.goal(key.default, ("keys", name, "default"), tables, key)


class _Checker:
    def __init__(self, settings: Settings, reader: Reader) -> None:
        self._upstreams = settings.upstreams
        self._reader = reader
        self._built: dict[Goal, str | None] = {}
        """Local models, and what is wrong with them."""

    def routes(
        self,
        routes: Mapping[str, str],
        path: Path,
        tables: tuple[Mapping[str, str], ...],
        key: KeySettings | None,
    ) -> None:
        names: dict[str, str] = {}
        for name, to in routes.items():
            here = (*path, name)
            if name.count("*") > 1:
                self._reader.problem(here, "has more than one *")
            elif not is_name(plain(name).replace("*", "x")):
                reason = "can never be asked for: names have letters, digits and .-_:@/"
                self._reader.problem(here, reason)
            elif (other := names.setdefault(plain(name), name)) != name:
                self._reader.problem(here, f'is the same as "{other}": models/ does not count')
            self.goal(to, here, tables, key, via=name)

    def goal(
        self,
        to: str,
        path: Path,
        tables: tuple[Mapping[str, str], ...],
        key: KeySettings | None,
        *,
        via: str = "",
    ) -> None:
        """*to* is the right side of a route called *via*, or a default."""
        if to == NOBODY and not via:
            return
        try:
            goal = goal_of(to, tables, self._upstreams, via=via)
        except RouteError as error:
            self._reader.problem(path, str(error))
            return
        name = f"{goal.upstream}/{goal.model}"
        allowed = ("*",) if key is None else key.models
        if "*" not in name and not any(fits(pattern, name) for pattern in allowed):
            self._reader.problem(path, f"can never be used: models does not allow {name}")
        elif goal.upstream == LOCAL and (wrong := self._wrong(goal)):
            self._reader.problem(path, wrong)

    def _wrong(self, goal: Goal) -> str | None:
        if goal not in self._built:
            self._built[goal] = _unbuildable(goal)
        return self._built[goal]

    def patterns(self, patterns: Iterable[str], path: Path) -> None:
        """Those of the models that a key may use."""
        there = [LOCAL, *self._upstreams]
        for index, pattern in enumerate(patterns):
            head, star, _ = pattern.partition("*")
            upstream, slash, _ = head.partition("/")
            if slash:
                possible = upstream in there
            else:
                possible = bool(star) and any(one.startswith(head) for one in there)
            if not possible:
                reason = f'"{pattern}" fits no upstream/model; the upstreams are {", ".join(there)}'
                self._reader.problem((*path, index), reason)


def _unbuildable(goal: Goal) -> str | None:
    from antiphon.processors.models import ModelError, find_model

    name = f"{goal.upstream}/{goal.model}"
    try:
        find_model(f"{name}?{goal.options}" if goal.options else name)
    except ModelError as error:
        return f"leads to a model that cannot be used: {error}"
    except ImportError as error:
        return f"leads to {name}, which needs antiphon[local]: {error}"
    return None
