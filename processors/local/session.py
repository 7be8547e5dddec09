"""The server's side of one session with a local model."""

from typing import get_args

import anyio
import msgspec
from anyio import CancelScope
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions, SessionConfig, TurnDetection, merge
from antiphon.codecs.items import AudioPart, FunctionCallOutput, Item, Message
from antiphon.pipeline import Emit, Frame, Frames, now, sleep_until
from antiphon.processors.local.conversation import Conversation, NoSpeech, UnknownItem
from antiphon.processors.local.hearing import MANUAL, Hearing, TurnBegan, TurnEnded
from antiphon.processors.local.response import Response
from antiphon.processors.local.responses import Responses

CLIENT_EVENTS: tuple[type[Frame], ...] = get_args(events.ClientEvent)

SHORTEST = 100_000
"""Microseconds of audio that can be committed by hand; providers refuse less."""


class Session:
    """What one client and the model have between them: the listening half, and obedience."""

    def __init__(
        self,
        emit: Emit,
        config: SessionConfig,
        conversation: Conversation,
        responses: Responses,
        group: TaskGroup,
    ) -> None:
        self._emit = emit
        self._conversation = conversation
        self._responses = responses
        self._responses.ended = self._wait_for_user
        self._group = group
        self._hearing = Hearing()
        self._hearing.configure(config)
        self._config = self._settled(config)
        self._item_id = ""
        self._talked_over = False
        self._cut_in = CancelScope()
        self._idle = CancelScope()
        self._user_left = False

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
        except NoSpeech as error:
            await self._refuse(
                frame, "item_truncate_invalid_item_id", f"{error} is nothing that the model spoke"
            )
        finally:
            self._responses.changed()

    async def close(self, frames: Frames) -> None:
        """The user has gone: finish what is under way, as long as it takes."""
        self._user_left = True
        self._idle.cancel()
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
                if self._hearing.gathered < SHORTEST:
                    await self._refuse(
                        frame, "input_audio_buffer_commit_empty", "there is no audio to commit"
                    )
                else:
                    await self._commit(self._hearing.commit())
            case events.InputAudioClear():
                self._hearing.clear()
                self._turn_over()
                await self._emit(events.InputAudioCleared(at=now()))
            case events.InputActivityStart():
                self._hearing.begin()
                self._idle.cancel()
            case events.SessionUpdate() | events.SessionStart():
                await self._configure(frame)
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
                self._responses.new.pop(frame.item_id, None)
                await self._emit(events.ConversationItemDeleted(item_id=frame.item_id, at=now()))
            case events.ConversationItemRetrieve():
                item = self._conversation[frame.item_id]
                await self._emit(
                    events.ConversationItemRetrieved(item_id=frame.item_id, item=item, at=now())
                )
            case events.ResponseCreate():
                await self._create_response(frame)
            case events.ResponseCancel():
                running = self._responses.running
                if running is None or (frame.response_id or running.id) != running.id:
                    await self._refuse(
                        frame,
                        "response_cancel_not_active",
                        f"{frame.response_id or 'no response'} is not running",
                    )
                else:
                    await self._responses.interrupt("client_cancelled")
            case (
                events.InputAudioMute()
                | events.InputAudioUnmute()
                | events.InputDtmf()
                | events.ContextAppend()
                | events.Custom()
            ):
                await self._refuse(
                    frame, "unsupported", f"the local model has no {type(frame).__name__}"
                )
            case _:  # playback reports and hints that need no answer; frames of other kinds
                if not isinstance(frame, CLIENT_EVENTS):
                    await self._emit(frame)

    async def _configure(self, update: events.SessionUpdate | events.SessionStart) -> None:
        config = update.config
        try:
            self._hearing.configure(config)
        except ValueError as error:
            await self._refuse(update, "invalid_value", f"turn detection: {error}")
            return
        self._config = self._settled(merge(self._config, config))
        await self._emit(events.SessionUpdated(config=self._config, at=now()))
        first = config.first_message
        if first and self._conversation.last is None and self._responses.running is None:
            self._respond(self._config, say=first)

    async def _create(self, create: events.ConversationItemCreate) -> None:
        item_id = create.item.id
        if item_id and (item_id in self._conversation or item_id == self._item_id):
            await self._refuse(create, "invalid_value", f"there already is an item {item_id!r}")
            return
        front = create.previous_item_id == "root"
        previous = None if front else create.previous_item_id or self._conversation.last
        item = self._conversation.add(create.item, create.previous_item_id)
        responses = self._responses
        if isinstance(item, FunctionCallOutput):
            if item.call_id in responses.calls:
                responses.calls.discard(item.call_id)
                responses.continues = not responses.calls
            responses.new[item.id or ""] = item
        elif isinstance(item, Message) and item.role == "user":
            responses.new[item.id or ""] = item
        await self._added(item, previous)

    async def _create_response(self, create: events.ResponseCreate) -> None:
        running = self._responses.running
        options = create.options or ResponseOptions()
        if options.conversation == "none" or options.input is not None:
            await self._refuse(
                create, "unsupported", "the local model only answers the conversation"
            )
        elif running is not None:
            await self._refuse(
                create,
                "conversation_already_has_active_response",
                f"{running.id} is still running",
            )
        else:
            self._respond(_changed(self._config, options), options=options)

    def _respond(
        self,
        config: SessionConfig,
        *,
        say: str | None = None,
        options: ResponseOptions | None = None,
    ) -> None:
        self._idle.cancel()
        self._responses.respond(config, say=say, metadata=options.metadata if options else None)

    async def _turn_began(self, fact: TurnBegan) -> None:
        self._item_id = self._conversation.new_id("item")
        # Without waiting: the barge-in must not stand behind the speech that it is to end.
        self._emit.nowait(
            events.SpeechStarted(item_id=self._item_id, audio_start=fact.at, at=now())
        )
        self._idle.cancel()
        responses = self._responses
        if self._detection.interrupt_response is not False:
            responses.continues = False
            await responses.interrupt("turn_detected")
        if (after := responses.cuts_in()) is not None:
            self._cut_in = CancelScope()
            responses.begin(self._talk_over, after, self._cut_in)

    async def _turn_ended(self, fact: TurnEnded) -> None:
        await self._emit(events.SpeechStopped(item_id=self._item_id, audio_end=fact.at, at=now()))
        answer = self._detection.create_response is not False and not self._talked_over
        await self._commit(fact.pcm)
        if answer and self._responses.running is None:
            self._respond(self._config)

    async def _talk_over(self, after: float, cut_in: CancelScope) -> None:
        with cut_in:
            await anyio.sleep(after)
            if self._responses.running is None:
                self._talked_over = True
                self._respond(self._config)

    def _turn_over(self) -> None:
        self._item_id = ""
        self._talked_over = False
        self._cut_in.cancel()

    def _wait_for_user(self, response: Response) -> None:
        """Wait for the idle timeout, which counts from when *response* has been played."""
        timeout = self._detection.idle_timeout
        if timeout is None or self._responses.calls or self._hearing.speaking or self._user_left:
            return
        self._idle = CancelScope()
        until = max(now(), response.played_by) + timeout
        self._group.start_soon(self._speak_up, until, timeout, self._idle)

    async def _speak_up(self, until: int, timeout: int, idle: CancelScope) -> None:
        """Commit the silence and answer it, unless the user ends it before."""
        with idle:
            await sleep_until(until)
        if idle.cancel_called:
            return
        end = self._hearing.position
        item_id = self._conversation.new_id("item")
        await self._emit(
            events.InputTimeoutTriggered(
                item_id=item_id, audio_start=max(0, end - timeout), audio_end=end, at=now()
            )
        )
        await self._add_audio(item_id)
        if not idle.cancel_called:
            self._respond(self._config)

    async def _commit(self, pcm: bytes) -> None:
        item_id = self._item_id or self._conversation.new_id("item")
        self._turn_over()
        await self._add_audio(item_id)
        self._responses.understand(item_id, pcm)

    async def _add_audio(self, item_id: str) -> None:
        previous = self._conversation.last
        await self._emit(
            events.AudioCommitted(item_id=item_id, previous_item_id=previous, at=now())
        )
        item = Message(role="user", id=item_id, content=(AudioPart(),), status="completed")
        await self._added(self._conversation.add(item), previous)

    async def _added(self, item: Item, previous: str | None) -> None:
        for kind in (events.ConversationItemAdded, events.ConversationItemDone):
            await self._emit(
                kind(item_id=item.id or "", item=item, previous_item_id=previous, at=now())
            )

    def _settled(self, config: SessionConfig) -> SessionConfig:
        if not isinstance(config.turn_detection, TurnDetection):
            return config
        return msgspec.structs.replace(config, turn_detection=self._hearing.detection)

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


def _changed(config: SessionConfig, options: ResponseOptions) -> SessionConfig:
    """*config* as one response wants it."""
    return merge(
        config,
        SessionConfig(
            instructions=options.instructions,
            output_modalities=options.modalities,
            voice=options.voice,
            output_audio_format=options.output_audio_format,
            tools=options.tools,
            tool_choice=options.tool_choice,
            parallel_tool_calls=options.parallel_tool_calls,
            max_output_tokens=options.max_output_tokens,
            reasoning_effort=options.reasoning_effort,
            provider_options=options.provider_options,
        ),
    )
