"""The mind: what is answered, which tools are called, and how results are told."""

import json
import random
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.config import ToolDefinition
from antiphon.processors.local.calls import coerced
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.mind import Mind, Reply
from antiphon.processors.local.understanding import Heard, understand

GRAMMAR = Grammar.load()
NOON = datetime(2026, 11, 21, 12, 5)

Type = dict[str, Any]
STRING: Type = {"type": "string"}
INTEGER: Type = {"type": "integer"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def tool(name: str, *required: str, **properties: Type) -> ToolDefinition:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return ToolDefinition(name=name, parameters=schema)


WEATHER = tool("get_weather", "city", city=STRING)


class Talk:
    """A conversation in writing."""

    def __init__(self, *tools: ToolDefinition, seed: int = 0, grammar: Grammar = GRAMMAR) -> None:
        self.mind = Mind(grammar, seed=seed)
        self.grammar = grammar
        self.tools = tools

    def answer(self, text: str, *, now: datetime | None = NOON, instructions: str = "") -> Reply:
        heard = understand(self.grammar, text)
        return self.mind.answer(heard, tools=self.tools, now=now, instructions=instructions)

    def say(self, text: str) -> str:
        return self.answer(text).text

    def call(self, text: str) -> tuple[str, dict[str, Any]]:
        """The one tool call that answers *text*."""
        (call,) = self.answer(text).calls
        return call.name, call.arguments

    def told(self, text: str, output: Any, *, failed: bool = False) -> str:
        """What is said once the tool that answers *text* has given *output*."""
        name, arguments = self.call(text)
        written = output if isinstance(output, str) else json.dumps(output)
        return self.mind.after_tool(name, arguments, written, failed=failed).text


@pytest.mark.parametrize("intent", GRAMMAR.intents)
def test_each_intent_has_an_answer_without_any_tool(intent: str) -> None:
    reply = Talk().answer(GRAMMAR.example(intent, random.Random(0)))

    assert reply.text and not reply.calls


def test_the_same_seed_gives_the_same_conversation() -> None:
    said = ["hello", "tell me a joke", "flip a coin", "roll a die", "help", "gibberish", "thanks"]

    def conversation(seed: int) -> list[str]:
        talk = Talk(seed=seed)
        return [talk.say(text) for text in said]

    assert conversation(1) == conversation(1)
    assert len({tuple(conversation(seed)) for seed in range(5)}) == 5


def test_the_time_and_the_date_are_the_clocks() -> None:
    talk = Talk()

    assert "12:05 PM" in talk.say("what time is it")
    assert "Saturday, November 21" in talk.say("what's the date")
    assert "clock" in talk.answer("what time is it", now=None).text


def test_a_name_is_remembered() -> None:
    talk = Talk()

    assert talk.say("who am I") == "You have not told me your name yet."
    assert "Clara" in talk.say("my name is Clara")
    assert "Clara" in talk.say("who am I")
    assert any("Clara" in talk.say("hello") for _ in range(10))


def test_what_was_said_is_said_again() -> None:
    talk = Talk()

    assert talk.say("say that again") == "I have not said anything yet."
    story = talk.say("tell me a story")
    assert talk.say("what did you say") == story
    assert talk.say("repeat that") == story


def test_another_joke_is_another_joke() -> None:
    talk = Talk()

    jokes = [talk.say("tell me another joke") for _ in range(10)]

    assert all(one != following for one, following in pairwise(jokes))


def test_a_story_is_long_enough_to_be_interrupted() -> None:
    assert len(Talk().say("tell me a story").split()) > 70
    assert len(Talk().say("tell me about antiphon").split()) > 70


@pytest.mark.parametrize(
    ("text", "answer"),
    [("what is 19 plus 23", "42"), ("count to five", "One, two, three, four, five.")],
)
def test_sums_and_counts_are_right(text: str, answer: str) -> None:
    assert answer in Talk().say(text)


def test_an_apology_names_the_nearest_request() -> None:
    assert "about the weather in a city" in Talk().say("the weather is nice")


def test_an_apology_for_nothing_understood_still_names_something() -> None:
    assert "ask me" in Mind(GRAMMAR).answer(Heard(text="")).text


def test_the_instructions_can_give_a_name() -> None:
    reply = Talk().answer("who are you", instructions="Be kind. You are called Lumen.")

    assert "Lumen" in reply.text


def test_without_a_tool_it_says_so() -> None:
    assert "no tool" in Talk().say("what's the weather in Oslo")


@pytest.mark.parametrize(
    ("text", "definition", "arguments"),
    [
        ("what's the weather in Oslo", WEATHER, {"city": "Oslo"}),
        (
            "what's the weather in Oslo",
            tool("weatherReport", location=STRING),
            {"location": "Oslo"},
        ),
        (
            "what's the weather in Oslo",
            tool("forecast", "q", q=STRING, days=INTEGER),
            {"q": "Oslo"},
        ),
        (
            "what's the weather in Oslo",
            tool("get_weather", city={"enum": ["OSLO", "PARIS"]}),
            {"city": "OSLO"},
        ),
        (
            "what's the weather in Oslo",
            tool("get_weather", cities={"type": "array", "items": STRING}),
            {"cities": ["Oslo"]},
        ),
        ("what time is it", tool("get_current_time"), {}),
        ("set a timer for five minutes", tool("set_timer", minutes=INTEGER), {"minutes": 5}),
        ("set a timer for five minutes", tool("startTimer", seconds=INTEGER), {"seconds": 300}),
        (
            "set a timer for five minutes and ten seconds",
            tool("timer", minutes=INTEGER, seconds=INTEGER),
            {"minutes": 5, "seconds": 10},
        ),
        (
            "set a timer for 30 seconds",
            tool("set_timer", duration_minutes={"type": "number"}),
            {"duration_minutes": 0.5},
        ),
        (
            "set a timer for half an hour",
            tool("set_timer", duration=STRING),
            {"duration": "30 minutes"},
        ),
        ("set a timer for half an hour", tool("set_timer", duration=INTEGER), {"duration": 1800}),
        (
            "set a timer for two minutes",
            tool("set_timer", duration={"type": "integer", "description": "In minutes."}),
            {"duration": 2},
        ),
        (
            "set a timer for two minutes",
            tool("set_timer", amount=INTEGER, unit={"type": "string", "enum": ["MIN", "SEC"]}),
            {"unit": "MIN", "amount": 2},
        ),
        ("cancel my timer", tool("cancel_timer"), {}),
        ("look up order 0421", tool("order_status", order_id=STRING), {"order_id": "0421"}),
        ("look up order 0421", tool("lookupOrder", orderId=INTEGER), {"orderId": 421}),
        (
            "transfer me to billing",
            tool("transfer_call", department=STRING),
            {"department": "billing"},
        ),
        ("what is 2 plus 3", tool("add", a=INTEGER, b=INTEGER), {"a": 2, "b": 3}),
    ],
)
def test_a_fitting_tool_is_called_with_what_was_said(
    text: str, definition: ToolDefinition, arguments: dict[str, Any]
) -> None:
    assert Talk(definition).call(text) == (definition.name, arguments)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("set a timer for five minutes", "set_timer"),
        ("cancel the timer", "cancel_timer"),
        ("what time is it", "current_time"),
        ("where is my order number 4217", "order_status"),
    ],
)
def test_of_several_tools_the_fitting_one_is_called(text: str, name: str) -> None:
    tools = [
        tool("cancel_timer"),
        tool("set_timer", minutes=INTEGER),
        tool("cancel_order", order_id=STRING),
        tool("order_status", order_id=STRING),
        tool("current_time"),
    ]

    assert Talk(*tools).call(text)[0] == name


def test_a_tool_that_does_something_else_is_not_called() -> None:
    assert not Talk(tool("cancel_timer")).answer("set a timer for five minutes").calls


def test_what_a_tool_requires_is_asked_for() -> None:
    talk = Talk(WEATHER, tool("set_timer", "minutes", minutes=INTEGER))

    assert talk.say("what's the weather") == "For which city?"
    assert talk.call("Paris") == ("get_weather", {"city": "Paris"})
    assert talk.say("set a timer") == "For how many minutes?"
    assert talk.call("for ten minutes") == ("set_timer", {"minutes": 10})


def test_a_requirement_that_no_request_can_meet_is_asked_for_by_name() -> None:
    talk = Talk(tool("get_weather", "city", "apiKey", city=STRING, apiKey=STRING))

    assert talk.say("what's the weather in Oslo") == "What is the api key?"


def test_what_is_known_is_told_rather_than_asked_back() -> None:
    assert "12:05" in Talk(tool("get_time", "timezone", timezone=STRING)).say("what time is it")


def test_another_turn_goes_on_with_the_request_before() -> None:
    talk = Talk(WEATHER, tool("set_timer", seconds=INTEGER))

    talk.call("what's the weather in Oslo")
    assert talk.call("and in Paris") == ("get_weather", {"city": "Paris"})
    talk.say("thanks")
    assert talk.call("what about Rome") == ("get_weather", {"city": "Rome"})
    talk.call("set a timer for five minutes")
    assert talk.call("for ten seconds") == ("set_timer", {"seconds": 10})


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ({"temperature": 18, "conditions": "sunny"}, "In Oslo it is 18 degrees and sunny."),
        ({"temperature_c": 18.04, "condition": "rain"}, "In Oslo it is 18 degrees and rain."),
        ({"temperature": "-3°C", "sky": "clear"}, "In Oslo it is -3 degrees and clear."),
        ({"current": {"temp": 4}}, "In Oslo it is 4 degrees."),
        ("18 degrees and cloudy", "18 degrees and cloudy."),
        ('"It rains in Oslo."', "It rains in Oslo."),
        ({"city": "Oslo", "wind_kmh": 12}, "The wind is 12 kilometers an hour."),
        (
            {"a": 1, "b": True, "c": None, "d": ["x", "y"]},
            "The a is 1, the b is yes and the d is x and y.",
        ),
        (["sun", "rain"], "I found two things: sun and rain."),
        ([{"name": "Mon", "t": 1}], "I found one thing: Mon."),
        (list(range(7)), "I found seven things: 0, 1, 2, 3, 4 and two more."),
        (42, "42."),
        ("", "Done."),
        ("null", "Done."),
        ({"ok": True}, "Done."),
        ([], "Done."),
        ({"error": "no such city"}, "Sorry, that did not work: no such city."),
        ({"error": {"code": 5, "message": "too slow"}}, "Sorry, that did not work: too slow."),
        ({"success": False, "message": "closed"}, "Sorry, that did not work: closed."),
        ({"error": {"code": 5}}, "Sorry, that did not work."),
    ],
)
def test_a_result_of_any_shape_is_told_in_a_sentence(output: Any, told: str) -> None:
    assert Talk(WEATHER).told("what's the weather in Oslo", output) == told


def test_a_tool_that_failed_is_told_with_its_reason() -> None:
    talk = Talk(WEATHER)

    told = talk.told("what's the weather in Oslo", "it took too long", failed=True)

    assert told == "Sorry, that did not work: it took too long."


def test_a_result_without_news_is_told_by_what_was_asked() -> None:
    talk = Talk(tool("set_timer", seconds=INTEGER))

    assert "5 minutes" in talk.told("set a timer for five minutes", {"id": 7})


def test_a_result_nobody_here_asked_for_is_told_all_the_same() -> None:
    assert Mind(GRAMMAR).after_tool("ping", {}, '{"latency": 3}').text == "The latency is 3."


@given(json_values, st.booleans())
def test_no_result_is_too_strange_to_be_told(value: Any, failed: bool) -> None:
    told = Talk(WEATHER).told("what's the weather in Oslo", json.dumps(value), failed=failed)

    assert 0 < len(told) < 800


def test_a_result_nested_without_end_is_told_as_text() -> None:
    talk = Talk(WEATHER)

    assert talk.told("what's the weather in Oslo", "[" * 100_000)


def test_a_result_can_be_repeated() -> None:
    talk = Talk(WEATHER)
    told = talk.told("what's the weather in Oslo", {"temp": 4})

    assert talk.say("say that again") == told


def test_any_tool_can_be_called_in_writing() -> None:
    talk = Talk(tool("blink"), tool("paint", colour=STRING))

    assert talk.call('call paint {"colour": "red"}') == ("paint", {"colour": "red"})
    assert talk.call("call blink") == ("blink", {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("call sing {}", "I have no tool called sing. There is blink."),
        ("call blink {1", "The arguments for blink are no JSON object"),
    ],
)
def test_a_call_in_writing_that_cannot_be_made_is_explained(text: str, problem: str) -> None:
    assert problem in Talk(tool("blink")).say(text)


def test_a_grammar_of_ones_own_calls_tools_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "lamps.toml"
    file.write_text(
        """
        [[slot]]
        name = "room"
        values = ["kitchen", "garden"]
        fits = ["area"]
        [[intent]]
        name = "light"
        say = ["light in the <room>"]
        tool = { named = ["light"], result = ["There is light in the {room}, {watts} watts."] }
        """
    )
    talk = Talk(tool("switch_light", "area", area=STRING), grammar=Grammar.load(file))

    assert (
        talk.told("light in the garden", {"watts": 60}) == "There is light in the garden, 60 watts."
    )


@pytest.mark.parametrize(
    ("value", "schema", "fitted"),
    [
        ("5", INTEGER, 5),
        ("five", INTEGER, None),
        (5, STRING, "5"),
        (5, {"type": ["null", "integer"]}, 5),
        (5, {"anyOf": [{"type": "null"}, STRING]}, "5"),
        (5, {"type": "boolean"}, None),
        (5, {}, 5),
        ("red", {"enum": ["Red", "Blue"]}, "Red"),
        ("green", {"enum": ["Red", "Blue"]}, None),
    ],
)
def test_a_value_takes_the_form_that_a_schema_wants(value: Any, schema: Type, fitted: Any) -> None:
    assert coerced(value, schema) == fitted
