"""`local/assistant`: understands spoken requests, calls the session's tools, answers in speech."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime
from pathlib import Path

import msgspec
from anyio import to_thread

from antiphon.codecs.items import FunctionCall, FunctionCallOutput, JsonObject
from antiphon.processors.local.brain import Call, Part, Say, Turn
from antiphon.processors.local.ears import Ears
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.mind import Mind, Reply
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.server import OUTPUT_RATE, Server
from antiphon.processors.local.speaking import spoken
from antiphon.processors.local.understanding import Heard, understand
from antiphon.processors.local.voice import Voice

Clock = Callable[[], datetime | None]


class Assistant:
    """Ears, a mind and a voice."""

    def __init__(self, grammar: Grammar, ears: Ears, voice: Voice, clock: Clock, seed: int) -> None:
        self._grammar = grammar
        self._ears = ears
        self._voice = voice
        self._clock = clock
        self._mind = Mind(grammar, seed=seed)
        self._unclear = Heard(text="")

    async def hear(self, pcm: bytes) -> str:
        heard = await to_thread.run_sync(self._ears.hear, pcm)
        if not heard.text:
            self._unclear = heard
        return heard.text

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        self._adopt(turn.config.voice)
        said = [new.text for new in turn.new if not isinstance(new, FunctionCallOutput)]
        for new in turn.new:
            if not isinstance(new, FunctionCallOutput) or (said and new.failed):
                continue  # who goes on speaking no longer waits for what failed
            if (call := _call_of(new, turn)) is not None:
                for part in _parts(self._told(call, new)):
                    yield part
        if said or not turn.new:
            text = " ".join(filter(None, said))
            reply = self._mind.answer(
                understand(self._grammar, text) if text else self._unclear,
                tools=turn.config.tools or (),
                now=self._clock(),
                instructions=turn.config.instructions or "",
            )
            for part in _parts(reply):
                yield part

    def _adopt(self, name: str | None) -> None:
        """Speak as *name*; a client may ask for a voice that only its provider has."""
        if name and name != self._voice.name:
            with suppress(ValueError):
                self._voice = Voice(name)

    def _told(self, call: FunctionCall, output: FunctionCallOutput) -> Reply:
        arguments: JsonObject = msgspec.json.decode(call.arguments)
        return self._mind.after_tool(call.name, arguments, output.output, failed=output.failed)

    def speak(self, text: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return spoken(self._voice, text, OUTPUT_RATE)

    def cuts_in(self) -> float | None:
        return None


def _call_of(output: FunctionCallOutput, turn: Turn) -> FunctionCall | None:
    for item in turn.conversation:
        if isinstance(item, FunctionCall) and item.call_id == output.call_id:
            return item
    return None


def _parts(reply: Reply) -> Iterator[Part]:
    if reply.text:
        yield Say(reply.text)
    for use in reply.calls:
        yield Call(use.name, msgspec.json.encode(use.arguments).decode())


def assistant(
    *,
    grammar: str | Path | None = None,
    voice: str = "en-us",
    clock: Clock | None = None,
    think: float = 0.15,
    chunk: float = 0.1,
    speed: float = 4.0,
    jitter: float = 0.0,
    seed: int = 0,
) -> Server:
    """The model. *grammar* is a file of one's own requests and replies, see intents.toml.

    *clock* tells the time of day, this machine's unless said otherwise. The rest is what
    Pace says. Raises GrammarError, RecognitionError or SynthesisError, which say what to do.
    """
    known = Grammar.load(grammar)
    ears, mouth = Ears(known), Voice(voice)
    return Server(
        lambda: Assistant(known, ears, mouth, clock or datetime.now, seed),
        name="local/assistant",
        pace=Pace(think=think, chunk=chunk, speed=speed, jitter=jitter),
        seed=seed,
    )
