"""The brain of a model that plays the replies of a script."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import anyio
from anyio import to_thread

from antiphon.codecs.items import FunctionCall, FunctionCallOutput
from antiphon.processors.local.brain import Part, Say, Turn
from antiphon.processors.local.casting import Book, Casting
from antiphon.processors.local.reply import Act, Cut, Fail, Tell, Wait, tone
from antiphon.processors.local.server import OUTPUT_RATE
from antiphon.processors.local.speaking import spoken
from antiphon.processors.local.voice import Voice

TONE = "tone"
"""The voice that needs nothing installed, and says no words."""

SPOKEN = 0.06
"""Seconds that it takes for a character."""


class Prompter(Protocol):
    """What a brain cannot do by answering."""

    async def fail(self, fail: Fail, /) -> None:
        """The response that runs shall end as failed."""
        ...

    def cut(self, after: float, interrupted: Callable[[], None], /) -> None:
        """A user shall speak over the response that runs; *interrupted* is called as he begins."""
        ...


class Actor:
    """Hears and says what *book* tells it to."""

    def __init__(self, book: Book, prompter: Prompter) -> None:
        self._recognise = book.recognise
        self._casting = Casting(book)
        self._prompter = prompter
        self._voice = None if book.voice == TONE else Voice(book.voice)
        self._interruptions: list[str] = []
        """Whose words are still to be heard."""
        self._wordless = 0
        """How many of them that were heard had none, and want no answer."""

    async def hear(self, pcm: bytes) -> str:
        if self._interruptions:
            words = self._interruptions.pop(0)
            self._wordless += not words
            return words
        words = self._casting.words()
        if words is None and self._recognise:
            return await to_thread.run_sync(_recognised, pcm)
        return words or ""

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        outputs = [new for new in turn.new if isinstance(new, FunctionCallOutput)]
        if outputs:
            told = " ".join(one.output for one in outputs)
            acts = self._casting.told([_tool(one, turn) for one in outputs], outputs)
            async for part in self._parts(acts, told):
                yield part
        texts = [new.text for new in turn.new if not isinstance(new, FunctionCallOutput)]
        text = " ".join(filter(None, texts))
        if not text and self._wordless:
            self._wordless -= 1
        elif texts or not outputs:
            async for part in self._parts(self._answer(text), text):
                yield part

    def _answer(self, text: str) -> Iterable[Act]:
        acts = self._casting.answer(text)
        if acts is not None:
            return acts
        return (Say(f"The script has no answer to: {text}"),) if text else ()

    async def _parts(self, acts: Iterable[Act], text: str) -> AsyncGenerator[Part]:
        for act in acts:
            match act:
                case Wait():
                    await anyio.sleep(act.seconds)
                case Tell():
                    yield Say(act.words(text))
                case Fail():
                    await self._prompter.fail(act)
                case Cut():
                    self._prompter.cut(act.after, self._interrupted(act.words))
                case _:
                    yield act

    def _interrupted(self, words: str) -> Callable[[], None]:
        return lambda: self._interruptions.append(words)

    def speak(self, text: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return _hummed(text) if self._voice is None else spoken(self._voice, text, OUTPUT_RATE)

    def cuts_in(self) -> float | None:
        return None


def _tool(output: FunctionCallOutput, turn: Turn) -> str:
    for item in turn.conversation:
        if isinstance(item, FunctionCall) and item.call_id == output.call_id:
            return item.name
    return output.name or ""


@asynccontextmanager
async def _hummed(text: str) -> AsyncGenerator[AsyncIterator[bytes]]:
    yield _once(tone(SPOKEN * len(text), OUTPUT_RATE))


async def _once(pcm: bytes) -> AsyncIterator[bytes]:
    yield pcm


def _recognised(pcm: bytes) -> str:
    from antiphon.processors.local.ears import Ears
    from antiphon.processors.local.grammar import Grammar

    return Ears(Grammar.load(None)).hear(pcm).text
