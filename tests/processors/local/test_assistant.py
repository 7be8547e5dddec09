"""The assistant in a session: it hears, calls tools, answers, in speech and in writing."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import text_message
from antiphon.pipeline import Frame, Pipeline, Speech
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.assistant import assistant
from antiphon.processors.realtime import Realtime
from antiphon.processors.tools import Tools
from antiphon.processors.transcript import Transcript

NOON = datetime(2024, 5, 6, 12, 30)


def typed(
    *lines: str,
    tools: Sequence[object] = (),
    config: SessionConfig | None = None,
) -> tuple[list[Frame], Transcript]:
    """What comes of typing *lines*, each answered before the next."""
    transcript = Transcript()

    async def talk() -> list[Frame]:
        model = assistant(clock=lambda: NOON)
        realtime = Realtime(model, tools=Tools(*tools), config=config)  # pyright: ignore[reportArgumentType]
        heard: list[Frame] = []
        async with Pipeline(realtime, transcript).open() as run:
            for line in lines:
                await run.send(events.ConversationItemCreate(item=text_message(line)))
                await run.send(events.ResponseCreate())
                calls = 0
                async for frame in run:
                    heard.append(frame)
                    calls += isinstance(frame, events.FunctionCallArgumentsDone)
                    if isinstance(frame, events.ResponseDone):
                        if not calls:
                            break
                        calls = 0
        return heard

    return run_virtual(talk), transcript


def said(transcript: Transcript) -> list[tuple[str, str]]:
    return [(entry.who, entry.text) for entry in transcript.said]


def get_weather(city: str) -> dict[str, object]:
    """What the weather is like."""
    return {"city": city, "temperature": 7, "description": "light rain"}


TEXT = SessionConfig(output_modalities=("text",))


def test_a_typed_question_is_answered_in_speech_with_its_words() -> None:
    frames, transcript = typed("What time is it?")

    (_, answer) = said(transcript)
    assert answer[0] == "assistant" and "12" in answer[1] or "twelve" in answer[1]
    assert not any(isinstance(frame, events.TextDelta) for frame in frames)


def test_without_audio_asked_for_it_writes() -> None:
    frames, transcript = typed("What is two plus five?", config=TEXT)

    assert any(isinstance(frame, events.TextDelta) for frame in frames)
    assert not any(isinstance(frame, events.AudioTranscriptDelta) for frame in frames)
    assert "7" in transcript.said[-1].text


def test_a_tool_that_fits_by_its_name_is_called_and_told() -> None:
    _, transcript = typed("What's the weather in Oslo?", tools=[get_weather], config=TEXT)

    user, tool, answer = transcript.said
    assert (user.who, tool.who, answer.who) == ("user", "tool", "assistant")
    assert (tool.text, tool.arguments) == ("get_weather", '{"city":"Oslo"}')
    assert answer.text.strip() == "In Oslo it is 7 degrees: light rain."


def test_any_tool_can_be_called_by_its_name() -> None:
    def ring(times: int) -> str:
        return "ring " * times

    _, transcript = typed('call ring {"times": 2}', tools=[ring], config=TEXT)

    assert transcript.said[1].arguments == '{"times":2}'
    assert transcript.said[1].output == "ring ring "


def test_a_tool_that_fails_is_told_and_the_conversation_goes_on() -> None:
    def get_weather(city: str) -> str:
        raise RuntimeError("the station is closed")

    _, transcript = typed(
        "What's the weather in Oslo?", "Thank you.", tools=[get_weather], config=TEXT
    )

    texts = [text for who, text in said(transcript) if who == "assistant"]
    assert "the station is closed" in texts[0]
    assert len(texts) == 2


def test_what_it_does_not_understand_gets_the_nearest_apology() -> None:
    _, transcript = typed("Purple monkeys dishwash quietly.", config=TEXT)

    assert "ask me" in transcript.said[-1].text


@pytest.mark.parametrize("voice", ["en-gb+f2", "marin"])
def test_the_session_chooses_the_voice_among_those_there_are(voice: str) -> None:
    def sound(config: SessionConfig | None) -> bytes:
        frames, _ = typed("How are you?", config=config)
        return b"".join(frame.pcm for frame in frames if isinstance(frame, Speech))

    own, asked = sound(None), sound(SessionConfig(voice=voice))

    assert np.frombuffer(own, "<i2").any() and np.frombuffer(asked, "<i2").any()
    assert (asked == own) is (voice == "marin")
