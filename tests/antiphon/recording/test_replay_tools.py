"""Tools in a replay: they answer what they answered then."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from antiphon.codecs import events
from antiphon.pipeline import Frame, Member
from antiphon.processors.realtime import Realtime
from antiphon.processors.tool import Tool
from antiphon.processors.tools import Tools
from antiphon.recording import Recording
from antiphon.recording.records import TOOLS
from antiphon.recording.replay import Bot
from antiphon.recording.testing import assert_replays
from antiphon.recording.verdict import judged
from tests.antiphon.recording.sessions import (
    MS,
    an_assistant,
    get_weather,
    record,
    spoken,
    topics,
    words,
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    script = spoken(words("What's the weather in Oslo?"), 0)
    return Recording.open(record(tmp_path_factory.mktemp("calls"), script, an_assistant))


def test_tools_are_not_called_but_answer_as_they_did(recording: Recording) -> None:
    def get_weather(city: str) -> str:
        """What the weather is like."""
        raise AssertionError("it was called")

    def build() -> Bot:
        return Realtime("local/assistant?seed=1", tools=[get_weather], instructions="Be brief.")

    assert judged(recording, build).difference is None


def test_live_tools_are_called(recording: Recording) -> None:
    asked: list[str] = []

    def get_weather(city: str) -> dict[str, object]:
        """What the weather is like."""
        asked.append(city)
        return {"city": city, "temperature": 7, "description": "light rain"}

    def build() -> Bot:
        return Realtime("local/assistant?seed=1", tools=[get_weather], instructions="Be brief.")

    assert judged(recording, build, live_tools=True).difference is None
    assert asked == ["Oslo"]


async def slow_weather(city: str) -> str:
    """What the weather is like."""
    await anyio.sleep(1.5)
    return "fine"


async def quick_weather(city: str) -> str:
    """What the weather is like."""
    return "fine"


def no_weather(city: str) -> str:
    """What the weather is like."""
    raise RuntimeError("out of order")


@pytest.mark.parametrize("tool", [slow_weather, quick_weather, no_weather, get_weather])
@pytest.mark.parametrize("interrupted", [False, True])
def test_tools_of_every_kind_are_replayed(
    tmp_path: Path, tool: Callable[..., object], interrupted: bool
) -> None:
    def build() -> Realtime:
        return Realtime("local/assistant", tools=[Tool(tool, name="get_weather")])

    script = spoken(words("What's the weather in Oslo?"), 0)
    if interrupted:
        script += spoken(words("Hello there."), script[-1][0] - 700 * MS)

    path = record(tmp_path, sorted(script, key=lambda one: one[0]), build)

    assert topics(Recording.open(path), TOOLS)
    assert_replays(path, build)


def test_a_tool_that_is_answered_from_elsewhere_is_replayed(tmp_path: Path) -> None:
    def bot(answering: bool) -> list[Member]:
        tools = Tools(*Tools(get_weather).definitions)

        def answer(frame: events.FunctionCallArgumentsDone) -> Frame:
            if answering:
                tools.answer(frame.call_id, "fine")
            return frame

        return [Realtime("local/assistant", tools=tools), answer]

    class Line:
        members = bot(True)

    path = record(tmp_path, spoken(words("What's the weather in Oslo?"), 0), Line)

    assert len(topics(Recording.open(path), TOOLS)) == 2
    assert_replays(path, lambda: bot(False))
