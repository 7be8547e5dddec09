"""What a session has cost."""

from typing import Any

from antiphon.codecs import events
from antiphon.codecs.usage import Usage


def after(usage: Usage, event: events.ServerEvent) -> Usage:
    """*usage* once *event* was heard: responses are added up, a snapshot stands for itself."""
    match event:
        case events.ResponseDone(usage=Usage() as more):
            return _sum(usage, more)
        case events.SessionUsage(usage=whole) | events.SessionClosed(usage=Usage() as whole):
            return whole
        case _:
            return usage


def _sum(one: Usage, other: Usage) -> Usage:
    total: dict[str, Any] = {}
    for name in Usage.__struct_fields__:
        first, second = getattr(one, name), getattr(other, name)
        total[name] = first if second is None else (first or 0) + second
    return Usage(**total)
