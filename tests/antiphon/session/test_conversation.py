"""A whole spoken conversation with the local model, behind dialects of providers."""

import importlib.util
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, Transcription
from antiphon.codecs.connection import Connect
from antiphon.codecs.dialects import find_dialect
from antiphon.pipeline.testing import run_virtual
from antiphon.processors import FileSource
from antiphon.processors.local.voice import Voice
from antiphon.processors.models import find_model
from antiphon.processors.serving import serve
from antiphon.processors.tool import Tool
from antiphon.session import Message, Session, TextPart, ToolCall, ToolPart
from antiphon.transports import Transport, memory
from tests.antiphon.session.line import settle, token

SECOND = 1_000_000

MODELS = {
    "openai": "openai/gpt-realtime-2",
    "vercel": "vercel/openai/gpt-realtime-2",
    "gemini": "gemini/gemini-3.1-flash-live-preview",
}


def get_weather(city: str) -> str:
    """What the weather is like in a city."""
    return f"It is snowing in {city}."


TOOLS = (Tool(get_weather).definition,)


class Provider:
    """Serves the local model in a provider's dialect, and remembers what it was told."""

    def __init__(self, dialect: str) -> None:
        self.dialect = find_dialect(dialect)

    @asynccontextmanager
    async def open(self, way: Connect) -> AsyncGenerator[Transport]:
        ours, theirs = memory.pair()
        model = find_model("local/assistant?seed=1")
        async with anyio.create_task_group() as group:
            group.start_soon(serve, theirs, self.dialect.server("m"), model)
            try:
                yield ours
            finally:
                group.cancel_scope.cancel()
                await ours.aclose()
                await theirs.aclose()


def spoken(folder: Path, text: str) -> Path:
    voice, path = Voice("en-us"), folder / f"{text[:8]}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(voice.rate)
        file.writeframes(voice.speak(text))
    return path


def written(message: Message) -> str:
    return " ".join(part.text for part in message.parts if isinstance(part, TextPart))


async def heard_out(session: Session, answers: int) -> None:
    """Until so many answers were heard to their end."""
    while True:
        done = [event for event in session.events if isinstance(event, events.ResponseDone)]
        if len(done) >= answers and not session.is_playing:
            return
        await anyio.sleep(0.1)


@pytest.mark.parametrize("dialect", MODELS)
def test_questions_are_answered_tools_called_and_speech_interrupted(
    dialect: str, tmp_path: Path
) -> None:
    question = spoken(tmp_path, "What's the weather in Oslo?")
    request = spoken(tmp_path, "Tell me a story.")
    stop = spoken(tmp_path, "Stop.")
    errors, calls, changes = list[Exception](), list[ToolCall](), list[bool]()

    def on_tool_call(call: ToolCall) -> str:
        calls.append(call)
        return get_weather(**call.arguments)

    async def main() -> tuple[list[Message], list[events.ServerEvent]]:
        session = Session(
            MODELS[dialect],
            token=token,
            open=Provider(dialect).open,
            config=SessionConfig(tools=TOOLS, input_audio_transcription=Transcription()),
            on_tool_call=on_tool_call,
            on_error=errors.append,
            on_change=lambda what: what == "is_playing" and changes.append(session.is_playing),
        )
        async with session:
            await session.connect()
            assert session.status == "connected"
            await session.start_audio_capture(FileSource(question, tail=2 * SECOND))
            with anyio.fail_after(60):
                await heard_out(session, 2)

            await session.start_audio_capture(FileSource(request, tail=2 * SECOND))
            with anyio.fail_after(60):
                while not session.is_playing:
                    await anyio.sleep(0.1)
            await anyio.sleep(2)
            assert session.is_playing
            changes.clear()
            await session.start_audio_capture(FileSource(stop, tail=2 * SECOND))
            await anyio.sleep(1)
            assert changes[:1] == [False]
            await anyio.sleep(10)
            await session.disconnect()
            await settle()
            return session.messages, session.events

    messages, heard = run_virtual(main)

    assert errors == []
    assert [(call.name, call.arguments) for call in calls] == [("get_weather", {"city": "Oslo"})]
    said = [(message.role, written(message)) for message in messages]
    assert said[0][0] == "user"
    assert "weather in oslo" in said[0][1].lower()
    [tool] = [part for one in messages for part in one.parts if isinstance(part, ToolPart)]
    assert (tool.state, tool.output) == ("output-available", "It is snowing in Oslo.")
    assert any(role == "assistant" and "snowing in Oslo" in text for role, text in said)
    if dialect == "openai":  # the others have no word for it, or need none
        [cut] = [event for event in heard if isinstance(event, events.ConversationItemTruncated)]
        assert 1 * SECOND < (cut.audio_end or 0) < 4 * SECOND


def test_a_model_of_this_machine_needs_no_token() -> None:
    async def main() -> list[Message]:
        config = SessionConfig(output_modalities=("text",))
        async with Session("local/assistant", config=config) as session:
            await session.connect()
            await session.send_text_message("What is 3 plus 4?")
            with anyio.fail_after(60):
                await heard_out(session, 1)
            return session.messages

    user, assistant = run_virtual(main)

    assert (user.role, written(user)) == ("user", "What is 3 plus 4?")
    assert "7" in written(assistant) or "seven" in written(assistant)


def test_the_example_answers_a_question_in_a_file(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "examples" / "session.py"
    spec = importlib.util.spec_from_file_location("example", path)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    messages = run_virtual(example.ask, str(spoken(tmp_path, "What's the weather in Oslo?")))

    assert written(messages[-1]) == "It is sunny in Oslo."
