"""`antiphon dialects`: what each can say, as a table or as data."""

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from antiphon.codec.lines import plain
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Dialect, Repertoire
from antiphon.codecs.dialects import DIALECTS, UnknownDialect, find_dialect
from antiphon.codecs.events import ClientEvent, EventFrame, ServerEvent

WIDTH = 110
"""Columns of the text that explains; the table takes what its dialects need."""

GAP = "  "

CELLS = {"native": "native", "emulated": "emul.", None: "-"}

LEGEND = """\
native: it has a message for the event
emul.:  it gets the event across in another way, told below
-:      dropped, or refused where silence would mislead"""

Kinds = tuple[type[EventFrame], ...]

CLIENT: Kinds = get_args(ClientEvent)
SERVER: Kinds = get_args(ServerEvent)


def catalogue(names: Sequence[str], *, as_json: bool) -> int:
    """Print the dialects of these *names*, or all; 2 if there is no such dialect."""
    try:
        dialects = [find_dialect(name) for name in dict.fromkeys(names or DIALECTS)]
    except UnknownDialect as error:
        print(f"antiphon: {plain(str(error))}", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps({"dialects": [as_data(dialect) for dialect in dialects]}, indent=2))
        return 0
    encoding = (sys.stdout and sys.stdout.encoding) or "utf-8"
    for line in text(dialects):
        print(line.encode(encoding, "replace").decode(encoding))
    return 0


def as_data(dialect: Dialect) -> dict[str, Any]:
    rates = dialect.rates(SessionConfig())
    return {
        "name": dialect.name,
        "title": dialect.title,
        "page": dialect.page,
        "base_url": dialect.base_url,
        "key_variable": dialect.key_variable,
        "auth": dialect.auth,
        "limits": dialect.limits,
        "rates": {"input": rates.input, "output": rates.output},
        "tickets": dialect.minting is not None,
        "client": _repertoire_data(dialect.repertoire_of_client, CLIENT),
        "server": _repertoire_data(dialect.repertoire_of_server, SERVER),
    }


def _repertoire_data(repertoire: Repertoire, kinds: Kinds) -> dict[str, dict[str, str]]:
    data: dict[str, dict[str, str]] = {}
    for kind in kinds:
        data[tag(kind)] = {"how": repertoire.how(kind) or "dropped"}
        if kind in repertoire.emulated:
            data[tag(kind)]["as"] = repertoire.emulated[kind]
    return data


def text(dialects: Sequence[Dialect]) -> Iterator[str]:
    """One dialect in detail, or several side by side and then each for itself."""
    if len(dialects) == 1:
        (dialect,) = dialects
        yield from _facts(dialect)
        for head, repertoire, kinds in _sides(dialect):
            yield ""
            yield from _details(head, repertoire, kinds)
        return
    yield LEGEND
    yield ""
    yield from _table(dialects)
    for number, dialect in enumerate(dialects):
        if number:
            yield ""
        yield from _facts(dialect)
        yield from _emulations(dialect)


def tag(kind: type[EventFrame]) -> str:
    """How the event is called on the wire: `audio-delta`."""
    return str(kind.__struct_config__.tag)


def _sides(dialect: Dialect) -> tuple[tuple[str, Repertoire, Kinds], ...]:
    return (
        ("client events", dialect.repertoire_of_client, CLIENT),
        ("server events", dialect.repertoire_of_server, SERVER),
    )


# Side by side.


def _table(dialects: Sequence[Dialect]) -> Iterator[str]:
    """A column a dialect; a name of two words is on two lines."""
    heads = [("", *dialect.name.split("_", 1))[-2:] for dialect in dialects]
    first = max(len(tag(kind)) for kind in (*CLIENT, *SERVER))
    widths = [max(map(len, (*CELLS.values(), *head))) for head in heads]
    rule = "-" * (first + sum(widths) + len(GAP) * len(widths))

    def row(title: str, cells: Iterable[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return GAP.join((title.ljust(first), *padded)).rstrip()

    for side in zip(*map(_sides, dialects), strict=True):
        title, _, kinds = side[0]
        if any(above for above, _ in heads):
            yield row("", (above for above, _ in heads))
        yield row(title, (name for _, name in heads))
        yield rule
        for kind in kinds:
            yield row(tag(kind), (CELLS[repertoire.how(kind)] for _, repertoire, _ in side))
        yield ""


# One for itself.


def _facts(dialect: Dialect) -> Iterator[str]:
    rates = dialect.rates(SessionConfig())
    yield f"{dialect.name}: {dialect.title}"
    yield from _fact("page", dialect.page)
    yield from _fact("base URL", dialect.base_url)
    yield from _fact("key", dialect.key_variable)
    yield from _fact("auth", dialect.auth)
    yield from _fact(
        "audio", f"{rates.input} Hz in, {rates.output} Hz out, unless settled otherwise"
    )
    yield from _fact("limits", dialect.limits)
    yield from _fact("tickets", "no" if dialect.minting is None else "minted for browsers")


def _emulations(dialect: Dialect) -> Iterator[str]:
    """Those of both sides: few events are said by both."""
    kinds_by_how: dict[str, dict[str, None]] = {}
    for _, repertoire, kinds in _sides(dialect):
        for kind in kinds:
            if kind in repertoire.emulated:
                kinds_by_how.setdefault(repertoire.emulated[kind], {})[tag(kind)] = None
    for number, (how, tags) in enumerate(kinds_by_how.items()):
        yield from _fact("" if number else "emulated", f"{', '.join(tags)}: {how}")


def _details(title: str, repertoire: Repertoire, kinds: Kinds) -> Iterator[str]:
    yield title
    for kind in kinds:
        how = repertoire.how(kind) or "dropped"
        if kind in repertoire.emulated:
            how = f"{how}: {repertoire.emulated[kind]}"
        yield from _wrapped(f"  {tag(kind):32}", how)


def _fact(name: str, value: str) -> Iterator[str]:
    return _wrapped(f"  {name:10}", value)


def _wrapped(name: str, value: str) -> Iterator[str]:
    indent = " " * len(name)
    yield from textwrap.wrap(
        value,
        WIDTH,
        initial_indent=name,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [name.rstrip()]
