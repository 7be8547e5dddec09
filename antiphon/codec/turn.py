"""What is measured: a session of any dialect, and a whole turn of a voice bot in it."""

import json
import math
import struct
from collections.abc import Iterator
from typing import Any

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, ToolDefinition
from antiphon.codecs.dialect import ClientEnd, Dialect, ServerEnd
from antiphon.codecs.events import ClientEvent, ServerEvent
from antiphon.codecs.items import FunctionCall
from antiphon.codecs.usage import RateLimit, Usage
from antiphon.codecs.wire import Message

MODEL = "model"

INSTRUCTIONS = "You are a friendly assistant on the telephone."

CONFIG = SessionConfig(
    instructions=INSTRUCTIONS,
    tools=(
        ToolDefinition(
            name="get_weather",
            description="What the weather is like in a city.",
            parameters={"type": "object", "properties": {"city": {"type": "string"}}},
        ),
    ),
)

RESPONSE, ITEM, CALL = "resp_1", "item_2", "call_1"

PIECES, PIECE = 40, 40
"""Of speech in a turn, and how long each is, in milliseconds."""

ANSWER = "It is three degrees in Oslo, and it will snow a little towards the evening."


class Session:
    """Both ends of a *dialect*, past their greetings."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.client: ClientEnd = dialect.client(MODEL)
        self.server: ServerEnd = dialect.server(MODEL)
        self.asked: list[Message] = []
        self.answered: list[Message] = []
        if dialect.repertoire_of_client.how(events.SessionUpdate):
            self.ask(events.SessionUpdate(config=CONFIG))
        else:  # a continuous model, which knows no tools
            self.ask(events.SessionStart(config=SessionConfig(instructions=INSTRUCTIONS)))
        for event in (events.SessionCreated(session_id="sess_1"), events.SessionUpdated()):
            self.answer(event)

    def ask(self, event: ClientEvent) -> list[Message]:
        """How the client says it; the server has heard it."""
        said = [*self.client.encode(event), *self.client.due()]
        for message in said:
            tuple(self.server.decode(message))
        self.asked += said
        return said

    def answer(self, event: ServerEvent) -> list[Message]:
        """How the server says it; the client has heard it."""
        said = [*self.server.encode(event), *self.server.due()]
        for message in said:
            tuple(self.client.decode(message))
        self.answered += said
        return said

    def speaking(self) -> "Session":
        """As a response has begun."""
        self.answer(events.ResponseCreated(response_id=RESPONSE, status="in_progress"))
        self.answer(speech(self.dialect, self.server.output_rate, PIECE))
        return self


def speech(dialect: Dialect, rate: int, ms: int, at: int = 0) -> ServerEvent:
    if dialect.repertoire_of_server.how(events.AudioDelta) == "native":
        return events.AudioDelta(response_id=RESPONSE, item_id=ITEM, delta=sound(rate, ms), at=at)
    return events.AudioChunk(delta=sound(rate, ms), at=at)


def sound(rate: int, ms: int) -> bytes:
    """A tone that is no louder than speech."""
    count = rate * ms // 1000
    samples = (round(9000 * math.sin(2 * math.pi * 220 * n / rate)) for n in range(count))
    return struct.pack(f"<{count}h", *samples)


def turn(dialect: Dialect, rate: int) -> list[ServerEvent]:
    """All that a server says of a user's question, its answer and a tool call.

    Without what *dialect* has no word for.
    """
    how = dialect.repertoire_of_server.how
    return [event for event in _turn(dialect, rate) if how(type(event))]


def _turn(dialect: Dialect, rate: int) -> Iterator[ServerEvent]:
    asked: dict[str, Any] = {"item_id": "item_1"}
    yield events.SpeechStarted(**asked, audio_start=320_000)
    yield events.SpeechStopped(**asked, audio_end=2_140_000)
    yield events.AudioCommitted(**asked, previous_item_id=None)
    yield events.InputTranscriptionDelta(**asked, delta="What's the ")
    yield events.InputTranscriptionDelta(**asked, delta="weather in Oslo?")
    yield events.InputTranscriptionCompleted(**asked, transcript="What's the weather in Oslo?")
    yield events.ResponseCreated(response_id=RESPONSE, status="in_progress")
    said: dict[str, Any] = {"response_id": RESPONSE, "item_id": ITEM}
    words = iter(ANSWER.split())
    for piece in range(PIECES):
        if piece % 3 == 0 and (word := next(words, None)):
            yield events.AudioTranscriptDelta(**said, delta=word + " ")
        yield speech(dialect, rate, PIECE)
    yield events.AudioDone(**said)
    yield events.AudioTranscriptDone(**said, transcript=ANSWER)
    called: dict[str, Any] = {"response_id": RESPONSE, "item_id": "item_3", "output_index": 1}
    arguments = json.dumps({"city": "Oslo"})
    call = FunctionCall(call_id=CALL, name="get_weather", arguments="", id="item_3")
    yield events.OutputItemAdded(**called, item=call)
    for start in range(0, len(arguments), 4):
        piece = arguments[start : start + 4]
        yield events.FunctionCallArgumentsDelta(**called, call_id=CALL, delta=piece)
    yield events.FunctionCallArgumentsDone(
        **called, call_id=CALL, name="get_weather", arguments=arguments
    )
    yield events.ResponseDone(
        response_id=RESPONSE, status="completed", usage=Usage(input_tokens=134, output_tokens=73)
    )
    yield events.RateLimits(
        limits=(RateLimit(name="tokens", limit=40_000, remaining=39_000, reset=60_000_000),)
    )
