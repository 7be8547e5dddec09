"""The client's side against servers that others wrote."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.items import Message, TextPart, text_message
from antiphon.pipeline import Interrupt, Speech
from antiphon.processors.remote import Remote, Retry, remote_model
from tests.processors.remote.calls import Agent, Call, Line, calling, get_weather, of

pytestmark = pytest.mark.anyio

QUICK = Retry(attempts=2, first=0.05, longest=0.1)

HANGS = 15.0
"""Seconds after which a test has hung."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def talking(name: str, base_url: str) -> AsyncGenerator[Call]:
    """A call with a model of another's server."""
    remote = remote_model(name, key="k", base_url=base_url, retry=QUICK)
    async with with_a(remote, pace=4.0) as call:
        yield call


@asynccontextmanager
async def with_a(remote: Remote, *, pace: float) -> AsyncGenerator[Call]:
    async def stay() -> None:
        raise NotImplementedError

    agent = Agent(find_dialect("openai"), "local/echo")
    line = Line(remote=remote, agent=agent, drop=stay, pace=pace)
    with anyio.fail_after(HANGS):
        async with calling(line, tools=(get_weather,)) as call:
            yield call


@asynccontextmanager
async def hugging(port: int) -> AsyncGenerator[Call]:
    async with talking("openai/gpt-realtime", f"http://127.0.0.1:{port}/v1") as call:
        yield call


@asynccontextmanager
async def called(port: int) -> AsyncGenerator[Call]:
    """The same over WebRTC; it takes offers alone, as from whoever has a ticket, and asks for none."""
    remote = remote_model(
        "openai/gpt-realtime",
        ticket="ek_",
        base_url=f"http://127.0.0.1:{port}/v1",
        transport="webrtc",
        retry=QUICK,
    )
    async with with_a(remote, pace=1.0) as call:
        yield call


def ended(call: Call) -> list[tuple[str, str | None]]:
    return [(done.status, done.reason) for done in of(events.ResponseDone, call.frames)]


# Hugging Face's speech-to-speech.


async def test_a_typed_question_is_answered_in_speech(speech_to_speech: int) -> None:
    async with hugging(speech_to_speech) as call:
        await call.write(text_message("Hello"))
        await call.answered("You said: Hello")
        await call.hears(events.ResponseDone)

    spoken = sum(frame.duration for frame in of(Speech, call.frames))
    assert spoken == pytest.approx(200_000, abs=5_000)
    assert ended(call) == [("completed", None)]


async def test_a_spoken_turn_is_heard_understood_and_answered(speech_to_speech: int) -> None:
    async with hugging(speech_to_speech) as call:
        await call.say("Tell me a story.")
        await call.hears(events.SpeechStarted)
        await call.hears(events.SpeechStopped)
        understood = await call.hears(events.InputTranscriptionCompleted)
        await call.hears(Speech)

    assert understood.transcript == "tell me a story"


async def test_a_tool_is_called_and_what_it_returns_is_told(speech_to_speech: int) -> None:
    async with hugging(speech_to_speech) as call:
        await call.write(text_message("What is the weather in Oslo?"))
        made = await call.hears(events.FunctionCallArgumentsDone)
        await call.answered("light rain")

    assert (made.name, made.arguments) == ("get_weather", '{"city":"Oslo"}')


async def test_speaking_into_an_answer_ends_it(speech_to_speech: int) -> None:
    async with hugging(speech_to_speech) as call:
        await call.write(text_message("A story, please"))
        await call.hears(Speech)
        await call.say("Stop.")
        await call.hears(Interrupt)
        await call.hears(events.ResponseDone)

    assert ended(call)[0] == ("cancelled", "turn_detected")


async def test_an_answer_can_be_cancelled(speech_to_speech: int) -> None:
    async with hugging(speech_to_speech) as call:
        await call.write(text_message("A story, please"))
        await call.hears(Speech)
        await call.tell(events.ResponseCancel())
        await call.hears(events.ResponseDone)

    assert ended(call) == [("cancelled", "client_cancelled")]


async def test_an_error_is_told_and_the_session_goes_on(speech_to_speech: int) -> None:
    async with hugging(speech_to_speech) as call:
        await call.tell(events.ConversationItemDelete(item_id="item_of_nobody"))
        await call.hears(events.Error)
        await call.write(text_message("Hello"))
        await call.answered("You said: Hello")


# The same on a call. It does not say when it plays, nor cut what was not heard.


async def test_on_a_call_a_spoken_turn_is_understood_and_answered(speech_to_speech: int) -> None:
    async with called(speech_to_speech) as call:
        await call.say("Tell me a story.")
        understood = await call.hears(events.InputTranscriptionCompleted)
        await call.hears(Speech)

    assert understood.transcript == "tell me a story"
    assert call.transcript.said[-1].text == "You said: tell me a story"


async def test_on_a_call_all_of_a_short_answer_is_heard_and_no_more(speech_to_speech: int) -> None:
    async with called(speech_to_speech) as call:
        await call.write(text_message("Hello"))
        await call.answered("You said: Hello")
        await call.hears(events.AudioDone)

    spoken = sum(frame.duration for frame in of(Speech, call.frames))
    assert spoken == pytest.approx(300_000, abs=100_000)  # with the pause behind it
    assert ended(call) == [("completed", None)]


async def test_on_a_call_a_tool_makes_the_round(speech_to_speech: int) -> None:
    async with called(speech_to_speech) as call:
        await call.write(text_message("What is the weather in Oslo?"))
        await call.hears(events.FunctionCallArgumentsDone)
        await call.answered("light rain")
        await call.hears(Speech)


async def test_on_a_call_speaking_into_an_answer_ends_it(speech_to_speech: int) -> None:
    async with called(speech_to_speech) as call:
        await call.write(text_message("A story, please"))
        story = await call.hears(Speech)
        await call.say("Stop.")
        cut = await call.hears(Interrupt)
        answer = await call.hears(Speech, lambda one: one.response_id != story.response_id)

    assert ended(call)[0] == ("cancelled", "turn_detected")
    late = call.frames[call.frames.index(cut) :]
    assert {one.response_id for one in of(Speech, late)} == {answer.response_id}
    (cleared,) = of(events.OutputPlaybackCleared, call.reports)
    assert cleared.response_id == story.response_id


# CopilotKit's aimock: it writes, and neither hears nor speaks; it takes a cancellation, and goes on.


@asynccontextmanager
async def mocked(port: int, name: str) -> AsyncGenerator[Call]:
    path = "/v1" if name.startswith("openai") else ""
    async with talking(name, f"http://127.0.0.1:{port}{path}") as call:
        yield call


NAMES = ["openai/gpt-realtime-2", "gemini/gemini-3.1-flash-live-preview"]


def said(name: str, words: str) -> Message:
    """For Gemini a text with a status, since aimock knows no realtime input."""
    status = "completed" if name.startswith("gemini") else None
    return Message(role="user", content=(TextPart(text=words),), status=status)


def written(call: Call) -> str:
    return "".join(delta.delta for delta in of(events.TextDelta, call.frames))


@pytest.mark.parametrize("name", NAMES)
async def test_a_text_is_answered_with_a_text(aimock: int, name: str) -> None:
    async with mocked(aimock, name) as call:
        await call.write(said(name, "hello"))
        await call.hears(events.ResponseDone)

    assert written(call) == "Hello! How can I help you today?"


@pytest.mark.parametrize("name", NAMES)
async def test_a_tool_makes_the_round(aimock: int, name: str) -> None:
    async with mocked(aimock, name) as call:
        await call.write(said(name, "how is the weather?"))
        made = await call.hears(events.FunctionCallArgumentsDone)
        await call.hears(events.TextDone)

    assert (made.name, made.call_id) == ("get_weather", "call_oslo")
    assert written(call) == "It is 7 degrees in Oslo."


async def test_what_fails_there_is_an_error_here(aimock: int) -> None:
    async with mocked(aimock, NAMES[0]) as call:
        await call.write(said(NAMES[0], "fail"))
        done = await call.hears(events.ResponseDone)

    assert done.status == "failed"
    assert done.error is not None and done.error.message == "the model is overloaded"


async def test_of_gemini_it_is_passed_on_in_its_own_words(aimock: int) -> None:
    """Google documents no such message, and closes the connection instead."""

    def overloaded(custom: events.Custom) -> bool:
        return custom.raw_type == "error" and b"overloaded" in bytes(custom.raw)

    async with mocked(aimock, NAMES[1]) as call:
        await call.write(said(NAMES[1], "fail"))
        await call.hears(events.Custom, overloaded)
