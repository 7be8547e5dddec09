"""A model without audio: a line typed is a message, a line written its answer."""

import sys

import anyio

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import text_message
from antiphon.pipeline import Pipeline
from antiphon.processors import Realtime


async def chat(lines: list[str]) -> list[str]:
    """The answers to *lines*, one each."""
    answers: list[str] = []
    realtime = Realtime("local/assistant", config=SessionConfig(output_modalities=("text",)))
    async with Pipeline(realtime).open() as run:
        for line in lines:
            await run.send(events.ConversationItemCreate(item=text_message(line)))
            await run.send(events.ResponseCreate())
            async for frame in run:
                if isinstance(frame, events.TextDone):
                    answers.append(frame.text or "")
                if isinstance(frame, events.ResponseDone):
                    break
    return answers


if __name__ == "__main__":
    for answer in anyio.run(chat, [line.strip() for line in sys.stdin]):
        print(answer)
