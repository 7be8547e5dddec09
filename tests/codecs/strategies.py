"""Draws any event, item or configuration: the strategies that all tests of codecs share."""

import functools
from typing import Any, cast, get_args

import msgspec
from hypothesis import strategies as st

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.events import ClientEvent, Event, EventFrame, ServerEvent
from antiphon.codecs.items import ImagePart, Item, JsonObject

JSON_INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
"""Those that every JSON implementation keeps."""

_json_leaves = (
    st.none()
    | st.booleans()
    | JSON_INTEGERS
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
json_values: st.SearchStrategy[Any] = st.recursive(
    _json_leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)
json_objects: st.SearchStrategy[JsonObject] = st.dictionaries(
    st.text(max_size=8), json_values, max_size=3
)
pcm: st.SearchStrategy[bytes] = st.lists(st.integers(-(2**15), 2**15 - 1), max_size=16).map(
    lambda samples: b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)
)
_images = st.builds(
    ImagePart, data=st.binary(max_size=8), media_type=st.none() | st.text(max_size=8)
) | st.builds(ImagePart, url=st.text(max_size=8), detail=st.none() | st.text(max_size=8))


@functools.cache
def of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any struct of this *kind*: what it requires is filled, the rest may be."""
    if kind is ImagePart:
        return _images
    fields = _fields(kind)
    required = {field.name: _values(field.type) for field in fields if field.required}
    optional = {field.name: _values(field.type) for field in fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: kind(**given))


def _fields(kind: type[Any]) -> tuple[msgspec.inspect.Field, ...]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return info.fields


def _values(info: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.IntType():
            return JSON_INTEGERS
        case msgspec.inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case msgspec.inspect.StrType():
            return st.text(max_size=8)
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.BytesType():
            return pcm
        case msgspec.inspect.RawType():
            return json_values.map(lambda value: msgspec.Raw(msgspec.json.encode(value)))
        case msgspec.inspect.DictType():
            return json_objects
        case msgspec.inspect.VarTupleType(item_type=item_type):
            return st.lists(_values(item_type), max_size=2).map(tuple)
        case msgspec.inspect.UnionType(types=types):
            return st.one_of([_values(one) for one in types])
        case msgspec.inspect.StructType(cls=kind):
            return of(kind)
        case _:
            raise NotImplementedError(f"no strategy for {info}")


def swapped(value: Any, place: int, other: Any) -> Any:
    """*value* with the *place*th of what is in it replaced."""
    places = [place]

    def walk(inner: Any) -> Any:
        places[0] -= 1
        if places[0] < 0:
            places[0] = 1 << 30
            return other
        if not isinstance(inner, dict):
            return inner
        known = cast("dict[str, Any]", inner)
        return {key: walk(one) for key, one in known.items()}

    return walk(value)


CLIENT_EVENTS: tuple[type[EventFrame], ...] = get_args(ClientEvent)
SERVER_EVENTS: tuple[type[EventFrame], ...] = get_args(ServerEvent)
EVENTS: tuple[type[EventFrame], ...] = get_args(Event)

client_events: st.SearchStrategy[ClientEvent] = st.one_of([of(kind) for kind in CLIENT_EVENTS])
server_events: st.SearchStrategy[ServerEvent] = st.one_of([of(kind) for kind in SERVER_EVENTS])
items: st.SearchStrategy[Item] = st.one_of([of(kind) for kind in get_args(Item)])
session_configs: st.SearchStrategy[SessionConfig] = of(SessionConfig)
