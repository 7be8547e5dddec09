"""Lines of a TOML document, checked against documents in which every value can be found."""

import re
import tomllib
from collections.abc import Iterator
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.gateway.places import Path, Place, places, shown

MARK = re.compile(r"7\d{5}")

KEYS = ("k{}", "1-{}", '"a b{}"', '"a.b{}"', "'c]d{}'", '"=#[{}"', '"\\u00e9\\"{}"', "'\\{}'")

SCALARS = (
    "{}",
    "-{}",
    "{}.5e3 ",
    "1979-05-27 07:32:00.{}",
    '"{} [x] # = \\" \\\\"',
    "'{} \\'",
    '"""{}\n[x]\na = 1\n\\""" # \\\\"""',
    '"""{} ""two""\n"""""',
    "'''{}\n[[x]]\n'' \\'''",
    "'''{} \n'''''",
    "'''{}'''",
    '"""{}"""',
)

LINE = (" ", "  ", "\t")
LINES = (*LINE, "\n", " # ] [x] 'a\n  ", "\n\n")
"""Inline tables stand on one line, arrays need not."""

BETWEEN = ("\n", "  # a = 1 [x] '''\n", "\t\n")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """TOML with a number in each value that is nowhere else."""
    numbers, keys = count(700_001), count()

    def key() -> str:
        return draw(st.sampled_from(KEYS)).format(next(keys))

    def dotted() -> str:
        return " . ".join(key() for _ in range(draw(st.integers(1, 3))))

    def value(depth: int) -> str:
        kind = draw(st.sampled_from(("scalar", "scalar", "array", "table")))
        if kind == "scalar" or not depth:
            return draw(st.sampled_from(SCALARS)).format(next(numbers))
        many = range(draw(st.integers(0, 3)))
        if kind == "array":
            space = draw(st.sampled_from(LINES))
            return f"[{space}{f'{space},{space}'.join(value(depth - 1) for _ in many)}{space}]"
        space = draw(st.sampled_from(LINE))
        inner = f"{space},".join(f"{space}{dotted()} = {value(depth - 1)}" for _ in many)
        return f"{{{inner}{space}}}"

    text = ""
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(("blank", "header", "array", "in array", "said", "said")))
        if kind == "blank":
            text += draw(st.sampled_from(BETWEEN))
        elif kind == "header":
            text += f" [ {dotted()} ]  # '''\n"
        elif kind == "array" or (kind == "in array" and "[[all]]" not in text):
            text += "[[all]]\n"
        elif kind == "in array":
            text += draw(st.sampled_from((f"[all.{dotted()}]\n", f"[[ all . {key()} ]]\n")))
        else:
            text += f'{dotted()} = {value(2)} # "\n'
    return text


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for name, one in cast(dict[str, Any], value).items():
            yield from leaves(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(cast(list[Any], value)):
            yield from leaves(one, (*path, index))
    else:
        yield path, value


def tables(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, one in cast(dict[str, Any], value).items():
            yield from tables(one, (*path, name))


@given(documents(), st.booleans())
def test_every_value_is_found_at_its_line(text: str, windows: bool) -> None:
    text = text.replace("\n", "\r\n") if windows else text
    said = tomllib.loads(text)

    found = places(text)

    for path, value in leaves(said):
        mark = MARK.search(str(value))
        assert mark is not None
        assert found[path].line == text[: text.index(mark[0])].count("\n") + 1
    assert set(tables(said)) <= set(found)


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ("a = 1", ("a",), Place(1, ())),
        ("\n[t]\n# c\na = 1", ("t", "a"), Place(4, ("t",))),
        ("[t]\na.b = 1\na.c = 2", ("t", "a"), Place(2, ("t",))),
        ("[t]\na.b = 1\na.c = 2", ("t", "a", "c"), Place(3, ("t",))),
        ("[a.b]\nc = 1\n[a]\nd = 1", ("a", "d"), Place(4, ("a",))),
        ("[a.b]\nc = 1\n[a]\nd = 1", ("a",), Place(1, ("a", "b"))),
        ("[[a]]\n[[a]]\nb = 1", ("a", 1, "b"), Place(3, ("a", 1), True)),
        ("[[a]]\n[a.c]\n[[a]]\n[a.c]\nd = 1", ("a", 1, "c", "d"), Place(5, ("a", 1, "c"))),
        ("[[a]]\n[[a.b]]\n[[a.b]]\nx = 1", ("a", 0, "b", 1, "x"), Place(4, ("a", 0, "b", 1), True)),
        ("a = [\n  1,\n  2,\n]", ("a", 1), Place(3, ())),
        ("a = [\n{b = 1},\n{b = 1}]", ("a", 1, "b"), Place(3, ())),
        ("a = ['''x''''',\n1]", ("a", 1), Place(2, ())),
        ('a = ["""x""""",\n1]', ("a", 1), Place(2, ())),
        ("a = '''\nb = 1\n'''\nb = 1", ("b",), Place(4, ())),
        ('a = """\n[b]\\\n"""\n[b]', ("b",), Place(4, ("b",))),
    ],
)
def test_it_is_found_under_which_header_something_stands(
    text: str, path: Path, place: Place
) -> None:
    assert places(text)[path] == place


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("a = 1", ("a",), "a"),
        ("[keys.al]\nlimits.idle = 1", ("keys", "al", "limits", "idle"), "[keys.al] limits.idle"),
        ("[keys.alice.limits]\nx = 1", ("keys", "alice", "limits", "x"), "[keys.alice.limits] x"),
        ("[keys.alice]\n", ("keys", "alice"), "[keys.alice]"),
        ("[r]\n'a b' = 1", ("r", "a b"), '[r] "a b"'),
        ("[r]\nx = [1, 2]", ("r", "x", 1), "[r] x[1]"),
        ("[[r.s]]\n[[r.s]]\nx = 1", ("r", "s", 1, "x"), "[[r.s]] x"),
    ],
)
def test_a_setting_is_named_as_its_author_wrote_it(text: str, path: Path, words: str) -> None:
    assert shown(path, places(text)[path]) == words
