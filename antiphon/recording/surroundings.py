"""What of the world a bot may look at while it is replayed: it shall find what it found then."""

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.pipeline import clock


@contextmanager
def surroundings(began: int) -> Generator[None]:
    """As if it were *began*, in nanoseconds since 1970, and every provider had a key."""
    with _keys(find_dialect(name).key_variable for name in DIALECTS), _wall_clock(began):
        yield


@contextmanager
def _keys(variables: Iterable[str]) -> Generator[None]:
    """No connection is opened, so no key is needed; a model wants to have one."""
    added = {name for name in variables if not os.environ.get(name)}
    os.environ.update(dict.fromkeys(added, "replayed"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _wall_clock(began: int) -> Generator[None]:
    """The local model tells the time, which it asks of this name of its module."""
    import antiphon.processors.local.assistant as module

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            moment = datetime.fromtimestamp(began / 1e9, UTC)
            moment += timedelta(microseconds=clock.now())
            return moment.astimezone(tz) if tz else moment.astimezone().replace(tzinfo=None)

    name = "datetime"
    before = getattr(module, name)
    setattr(module, name, Then)
    try:
        yield
    finally:
        setattr(module, name, before)
