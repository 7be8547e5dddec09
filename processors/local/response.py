"""One response of a local model, in a provider's events and at a provider's pace."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import AudioPart, FunctionCall, Item, Message, TextPart
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Frame, now, sleep_until
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.local.brain import Brain, Call, HangUp, Part, Say, Sound
from antiphon.processors.local.conversation import Conversation, text_of

Send = Callable[[Frame], Awaitable[None]]

WORD = 0.02
"""Seconds between the words of a written answer."""

INPUT_TOKENS, OUTPUT_TOKENS = 10, 20
"""Tokens that a second of speech counts for, as OpenAI's realtime models count them."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a response is delivered.

    *think* seconds pass before its first word. Speech comes in deltas of *chunk* seconds,
    *speed* times as fast as it is played; *jitter* is by how much of themselves think
    time and distances vary at random, at most.
    """

    think: float = 0.15
    chunk: float = 0.1
    speed: float = 4.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not 0.02 <= self.chunk <= 0.2:
            raise ValueError(f"speech comes in deltas of 0.02 to 0.2 s, not {self.chunk}")
        if self.speed <= 0 or self.think < 0 or not 0 <= self.jitter <= 1:
            raise ValueError("speed is above 0, think not below 0 and jitter from 0 to 1")


class Response:
    """Says the parts of an answer; what is under way can be closed at any point."""

    def __init__(
        self,
        response_id: str,
        send: Send,
        conversation: Conversation,
        calls: set[str],
        pace: Pace,
        chance: random.Random,
        *,
        rate: int,
        spoken: bool,
        heard: int,
    ) -> None:
        self.id = response_id
        self.hung_up = False
        self._send = send
        self._conversation = conversation
        self._calls = calls
        self._pace = pace
        self._chance = chance
        self._rate = rate
        self._spoken = spoken
        self._output: list[Item] = []
        self._open: Message | None = None
        self._input_text = sum(tokens(text_of(item)) for item in conversation)
        self._input_audio = heard * INPUT_TOKENS // 1_000_000
        self._text_tokens = 0
        self._audio = 0
        self._due = 0

    async def run(self, brain: Brain, parts: AsyncGenerator[Part]) -> None:
        """Think, and send all *parts*, which *brain* gives its voice."""
        self._due = now() + self._varied(self._pace.think)
        async with aclosing(parts):
            async for part in parts:
                await sleep_until(self._due)
                await self._part(brain, part)
        await self._close("completed")
        await self._done("completed")

    async def cancelled(self, reason: str) -> None:
        """Close what is under way and say that nothing more comes."""
        await self._close("incomplete")
        await self._done("cancelled", reason)

    async def _part(self, brain: Brain, part: Part) -> None:
        match part:
            case HangUp():
                self.hung_up = True
            case Call():
                await self._close("completed")
                await self._call(part)
            case Sound():
                await self._begin(AudioPart(transcript=""))
                await self._sound(_once(part.pcm))
            case Say() if self._spoken:
                await self._begin(AudioPart(transcript=""))
                await self._say(events.AudioTranscriptDelta, self._next_words(part.text))
                async with brain.speak(part.text) as pieces:
                    await self._sound(pieces)
            case Say():
                await self._begin(TextPart(text=""))
                for word in self._next_words(part.text).split(" "):
                    await sleep_until(self._due)
                    await self._say(events.TextDelta, word + " ")
                    self._due += self._varied(WORD)

    async def _call(self, part: Call) -> None:
        call_id = self._conversation.new_id("call")
        item_id = self._conversation.new_id("item")
        call = FunctionCall(
            id=item_id, call_id=call_id, name=part.name, arguments="", status="in_progress"
        )
        await self._item_added(call)
        await self._tell(
            events.FunctionCallArgumentsDelta, item_id, call_id=call_id, delta=part.arguments
        )
        self._calls.add(call_id)  # before it is said: the answer may be there at once
        await self._tell(
            events.FunctionCallArgumentsDone,
            item_id,
            call_id=call_id,
            name=part.name,
            arguments=part.arguments,
        )
        self._text_tokens += tokens(part.arguments)
        await self._item_done(
            msgspec.structs.replace(call, arguments=part.arguments, status="completed")
        )

    async def _begin(self, part: AudioPart | TextPart) -> None:
        """Open a message, unless one is."""
        if self._open is None:
            item_id = self._conversation.new_id("item")
            message = Message(role="assistant", id=item_id, status="in_progress", content=())
            self._open = msgspec.structs.replace(message, content=(part,))
            await self._item_added(message)
            await self._tell(events.ContentPartAdded, item_id, part=part)

    def _next_words(self, text: str) -> str:
        """*text* as it continues the open message, which then has it."""
        assert self._open is not None
        said = self._open.text
        text = f" {text}" if said else text
        part = self._open.content[0]
        grown = (
            AudioPart(transcript=said + text)
            if isinstance(part, AudioPart)
            else TextPart(text=said + text)
        )
        self._open = msgspec.structs.replace(self._open, content=(grown,))
        self._conversation.replace(self._open)
        self._text_tokens += tokens(text)
        return text

    async def _say(
        self, kind: type[events.AudioTranscriptDelta | events.TextDelta], text: str
    ) -> None:
        assert self._open is not None
        await self._tell(kind, self._open.id, delta=text)

    async def _sound(self, pieces: AsyncIterator[bytes]) -> None:
        """Send sound in deltas of the chunk's size, whatever the pieces' sizes are."""
        size = round(self._pace.chunk * self._rate) * SAMPLE_WIDTH
        waiting = bytearray()
        async for piece in pieces:
            waiting += piece
            while len(waiting) >= size:
                await self._delta(bytes(waiting[:size]))
                del waiting[:size]
        if waiting:
            await self._delta(bytes(waiting))

    async def _delta(self, pcm: bytes) -> None:
        await sleep_until(self._due)
        assert self._open is not None
        duration = len(pcm) // SAMPLE_WIDTH * 1_000_000 // self._rate
        self._conversation.spoke(self._open.id or "", duration)
        self._audio += duration
        await self._tell(events.AudioDelta, self._open.id, delta=pcm)
        self._due = max(self._due, now()) + self._varied(duration / 1_000_000 / self._pace.speed)

    async def _close(self, status: str) -> None:
        """Say of the open message that it is complete, or as complete as it will be."""
        message, self._open = self._open, None
        if message is None:
            return
        part = message.content[0]
        if isinstance(part, AudioPart):
            await self._tell(events.AudioDone, message.id)
            await self._tell(events.AudioTranscriptDone, message.id, transcript=part.transcript)
        else:
            await self._tell(events.TextDone, message.id, text=message.text)
        await self._tell(events.ContentPartDone, message.id, part=part)
        await self._item_done(msgspec.structs.replace(message, status=status))

    async def _item_added(self, item: Item) -> None:
        previous = self._conversation.last
        self._conversation.add(item)
        await self._tell(events.OutputItemAdded, item.id, item=item)
        await self._send(
            events.ConversationItemAdded(
                item_id=item.id or "", item=item, previous_item_id=previous, at=now()
            )
        )

    async def _item_done(self, item: Item) -> None:
        self._conversation.replace(item)
        await self._send(events.ConversationItemDone(item_id=item.id or "", item=item, at=now()))
        await self._tell(events.OutputItemDone, item.id, item=item)
        self._output.append(item)

    async def _done(self, status: str, reason: str | None = None) -> None:
        await self._send(
            events.ResponseDone(
                response_id=self.id,
                status=status,
                reason=reason,
                usage=self._usage(),
                output=tuple(self._output),
                at=now(),
            )
        )

    async def _tell(
        self, kind: type[events.OutputEvent], item_id: str | None, **fields: Any
    ) -> None:
        """Send an event of the item that the response is at."""
        place = len(self._output)
        await self._send(
            kind(response_id=self.id, item_id=item_id or "", output_index=place, at=now(), **fields)
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
