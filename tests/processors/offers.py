"""Functions that tests offer as tools, and the types they take."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

import anyio
import msgspec

from antiphon.processors.tools import LATER, Tool, Tools

OSLO = '{"city": "Oslo"}'

INTERRUPTED = "cancelled: the user interrupted"


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


async def sleepy(seconds: float) -> str:
    """Sleeps."""
    await anyio.sleep(seconds)
    return f"slept {seconds:g}"


async def hang() -> None:
    await anyio.sleep_forever()


def later() -> object:
    return LATER


class Work:
    """Tools that take some seconds, and a log of what became of them."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def work(self, seconds: float) -> str:
        """Works."""
        self.log.append("begun")
        try:
            await anyio.sleep(seconds)
        except BaseException:
            self.log.append("cancelled")
            raise
        self.log.append("ended")
        return "worked"

    async def book(self, seconds: float) -> str:
        """Works, whatever the user says meanwhile."""
        return await self.work(seconds)

    def tools(self) -> Tools:
        return Tools(self.work, Tool(self.book, finish=True), later)
