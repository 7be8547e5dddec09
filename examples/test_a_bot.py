"""A spoken conversation as a test, in virtual time: `python -m pytest examples/test_a_bot.py`."""

from antiphon.demo.call import Call
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.script import Line, Script, script
from antiphon.processors.models import find_model

CALLER = Script(
    voice="en-us+f2",
    line=(
        Line(say="What's the weather in Oslo?"),
        Line(say="Tell me a story."),
        Line(say="Stop.", interrupt=3.0),
        Line(say="Goodbye."),
    ),
)


def get_weather(city: str) -> str:
    """What the weather is like in a city."""
    return f"It is snowing in {city}."


def test_the_bot_looks_up_the_weather_and_can_be_interrupted() -> None:
    call = Call(
        script(lines=CALLER),
        find_model("local/assistant?seed=1"),
        tools=[get_weather],
        instructions="You are a friendly assistant on the telephone.",
    )

    run_virtual(call.run)

    said = call.bot.transcript.said
    assert [(one.text, one.arguments) for one in said if one.who == "tool"] == [
        ("get_weather", '{"city":"Oslo"}')
    ]
    assert any("snowing in Oslo" in one.text for one in said if one.who == "assistant")
    (cut,) = [one for one in said if one.heard is not None]
    assert 2_500_000 < (cut.heard or 0) < 5_000_000
    assert all((turn.response_time or 0) < 1_500_000 for turn in call.bot.latency.turns)
