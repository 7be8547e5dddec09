"""A bot on the `google-genai` package: an ephemeral token is minted for it; it insists on TLS.

Which authority to trust is said as for any program on OpenSSL: by SSL_CERT_FILE.
"""

# pyright: basic, reportMissingImports=false
# The package is installed in another environment than this project's.

import asyncio
import warnings

from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from told import WEATHER, Microphone, Told, given, weather

MODEL = "gemini-3.1-flash-live-preview"
HEARS, SPEAKS = 16_000, 24_000

warnings.simplefilter("ignore", errors.ExperimentalWarning)


class Bot:
    def __init__(self, session: AsyncSession, told: Told) -> None:
        self._session = session
        self._told = told
        self._user = ""
        self._words = ""

    async def listen(self) -> None:
        try:
            while True:
                async for message in self._session.receive():  # which ends with each turn
                    await self._hear(message)
        except errors.APIError as error:
            self._told.note("closed", code=error.code)

    async def _hear(self, message: types.LiveServerMessage) -> None:
        if message.tool_call:
            await self._call(message.tool_call)
        content = message.server_content
        if content is None:
            return
        if content.input_transcription and content.input_transcription.text:
            self._user += content.input_transcription.text
        if content.output_transcription and content.output_transcription.text:
            self._words += content.output_transcription.text
        if content.model_turn:
            for part in content.model_turn.parts or []:
                if part.inline_data and part.inline_data.data:
                    self._told.hear(part.inline_data.data)
        if content.interrupted:
            self._told.interrupt()
            self._words = ""
        if content.turn_complete:
            self._told.note("user", transcript=self._user)
            if self._words:
                self._told.answer(self._words)
            self._user = self._words = ""

    async def _call(self, asked: types.LiveServerToolCall) -> None:
        responses = []
        for call in asked.function_calls or []:
            arguments = call.args or {}
            self._told.note("tool", name=call.name, arguments=arguments)
            responses.append(
                types.FunctionResponse(id=call.id, name=call.name, response=weather(**arguments))
            )
        await self._session.send_tool_response(function_responses=responses)


def client(base: str, key: str) -> genai.Client:
    options = types.HttpOptions(base_url=base, api_version="v1alpha")
    return genai.Client(api_key=key, http_options=options)


async def main() -> None:
    base, key, speech, answers = given()
    told = Told(answers, SPEAKS)
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        system_instruction="Be brief.",
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        tools=[
            types.Tool(
                function_declarations=[
                    types.FunctionDeclaration(
                        name=WEATHER["name"],
                        description=WEATHER["description"],
                        parameters_json_schema=WEATHER["parameters"],
                    )
                ]
            )
        ],
    )
    token = await client(base, key).aio.auth_tokens.create(
        config=types.CreateAuthTokenConfig(
            uses=1,
            live_connect_constraints=types.LiveConnectConstraints(model=MODEL, config=config),
        )
    )
    told.note("minted")
    connecting = client(base, token.name or "").aio.live.connect(model=MODEL, config=config)
    async with connecting as session:
        told.note("ready")
        listening = asyncio.create_task(Bot(session, told).listen())
        await session.send_client_content(
            turns=types.Content(role="user", parts=[types.Part(text="hello")])
        )
        await told.next("answer")

        async def send(pcm: bytes) -> None:
            audio = types.Blob(data=pcm, mime_type=f"audio/pcm;rate={HEARS}")
            await session.send_realtime_input(audio=audio)

        microphone = Microphone(speech, HEARS)
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
        await session.close()
        await listening


asyncio.run(main())
