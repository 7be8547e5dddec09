"""JSON of protocol buffers as trees: two spellings of a field, and what is in it."""

import functools
from typing import Any, TypeGuard, TypeVar, get_args

import msgspec

from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import WireError

NAME = "gemini"

T = TypeVar("T", bound=msgspec.Struct)


def respelled(given: JsonObject, kind: type[msgspec.Struct]) -> JsonObject:
    """What *kind* does not know, such as the arguments of a tool, stays as it was written."""
    return _respelled(given, kind)


def _respelled(given: Any, kind: type[msgspec.Struct]) -> Any:
    if is_list(given):
        return [_respelled(one, kind) if is_object(one) else one for one in given]
    if not is_object(given):
        return given
    spellings = _spellings(kind)
    out: JsonObject = {}
    for key, value in given.items():
        name, inner = spellings.get(key, (key, None))
        out[name] = value if inner is None else _respelled(value, inner)
    return out


def is_object(value: Any) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


@functools.cache
def _spellings(kind: type[msgspec.Struct]) -> dict[str, tuple[str, type[msgspec.Struct] | None]]:
    """By either spelling of a field, the one that is read, and of what kind its value is."""
    spellings: dict[str, tuple[str, type[msgspec.Struct] | None]] = {}
    for field in msgspec.structs.fields(kind):
        found = field.encode_name, _struct_in(field.type)
        spellings[field.name] = spellings[field.encode_name] = found
    return spellings


def _struct_in(annotation: Any) -> type[msgspec.Struct] | None:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    found = (_struct_in(one) for one in get_args(annotation))
    return next((one for one in found if one is not None), None)


def shaped(given: JsonObject, kind: type[T], path: str = "$") -> T:
    """*given* as a struct, or a WireError."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).rpartition(" - at `$")
        raise WireError(NAME, path + where.removesuffix("`"), problem) from error


def spelled(name: str, kind: type[msgspec.Struct]) -> str:
    """A field's name in the first spelling, if *kind* knows it."""
    return _spellings(kind).get(name, (name, None))[0]


def object_of(value: Any) -> JsonObject:
    """A copy, empty of what is no object."""
    return dict(value) if is_object(value) else {}
