"""The server's side of a realtime session, run in process around a brain.

It says what a provider would say, in a provider's order: turns, items, responses.
"""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVarTuple, Unpack, get_args

import anyio
from anyio import CancelScope, Event, Lock
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions, SessionConfig, TurnDetection, merge
from antiphon.codecs.items import AudioPart, FunctionCallOutput, Message
from antiphon.pipeline import Emit, Frame, Frames, now
from antiphon.processors.local.brain import Brain, Input, Part, Say, Turn, Utterance
from antiphon.processors.local.conversation import Conversation, UnknownItem
from antiphon.processors.local.hearing import RATE, Hearing, TurnBegan, TurnEnded
from antiphon.processors.local.response import Pace, Response

Arguments = TypeVarTuple("Arguments")

CLIENT_EVENTS: tuple[type[Frame], ...] = get_args(events.ClientEvent)

MANUAL = TurnDetection(type="disabled")

LINGER = 30.0
"""Seconds that tool calls may stay open after the user has gone."""


class Server:
    """A model stage: client events in, also sent back to it, server events out.

    One run is one session. When its input ends it answers what was said, waits for
    open tool calls, and ends.
    """

    input_rate = RATE
    takes_back = CLIENT_EVENTS

    def __init__(
        self,
        brain: Callable[[], Brain],
        *,
        name: str,
        output_rate: int = 24_000,
        pace: Pace | None = None,
        turn_detection: TurnDetection | None = None,
        seed: int = 0,
    ) -> None:
        self.name = name
        self._config = SessionConfig(
            output_modalities=("audio",),
            turn_detection=turn_detection or TurnDetection(type="server-vad"),
        )
        self.output_rate = output_rate
        self._brain = brain
        self._pace = pace or Pace()
        self._seed = seed

    async def run(self, frames: Frames, emit: Emit) -> None:
        chance = random.Random(self._seed)
        session = Session(self._brain(), emit, self._config, self._pace, chance, self.output_rate)
        async with anyio.create_task_group() as group:
            await session.open(group)
            async for frame in frames:
                await session.hear(frame)
            await session.close(frames)
            group.cancel_scope.cancel()


class Session:
    """What one client and the model have between them."""

    def __init__(
        self,
        brain: Brain,
        emit: Emit,
        config: SessionConfig,
        pace: Pace,
        chance: random.Random,
        rate: int,
    ) -> None:
        self._brain = brain
        self._emit = emit
        self._pace = pace
        self._chance = chance
        self._rate = rate
        self._config = config
        self._conversation = Conversation()
        self._hearing = Hearing()
        self._hearing.configure(config)
        self._new: list[Input] = []
        self._heard = 0
        self._item_id = ""
        self._ears = Lock()
        self._response: Response | None = None
        self._scope = CancelScope()
        self._over = Event()
        self._why = ""
        self._idle = CancelScope()
        self._cut_in = False
        self._calls: set[str] = set()
        self._continues = False
        self._busy = 0
        self._changed = Event()
        self._group: TaskGroup

    async def open(self, group: TaskGroup) -> None:
        self._group = group
        session_id = self._conversation.new_id("sess")
        await self._send(events.SessionCreated(session_id=session_id, config=self._config))

    async def hear(self, frame: Frame) -> None:
        """Do what the client wants; what cannot be done is answered with an Error."""
        try:
            await self._obey(frame)
        except UnknownItem as error:
            await self._refuse(frame, "item_not_found", f"there is no item {error.args[0]!r}")
        finally:
            self._changed.set()

    async def close(self, frames: Frames) -> None:
        """The user has gone: finish what is under way, as long as it takes."""
        for ended in self._hearing.end():
            await self._turn_ended(ended)
        async with anyio.create_task_group() as listening:
            listening.start_soon(self._listen_on, frames)
            while self._busy or self._calls or self._continues:
                # A response ends by itself; a call, or the wish for what follows it, may not.
                patience = None if self._busy else LINGER if self._calls else 1.0
                if not await self._change_within(patience):
                    break
            listening.cancel_scope.cancel()

    async def _listen_on(self, frames: Frames) -> None:
        while True:
            await self.hear(await frames.returned())

    async def _change_within(self, seconds: float | None) -> bool:
        self._changed = Event()
        with anyio.move_on_after(seconds):
            await self._changed.wait()
            return True
        return False

    async def _obey(self, frame: Frame) -> None:
        match frame:
            case events.InputAudioAppend():
                for fact in self._hearing.append(frame.audio):
                    if isinstance(fact, TurnBegan):
                        await self._turn_began(fact)
                    else:
                        await self._turn_ended(fact)
            case events.InputAudioCommit():
                await self._commit(self._hearing.commit(), answer=False)
            case events.InputAudioClear():
                self._hearing.clear()
                await self._send(events.InputAudioCleared(at=now()))
            case events.SessionUpdate() | events.SessionStart():
                await self._configure(frame.config)
            case events.ConversationItemCreate():
                await self._create(frame)
            case events.ConversationItemTruncate():
                heard = self._conversation.truncate(frame.item_id, frame.audio_end)
                await self._send(
                    events.ConversationItemTruncated(
                        item_id=frame.item_id,
                        content_index=frame.content_index,
                        audio_end=heard,
                        at=now(),
                    )
                )
            case events.ConversationItemDelete():
                self._conversation.delete(frame.item_id)
                await self._send(events.ConversationItemDeleted(item_id=frame.item_id, at=now()))
            case events.ConversationItemRetrieve():
                item = self._conversation[frame.item_id]
                await self._send(
                    events.ConversationItemRetrieved(item_id=frame.item_id, item=item, at=now())
                )
            case events.ResponseCreate():
                await self._create_response(frame)
            case events.ResponseCancel():
                if self._response is None:
                    await self._refuse(
                        frame, "response_cancel_not_active", "no response is running"
                    )
                else:
                    await self._interrupt("client_cancelled")
            case events.SessionClose():
                await self._send(events.SessionClosed(reason="client", at=now()))
            case events.InputDtmf() | events.ContextAppend() | events.Custom():
                await self._refuse(
                    frame, "unsupported", f"the local model has no {type(frame).__name__}"
                )
            case _:  # playback reports and hints that need no answer; frames of other kinds
                if not isinstance(frame, CLIENT_EVENTS):
                    await self._send(frame)

    async def _configure(self, config: SessionConfig) -> None:
        first = config.first_message if not self._conversation.last else None
        self._config = merge(self._config, config)
        self._hearing.configure(config)
        await self._send(events.SessionUpdated(config=self._config, at=now()))
        if first:
            await self._respond(say=first)

    async def _create(self, create: events.ConversationItemCreate) -> None:
        previous = create.previous_item_id or self._conversation.last
        item = self._conversation.add(create.item, create.previous_item_id)
        if isinstance(item, FunctionCallOutput):
            if item.call_id in self._calls:
                self._calls.discard(item.call_id)
                self._continues = not self._calls
            self._new.append(item)
        elif isinstance(item, Message) and item.role == "user":
            self._new.append(item)
        for kind in (events.ConversationItemAdded, events.ConversationItemDone):
            await self._send(
                kind(item_id=item.id or "", item=item, previous_item_id=previous, at=now())
            )

    async def _turn_began(self, fact: TurnBegan) -> None:
        self._item_id = self._conversation.new_id("item")
        await self._send(events.SpeechStarted(item_id=self._item_id, audio_start=fact.at, at=now()))
        self._idle.cancel()
        if self._detection.interrupt_response is not False:
            self._continues = False
            await self._interrupt("turn_detected")
        if (after := self._brain.cuts_in()) is not None:
            self._start(self._talk_over, after)

    async def _turn_ended(self, fact: TurnEnded) -> None:
        await self._send(events.SpeechStopped(item_id=self._item_id, audio_end=fact.at, at=now()))
        answer = self._detection.create_response is not False and not self._cut_in
        self._cut_in = False
        await self._commit(fact.pcm, answer=answer)

    @property
    def _detection(self) -> TurnDetection:
        detection = self._config.turn_detection
        return detection if isinstance(detection, TurnDetection) else MANUAL

    async def _talk_over(self, after: float) -> None:
        await anyio.sleep(after)
        if self._response is None:
            self._cut_in = True
            await self._respond()

    async def _speak_up(self) -> None:
        """Speak if the user stays silent for the idle timeout."""
        if self._detection.idle_timeout is not None:
            with CancelScope() as self._idle:
                await anyio.sleep(self._detection.idle_timeout / 1_000_000)
                await self._send(events.InputTimeoutTriggered(at=now()))
                await self._respond()

    async def _commit(self, pcm: bytes, *, answer: bool) -> None:
        item_id = self._item_id or self._conversation.new_id("item")
        self._item_id = ""
        previous = self._conversation.last
        self._heard += len(pcm) * 500_000 // RATE
        await self._send(
            events.AudioCommitted(item_id=item_id, previous_item_id=previous, at=now())
        )
        item = Message(role="user", id=item_id, content=(AudioPart(),), status="completed")
        self._conversation.add(item)
        for kind in (events.ConversationItemAdded, events.ConversationItemDone):
            await self._send(kind(item_id=item_id, item=item, previous_item_id=previous, at=now()))
        if answer and self._response is None:
            await self._respond(utterance=Utterance(item_id, pcm, ""))
        else:
            self._start(self._understand, item_id, pcm)

    async def _understand(self, item_id: str, pcm: bytes) -> None:
        async with self._ears:  # turns are understood in their order
            text = await self._brain.hear(pcm)
        self._new.append(Utterance(item_id, pcm, text))
        part = AudioPart(transcript=text)
        self._conversation.replace(
            Message(role="user", id=item_id, content=(part,), status="completed")
        )
        if text:
            await self._send(events.InputTranscriptionDelta(item_id=item_id, delta=text, at=now()))
        await self._send(
            events.InputTranscriptionCompleted(item_id=item_id, transcript=text, at=now())
        )

    async def _create_response(self, create: events.ResponseCreate) -> None:
        self._continues = False
        if self._response is not None:
            await self._refuse(
                create,
                "conversation_already_has_active_response",
                f"{self._response.id} is still running",
            )
        else:
            await self._respond(options=create.options)

    async def _respond(
        self,
        *,
        utterance: Utterance | None = None,
        say: str | None = None,
        options: ResponseOptions | None = None,
    ) -> None:
        """Begin a response: to *utterance*, still to be understood, or saying just *say*."""
        asked = options and options.modalities
        modalities = asked or self._config.output_modalities or ("audio",)
        response = self._response = Response(
            self._conversation.new_id("resp"),
            self._send,
            self._conversation,
            self._calls,
            self._pace,
            self._chance,
            rate=self._rate,
            spoken="audio" in modalities,
            heard=self._heard,
        )
        self._scope, self._over = CancelScope(), Event()
        self._idle.cancel()
        metadata = options.metadata if options else None
        await self._send(
            events.ResponseCreated(
                response_id=response.id, status="in_progress", metadata=metadata, at=now()
            )
        )
        self._start(self._run_response, response, utterance, say, options)

    async def _run_response(
        self,
        response: Response,
        utterance: Utterance | None,
        say: str | None,
        options: ResponseOptions | None,
    ) -> None:
        try:
            with self._scope as scope:
                if utterance is not None:
                    await self._understand(utterance.item_id, utterance.pcm)
                async with self._ears:
                    new, self._new = self._new, []
                config = self._config
                if options and options.instructions:
                    config = merge(config, SessionConfig(instructions=options.instructions))
                turn = Turn(new, self._conversation, config)
                await response.run(
                    self._brain, self._brain.respond(turn) if say is None else _only(Say(say))
                )
            if scope.cancelled_caught:
                await response.cancelled(self._why)
            elif response.hung_up:
                await self._send(events.SessionClosed(reason="hung up", at=now()))
                self._group.cancel_scope.cancel()
        finally:
            self._response = None
            self._over.set()
        if not scope.cancelled_caught and not self._calls:
            self._group.start_soon(self._speak_up)

    async def _interrupt(self, why: str) -> None:
        """Stop the response that runs, if one does, and wait until it has said so."""
        if self._response is not None:
            self._why = why
            self._scope.cancel()
            await self._over.wait()

    def _start(
        self, work: Callable[[Unpack[Arguments]], Awaitable[None]], *args: Unpack[Arguments]
    ) -> None:
        async def counted() -> None:
            try:
                await work(*args)
            finally:
                self._busy -= 1
                self._changed.set()

        self._busy += 1
        self._group.start_soon(counted)

    async def _refuse(self, event: Frame, code: str, message: str) -> None:
        event_id = event.event_id if isinstance(event, events.EventFrame) else None
        await self._send(
            events.Error(
                message=message,
                code=code,
                error_type="invalid_request_error",
                client_event_id=event_id,
                at=now(),
            )
        )

    async def _send(self, event: Frame) -> None:
        await self._emit(event)


async def _only(part: Part) -> AsyncGenerator[Part]:
    yield part
