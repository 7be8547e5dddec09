"""JavaScript packages of others, unmodified, talk with a gateway as they would with their provider.

Each holds one conversation: a typed hello, a spoken question that needs a tool, a story that the
user speaks into, and another question. The scripts in `node` are such packages' users.
"""

import os
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.processors.local.ears import RATE, Ears
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.resampler import resample
from tests.antiphon.gateway.clients.node.holding import PAGES, SCRIPTS, Evening, Held, hold

CLIENTS = (*SCRIPTS, *PAGES)

MINTING = (
    *("genai", "agents-webrtc", "elevenlabs", "tanstack-gemini", "tanstack-grok"),
    "tanstack-openai",
)
"""Those whose scripts tell of the ticket; without one `ai` does not connect."""

TRUNCATING = ("agents-webrtc", "agents-websocket", "ai-gateway", "ai-openai")
"""They are told how much of an interrupted answer the model keeps."""

GREETINGS = {
    "Hello! What can I do for you?": "hello what can i do for you",
    "Hi there. How can I help?": "hi there how can i help",
}
WEATHER = {"In Oslo it is 7 degrees and cloudy.": "in oslo it is seven degrees and cloudy"}
WELLBEING = {
    "Very well, thank you. And you?": "very well thank you and you",
    "I am fine, thanks for asking.": "i am fine thanks for asking",
}
"""What the model may answer, and how that sounds."""

APOLOGIES = ("Sorry, I didn't", "I didn't get", "That is beyond")
"""Where a browser's microphone was garbled; the user then says it again."""

ASKED = ["what is the weather in oslo", "how are you"]

FADING = ("elevenlabs",)
"""What is interrupted is heard for two more seconds, beneath the next answer."""

NEVER = ("in lisbon it is twenty degrees and sunny", "you are welcome", "it is nine o'clock")
"""What it might be heard to say, and does not."""

LOUD = 300
"""Of 32768: what is softer is silence."""

PAUSE = 0.4
"""Seconds of silence between two answers; within one it is shorter."""


@pytest.fixture(scope="module")
def installed() -> Path:
    """Where `.ci/node-clients` has put the packages."""
    where = os.environ.get("ANTIPHON_NODE_CLIENTS")
    if where:
        return Path(where)
    reason = "ANTIPHON_NODE_CLIENTS is not set: run .ci/node-clients DIRECTORY and set it to that"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def evening(
    request: pytest.FixtureRequest, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Evening:
    """The conversations of all clients that a test asks for."""
    wanted: set[Any] = {
        item.callspec.params.get("client")
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and hasattr(item, "callspec")
    }
    clients = [client for client in CLIENTS if client in wanted]
    return hold(clients, installed, tmp_path_factory.mktemp("clients"))


@pytest.fixture
def held(client: str, need: Callable[[str], None], evening: Evening) -> Held:
    if client in PAGES:
        need("chromium")
        need("playwright")
    return evening.conversations[client]


@pytest.fixture(scope="module")
def ears(tmp_path_factory: pytest.TempPathFactory) -> Ears:
    """They understand the model."""
    answers = [*GREETINGS.values(), *WEATHER.values(), *WELLBEING.values(), *NEVER]
    file = tmp_path_factory.mktemp("ears") / "answers.toml"
    file.write_text("builtin = false\n" + "".join(map(_intent, answers)))
    return Ears(Grammar.load(file))


def _intent(words: str) -> str:
    return f'[[intent]]\nname = "{words}"\nsay = ["{words}"]\nreplies = ["-"]\n'


def utterances(pcm: "array[int]", rate: int) -> "Iterator[array[int]]":
    """What lies between silences."""
    window, begun, last = rate // 50, None, 0
    for place in range(0, len(pcm), window):
        if max(map(abs, pcm[place : place + window])) >= LOUD:
            begun = place if begun is None else begun
            last = place + window
        elif begun is not None and place - last > PAUSE * rate:
            yield pcm[begun:last]
            begun = None
    if begun is not None:
        yield pcm[begun:last]


def heard(held: Held, ears: Ears) -> list[tuple[str | None, float]]:
    """What came out of the loudspeaker: the words, if they are known, and seconds of each."""
    pcm, rate = held.pcm
    understood = [
        (ears.hear(resample(one.tobytes(), rate, RATE)), len(one) / rate)
        for one in utterances(pcm, rate)
    ]
    return [(one.intent or one.nearest, seconds) for one, seconds in understood]


def story_of(held: Held, ears: Ears) -> float:
    """Seconds of it that were heard."""
    said = iter(heard(held, ears))
    assert any(words in WEATHER.values() for words, _ in said)
    return next(seconds for _, seconds in said)


each_client = pytest.mark.parametrize("client", CLIENTS)


@each_client
def test_it_goes_from_hello_to_goodbye_without_a_complaint(held: Held) -> None:
    assert held.complaints == []
    assert held.all("failed") == held.all("error") == []
    assert held.all("done")


@pytest.mark.parametrize("client", MINTING)
def test_it_mints_a_ticket_and_connects_with_it(held: Held) -> None:
    assert held.all("minted")
    assert held.all("ready")


@each_client
def test_what_is_written_and_said_is_answered(held: Held) -> None:
    answers = [text for text in held.texts("answer") if not text.startswith(APOLOGIES)]
    greeting, weather, *_, wellbeing = answers

    assert greeting in GREETINGS
    assert weather in WEATHER
    assert wellbeing in WELLBEING
    understood = [text.lower() for text in held.texts("user")]
    assert [text for text in understood if text in ASKED] == ASKED


@each_client
def test_the_model_asks_its_tool(held: Held) -> None:
    (tool,) = held.all("tool")

    assert (tool["name"], tool["arguments"]) == ("get_weather", {"city": "Oslo"})


@each_client
def test_the_answers_are_heard(client: str, held: Held, ears: Ears) -> None:
    said = iter([words for words, _ in heard(held, ears)])

    assert any(words in GREETINGS.values() for words in said)
    assert any(words in WEATHER.values() for words in said)
    assert client in FADING or any(words in WELLBEING.values() for words in said)


@each_client
def test_an_interruption_stops_what_it_plays(held: Held, ears: Ears) -> None:
    kinds = [line["kind"] for line in held.lines]
    story = len(kinds) - kinds[::-1].index("interrupted")

    assert kinds.index("tool") < story
    assert any(line.get("text") in WELLBEING for line in held.lines[story:])
    assert 0.5 < story_of(held, ears) < 8, "of more than twenty seconds"


@pytest.mark.parametrize("client", TRUNCATING)
def test_the_model_keeps_what_was_heard(held: Held, ears: Ears) -> None:
    (truncated,) = held.all("truncated")

    assert abs(truncated["ms"] / 1000 - story_of(held, ears)) < 0.5


def test_the_gateway_has_seen_them_all_come_and_go(
    evening: Evening,
) -> None:
    closed = [line for line in evening.log if line["message"] == "session closed"]

    assert [line for line in evening.log if line["level"] not in ("debug", "info")] == []
    assert len(closed) == sum(1 for held in evening.conversations.values() if held.lines)
    assert {line["reason"] for line in closed} <= {"closed"}
