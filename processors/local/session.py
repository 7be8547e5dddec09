"""The server's side of one session with a local model."""

from typing import get_args

import anyio
import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions, SessionConfig, TurnDetection, merge
from antiphon.codecs.items import CustomItem, FunctionCallOutput, Message
from antiphon.pipeline import Emit, Frame, Frames, now
from antiphon.processors.local.conversation import Conversation, NoSpeech, UnknownItem
from antiphon.processors.local.hearing import Hearing
from antiphon.processors.local.responses import Responses
from antiphon.processors.local.turntaking import TurnTaking, tell_added

CLIENT_EVENTS: tuple[type[Frame], ...] = get_args(events.ClientEvent)

SHORTEST = 100_000
"""Microseconds of audio that can be committed by hand; providers refuse less."""


class Session:
    """Does what one client wants, and says so."""

    def __init__(
        self,
        emit: Emit,
        hearing: Hearing,
        config: SessionConfig,
        conversation: Conversation,
        responses: Responses,
        group: TaskGroup,
    ) -> None:
        self._emit = emit
        self._conversation = conversation
        self._responses = responses
        self._hearing = hearing
        self._hearing.configure(config)
        self._config = self._settled(config)
        self._turns = TurnTaking(
            emit, self._hearing, conversation, responses, lambda: self._config, group
        )

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
        await self._turns.user_left()
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
                await self._turns.hear(frame.audio)
            case events.InputAudioCommit():
                if self._hearing.gathered < SHORTEST:
                    await self._refuse(
                        frame, "input_audio_buffer_commit_empty", "there is no audio to commit"
                    )
                else:
                    await self._turns.commit()
            case events.InputAudioClear():
                self._turns.clear()
                await self._emit(events.InputAudioCleared(at=now()))
            case events.OutputPlaybackStopped() | events.OutputPlaybackCleared():
                await self._turns.played(frame.response_id)
            case events.InputActivityStart():
                self._turns.activity()
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
                        # Clients of OpenAI know by these words that nothing is amiss.
                        "Cancellation failed: no active response found",
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
            self._responses.respond(self._config, say=first)

    async def _create(self, create: events.ConversationItemCreate) -> None:
        item_id = create.item.id
        if item_id and (item_id in self._conversation or item_id == self._turns.item_id):
            await self._refuse(create, "invalid_value", f"there already is an item {item_id!r}")
            return
        front = create.previous_item_id == "root"
        previous = None if front else create.previous_item_id or self._conversation.last
        item = create.item
        if not isinstance(item, CustomItem) and item.status is None:
            item = msgspec.structs.replace(item, status="completed")
        item = self._conversation.add(item, create.previous_item_id)
        responses = self._responses
        if isinstance(item, FunctionCallOutput):
            if item.call_id in responses.calls:
                responses.calls.discard(item.call_id)
                responses.continues = not responses.calls
            responses.new[item.id or ""] = item
        elif isinstance(item, Message) and item.role == "user":
            responses.new[item.id or ""] = item
        elif isinstance(item, Message) and item.role == "assistant":
            responses.new.clear()  # told of a conversation: what came before was answered by this
        await tell_added(self._emit, item, previous)

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
            config = _changed(self._config, options)
            self._responses.respond(config, metadata=options.metadata)

    def _settled(self, config: SessionConfig) -> SessionConfig:
        if not isinstance(config.turn_detection, TurnDetection):
            return config
        return msgspec.structs.replace(config, turn_detection=self._hearing.detection)

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
