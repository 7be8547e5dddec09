"""Tells what a tool answered, whatever its shape, in words that can be spoken."""

import json
import re
from collections.abc import Iterator, Mapping

from antiphon.processors.local.calls import parts
from antiphon.processors.local.numerals import listed, spelled

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_MOST_FIELDS = 4
_MOST_THINGS = 5
_LONGEST = 600
"""Characters: half a minute of speech."""

_DONE = frozenset(("", "ok", "okay", "done", "success", "true", "yes", "null", "none"))
_NAMES = ("name", "title", "label", "summary", "text", "id")
# fmt: off
_UNITS = {
    "c": "degrees", "celsius": "degrees", "f": "degrees Fahrenheit",
    "kmh": "kilometers an hour", "mph": "miles an hour", "km": "kilometers",
    "percent": "percent", "eur": "euros", "usd": "dollars",
    "hour": "hours", "minute": "minutes", "second": "seconds",
}
# fmt: on
_DEGREES = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:°\s*[CF]?|[CF])")


def decode(output: str) -> Json:
    """The JSON value, or the text where it is none.

    Some clients wrap what a tool gave them, as text: {"result": "{...}"}.
    """
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        return output.strip()
    match value:
        case {"result": str(inner)} if len(value) == 1:
            return decode(inner)
        case _:
            return value


def failure(result: Json) -> str | None:
    """What went wrong, where the result says that something did; it may say no more."""
    if not isinstance(result, dict):
        return None
    error = result.get("error")
    if error:
        inner = error.get("message") if isinstance(error, dict) else error
        return inner if isinstance(inner, str) else ""
    if result.get("success") is False or result.get("ok") is False:
        message = result.get("message")
        return message if isinstance(message, str) else ""
    return None


def fields(result: Json) -> dict[str, str]:
    """All that it says, by name and as it is spoken; `result` where it has no name."""
    if isinstance(result, dict):
        named: dict[str, str] = {}
        for name, value in result.items():
            if isinstance(value, dict):
                named = fields(value) | named
            elif value is not None and value != []:
                named[name] = _said(value)
        return named
    return {} if result is None or result == [] else {"result": _said(result)}


def find(named: Mapping[str, str], name: str) -> str | None:
    """The field called *name*, or one with a longer name: `temperature_c` is a temperature."""
    fitting = [field for field in named if parts(name) <= parts(field)]
    return named[min(fitting, key=len)] if fitting else None


def is_done(result: Json) -> bool:
    """Whether it says no more than that it worked."""
    said = fields(result)
    return all(value.lower().rstrip(".!") in _DONE for value in said.values())


def describe(result: Json, *, known: Mapping[str, object]) -> str:
    """A sentence for a result of unknown shape, without what is *known* already."""
    if is_done(result):
        return "Done."
    if isinstance(result, dict):
        said = fields(result)
        news = {name: said[name] for name in said if said[name] != str(known.get(name))}
        return sentence(listed(_clauses(news or said)))
    if isinstance(result, list):
        found = "one thing" if len(result) == 1 else f"{spelled(len(result))} things"
        return sentence(f"I found {found}: {_said(result)}")
    return sentence(_said(result))


def sentence(text: str) -> str:
    """With a capital and a full stop, and not endless."""
    text = " ".join(text.split())
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rsplit(" ", 1)[0] + ", and so on"
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _clauses(named: Mapping[str, str]) -> Iterator[str]:
    for name, value in list(named.items())[:_MOST_FIELDS]:
        *words, last = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name) or [name]
        unit = _UNITS.get(last.lower().removesuffix("s")) if words else None
        subject = " ".join(words if unit else [*words, last]).lower()
        yield f"the {subject} is {value}" + (f" {unit}" if unit else "")


def _said(value: Json) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.1f}".removesuffix(".0")
        case int():
            return str(value)
        case str():
            degrees = _DEGREES.fullmatch(value.strip())
            return degrees[1] if degrees else value.strip()
        case []:
            return "nothing"
        case list():
            more = len(value) - _MOST_THINGS
            things = [_said(thing) for thing in value[:_MOST_THINGS]]
            return listed(things + ([f"{spelled(more)} more"] if more > 0 else []))
        case dict():
            named = fields(value)
            name = next((named[name] for name in _NAMES if name in named), None)
            return name or ", ".join(named.values())
