"""The server's side of one session with a local model."""

from typing import get_args

import anyio

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection, merge
from antiphon.codecs.items import AudioPart, FunctionCallOutput, Item, Message
from antiphon.pipeline import Emit, Frame, Frames, now
from antiphon.processors.local.conversation import Conversation, UnknownItem
from antiphon.processors.local.hearing import Hearing, TurnBegan, TurnEnded
from antiphon.processors.local.responses import Responses

CLIENT_EVENTS: tuple[type[Frame], ...] = get_args(events.ClientEvent)

MANUAL = TurnDetection(type="disabled")


class Session:
    """What one client and the model have between them: the listening half, and obedience."""

    def __init__(
        self, emit: Emit, config: SessionConfig, conversation: Conversation, responses: Responses
    ) -> None:
        self._emit = emit
        self._config = config
        self._conversation = conversation
        self._responses = responses
        self._hearing = Hearing()
        self._hearing.configure(config)
        self._item_id = ""
        self._talked_over = False

    async def open(self) -> None:
        session_id = self._conversation.new_id("sess")
        await self._emit(
            events.SessionCreated(session_id=session_id, config=self._config, at=now())
        )

    async def hear(self, frame: Frame) -> None:
        """Do what the client wants; what cannot be done is answered with an Error."""
        try:
            await self._obey(frame)
        except UnknownItem as error:
            await self._refuse(frame, "item_not_found", f"there is no item {error.args[0]!r}")
        finally:
            self._responses.changed()

    async def close(self, frames: Frames) -> None:
        """The user has gone: finish what is under way, as long as it takes."""
        for ended in self._hearing.end():
            await self._turn_ended(ended)
        async with anyio.create_task_group() as listening:
            listening.start_soon(self._listen_on, frames)
            await self._responses.settled()
            listening.cancel_scope.cancel()

    async def _listen_on(self, frames: Frames) -> None:
        while True:
            await self.hear(await frames.returned())

    async def _obey(self, frame: Frame) -> None:
        match frame:
            case events.InputAudioAppend():
                for fact in self._hearing.append(frame.audio):
                    if isinstance(fact, TurnBegan):
                        await self._turn_began(fact)
                    else:
                        await self._turn_ended(fact)
            case events.InputAudioCommit():
                await self._commit(self._hearing.commit())
            case events.InputAudioClear():
                self._hearing.clear()
                await self._emit(events.InputAudioCleared(at=now()))
            case events.SessionUpdate() | events.SessionStart():
                await self._configure(frame.config)
            case events.ConversationItemCreate():
                await self._create(frame)
            case events.ConversationItemTruncate():
                heard = self._conversation.truncate(frame.item_id, frame.audio_end)
                await self._emit(
                    events.ConversationItemTruncated(
                        item_id=frame.item_id,
                        content_index=frame.content_index,
                        audio_end=heard,
                        at=now(),
                    )
                )
            case events.ConversationItemDelete():
                self._conversation.delete(frame.item_id)
                await self._emit(events.ConversationItemDeleted(item_id=frame.item_id, at=now()))
            case events.ConversationItemRetrieve():
                item = self._conversation[frame.item_id]
                await self._emit(
                    events.ConversationItemRetrieved(item_id=frame.item_id, item=item, at=now())
                )
            case events.ResponseCreate():
                await self._create_response(frame)
            case events.ResponseCancel():
                if self._responses.running is None:
                    await self._refuse(
                        frame, "response_cancel_not_active", "no response is running"
                    )
                else:
                    await self._responses.interrupt("client_cancelled")
            case events.SessionClose():
                await self._emit(events.SessionClosed(reason="client", at=now()))
            case events.InputDtmf() | events.ContextAppend() | events.Custom():
                await self._refuse(
                    frame, "unsupported", f"the local model has no {type(frame).__name__}"
                )
            case _:  # playback reports and hints that need no answer; frames of other kinds
                if not isinstance(frame, CLIENT_EVENTS):
                    await self._emit(frame)

    async def _configure(self, config: SessionConfig) -> None:
        first = config.first_message if self._conversation.last is None else None
        self._config = merge(self._config, config)
        self._hearing.configure(config)
        await self._emit(events.SessionUpdated(config=self._config, at=now()))
        if first:
            await self._responses.respond(self._config, say=first)

    async def _create(self, create: events.ConversationItemCreate) -> None:
        previous = create.previous_item_id or self._conversation.last
        item = self._conversation.add(create.item, create.previous_item_id)
        responses = self._responses
        if isinstance(item, FunctionCallOutput):
            if item.call_id in responses.calls:
                responses.calls.discard(item.call_id)
                responses.continues = not responses.calls
            responses.new.append(item)
        elif isinstance(item, Message) and item.role == "user":
            responses.new.append(item)
        await self._added(item, previous)

    async def _create_response(self, create: events.ResponseCreate) -> None:
        running = self._responses.running
        if running is not None:
            await self._refuse(
                create,
                "conversation_already_has_active_response",
                f"{running.id} is still running",
            )
        else:
            await self._responses.respond(self._config, options=create.options)

    async def _turn_began(self, fact: TurnBegan) -> None:
        self._item_id = self._conversation.new_id("item")
        await self._emit(events.SpeechStarted(item_id=self._item_id, audio_start=fact.at, at=now()))
        responses = self._responses
        responses.user_speaks()
        if self._detection.interrupt_response is not False:
            responses.continues = False
            await responses.interrupt("turn_detected")
        if (after := responses.cuts_in()) is not None:
            responses.begin(self._talk_over, after)

    async def _turn_ended(self, fact: TurnEnded) -> None:
        await self._emit(events.SpeechStopped(item_id=self._item_id, audio_end=fact.at, at=now()))
        answer = self._detection.create_response is not False and not self._talked_over
        self._talked_over = False
        await self._commit(fact.pcm)
        if answer and self._responses.running is None:
            await self._responses.respond(self._config)

    async def _talk_over(self, after: float) -> None:
        await anyio.sleep(after)
        if self._responses.running is None:
            self._talked_over = True
            await self._responses.respond(self._config)

    async def _commit(self, pcm: bytes) -> None:
        item_id = self._item_id or self._conversation.new_id("item")
        self._item_id = ""
        previous = self._conversation.last
        await self._emit(
            events.AudioCommitted(item_id=item_id, previous_item_id=previous, at=now())
        )
        item = Message(role="user", id=item_id, content=(AudioPart(),), status="completed")
        await self._added(self._conversation.add(item), previous)
        self._responses.understand(item_id, pcm)

    async def _added(self, item: Item, previous: str | None) -> None:
        for kind in (events.ConversationItemAdded, events.ConversationItemDone):
            await self._emit(
                kind(item_id=item.id or "", item=item, previous_item_id=previous, at=now())
            )

    @property
    def _detection(self) -> TurnDetection:
        detection = self._config.turn_detection
        return detection if isinstance(detection, TurnDetection) else MANUAL

    async def _refuse(self, event: Frame, code: str, message: str) -> None:
        event_id = event.event_id if isinstance(event, events.EventFrame) else None
        await self._emit(
            events.Error(
                message=message,
                code=code,
                error_type="invalid_request_error",
                client_event_id=event_id,
                at=now(),
            )
        )
