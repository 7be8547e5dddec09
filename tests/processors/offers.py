"""Functions that tests offer as tools, and the types they take."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

import msgspec


class Unit(StrEnum):
    C = "celsius"
    F = "fahrenheit"


class Place(msgspec.Struct, frozen=True):
    """Where something is."""

    city: str
    country: str = "NO"


class Span(TypedDict):
    start: int


@dataclass
class Trip:
    legs: list[Place]
    span: Span | None = None


class Opaque:
    """Nothing that JSON could hold."""


def weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    As it was yesterday.
    """
    return f"{city} in {days}: rain"


async def slow_weather(city: str) -> str:
    """The weather, by and by."""
    return f"{city}: rain"
