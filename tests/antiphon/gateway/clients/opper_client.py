"""A bot on the `opperai` package: a ticket is minted for it, and it opens the socket itself."""

# pyright: basic, reportMissingImports=false
# The package is installed in another environment than this project's.

import asyncio
import base64
import json

from opperai import Opper
from told import WEATHER, Microphone, Told, given, weather
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

MODEL = "openai/gpt-realtime-2"


class Bot:
    def __init__(self, socket: ClientConnection, told: Told) -> None:
        self._socket = socket
        self._told = told
        self._words = ""

    async def send(self, kind: str, **fields: object) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))

    async def listen(self) -> None:
        async for message in self._socket:
            event = json.loads(message)
            match event["type"]:
                case "audio.delta":
                    self._told.hear(base64.b64decode(event["audio"]))
                case "text.delta":
                    self._words += event["delta"]
                case "transcript.committed":
                    self._told.note("user", transcript=event["transcript"])
                case "speech.started":
                    if self._told.heard:
                        self._told.interrupt()
                    self._words = ""
                case "tool.call":
                    await self._call(event)
                case "response.completed" | "response.done":
                    if self._words:
                        self._told.answer(self._words)
                    self._words = ""
                case "error" | "session.terminating":
                    self._told.note("error", message=event)

    async def _call(self, event: dict) -> None:
        arguments = event["tool_arguments"]
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        self._told.note("tool", name=event["tool_name"], arguments=arguments)
        await self.send(
            "tool.result", tool_call_id=event["tool_call_id"], tool_result=weather(**arguments)
        )


async def main() -> None:
    base, key, speech, answers = given()
    opper = Opper(api_key=key, base_url=base)
    ticket = await opper.realtime.create_session_async(
        config={
            "model": MODEL,
            "instructions": "Be brief.",
            "input_transcription": True,
            "output_transcription": True,
            "tools": [WEATHER],
        },
        ttl_seconds=60,
    )
    offered = Subprotocol(f"opper-ticket.{ticket.client_secret}")
    async with connect(opper.realtime.url(), subprotocols=[offered]) as socket:
        await socket.send(json.dumps({"type": "session.start", "config": {}}))
        started = json.loads(await socket.recv())
        rate, plays = started["input_sample_rate"], started["output_sample_rate"]
        told = Told(answers, plays)
        told.note("minted", echoed=socket.subprotocol == offered)
        bot = Bot(socket, told)
        listening = asyncio.create_task(bot.listen())
        await bot.send("text.input", text="hello")
        await bot.send("response.create")
        await told.next("answer")

        async def send(pcm: bytes) -> None:
            await bot.send("audio.append", audio=base64.b64encode(pcm).decode())

        microphone = Microphone(speech, rate)
        speaking = asyncio.create_task(microphone.run(send))
        microphone.say("weather")
        await told.next("tool")
        await told.next("answer")
        microphone.say("story")
        await told.next("speaks")
        await asyncio.sleep(1)
        microphone.say("wellbeing")
        await told.next("interrupted")
        await told.next("answer")
        speaking.cancel()
    await listening
    told.note("closed", code=socket.close_code)


asyncio.run(main())
