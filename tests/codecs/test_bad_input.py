"""Whatever comes in, an end raises nothing but WireError, goes on, and does not grow."""

import gc
import itertools
import json
import sys
import types
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.codecs.wire import Message, WireError
from tests.codecs.recorded import Side, recorded
from tests.codecs.strategies import json_values

SIDES: tuple[Side, ...] = ("client", "server")

each_end = pytest.mark.parametrize(("name", "side"), list(itertools.product(DIALECTS, SIDES)))


def hearer(name: str, side: Side) -> Any:
    """The end that hears what the *side* says."""
    dialect = find_dialect(name)
    return (dialect.server if side == "client" else dialect.client)("")


def sayer(name: str, side: Side) -> Any:
    dialect = find_dialect(name)
    return (dialect.client if side == "client" else dialect.server)("")


def survives(end: Any, message: Message) -> list[Any]:
    """What *end* hears; nothing, if it is a mistake."""
    try:
        return list(end.decode(message, 1))
    except WireError as error:
        assert error.path.startswith("$")
        return []


def samples(name: str, side: Side) -> tuple[Message, ...]:
    """What a *side* says: recorded, or as its own end would say what the others were heard to."""
    own = tuple(message for _, message in recorded(name, side))
    return own or tuple(_translated(name, side))


def _translated(name: str, side: Side) -> Iterator[Message]:
    says, hears = sayer(name, side), hearer("openai", side)
    for _, message in recorded("openai", side):
        for event in hears.decode(message):
            try:
                yield from says.encode(event)
            except ValueError:  # it is not of that dialect's repertoire
                continue


# Anything at all.


@each_end
@given(message=st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_and_any_text(name: str, side: Side, message: Message) -> None:
    survives(hearer(name, side), message)


@each_end
@given(value=json_values | st.dictionaries(st.just("type") | st.text(max_size=8), json_values))
def test_any_json(name: str, side: Side, value: Any) -> None:
    survives(hearer(name, side), json.dumps(value))


MALFORMED: tuple[Message, ...] = (
    "",
    " ",
    "{",
    "}",
    "[]",
    "null",
    "NaN",
    '{"type":null}',
    '{"type":NaN}',
    '{"type":"\\ud800"}',
    '{"type":"\ud800"}',
    b'{"type":"\xff"}',
    b"\xef\xbb\xbf{}",
    b"\x00",
    "[" * 100_000,
    '{"a":' * 2_000 + "1" + "}" * 2_000,
    '{"type":"x","a":' + "[" * 900 + "]" * 900 + "}",
    '{"type":"x","a":1e400}',
    f'{{"type":"x","a":{10**400}}}',
)


NONSENSE = [message for message in MALFORMED if isinstance(message, str) and len(message) < 40]
"""What is no message in any dialect: bytes may be audio."""


@each_end
@pytest.mark.parametrize("message", MALFORMED, ids=lambda message: repr(message)[:24])
def test_what_is_no_message(name: str, side: Side, message: Message) -> None:
    survives(hearer(name, side), message)


# What was recorded, with mistakes in it.


class Literally:
    """JSON that no Python value stands for, in the place of a value."""

    def __init__(self, text: str) -> None:
        self.text = text


WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    5,
    1.5,
    2**70,
    -(2**63) - 1,
    1e308,
    "",
    "wrong",
    "&&&",
    "A",
    "YQ==",
    "YWJj",
    "é" * 5,
    [],
    [None],
    [[]],
    {},
    {"type": 5},
    {"a": {"b": [2**70]}},
    Literally("1e400"),
    Literally(str(10**400)),
    Literally("NaN"),
    Literally("-Infinity"),
    Literally('"\\ud800"'),
    Literally("[" * 2_000 + "]" * 2_000),
    Literally('{"a":' * 150 + "1" + "}" * 150),
)
"""Each would be right in some place, and is wrong in most."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something is in *value*."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in cast("dict[str, Any]", value).items():
            yield from places(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(cast("list[Any]", value)):
            yield from places(one, (*path, number))


def changed(value: Any, path: tuple[Any, ...], wrong: Any) -> str:
    """*value* as JSON, with something *wrong* in its place; Ellipsis is nothing at all."""
    whole = json.loads(json.dumps(value))
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    if wrong is ...:
        del inner[path[-1]]
        return json.dumps(whole)
    inner[path[-1]] = "\0here" if isinstance(wrong, Literally) else wrong
    text = json.dumps(whole)
    return text.replace('"\\u0000here"', wrong.text) if isinstance(wrong, Literally) else text


@each_end
def test_every_field_wrong_in_every_way(name: str, side: Side) -> None:
    """And whatever could be read after all, the other end can be told."""
    end, again = hearer(name, side), sayer(name, side)
    for message in samples(name, side):
        try:
            value = json.loads(message)
        except ValueError:
            continue  # a binary frame
        for path in places(value):
            for wrong in (..., *WRONG):
                for event in survives(end, changed(value, path, wrong)):
                    try:
                        list(again.encode(event))
                    except ValueError as error:
                        assert type(error).__name__ in ("WireError", "Unsayable")


@each_end
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50, deadline=None)
@given(data=st.data())
def test_several_mistakes_in_any_order(name: str, side: Side, data: st.DataObject) -> None:
    messages = samples(name, side)
    if not messages:
        return
    end = hearer(name, side)

    for message in data.draw(st.lists(st.sampled_from(messages), max_size=8)):
        try:
            value = json.loads(message)
        except ValueError:
            survives(end, message)
            continue
        where = list(places(value))
        if where and data.draw(st.booleans()):
            path = data.draw(st.sampled_from(where))
            wrong = data.draw(json_values | st.sampled_from((..., *WRONG)))
            survives(end, changed(value, path, wrong))
        else:
            cut = data.draw(st.integers(0, len(message)))
            survives(end, message[:cut])
        survives(end, message)


@each_end
def test_a_mistake_does_not_spoil_what_follows(name: str, side: Side) -> None:
    """Messages are heard the same whether there is nonsense between them or not."""
    messages = samples(name, side)
    plain, troubled = hearer(name, side), hearer(name, side)

    for message in messages:
        for nonsense in NONSENSE:
            try:
                list(troubled.decode(nonsense, 1))
            except WireError:
                continue
        assert survives(troubled, message) == survives(plain, message)


# What it costs.

WARM, ROUNDS = 1_100, 400
"""How often each message comes until all that is bounded is full, and then again."""

NUMBER = 987_654_321
"""In the place of what is another each time."""


def templates(name: str, side: Side) -> list[str]:
    """Messages in which all ids are to be filled in."""
    texts: list[str] = []
    for message in samples(name, side):
        try:
            value = json.loads(message)
        except ValueError:
            continue  # a binary frame
        text = json.dumps(_numbered(value))
        if len(text) < 600:
            texts.append(text)
    return texts


def _numbered(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: _id(key, one) for key, one in fields.items()}
    return (
        [_numbered(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value
    )


def _id(key: str, value: Any) -> Any:
    if isinstance(value, str) and key.endswith("id"):
        return f"{value}-{NUMBER}"
    return NUMBER if type(value) is int and key in ("event_id", "turn") else _numbered(value)


@each_end
def test_no_end_grows_with_what_it_hears(name: str, side: Side) -> None:
    end, texts = hearer(name, side), templates(name, side)

    def feed(first: int, last: int) -> None:
        for number in range(first, last):
            for text in texts:
                survives(end, text.replace(str(NUMBER), str(number)))
            list(end.due())

    feed(0, WARM)
    before = size_of(end)
    feed(WARM, WARM + ROUNDS)

    assert size_of(end) <= before * 1.05 + 1_000


@each_end
def test_no_end_grows_with_what_it_says(name: str, side: Side) -> None:
    """Of a conversation that goes on and on, with new names for everything."""
    says = sayer(name, side)
    source = name if recorded(name, side) else "openai"
    hears, texts = hearer(source, side), templates(source, side)

    def feed(first: int, last: int) -> None:
        for number in range(first, last):
            for text in texts:
                for event in survives(hears, text.replace(str(NUMBER), str(number))):
                    try:
                        list(says.encode(event))
                    except ValueError:
                        continue
            list(says.due())

    feed(0, WARM)
    before = size_of(says)
    feed(WARM, WARM + ROUNDS)

    assert size_of(says) <= before * 1.05 + 1_000


@each_end
def test_a_message_costs_the_same_however_long_the_session_is(name: str, side: Side) -> None:
    """In calls that Python makes, which no other work on the machine disturbs."""
    end, texts = hearer(name, side), templates(name, side)

    def feed(first: int, last: int) -> int:
        calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            for number in range(first, last):
                for text in texts:
                    survives(end, text.replace(str(NUMBER), str(number)))
                list(end.due())
        finally:
            sys.setprofile(None)
        return calls

    feed(0, 300)  # until what is bounded is full
    early = feed(300, 330)
    feed(330, 1000)
    late = feed(1000, 1030)

    assert late <= early * 1.2 + 100


def size_of(thing: object) -> int:
    """Of all that it holds for itself, in bytes."""
    seen: set[int] = set()
    rest, size = [thing], 0
    while rest:
        one = rest.pop()
        if id(one) in seen or isinstance(one, type | types.ModuleType | types.FunctionType):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        rest += gc.get_referents(one)
    return size
