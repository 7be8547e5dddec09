"""A local model as a stage: the server's side of a realtime session, run in process.

It says what a provider would say, in a provider's order: turns, items, responses. What
it says comes from a brain.
"""

import random
from collections.abc import Callable
from typing import Literal

import anyio
import msgspec

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.pipeline import Emit, Frame, Frames, now
from antiphon.processors.local.brain import Brain
from antiphon.processors.local.conversation import Conversation
from antiphon.processors.local.hearing import RATE, Hearing
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.responses import Responses
from antiphon.processors.local.session import CLIENT_EVENTS, Session

OUTPUT_RATE = 24_000
"""Hz, as most providers speak."""


class Server:
    """A model stage: client events in, also sent back to it, server events out.

    One run is one session. When its input ends, or with SessionClose, it answers what was
    said, waits for open tool calls, and ends. Equal *seed* and equal input give equal output.
    """

    input_rate = RATE
    takes_back = CLIENT_EVENTS

    def __init__(
        self,
        brain: Callable[[], Brain],
        *,
        name: str,
        output_rate: int = OUTPUT_RATE,
        pace: Pace | None = None,
        turn_detection: TurnDetection | None = None,
        ears: Literal["silero", "energy"] = "silero",
        seed: int = 0,
    ) -> None:
        self.name = name
        self.output_rate = output_rate
        self._brain = brain
        self._pace = pace or Pace()
        self._seed = seed
        self._ears: Literal["silero", "energy"] = ears
        self._config = SessionConfig(
            output_modalities=("audio",),
            turn_detection=turn_detection or TurnDetection(type="server-vad"),
        )

    async def run(self, frames: Frames, emit: Emit) -> None:
        conversation = Conversation()
        emit = Naming(emit, conversation)
        async with anyio.create_task_group() as group:
            responses = Responses(
                self._brain(),
                emit,
                conversation,
                self._pace,
                random.Random(self._seed),
                self.output_rate,
                group,
            )
            hearing = Hearing(self._ears)
            session = Session(emit, hearing, self._config, conversation, responses, group)
            await session.open()
            asked = False
            async for frame in frames:
                if asked := isinstance(frame, events.SessionClose):
                    break
                await session.hear(frame)
            await session.close(frames)
            if asked:
                await emit(events.SessionClosed(reason="client", at=now()))
            group.cancel_scope.cancel()


class Naming:
    """Emits events under names of their own: event_1, event_2, ..."""

    def __init__(self, emit: Emit, conversation: Conversation) -> None:
        self._emit = emit
        self._conversation = conversation

    async def __call__(self, frame: Frame) -> None:
        await self._emit(self._named(frame))

    def nowait(self, frame: Frame) -> None:
        self._emit.nowait(self._named(frame))

    def back(self, frame: Frame) -> None:
        self._emit.back(frame)

    def _named(self, frame: Frame) -> Frame:
        if not isinstance(frame, events.EventFrame):
            return frame
        return msgspec.structs.replace(frame, event_id=self._conversation.new_id("event"))
