"""A model as one object with state and methods, for programs that are not about processors."""

import sys

import anyio

from antiphon import Session
from antiphon.codecs.config import SessionConfig
from antiphon.processors import FileSource
from antiphon.processors.tool import Tool
from antiphon.session import Message, ToolCall


def get_weather(city: str) -> str:
    """What the weather is like in a city."""
    return f"It is sunny in {city}."


def on_tool_call(call: ToolCall) -> str:
    return get_weather(**call.arguments)


async def ask(question: str, seconds: float = 12.0) -> list[Message]:
    """What becomes of a spoken *question*, a file, within so many *seconds*."""
    config = SessionConfig(tools=(Tool(get_weather).definition,))
    # A provider's model needs a token source: Session("openai/gpt-realtime-2", token=url, ...).
    async with Session("local/assistant", config=config, on_tool_call=on_tool_call) as session:
        await session.connect()
        await session.start_audio_capture(FileSource(question, tail=2_000_000))
        await anyio.sleep(seconds)
        return session.messages


if __name__ == "__main__":
    for message in anyio.run(ask, sys.argv[1]):
        print(message)
