"""A typed function becomes a tool: what the model is told of it, and what cannot be one."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import pytest

from antiphon.processors.tool import Tool, ToolError, as_tool
from tests.processors.offers import Opaque, Place, Trip, Unit, weather


class Taxi(msgspec.Struct, frozen=True, tag=True):
    seats: int


class Train(msgspec.Struct, frozen=True, tag=True):
    line: str


class Tree(msgspec.Struct, frozen=True):
    branches: "list[Tree]"


def properties(function: Callable[..., Any]) -> dict[str, Any]:
    return Tool(function).definition.parameters["properties"]


def test_name_docstring_and_hints_are_what_the_model_is_told() -> None:
    definition = Tool(weather).definition

    assert definition.name == "weather"
    assert definition.description == "The weather in a city.\n\nAs it was yesterday."
    assert definition.parameters == {
        "title": "weather",
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}},
        "required": ["city"],
        "additionalProperties": False,
    }


def test_name_and_description_can_be_given() -> None:
    definition = Tool(weather, name="get_weather", description="Says it.").definition

    assert (definition.name, definition.description) == ("get_weather", "Says it.")


def test_a_function_without_docstring_has_no_description() -> None:
    def bare(city: str) -> None: ...

    assert Tool(bare).definition.description is None


def test_each_kind_of_hint_has_its_schema() -> None:
    def plan(
        anything: Any,
        text: str,
        number: float,
        switch: bool,
        when: date,
        cities: list[str],
        counts: dict[str, int],
        mode: Literal["fast", "cheap"],
        pair: tuple[int, str],
        maybe: int | None = None,
    ) -> None: ...

    assert properties(plan) == {
        "anything": {},
        "text": {"type": "string"},
        "number": {"type": "number"},
        "switch": {"type": "boolean"},
        "when": {"type": "string", "format": "date"},
        "cities": {"type": "array", "items": {"type": "string"}},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "mode": {"enum": ["cheap", "fast"]},
        "pair": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "items": False,
        },
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
    }


def test_descriptions_and_bounds_are_given_by_annotations() -> None:
    def book(seats: Annotated[int, msgspec.Meta(ge=1, le=8, description="How many.")]) -> None: ...

    assert properties(book) == {
        "seats": {"type": "integer", "minimum": 1, "maximum": 8, "description": "How many."}
    }


PLACE = {
    "title": "Place",
    "description": "Where something is.",
    "type": "object",
    "properties": {"city": {"type": "string"}, "country": {"type": "string", "default": "NO"}},
    "required": ["city"],
}


def test_nested_types_are_written_out_where_they_are_used() -> None:
    def travel(trip: Trip, home: Place | None = None) -> None: ...

    assert properties(travel) == {
        "trip": {
            "title": "Trip",
            "type": "object",
            "properties": {
                "legs": {"type": "array", "items": PLACE},
                "span": {
                    "anyOf": [
                        {
                            "title": "Span",
                            "type": "object",
                            "properties": {"start": {"type": "integer"}},
                            "required": ["start"],
                        },
                        {"type": "null"},
                    ],
                    "default": None,
                },
            },
            "required": ["legs"],
        },
        "home": {"anyOf": [PLACE, {"type": "null"}], "default": None},
    }


def test_what_is_said_of_a_parameter_of_a_nested_type_is_kept() -> None:
    def travel(
        to: Annotated[Place, msgspec.Meta(description="Not home.")], unit: Unit = Unit.C
    ) -> None: ...

    assert properties(travel) == {
        "to": PLACE | {"description": "Not home."},
        "unit": {"title": "Unit", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
    }


def test_a_choice_of_tagged_types_refers_to_nothing_outside() -> None:
    def book(vehicle: Taxi | Train, discriminator: str = "") -> None: ...

    schema = Tool(book).definition.parameters

    assert [one["title"] for one in schema["properties"]["vehicle"]["anyOf"]] == ["Taxi", "Train"]
    assert "mapping" not in str(schema)
    assert "$ref" not in str(schema)
    assert "discriminator" in schema["properties"]


def test_a_type_that_contains_itself_is_refused() -> None:
    def plant(tree: Tree) -> None: ...

    with pytest.raises(ToolError, match="the type Tree contains itself"):
        Tool(plant)


@pytest.mark.parametrize("default", [[1], {"a": 1}, {1}, Place("Oslo"), object(), (1, 2)])
async def test_a_default_that_is_no_plain_value_is_left_to_the_function(default: object) -> None:
    def take(thing: Any = default) -> bool:
        return thing is default

    tool = Tool(take)

    assert tool.definition.parameters["properties"] == {"thing": {}}
    assert tool.definition.parameters["required"] == []
    assert await tool.call("{}") is True


def takes_many(*cities: str) -> None: ...
def takes_any(**cities: str) -> None: ...
def takes_by_position(city: str, /) -> None: ...
def takes_opaque(thing: Opaque) -> None: ...
def takes_callable(back: Callable[[], int]) -> None: ...
def takes_two_dicts(thing: Place | Trip) -> None: ...


def hinted(hint: str) -> Callable[..., Any]:
    """A function that takes what *hint* says, which nobody can read."""

    def takes_unknown(price: Any) -> None: ...

    takes_unknown.__annotations__["price"] = hint
    return takes_unknown


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (takes_many, r"'takes_many' takes \*cities: str: a model can only give named arguments"),
        (takes_any, r"takes \*\*cities: str: a model can only give named arguments"),
        (takes_by_position, "'takes_by_position' takes city: str: a model can only"),
        (takes_opaque, "'takes_opaque' has a parameter that JSON cannot fill: type .*Opaque"),
        (takes_callable, "'takes_callable' has a parameter that JSON cannot fill: type"),
        (takes_two_dicts, "'takes_two_dicts' has a parameter that JSON cannot fill: Type unions"),
        (hinted("Price"), "hints of the tool 'takes_unknown' cannot be read: name 'Price'"),
        (hinted("date.Price"), "hints of the tool 'takes_unknown' cannot be read: type object"),
        (hinted("1 +"), "hints of the tool 'takes_unknown' cannot be read: Forward reference"),
        (int, "hints of the tool 'int' cannot be read: no signature found"),
        (lambda: 1, "'<lambda>' is no name for a tool; give another"),
    ],
)
def test_what_no_model_could_call_is_refused_when_it_is_offered(
    function: Callable[..., Any], problem: str
) -> None:
    with pytest.raises(ToolError, match=problem):
        Tool(function)


@pytest.mark.parametrize("name", ["get weather", "größe", "", "1st", "x" * 65])
def test_a_name_that_not_every_provider_takes_is_refused(name: str) -> None:
    with pytest.raises(ToolError, match="is no name for a tool"):
        Tool(lambda: 1, name=name or "?")


@pytest.mark.parametrize("thing", [None, "weather", 3])
def test_what_cannot_be_called_is_no_tool(thing: Any) -> None:
    with pytest.raises(ToolError, match=f"{thing!r} is no tool: give a function with type hints"):
        as_tool(thing)


def test_a_tool_is_its_own_tool() -> None:
    tool = Tool(weather)

    assert as_tool(tool) is tool
    assert as_tool(weather).definition == tool.definition
