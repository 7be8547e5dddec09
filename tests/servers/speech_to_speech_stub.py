"""Hugging Face's speech-to-speech router, with a pipeline behind it that needs no weights.

Run by a test, with the Python of the environment that `.ci/servers` makes: it listens at the port
of its argument. What it hears is always the same words; it answers with a tone.
"""

# This environment has none of what is imported here.
# pyright: basic, reportMissingImports=false

import math
import struct
import sys
import threading
import time
from queue import Queue
from uuid import uuid4

import uvicorn
from openai.types.realtime import RealtimeConversationItemFunctionCall
from openai.types.responses.response_function_tool_call import ResponseFunctionToolCall
from speech_to_speech.api.openai_realtime.pipeline_unit import PipelineUnit
from speech_to_speech.api.openai_realtime.service import RealtimeService
from speech_to_speech.api.openai_realtime.websocket_router import create_app
from speech_to_speech.pipeline.cancel_scope import CancelScope
from speech_to_speech.pipeline.control import is_control_message
from speech_to_speech.pipeline.events import (
    AssistantOutputEvent,
    AssistantResponseDoneEvent,
    SpeechStartedEvent,
    SpeechStoppedEvent,
    TranscriptionCompletedEvent,
)
from speech_to_speech.pipeline.messages import (
    AUDIO_RESPONSE_DONE,
    AssistantTextPart,
    AssistantToolCallPart,
    AudioOutput,
)

RATE = 16_000

UNITS = 8
"""Sessions at a time: one that was left is busy for a while."""

HEARD = "tell me a story"
LOUD = 500
QUIET_FOR = 0.3
"""Seconds of silence that end a turn."""

TONE = b"".join(
    struct.pack("<h", round(8_000 * math.sin(2 * math.pi * 440 * n / RATE)))
    for n in range(RATE // 10)
)


def hear(unit: PipelineUnit) -> None:
    """Voice activity by loudness, and a recogniser that always understands the same."""
    position, loud_until, turn = 0.0, 0.0, None
    while True:
        chunk = unit.input_queue.get()
        if is_control_message(chunk):
            unit.output_queue.put(chunk)
            position, turn = 0.0, None
            continue
        pcm = chunk[0] if isinstance(chunk, tuple) else chunk
        samples = struct.unpack(f"<{len(pcm) // 2}h", pcm[: len(pcm) // 2 * 2])
        position += len(samples) / RATE
        loud = max(map(abs, samples), default=0) > LOUD
        if loud:
            loud_until = position
            if turn is None:
                turn = uuid4().hex
                unit.text_output_queue.put(
                    SpeechStartedEvent(audio_start_ms=round(position * 1000), turn_id=turn)
                )
        elif turn is not None and position - loud_until > QUIET_FOR:
            unit.text_output_queue.put(
                SpeechStoppedEvent(audio_end_ms=round(position * 1000), turn_id=turn)
            )
            unit.text_output_queue.put(TranscriptionCompletedEvent(transcript=HEARD, turn_id=turn))
            turn = None


def answer(unit: PipelineUnit) -> None:
    """A tool for the weather, a long answer for a story, else what was said."""
    while True:
        request = unit.text_prompt_queue.get()
        if is_control_message(request):
            continue
        generation, key = unit.cancel_scope.generation, request.response_key
        tags = {"cancel_generation": generation, "response_key": key}
        last = request.runtime_config.chat.to_transformers_chat()[-1]
        words = str(last.get("content", ""))
        if last["role"] == "user" and "weather" in words:
            call = ResponseFunctionToolCall(
                type="function_call",
                call_id=f"call_{uuid4().hex[:8]}",
                name="get_weather",
                arguments='{"city":"Oslo"}',
            )
            item = RealtimeConversationItemFunctionCall(
                type="function_call", call_id=call.call_id, name=call.name, arguments=call.arguments
            )
            request.runtime_config.chat.add_item(item)
            part = AssistantToolCallPart(tool=call)
            unit.output_queue.put(
                AssistantOutputEvent(parts=[part], turn_id=request.turn_id, **tags)
            )
        else:
            said = f"You said: {words}"
            part = AssistantTextPart(text=said)
            unit.output_queue.put(
                AssistantOutputEvent(parts=[part], turn_id=request.turn_id, **tags)
            )
            for _ in range(50 if "story" in words else 2):
                if unit.cancel_scope.is_stale(generation):
                    break
                unit.output_queue.put(AudioOutput(audio=TONE, **tags))
                time.sleep(0.02)
        unit.output_queue.put(AssistantResponseDoneEvent(turn_id=request.turn_id, **tags))
        unit.output_queue.put(AudioOutput(audio=AUDIO_RESPONSE_DONE, **tags))


def make_unit(index: int) -> PipelineUnit:
    prompts: Queue = Queue()
    listen = threading.Event()
    listen.set()
    unit = PipelineUnit(
        index=index,
        service=RealtimeService(text_prompt_queue=prompts, should_listen=listen),
        cancel_scope=CancelScope(),
        should_listen=listen,
        response_playing=threading.Event(),
        input_queue=Queue(),
        output_queue=Queue(),
        text_output_queue=Queue(),
        text_prompt_queue=prompts,
        handlers=[],
    )
    for work in (hear, answer):
        threading.Thread(target=work, args=(unit,), daemon=True).start()
    return unit


if __name__ == "__main__":
    app = create_app(pool=[make_unit(n) for n in range(UNITS)], stop_event=threading.Event())
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
