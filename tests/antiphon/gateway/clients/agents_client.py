"""A bot on the `openai-agents` package: its runner, its function tools, its interruptions."""

# pyright: basic, reportMissingImports=false
# The package is installed in another environment than this project's.

import asyncio
import json

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeModelEvent, RealtimeRunner, RealtimeSession
from told import WEATHER, Microphone, Told, given, weather

MODEL = "gpt-realtime-2"
RATE = 24_000


class Bot:
    def __init__(self, session: RealtimeSession, told: Told) -> None:
        self._session = session
        self._told = told
        self._speaking: str | None = None
        """The item that is being played."""
        self._cut: str | None = None
        """The one that was interrupted: what still comes of it is not played."""

    async def listen(self) -> None:
        async for event in self._session:
            match event.type:
                case "audio" if event.item_id != self._cut:
                    self._speaking = event.item_id
                    self._told.hear(event.audio.data)
                case "audio_interrupted":
                    self._speaking, self._cut = None, event.item_id
                    self._told.interrupt()
                case "tool_start":
                    arguments = json.loads(event.arguments)
                    self._told.note("tool", name=event.tool.name, arguments=arguments)
                case "raw_model_event":
                    self._hear(event.data)
                case "history_updated":
                    self._history = event.history
                case "error":
                    self._told.note("error", message=str(event.error))

    def _hear(self, event: RealtimeModelEvent) -> None:
        match event.type:
            case "input_audio_transcription_completed":
                self._told.note("user", transcript=event.transcript)
            case "exception":
                self._told.note("error", message=str(event.exception))
            case "raw_server_event":
                self._hear_raw(event.data)

    def _hear_raw(self, event: dict) -> None:
        match event["type"]:
            case "session.updated":
                self._told.note("ready")
            case "response.output_audio_transcript.done":
                if event["item_id"] == self._speaking:
                    self._told.answer(event["transcript"])
            case "response.done":
                self._told.note("response", status=event["response"]["status"])
            case "conversation.item.truncated":
                self._told.note("truncated", ms=event["audio_end_ms"])

    def remember(self) -> None:
        """What the package's own history has in the end."""
        for item in self._history:
            if item.type == "message":
                said = [getattr(part, "text", None) or part.transcript for part in item.content]
                about = {"role": item.role, "status": getattr(item, "status", None)}
                self._told.note("history", text=" ".join(filter(None, said)), **about)


async def main() -> None:
    base, key, speech, answers = given()
    told = Told(answers, RATE)

    @function_tool(name_override=WEATHER["name"], description_override=WEATHER["description"])
    def get_weather(city: str) -> str:
        return json.dumps(weather(city))

    agent = RealtimeAgent(name="Assistant", instructions="Be brief.", tools=[get_weather])
    session = await RealtimeRunner(agent).run(
        model_config={
            "url": f"{base.replace('http', 'ws', 1)}/v1/realtime?model={MODEL}",
            "api_key": key,
            "initial_model_settings": {"model_name": MODEL, "voice": "marin"},
        }
    )
    async with session:
        bot = Bot(session, told)
        listening = asyncio.create_task(bot.listen())
        await told.next("ready")
        await session.send_message("hello")
        await told.next("answer")
        microphone = Microphone(speech, RATE)
        speaking = asyncio.create_task(microphone.run(session.send_audio))
        microphone.say("weather")
        await told.next("tool")
        await told.next("answer")
        microphone.say("story")
        await told.next("speaks")
        await asyncio.sleep(1)
        microphone.say("wellbeing")
        await told.next("interrupted")
        await told.next("truncated")
        await told.next("answer")
        await told.next("response")
        speaking.cancel()
    await listening
    bot.remember()
    told.note("closed")


asyncio.run(main())
