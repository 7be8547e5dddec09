"""A call by the `openai` package: a page's WebRTC, which aiortc plays, and tools at a sideband."""

# pyright: basic, reportMissingImports=false
# The packages are installed in another environment than this project's.

import asyncio
import json
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame, AudioResampler
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from told import WEATHER, Microphone, Told, given, weather

MODEL = "gpt-realtime-2"
RATE = 24_000
LOUD = 100
"""Of 32768; with samples like these an answer begins."""


class Voice(MediaStreamTrack):
    """The microphone, as a track."""

    kind = "audio"

    def __init__(self, microphone: Microphone) -> None:
        super().__init__()
        self._blocks: asyncio.Queue[bytes] = asyncio.Queue()
        self._speaking = asyncio.create_task(microphone.run(self._blocks.put))
        self._samples = 0

    async def recv(self) -> AudioFrame:
        pcm = np.frombuffer(await self._blocks.get(), dtype=np.int16)
        frame = AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = self._samples
        self._samples += len(pcm)
        return frame

    def stop(self) -> None:
        super().stop()
        self._speaking.cancel()


class Bot:
    def __init__(self, peer: RTCPeerConnection, told: Told) -> None:
        self._told = told
        self._words: str | None = None
        self._understood = True
        self._playing = False
        self._channel = peer.createDataChannel("oai-events")
        self._channel.on("open", lambda: told.note("open"))
        self._channel.on("message", self._hear)
        peer.on("track", self._take)
        self._listening: asyncio.Task | None = None

    def send(self, kind: str, **fields: object) -> None:
        self._channel.send(json.dumps({"type": kind, **fields}))

    def _take(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        mono = AudioResampler(format="s16", layout="mono", rate=RATE)
        while True:
            received: Any = await track.recv()
            for frame in mono.resample(received):
                samples = frame.to_ndarray().reshape(-1)
                if self._told.heard or (self._playing and np.abs(samples).max() > LOUD):
                    self._told.hear(samples.tobytes())

    def _hear(self, message: str) -> None:
        event = json.loads(message)
        match event["type"]:
            case "session.created":
                self._told.note("ready", model=event["session"]["model"])
            case "input_audio_buffer.speech_started" if self._playing and self._told.heard:
                self._told.interrupt()
                self._words = None
            case "conversation.item.input_audio_transcription.completed":
                self._understood = bool(event["transcript"])
                self._told.note("user", transcript=event["transcript"])
            case "response.output_audio_transcript.done":
                self._words = event["transcript"]
            case "output_audio_buffer.started":
                self._playing = True
            case "output_audio_buffer.stopped":
                self._playing = False
                if self._understood:
                    self._told.answer(self._words)
                else:
                    self._told.forget()
                    self._told.note("unclear", transcript=self._words)
            case "output_audio_buffer.cleared":
                self._playing = False
                self._told.note("cleared")
            case "conversation.item.truncated":
                self._told.note("truncated", ms=event["audio_end_ms"])
            case "response.done":
                self._told.note("response", status=event["response"]["status"])
            case "error":
                self._told.note("error", message=event["error"]["message"])

    def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()


async def assist(connection: AsyncRealtimeConnection, told: Told) -> None:
    """What the page's server does beside the call: it brings the tool, and carries it out."""
    brings: Any = {"type": "realtime", "tools": [{"type": "function", **WEATHER}]}
    await connection.session.update(session=brings)
    async for event in connection:
        if event.type == "session.updated":
            told.note("ready", tools=len(getattr(event.session, "tools", None) or []))
        if event.type != "response.done":
            continue
        for call in event.response.output or []:
            if call.type == "function_call":
                arguments = json.loads(call.arguments)
                told.note("tool", name=call.name, arguments=arguments)
                output: Any = {
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": json.dumps(weather(**arguments)),
                }
                await connection.conversation.item.create(item=output)
                await connection.response.create()
    told.note("closed", code=connection._connection.close_code)


async def ask(microphone: Microphone, words: str, told: Told) -> None:
    """Say so; once more where packets were so late that nothing was understood."""
    for _ in range(3):
        microphone.say(words)
        if (await told.next("user"))["transcript"]:
            return
        await told.next("unclear")


async def talk(bot: Bot, microphone: Microphone, told: Told) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
    bot.send("conversation.item.create", item=item)
    bot.send("response.create")
    await told.next("answer")
    await ask(microphone, "weather", told)
    await told.next("tool")
    await told.next("answer")
    await ask(microphone, "story", told)
    await told.next("speaks")
    await asyncio.sleep(1.5)
    microphone.say("wellbeing")
    await told.next("interrupted")
    await told.next("answer")


async def main() -> None:
    base, key, speech, answers = given()
    told = Told(answers, RATE)
    microphone = Microphone(speech, RATE, block=0.02)
    peer = RTCPeerConnection()
    voice = Voice(microphone)
    peer.addTrack(voice)
    bot = Bot(peer, told)
    await peer.setLocalDescription(await peer.createOffer())
    async with AsyncOpenAI(api_key=key, base_url=f"{base}/v1") as client:
        answer = await client.realtime.calls.create(
            sdp=peer.localDescription.sdp,
            session={
                "type": "realtime",
                "model": MODEL,
                "instructions": "Be brief.",
                "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}},
            },
        )
        call_id = answer.response.headers["location"].rpartition("/")[2]
        told.note("called", status=answer.response.status_code, call_id=call_id)
        await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        await told.next("open")
        async with client.realtime.connect(call_id=call_id) as connection:
            assisting = asyncio.create_task(assist(connection, told))
            await told.next("ready", tools=1)
            await talk(bot, microphone, told)
            await client.realtime.calls.hangup(call_id)
            await assisting
    bot.close()
    voice.stop()
    await peer.close()


asyncio.run(main())
