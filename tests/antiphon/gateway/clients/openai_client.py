"""A bot on the `openai` package: a secret is minted for it, and it connects by WebSocket."""

# pyright: basic, reportMissingImports=false
# The package is installed in another environment than this project's.

import asyncio
import base64
import json
import time
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from told import WEATHER, Microphone, Told, given, weather

MODEL = "gpt-realtime-2"
RATE = 24_000

SESSION: Any = {
    "type": "realtime",
    "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}},
    "tools": [{"type": "function", **WEATHER}],
}


class Bot:
    def __init__(self, connection: AsyncRealtimeConnection, told: Told) -> None:
        self._connection = connection
        self._told = told
        self._item: str | None = None
        self._cut: str | None = None
        """The item that was interrupted: what still comes of it is not played."""
        self._began = 0.0

    async def listen(self) -> None:
        async for event in self._connection:
            match event.type:
                case "session.updated":
                    self._told.note("ready")
                case "input_audio_buffer.speech_started":
                    await self._interrupt()
                case "conversation.item.input_audio_transcription.completed":
                    self._told.note("user", transcript=event.transcript)
                case "response.output_audio.delta" if event.item_id != self._cut:
                    if self._item != event.item_id:
                        self._item, self._began = event.item_id, time.monotonic()
                    self._told.hear(base64.b64decode(event.delta))
                case "response.output_audio_transcript.done":
                    if event.item_id == self._item:
                        self._told.answer(event.transcript)
                case "response.done":
                    self._told.note("response", status=event.response.status)
                    await self._call(event.response.output or [])
                case "conversation.item.truncated":
                    self._told.note("truncated", ms=event.audio_end_ms)
                case "error":
                    self._told.note("error", message=event.error.message)

    async def _interrupt(self) -> None:
        if self._item is None or not self._told.heard:
            return
        item, self._item, self._cut = self._item, None, self._item
        played = min(time.monotonic() - self._began, self._told.heard)
        self._told.interrupt(played=round(played * 1000))
        await self._connection.conversation.item.truncate(
            item_id=item, content_index=0, audio_end_ms=round(played * 1000)
        )

    async def _call(self, output: list) -> None:
        calls = [item for item in output if item.type == "function_call"]
        for call in calls:
            arguments = json.loads(call.arguments)
            self._told.note("tool", name=call.name, arguments=arguments)
            await self._connection.conversation.item.create(
                item={
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": json.dumps(weather(**arguments)),
                }
            )
        if calls:
            await self._connection.response.create()


async def main() -> None:
    base, key, speech, answers = given()
    told = Told(answers, RATE)
    async with AsyncOpenAI(api_key=key, base_url=f"{base}/v1") as client:
        secret = await client.realtime.client_secrets.create(
            session={"type": "realtime", "model": MODEL, "instructions": "Be brief."}
        )
        told.note("minted", model=getattr(secret.session, "model", None))
    async with (
        AsyncOpenAI(api_key=secret.value, base_url=f"{base}/v1") as client,
        client.realtime.connect(model=MODEL) as connection,
    ):
        listening = asyncio.create_task(Bot(connection, told).listen())
        await connection.session.update(session=SESSION)
        await told.next("ready")
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "hello"}],
            }
        )
        await connection.response.create()
        await told.next("answer")

        async def send(pcm: bytes) -> None:
            await connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

        microphone = Microphone(speech, RATE)
        speaking = asyncio.create_task(microphone.run(send))
        microphone.say("weather")
        await told.next("tool")
        await told.next("answer")
        microphone.say("story")
        await told.next("speaks")
        await asyncio.sleep(1)
        microphone.say("wellbeing")
        await told.next("truncated")
        await told.next("answer")
        speaking.cancel()
        await connection.close()
        await listening
        told.note("closed", code=connection._connection.close_code)


asyncio.run(main())
