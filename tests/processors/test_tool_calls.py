"""A tool is called with what a model wrote, and its result is written for the model."""

import contextlib
import functools
import threading
from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.processors.tool import LATER, Tool, ToolError
from tests.processors.offers import Opaque, Place, Trip, Unit, slow_weather, weather


class Forecast:
    """A service."""

    city: int  # an annotation of the class, not of the call

    def __call__(self, city: str) -> str:
        return f"{city}: rain"

    async def tomorrow(self, city: str) -> str:
        """Tomorrow's weather."""
        return f"{city}: snow"

    @classmethod
    def ever(cls, city: str) -> str:
        return f"{city}: {cls.__name__}"

    @staticmethod
    def never(city: str) -> str:
        return f"{city}: dry"


class SlowForecast:
    async def __call__(self, city: str) -> str:
        """It takes its time."""
        return f"{city}: rain"


@pytest.mark.parametrize(
    ("function", "name", "description", "result"),
    [
        (weather, "weather", "The weather in a city.\n\nAs it was yesterday.", "X in 1: rain"),
        (slow_weather, "slow_weather", "The weather, by and by.", "X: rain"),
        (Forecast(), "Forecast", "A service.", "X: rain"),
        (SlowForecast(), "SlowForecast", "It takes its time.", "X: rain"),
        (Forecast().tomorrow, "tomorrow", "Tomorrow's weather.", "X: snow"),
        (Forecast.ever, "ever", None, "X: Forecast"),
        (Forecast.never, "never", None, "X: dry"),
        (functools.cache(weather), "weather", Tool(weather).definition.description, "X in 1: rain"),
        (functools.partial(slow_weather), "slow_weather", "The weather, by and by.", "X: rain"),
        (
            functools.partial(functools.partial(Forecast().tomorrow)),
            "tomorrow",
            "Tomorrow's weather.",
            "X: snow",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_all_that_can_be_called_is_offered_under_its_own_name_and_hints(
    function: Callable[..., Any], name: str, description: str | None, result: str
) -> None:
    tool = Tool(function)

    assert (tool.definition.name, tool.definition.description) == (name, description)
    assert tool.definition.parameters["properties"]["city"] == {"type": "string"}
    assert await tool.call('{"city": "X"}') == result


async def test_what_a_partial_has_bound_is_not_told_to_the_model_nor_changed_by_it() -> None:
    def fetch(city: str, key: str, unit: str = "C") -> str:
        return f"{city} {key} {unit}"

    tool = Tool(functools.partial(fetch, key="sk-secret"))

    assert "sk-secret" not in str(tool.definition)
    assert set(tool.definition.parameters["properties"]) == {"city", "unit"}
    assert await tool.call('{"city": "X"}') == "X sk-secret C"
    with pytest.raises(ToolError, match="unknown field `key`"):
        await tool.call('{"city": "X", "key": "mine"}')


async def test_arguments_come_as_the_types_of_the_hints() -> None:
    got: list[object] = []

    async def note(place: Place, trip: Trip, unit: Unit, when: date, score: float = 1) -> None:
        got.extend((place, trip, unit, when, score))

    await Tool(note).call(
        '{"place": {"city": "Oslo"}, "trip": {"legs": [{"city": "Rome", "country": "IT"}]},'
        ' "unit": "celsius", "when": "2026-03-01"}'
    )

    assert got == [Place("Oslo"), Trip([Place("Rome", "IT")]), Unit.C, date(2026, 3, 1), 1]


@pytest.mark.parametrize("arguments", ["", "{}"])
async def test_no_arguments_may_be_written_as_nothing(arguments: str) -> None:
    async def ping() -> str:
        return "pong"

    assert await Tool(ping).call(arguments) == "pong"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ('{"city": "Oslo"', "Input data was truncated"),
        ("city=Oslo", "JSON is malformed"),
        ("[]", "Expected `object`, got `array`"),
        ("null", "Expected `object`, got `null`"),
        ("{}", "Object missing required field `city`"),
        ('{"city": 3}', r"Expected `str`, got `int` - at `\$.city`"),
        ('{"city": "Oslo", "days": "2"}', r"Expected `int`, got `str` - at `\$.days`"),
        ('{"city": "Oslo", "hour": 1}', "Object contains unknown field `hour`"),
        ('{"city": "\ud800"}', "surrogates not allowed"),
    ],
)
async def test_bad_arguments_are_told_to_the_model_and_not_given_to_the_function(
    arguments: str, problem: str
) -> None:
    calls: list[str] = []

    with pytest.raises(ToolError, match=f"bad arguments for note: .*{problem}"):
        await Tool(_noting(calls), name="note").call(arguments)

    assert not calls


def _noting(calls: list[str]) -> Callable[..., None]:
    def note(city: str, days: int = 1) -> None:
        calls.append(city)

    return note


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_whatever_json_a_model_sends_is_either_refused_or_of_the_right_types(value: Any) -> None:
    got: list[tuple[Any, ...]] = []

    async def note(text: str, count: int = 0, names: list[str] | None = None) -> None:
        got.append((text, count, names))

    sent = msgspec.json.encode({"text": value, "count": value, "names": value}).decode()
    with contextlib.suppress(ToolError, StopIteration):
        Tool(note).call(sent).send(None)

    for text, count, names in got:
        assert isinstance(text, str)
        assert isinstance(count, int)
        assert names is None or all(isinstance(name, str) for name in names)


async def test_a_plain_function_runs_in_a_worker_thread_and_a_coroutine_function_does_not() -> None:
    def plain() -> int:
        return threading.get_ident()

    async def waiting() -> int:
        return threading.get_ident()

    assert await Tool(plain).call("") != threading.get_ident()
    assert await Tool(waiting).call("") == threading.get_ident()


async def test_a_plain_function_that_gives_a_coroutine_is_waited_for() -> None:
    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **named: Any) -> Any:
            return function(*args, **named)

        return wrapper

    tool = Tool(logged(slow_weather))

    assert tool.definition == Tool(slow_weather).definition
    assert await tool.call('{"city": "Oslo"}') == "Oslo: rain"


class Shade(Enum):
    DARK = 1


@pytest.mark.parametrize(
    ("result", "written"),
    [
        ("rain", "rain"),
        ("", ""),
        ('{"a": 1}', '{"a": 1}'),
        (Unit.C, "celsius"),
        (None, "null"),
        (True, "true"),
        (3.5, "3.5"),
        (float("nan"), "null"),
        (2**70, "1180591620717411303424"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        ({1: "one"}, '{"1":"one"}'),
        (Place("Oslo"), '{"city":"Oslo","country":"NO"}'),
        (Trip([]), '{"legs":[],"span":null}'),
        (date(2026, 3, 1), '"2026-03-01"'),
        (Shade.DARK, "1"),
        (b"\x00", '"AA=="'),
    ],
)
def test_text_is_sent_as_it_is_and_all_else_as_json(result: object, written: str) -> None:
    assert Tool.written(result) == written


def endless() -> list[Any]:
    around: list[Any] = []
    around.append(around)
    return around


@pytest.mark.parametrize(
    "result",
    [Opaque(), {"a": Opaque()}, {(1, 2): 3}, endless(), ["\ud800"], (x for x in "ab"), LATER],
    ids=["object", "inside", "key", "endless", "surrogate", "generator", "later"],
)
def test_a_result_that_is_not_json_is_told_to_the_model(result: object) -> None:
    kind = type(result).__name__

    with pytest.raises(ToolError, match=f"the result, a {kind}, cannot be written as JSON: "):
        Tool.written(result)


def test_later_says_what_it_is() -> None:
    assert repr(LATER) == "LATER"
