"""A bot on pipecat-ai's service for OpenAI Realtime, between a microphone and a speaker."""

# pyright: basic, reportMissingImports=false
# The package is installed in another environment than this project's.

import asyncio

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMMessagesAppendFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
from pipecat.workers.runner import WorkerRunner
from told import WEATHER, Microphone, Told, given, weather

MODEL = "gpt-realtime-2"
RATE = 24_000
SPEED = 2.0
"""How much faster than it would be heard the speaker takes what is said; slower than it comes."""

logger.remove()  # it would write a line for each link to standard error


class Ears(BaseInputTransport):
    def __init__(self, params: TransportParams, microphone: Microphone) -> None:
        super().__init__(params)
        self._microphone = microphone
        self._hearing: asyncio.Task | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._hearing = self.create_task(self._microphone.run(self._hear))

    async def stop(self, frame: EndFrame) -> None:
        await super().stop(frame)
        await self._silence()

    async def cancel(self, frame: CancelFrame) -> None:
        await super().cancel(frame)
        await self._silence()

    async def _silence(self) -> None:
        if self._hearing is not None:
            await self.cancel_task(self._hearing)
            self._hearing = None

    async def _hear(self, pcm: bytes) -> None:
        frame = InputAudioRawFrame(audio=pcm, sample_rate=RATE, num_channels=1)
        await self.push_audio_frame(frame)


class Mouth(BaseOutputTransport):
    def __init__(self, params: TransportParams, told: Told) -> None:
        super().__init__(params)
        self._told = told

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        self._told.hear(frame.audio)
        await asyncio.sleep(len(frame.audio) / 2 / RATE / SPEED)
        return True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._told.interrupt()


async def main() -> None:
    base, key, speech, answers = given()
    told = Told(answers, RATE)
    microphone = Microphone(speech, RATE)

    async def get_weather(call: FunctionCallParams) -> None:
        told.note("tool", name=call.function_name, arguments=dict(call.arguments))
        await call.result_callback(weather(**call.arguments))

    llm = OpenAIRealtimeLLMService(
        api_key=key,
        base_url=f"{base.replace('http', 'ws', 1)}/v1/realtime",
        settings=OpenAIRealtimeLLMService.Settings(
            model=MODEL,
            system_instruction="Be brief.",
            session_properties=events.SessionProperties(
                audio=events.AudioConfiguration(
                    input=events.AudioInput(transcription=events.InputAudioTranscription())
                )
            ),
        ),
    )
    llm.register_function(WEATHER["name"], get_weather)
    tool = FunctionSchema(
        name=WEATHER["name"],
        description=WEATHER["description"],
        properties=WEATHER["parameters"]["properties"],
        required=WEATHER["parameters"]["required"],
    )
    user, assistant = LLMContextAggregatorPair(
        LLMContext(tools=ToolsSchema(standard_tools=[tool])),
        user_params=LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies()),
    )
    params = TransportParams(
        audio_in_enabled=True,
        audio_out_enabled=True,
        audio_out_auto_silence=False,
        audio_out_end_silence_secs=0,
    )
    pipeline = Pipeline([Ears(params, microphone), user, llm, Mouth(params, told), assistant])
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
    )

    @worker.event_handler("on_pipeline_started")
    async def on_pipeline_started(worker: PipelineWorker, frame: Frame) -> None:
        told.note("ready")

    @worker.event_handler("on_pipeline_error")
    async def on_pipeline_error(worker: PipelineWorker, frame: Frame) -> None:
        told.note("error", message=str(frame))

    @user.event_handler("on_user_turn_message_added")
    async def on_user_turn_message_added(aggregator, message) -> None:
        told.note("user", transcript=message.content)

    @assistant.event_handler("on_assistant_turn_stopped")
    async def on_assistant_turn_stopped(aggregator, message) -> None:
        if message.content and not message.interrupted:
            told.answer(message.content)

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    over = asyncio.create_task(runner.run())
    await told.next("ready")
    await worker.queue_frame(
        LLMMessagesAppendFrame(messages=[{"role": "user", "content": "hello"}], run_llm=True)
    )
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
    await worker.queue_frame(EndFrame())
    await over
    told.note("closed")


asyncio.run(main())
