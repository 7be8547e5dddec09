"""Who speaks when: the user's turns, what they make of responses, and what silence does."""

from collections.abc import Callable

import anyio
from anyio import CancelScope
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.items import AudioPart, Item, Message
from antiphon.pipeline import Emit, now, sleep_until
from antiphon.processors.local.conversation import Conversation
from antiphon.processors.local.hearing import MANUAL, Hearing, TurnBegan, TurnEnded
from antiphon.processors.local.response import Response
from antiphon.processors.local.responses import Responses


class TurnTaking:
    """Makes items of what *hearing* hears, interrupts responses for it and begins them.

    *config* gives the session's settings of the moment.
    """

    def __init__(
        self,
        emit: Emit,
        hearing: Hearing,
        conversation: Conversation,
        responses: Responses,
        config: Callable[[], SessionConfig],
        group: TaskGroup,
    ) -> None:
        self.item_id = ""
        """Of the turn that is open."""
        self._emit = emit
        self._hearing = hearing
        self._conversation = conversation
        self._responses = responses
        self._responses.ended = self._wait_for_user
        self._config = config
        self._group = group
        self._over: Response | None = None
        """What is said over the user, until it has been heard."""
        self._cut_in = CancelScope()
        self._user_left = False

    async def hear(self, pcm: bytes) -> None:
        for fact in self._hearing.append(pcm):
            if isinstance(fact, TurnBegan):
                await self._began(fact)
            else:
                await self._ended(fact)

    async def commit(self) -> None:
        """The client takes what was heard for a turn."""
        await self._commit(self._hearing.commit())

    def clear(self) -> None:
        self._hearing.clear()
        self._turn_over()

    def activity(self) -> None:
        """The user begins to speak, says the client."""
        self._hearing.begin()
        self._responses.idle.cancel()

    async def user_left(self) -> None:
        """No more audio comes; who speaks has finished."""
        self._user_left = True
        self._responses.idle.cancel()
        for ended in self._hearing.end():
            await self._ended(ended)

    async def _began(self, fact: TurnBegan) -> None:
        self.item_id = self._conversation.new_id("item")
        # Without waiting: the barge-in must not stand behind the speech that it is to end.
        self._emit.nowait(events.SpeechStarted(item_id=self.item_id, audio_start=fact.at, at=now()))
        responses = self._responses
        responses.idle.cancel()
        if self._over is not None and self._is_played(self._over):
            self._over = None  # a client that plays elsewhere does not say when
        if self._detection.interrupt_response is not False:
            responses.continues = False
            await responses.interrupt("turn_detected")
        if (after := responses.cuts_in()) is not None:
            self._cut_in = CancelScope()
            responses.begin(self._talk_over, after, self._cut_in)

    async def _ended(self, fact: TurnEnded) -> None:
        await self._emit(events.SpeechStopped(item_id=self.item_id, audio_end=fact.at, at=now()))
        answer = self._detection.create_response is not False
        await self._commit(fact.pcm)
        if self._over is not None:
            self._wait_for_user(self._over)
        elif answer and self._responses.running is None:
            self._responses.respond(self._config())

    async def _talk_over(self, after: float, cut_in: CancelScope) -> None:
        with cut_in:
            await anyio.sleep(after)
            if self._responses.running is None:
                self._responses.respond(self._config())
                self._over = self._responses.running

    async def played(self, response_id: str | None) -> None:
        """All of a response was heard: a user whom it talked over has had to stop for it."""
        over = self._over
        if over is None or over.id != response_id or over is self._responses.running:
            return
        for ended in self._hearing.end():
            await self._ended(ended)
        self._over = None
        self._wait_for_user(over)

    def _is_played(self, response: Response) -> bool:
        return self._responses.running is not response and now() >= response.played_by

    def _turn_over(self) -> None:
        self.item_id = ""
        self._cut_in.cancel()

    def _wait_for_user(self, response: Response) -> None:
        """Wait for the idle timeout, which counts from when *response* has been played."""
        timeout = self._detection.idle_timeout
        responses = self._responses
        if timeout is None or responses.calls or self._hearing.speaking or self._user_left:
            return
        responses.idle.cancel()
        responses.idle = CancelScope()
        until = max(now(), response.played_by) + timeout
        self._group.start_soon(self._speak_up, until, timeout, responses.idle)

    async def _speak_up(self, until: int, timeout: int, idle: CancelScope) -> None:
        """Commit the silence and answer it, unless something ends it before."""
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
            self._responses.respond(self._config())

    async def _commit(self, pcm: bytes) -> None:
        item_id = self.item_id or self._conversation.new_id("item")
        self._turn_over()
        await self._add_audio(item_id)
        self._responses.understand(item_id, pcm)

    async def _add_audio(self, item_id: str) -> None:
        previous = self._conversation.last
        await self._emit(
            events.AudioCommitted(item_id=item_id, previous_item_id=previous, at=now())
        )
        item = Message(role="user", id=item_id, content=(AudioPart(),), status="completed")
        await tell_added(self._emit, self._conversation.add(item), previous)

    @property
    def _detection(self) -> TurnDetection:
        detection = self._config().turn_detection
        return detection if isinstance(detection, TurnDetection) else MANUAL


async def tell_added(emit: Emit, item: Item, previous: str | None) -> None:
    """Say that the conversation has got *item*, which is complete, behind *previous*."""
    for kind in (events.ConversationItemAdded, events.ConversationItemDone):
        await emit(kind(item_id=item.id or "", item=item, previous_item_id=previous, at=now()))
