"""A bot on LiveKit's agents and their plugin for OpenAI Realtime, without a room."""

# pyright: basic, reportMissingImports=false
# The package is installed in another environment than this project's.

import asyncio
import json

import aiohttp
from livekit import rtc
from livekit.agents import Agent, AgentSession, RunContext, function_tool
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
from livekit.plugins import openai
from told import WEATHER, Microphone, Told, given, weather

MODEL = "gpt-realtime-2"
RATE = 24_000
SPEED = 2.0
"""How much faster than it would be heard the speaker plays what is said; slower than it comes."""


class Ears(AudioInput):
    def __init__(self, microphone: Microphone) -> None:
        super().__init__(label="microphone")
        self._heard: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()
        self._hearing = asyncio.create_task(microphone.run(self._hear))

    async def _hear(self, pcm: bytes) -> None:
        frame = rtc.AudioFrame(pcm, RATE, num_channels=1, samples_per_channel=len(pcm) // 2)
        self._heard.put_nowait(frame)

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._heard.get()

    def close(self) -> None:
        self._hearing.cancel()


class Mouth(AudioOutput):
    def __init__(self, told: Told) -> None:
        super().__init__(
            label="speaker",
            capabilities=AudioOutputCapabilities(pause=False),
            sample_rate=RATE,
        )
        self._told = told
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._played = 0.0
        self._open = False
        self._playing = asyncio.create_task(self._play())

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._open = True
        self._frames.put_nowait(bytes(frame.data))

    def flush(self) -> None:
        super().flush()
        self._frames.put_nowait(None)

    def clear_buffer(self) -> None:
        while not self._frames.empty():
            self._frames.get_nowait()
        self._finish(interrupted=True)

    async def _play(self) -> None:
        while True:
            pcm = await self._frames.get()
            if pcm is None:
                self._finish(interrupted=False)
                continue
            self._told.hear(pcm)
            seconds = len(pcm) / 2 / RATE
            await asyncio.sleep(seconds / SPEED)
            self._played += seconds

    def _finish(self, *, interrupted: bool) -> None:
        if not self._open:
            return
        self._open = False
        played, self._played = self._played, 0.0
        if interrupted:
            self._told.interrupt()
        self.on_playback_finished(playback_position=played, interrupted=interrupted)

    def close(self) -> None:
        self._playing.cancel()


async def main() -> None:
    base, key, speech, answers = given()
    told = Told(answers, RATE)
    microphone = Microphone(speech, RATE)

    @function_tool(name=WEATHER["name"], description=WEATHER["description"])
    async def get_weather(context: RunContext, city: str) -> str:
        told.note("tool", name=WEATHER["name"], arguments={"city": city})
        return json.dumps(weather(city))

    async with aiohttp.ClientSession() as http:
        model = openai.realtime.RealtimeModel(
            model=MODEL,
            voice="marin",
            api_key=key,
            base_url=f"{base}/v1",
            http_session=http,
        )
        session = AgentSession(llm=model)
        ears, mouth = Ears(microphone), Mouth(told)
        session.input.audio, session.output.audio = ears, mouth

        @session.on("user_input_transcribed")
        def on_user_input_transcribed(event) -> None:
            if event.is_final:
                told.note("user", transcript=event.transcript)

        @session.on("conversation_item_added")
        def on_conversation_item_added(event) -> None:
            item = event.item
            if item.type == "message" and item.role == "assistant":
                if item.interrupted:
                    told.note("truncated", transcript=item.text_content)
                else:
                    told.answer(item.text_content)

        @session.on("error")
        def on_error(event) -> None:
            told.note("error", message=str(event.error))

        @session.on("close")
        def on_close(event) -> None:
            told.note("closed", reason=event.reason.value)

        await session.start(Agent(instructions="Be brief.", tools=[get_weather]))
        told.note("ready")
        session.generate_reply(user_input="hello")
        await told.next("answer")
        microphone.say("weather")
        await told.next("tool")
        await told.next("answer")
        microphone.say("story")
        await told.next("speaks")
        await asyncio.sleep(1)
        microphone.say("wellbeing")
        await told.next("interrupted")
        await told.next("answer")
        await session.aclose()
        ears.close()
        mouth.close()


asyncio.run(main())
