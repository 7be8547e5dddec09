"""One response of a local model, in a provider's events and at a provider's pace."""

import random
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, FunctionCall, Item, JsonObject, Message, TextPart
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Emit, now, sleep_until
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.local.brain import Brain, Call, HangUp, Part, Say, Sound
from antiphon.processors.local.conversation import Conversation, text_of
from antiphon.processors.local.pace import Pace

WORD = 0.02
"""Seconds between the words of a written answer."""

CHARACTERS = 16
"""About as many are spoken in a second."""

_WORDS = re.compile(r"\s*\S+|\s+")

INPUT_TOKENS, OUTPUT_TOKENS = 10, 20
"""Tokens that a second of speech counts for, as OpenAI's realtime models count them."""


class Response:
    """Says the parts of an answer; what is under way can be closed at any point.

    Only pieces of speech and text wait for room: what opens or closes an item is sent at
    once, so that a cancellation finds each either said as a whole or not at all.
    """

    def __init__(
        self,
        response_id: str,
        emit: Emit,
        conversation: Conversation,
        calls: set[str],
        pace: Pace,
        chance: random.Random,
        *,
        rate: int,
        spoken: bool,
        heard: int,
        metadata: JsonObject | None,
    ) -> None:
        self.id = response_id
        self.hung_up = False
        self._emit = emit
        self._conversation = conversation
        self._calls = calls
        self._pace = pace
        self._chance = chance
        self._rate = rate
        self._spoken = spoken
        self._metadata = metadata
        self._output: list[Item] = []
        self._open: Message | None = None
        self._previous: str | None = None
        self._input_text = sum(tokens(text_of(item)) for item in conversation)
        self._input_audio = heard * INPUT_TOKENS // 1_000_000
        self._text_tokens = 0
        self._audio = 0
        self._began = 0
        self._left = 0
        self._due = 0

    @property
    def empty(self) -> bool:
        """Nothing was said yet, and nothing called."""
        return self._open is None and not self._output

    @property
    def played_by(self) -> int:
        """When its speech will have been heard, at the earliest."""
        return self._began + self._audio

    def begin(self) -> None:
        self._emit.nowait(
            events.ResponseCreated(
                response_id=self.id, status="in_progress", metadata=self._metadata, at=now()
            )
        )

    async def run(self, brain: Brain, parts: AsyncGenerator[Part]) -> None:
        """Think, and send all *parts*, which *brain* gives its voice."""
        self._due = now() + self._varied(self._pace.think)
        async with aclosing(parts):
            async for part in parts:
                await sleep_until(self._due)
                await self._part(brain, part)
        self._close("completed")
        self._done("completed")

    def cancelled(self, reason: str) -> None:
        """Close what is under way and say that nothing more comes."""
        self._close("incomplete")
        self._done("cancelled", reason)

    async def _part(self, brain: Brain, part: Part) -> None:
        match part:
            case HangUp():
                self.hung_up = True
            case Call():
                self._close("completed")
                self._call(part)
            case Sound() if self._spoken:
                self._begin(AudioPart(transcript=""))
                await self._sound(_once(part.pcm))
            case Sound():
                pass
            case Say() if self._spoken:
                self._begin(AudioPart(transcript=""))
                self._left = len(part.text) * 1_000_000 // CHARACTERS
                words = self._following(part.text)
                self._tell(events.AudioTranscriptDelta, self._grow(words), delta=words)
                async with brain.speak(part.text) as pieces:
                    await self._sound(pieces)
            case Say():
                self._begin(TextPart(text=""))
                for words in _WORDS.findall(self._following(part.text)):
                    await sleep_until(self._due)
                    delta = self._event(events.TextDelta, self._grow(words), delta=words)
                    await self._emit(delta)
                    self._due = max(self._due, now()) + self._varied(WORD)

    def _call(self, part: Call) -> None:
        call_id = self._conversation.new_id("call")
        item_id = self._conversation.new_id("item")
        call = FunctionCall(
            id=item_id, call_id=call_id, name=part.name, arguments="", status="in_progress"
        )
        self._item_added(call)
        self._tell(
            events.FunctionCallArgumentsDelta, item_id, call_id=call_id, delta=part.arguments
        )
        self._calls.add(call_id)  # before it is said: the answer may be there at once
        self._tell(
            events.FunctionCallArgumentsDone,
            item_id,
            call_id=call_id,
            name=part.name,
            arguments=part.arguments,
        )
        self._item_done(msgspec.structs.replace(call, arguments=part.arguments, status="completed"))

    def _begin(self, part: AudioPart | TextPart) -> None:
        """Open a message, unless one is."""
        if self._open is None:
            item_id = self._conversation.new_id("item")
            message = Message(role="assistant", id=item_id, status="in_progress", content=())
            self._open = msgspec.structs.replace(message, content=(part,))
            self._item_added(message)
            self._tell(events.ContentPartAdded, item_id, part=part)

    def _following(self, text: str) -> str:
        """*text* as it continues the open message."""
        assert self._open is not None
        return f" {text}" if self._open.text else text

    def _grow(self, text: str) -> str | None:
        """Add *text* to the open message; whose id that is."""
        assert self._open is not None
        said, part = self._open.text + text, self._open.content[0]
        grown = AudioPart(transcript=said) if isinstance(part, AudioPart) else TextPart(text=said)
        self._open = msgspec.structs.replace(self._open, content=(grown,))
        self._conversation.replace(self._open)
        return self._open.id

    async def _sound(self, pieces: AsyncIterator[bytes]) -> None:
        """Send sound in deltas of the chunk's size, whatever the pieces' sizes are."""
        assert self._open is not None
        item_id = self._open.id or ""
        self._conversation.spoke(item_id, 0, self._left)
        size = round(self._pace.chunk * self._rate) * SAMPLE_WIDTH
        waiting = bytearray()
        async for piece in pieces:
            waiting += piece
            while len(waiting) >= size:
                await self._delta(item_id, bytes(waiting[:size]))
                del waiting[:size]
        if whole := len(waiting) // SAMPLE_WIDTH * SAMPLE_WIDTH:
            await self._delta(item_id, bytes(waiting[:whole]))
        self._left = 0
        self._conversation.spoke(item_id, 0)

    async def _delta(self, item_id: str, pcm: bytes) -> None:
        await sleep_until(self._due)
        duration = len(pcm) // SAMPLE_WIDTH * 1_000_000 // self._rate
        if not self._audio:
            self._began = now()
        self._audio += duration
        self._left = max(0, self._left - duration)
        self._conversation.spoke(item_id, duration, self._left)
        await self._emit(self._event(events.AudioDelta, item_id, delta=pcm))
        self._due = max(self._due, now()) + self._varied(duration / 1_000_000 / self._pace.speed)

    def _close(self, status: str) -> None:
        """Say of the open message that it is complete, or as complete as it will be."""
        message, self._open = self._open, None
        if message is None:
            return
        part = message.content[0]
        if isinstance(part, AudioPart):
            self._tell(events.AudioDone, message.id)
            self._tell(events.AudioTranscriptDone, message.id, transcript=part.transcript)
        else:
            self._tell(events.TextDone, message.id, text=message.text)
        self._tell(events.ContentPartDone, message.id, part=part)
        self._item_done(msgspec.structs.replace(message, status=status))

    def _item_added(self, item: Item) -> None:
        self._previous = self._conversation.last
        self._conversation.add(item)
        self._tell(events.OutputItemAdded, item.id, item=item)
        self._emit.nowait(
            events.ConversationItemAdded(
                item_id=item.id or "", item=item, previous_item_id=self._previous, at=now()
            )
        )

    def _item_done(self, item: Item) -> None:
        self._conversation.replace(item)
        self._emit.nowait(
            events.ConversationItemDone(
                item_id=item.id or "", item=item, previous_item_id=self._previous, at=now()
            )
        )
        self._tell(events.OutputItemDone, item.id, item=item)
        self._output.append(item)
        said = item.arguments if isinstance(item, FunctionCall) else text_of(item)
        self._text_tokens += tokens(said)

    def _done(self, status: str, reason: str | None = None) -> None:
        self._emit.nowait(
            events.ResponseDone(
                response_id=self.id,
                status=status,
                reason=reason,
                usage=self._usage(),
                output=tuple(self._output),
                metadata=self._metadata,
                at=now(),
            )
        )

    def _tell(self, kind: type[events.OutputEvent], item_id: str | None, **fields: Any) -> None:
        """Send an event of the item that the response is at."""
        self._emit.nowait(self._event(kind, item_id, **fields))

    def _event(
        self, kind: type[events.OutputEvent], item_id: str | None, **fields: Any
    ) -> events.OutputEvent:
        place = len(self._output)
        return kind(
            response_id=self.id, item_id=item_id or "", output_index=place, at=now(), **fields
        )

    def _usage(self) -> Usage:
        spoken = self._audio * OUTPUT_TOKENS // 1_000_000
        return Usage(
            input_tokens=self._input_text + self._input_audio,
            input_text_tokens=self._input_text,
            input_audio_tokens=self._input_audio,
            output_tokens=self._text_tokens + spoken,
            output_text_tokens=self._text_tokens,
            output_audio_tokens=spoken,
        )

    def _varied(self, seconds: float) -> int:
        """*seconds* in microseconds, a little more or less by chance."""
        share = 1 + self._pace.jitter * self._chance.uniform(-1, 1)
        return round(seconds * share * 1_000_000)


def tokens(text: str) -> int:
    """About as many as a provider would count."""
    return -(-len(text) // 4)


async def _once(pcm: bytes) -> AsyncIterator[bytes]:
    yield pcm
