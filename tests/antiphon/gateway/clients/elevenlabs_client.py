"""A bot on the `elevenlabs` package: a conversation with an agent, by a signed URL."""

# pyright: basic, reportMissingImports=false
# The package is installed in another environment than this project's.

import asyncio
import json
from collections.abc import Awaitable, Callable

from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import (
    AsyncAudioInterface,
    AsyncConversation,
    ClientTools,
    DisconnectionDetails,
)
from told import WEATHER, Microphone, Told, given, weather

AGENT = "agent_weather"
RATE = 16_000
QUIET = 0.5
"""Seconds without audio after which an answer is taken to be complete: nothing tells it."""


class Audio(AsyncAudioInterface):
    def __init__(self, microphone: Microphone, told: Told) -> None:
        self._microphone = microphone
        self._told = told
        self._speaking: asyncio.Task | None = None
        self._words: str | None = None
        self._complete: asyncio.TimerHandle | None = None

    async def start(self, input_callback: Callable[[bytes], Awaitable[None]]) -> None:
        self._told.note("ready")
        self._speaking = asyncio.create_task(self._microphone.run(input_callback))

    async def stop(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()

    async def output(self, audio: bytes) -> None:
        self._told.hear(audio)
        self._wait()

    async def interrupt(self) -> None:
        self._told.interrupt()
        self._words = None

    async def words(self, text: str) -> None:
        self._words = text
        self._wait()

    def _wait(self) -> None:
        if self._complete is not None:
            self._complete.cancel()
        self._complete = asyncio.get_running_loop().call_later(QUIET, self._answer)

    def _answer(self) -> None:
        if self._words is not None:
            self._told.answer(self._words)
            self._words = None


async def main() -> None:
    base, key, speech, answers = given()
    told = Told(answers, RATE)
    microphone = Microphone(speech, RATE)
    audio = Audio(microphone, told)

    async def get_weather(parameters: dict) -> str:
        arguments = {"city": parameters["city"]}
        told.note("tool", name="get_weather", arguments=arguments)
        return json.dumps(weather(**arguments))

    async def heard(transcript: str) -> None:
        told.note("user", transcript=transcript)

    async def corrected(original: str, correction: str) -> None:
        told.note("truncated", original=original, correction=correction)

    async def ended(details: DisconnectionDetails) -> None:
        told.note("closed", reason=details.reason, code=details.close_code)

    tools = ClientTools(loop=asyncio.get_running_loop())
    tools.register(WEATHER["name"], get_weather, is_async=True)
    conversation = AsyncConversation(
        ElevenLabs(api_key=key, base_url=base),
        AGENT,
        requires_auth=True,
        audio_interface=audio,
        client_tools=tools,
        callback_agent_response=audio.words,
        callback_agent_response_correction=corrected,
        callback_user_transcript=heard,
        callback_disconnect=ended,
    )
    await conversation.start_session()
    await told.next("ready")
    told.note("minted")
    await conversation.send_user_message("hello")
    await told.next("answer")
    microphone.say("weather")
    await told.next("answer")
    microphone.say("story")
    await told.next("speaks")
    await asyncio.sleep(1)
    microphone.say("wellbeing")
    await told.next("interrupted")
    await told.next("answer")
    await conversation.end_session()
    await conversation.wait_for_session_end()


asyncio.run(main())
