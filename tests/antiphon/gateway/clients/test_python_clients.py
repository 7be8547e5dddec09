"""Python packages of others, unmodified, talk with a gateway as they would with their provider.

Each holds one conversation: a typed hello, a spoken question that needs a tool, a story that the
user speaks into, and another question. The scripts beside this file are such packages' users.
"""

import os
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from antiphon.processors.local.ears import RATE, Ears
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.resampler import resample
from tests.antiphon.gateway.clients.conversing import Held, hold

CLIENTS = (
    "openai",
    "openai_calls",
    "agents",
    "genai",
    "elevenlabs",
    "opper",
    "pipecat",
    "livekit",
)

MINTING = ("openai", "genai", "elevenlabs", "opper")
"""They buy a ticket before they connect."""

TRUNCATING = ("openai", "openai_calls", "agents", "livekit")
"""They say how far they were heard, and tell their users."""

GREETINGS = {
    "Hello! What can I do for you?": "hello what can i do for you",
    "Hi there. How can I help?": "hi there how can i help",
}
WEATHER = {"In Oslo it is 7 degrees: light rain.": "in oslo it is seven degrees light rain"}
WELLBEING = {
    "Very well, thank you. And you?": "very well thank you and you",
    "I am fine, thanks for asking.": "i am fine thanks for asking",
}
"""What the model may answer, and how that sounds."""

NEVER = ("in lisbon it is twenty degrees and sunny", "you are welcome", "it is nine o'clock")
"""What it might be heard to say, and does not."""

each_client = pytest.mark.parametrize("client", CLIENTS)


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that `.ci/clients` has given the packages to."""
    where = os.environ.get("ANTIPHON_CLIENTS")
    if where:
        return Path(where) / "python/bin/python"
    reason = "ANTIPHON_CLIENTS is not set: run .ci/clients DIRECTORY and set it to that"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def conversations(
    request: pytest.FixtureRequest, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Held]:
    """Those of all clients that a test asks for."""
    wanted: set[Any] = {
        item.callspec.params.get("client")
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and hasattr(item, "callspec")
    }
    clients = [client for client in CLIENTS if client in wanted]
    return hold(python, clients, tmp_path_factory.mktemp("clients"))


@pytest.fixture
def held(client: str, conversations: dict[str, Held]) -> Held:
    return conversations[client]


@pytest.fixture(scope="module")
def ears(tmp_path_factory: pytest.TempPathFactory) -> Ears:
    """They understand the model."""
    answers = [*GREETINGS.values(), *WEATHER.values(), *WELLBEING.values(), *NEVER]
    file = tmp_path_factory.mktemp("ears") / "answers.toml"
    file.write_text("builtin = false\n" + "".join(map(_intent, answers)))
    return Ears(Grammar.load(file))


def _intent(words: str) -> str:
    return f'[[intent]]\nname = "{words}"\nsay = ["{words}"]\nreplies = ["-"]\n'


def assert_said(ears: Ears, answer: dict[str, Any], among: dict[str, str]) -> None:
    """The answer's transcript is one of these, and its sound is what the transcript says."""
    assert answer["transcript"] in among
    with wave.open(answer["audio"]) as file:
        pcm = resample(file.readframes(file.getnframes()), file.getframerate(), RATE)
    heard = ears.hear(pcm)
    assert among[answer["transcript"]] in (heard.intent, heard.nearest)


def transcripts(lines: Iterable[dict[str, Any]]) -> list[str]:
    return [line["transcript"].lower() for line in lines if line["kind"] == "user"]


@each_client
def test_a_typed_hello_is_answered_aloud(held: Held, ears: Ears) -> None:
    assert_said(ears, held.answer(0), GREETINGS)


@each_client
def test_a_spoken_question_is_answered_with_the_clients_own_tool(held: Held, ears: Ears) -> None:
    assert_said(ears, held.answer(1), WEATHER)

    asked = held.until_after(answer=0)
    assert "what is the weather in oslo" in transcripts(asked)
    (tool,) = held.all("tool")
    assert tool in asked
    assert (tool["name"], tool["arguments"]) == ("get_weather", {"city": "Oslo"})


@each_client
def test_who_speaks_into_a_story_is_answered_and_hears_no_more_of_it(
    held: Held, ears: Ears
) -> None:
    between = held.until_after(answer=1)

    (interrupted,) = [
        line for line in between if line["kind"] == "interrupted" and line["seconds"] > 0
    ]
    assert 1 < interrupted["seconds"] < 10, "of more than twenty"
    assert transcripts(between)[-1] == "how are you" or "how are you" in transcripts(held.lines)
    assert_said(ears, held.answer(2), WELLBEING)
    assert held.answer(2)["seconds"] < 3


@pytest.mark.parametrize("client", TRUNCATING)
def test_the_model_learns_how_far_it_was_heard(client: str, held: Held) -> None:
    truncated = [line for line in held.until_after(answer=1) if line["kind"] == "truncated"]

    assert truncated
    if client == "openai":
        (interrupted,) = held.all("interrupted")[-1:]
        assert truncated[-1]["ms"] == interrupted["played"]


@pytest.mark.parametrize("client", ["agents"])
def test_the_clients_history_has_what_was_heard_of_the_story(held: Held) -> None:
    said = [line["text"] for line in held.all("history")]

    assert said[0] == "hello"
    assert said[-2:] == ["how are you", held.answer(2)["transcript"]]
    story = said[said.index("tell me a story") + 1]
    assert 0 < len(story) < 100
    assert story.startswith(("Once there was", "There was once"))


@pytest.mark.parametrize("client", MINTING)
def test_the_ticket_was_minted_for_a_key_and_let_its_owner_in(held: Held) -> None:
    assert held.all("minted")
    assert held.log, "who comes with a ticket is whose key bought it"


@each_client
def test_nothing_went_wrong_and_the_session_was_closed(held: Held) -> None:
    assert held.status == 0, held.complaints
    assert not held.all("error")
    assert "Traceback" not in held.complaints
    assert [line.get("code") for line in held.all("closed")] in ([1000], [None])
    assert [line for line in held.log if line["level"] not in ("info", "debug")] == []
    (closed,) = [line for line in held.log if line["message"] == "session closed"]
    assert closed["reason"] == "closed"
