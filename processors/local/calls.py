"""Which tool answers a request, and with which arguments."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from antiphon.codecs.config import ToolDefinition
from antiphon.processors.local.numerals import duration
from antiphon.processors.local.patterns import Value
from antiphon.processors.local.schema import SlotSpec, ToolHint

Schema = Mapping[str, Any]

UNITS = {"hours": 3600, "minutes": 60, "seconds": 1}
"""Slots with these names make a duration together."""

_UNIT_WORDS = {"hours": {"hour", "hr"}, "minutes": {"minute", "min"}, "seconds": {"second", "sec"}}

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DURATION_WORDS = frozenset(("duration", "length", "time", "delay", "timeout", "amount", "value"))


class Filled(msgspec.Struct, frozen=True):
    """A tool, and what of a request fits its parameters."""

    tool: ToolDefinition
    arguments: dict[str, Any]
    missing: tuple[str, ...]
    """Parameters that it requires and the request does not give."""


def parts(name: str) -> frozenset[str]:
    """The words in `getWeather` or `get_weather`, in the singular."""
    return frozenset(_singular(part.lower()) for part in _PARTS.findall(name))


def _singular(word: str) -> str:
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")


def choose(
    hint: ToolHint,
    tools: Sequence[ToolDefinition],
    slots: Mapping[str, Value],
    specs: Mapping[str, SlotSpec],
) -> Filled | None:
    """The tool whose name fits best, and of several the one that takes most of the slots."""
    unless = frozenset(part for word in hint.unless for part in parts(word))
    for named in hint.named:
        fitting = [
            fill(tool, slots, specs)
            for tool in tools
            if parts(named) <= parts(tool.name) and not unless & parts(tool.name)
        ]
        if fitting:
            return max(fitting, key=lambda filled: len(filled.arguments) - len(filled.missing))
    return None


def fill(tool: ToolDefinition, slots: Mapping[str, Value], specs: Mapping[str, SlotSpec]) -> Filled:
    """Puts each slot into the parameter that has its name or one that it `fits`."""
    properties: Mapping[str, Schema] = tool.parameters.get("properties", {})
    required: Sequence[str] = tool.parameters.get("required", ())
    arguments = dict(_duration(properties, slots))
    left: list[Value] = []
    for name, value in slots.items():
        if name in UNITS:
            continue
        names = (name, *specs[name].fits) if name in specs else (name,)
        for parameter, fitted in _fitting(names, properties, value):
            if parameter not in arguments:
                arguments[parameter] = fitted
                break
        else:
            left.append(value)
    # What has no name in common goes where there is room for just as much.
    room = [name for name in required or properties if name not in arguments]
    if len(room) == len(left):
        pairs = zip(room, left, strict=True)
        fitted = {name: coerced(value, properties.get(name, {})) for name, value in pairs}
        if None not in fitted.values():
            arguments |= fitted
    return Filled(tool, arguments, tuple(name for name in required if name not in arguments))


def slot_for(parameter: str, specs: Mapping[str, SlotSpec]) -> SlotSpec | None:
    """The slot that could fill *parameter*."""
    for name, spec in specs.items():
        names = (name, *spec.fits, *(_DURATION_WORDS if name in UNITS else ()))
        if any(parts(n) <= parts(parameter) for n in names):
            return spec
    return None


def coerced(value: Value | float, schema: Schema) -> Any:
    """*value* as a JSON schema wants it, or None where it cannot be that."""
    for choice in ("anyOf", "oneOf"):
        for option in schema.get(choice, ()):
            if (fitted := coerced(value, option)) is not None:
                return fitted
    if "enum" in schema:
        return next((m for m in schema["enum"] if str(m).lower() == str(value).lower()), None)
    named: str | list[str] = schema.get("type", "any")
    for kind in [named] if isinstance(named, str) else named:
        match kind:
            case "string":
                return str(value)
            case "integer" | "number":
                return _number(value, whole=kind == "integer")
            case "array":
                item = coerced(value, schema.get("items", {}))
                return None if item is None else [item]
            case "any":
                return value
            case _:
                continue
    return None


def _number(value: Value | float, *, whole: bool) -> int | float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return round(number) if whole or number.is_integer() else number


def _fitting(
    names: Iterable[str], properties: Mapping[str, Schema], value: Value
) -> Iterator[tuple[str, Any]]:
    for name in names:
        for parameter, schema in properties.items():
            if parts(name) <= parts(parameter):
                fitted = coerced(value, schema)
                if fitted is not None:
                    yield parameter, fitted


def total(slots: Mapping[str, Value]) -> int | None:
    """The duration in the slots, in seconds."""
    given = [int(slots[unit]) * size for unit, size in UNITS.items() if unit in slots]
    return sum(given) if given else None


def _duration(
    properties: Mapping[str, Schema], slots: Mapping[str, Value]
) -> Iterator[tuple[str, Any]]:
    """The duration in the slots, in whatever parameters there are for it."""
    seconds = total(slots)
    if seconds is None:
        return
    by_unit = {
        unit: parameter
        for unit, words in _UNIT_WORDS.items()
        for parameter in properties
        if words & parts(parameter)
    }
    if by_unit:
        *coarse, finest = by_unit
        for unit in coarse:
            count, seconds = divmod(seconds, UNITS[unit])
            yield by_unit[unit], coerced(count, properties[by_unit[unit]])
        yield by_unit[finest], coerced(seconds / UNITS[finest], properties[by_unit[finest]])
        return
    in_minutes = seconds % 60 == 0
    unit_chosen = False
    for parameter, schema in properties.items():
        if "unit" in parts(parameter):
            unit_chosen = True
            yield parameter, _unit("minutes" if in_minutes else "seconds", schema)
    for parameter, schema in properties.items():
        if _DURATION_WORDS & parts(parameter):
            if unit_chosen:
                count = seconds // 60 if in_minutes else seconds
            elif schema.get("type") == "string":
                count = duration(seconds)
            elif "minute" in str(schema.get("description", "")).lower():
                count = seconds / 60
            else:
                count = seconds
            yield parameter, coerced(count, schema)
            return


def _unit(unit: str, schema: Schema) -> Any:
    """*unit* in the schema's own spelling."""
    return next((m for m in schema.get("enum", ()) if str(m).lower()[:3] == unit[:3]), unit)
