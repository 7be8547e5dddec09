"""What a conversation was like, as `report.json` says it.

All times are seconds of session time, all durations milliseconds.
"""

from pathlib import Path
from typing import Literal

import msgspec


class Written(msgspec.Struct, kw_only=True, omit_defaults=False):
    """Part of the file."""


class Parts(Written):
    """Of a response time, in milliseconds."""

    detection_ms: int | None = None
    """Until it was clear that the user had finished."""
    thinking_ms: int | None = None
    """Recognition, the model's think time and its first piece of speech."""
    tools_ms: int | None = None
    playout_ms: int | None = None
    """From the arrival of the first sound to its being heard."""


class ToolCall(Written):
    name: str
    arguments: str
    output: str | None
    failed: bool
    at: float


class Turn(Written):
    """One turn of the user and what came of it."""

    said: str
    """What was really said; empty where nobody knows."""
    understood: str
    answer: str
    began: float | None
    end_of_speech: float | None
    first_audio_heard: float | None
    answer_ended: float | None
    response_time_ms: int | None
    parts: Parts
    tools: list[ToolCall] = []
    interrupted: bool = False
    """The answer was cut short by the user."""


class Interruption(Written):
    """The user spoke over the bot: the model knows its item as far as it was heard."""

    at: float
    item_id: str
    heard_ms: int
    text: str
    """What the item had said in all."""


class Span(Written):
    """A stretch in which somebody was heard."""

    who: Literal["user", "bot"]
    start: float
    end: float
    text: str


class Latencies(Written):
    """Response times over all turns, in milliseconds."""

    turns: int
    median_ms: int | None
    worst_ms: int | None


class Report(Written):
    model: str
    duration: float
    clock: Literal["real", "virtual"]
    turns: list[Turn]
    interruptions: list[Interruption]
    spans: list[Span]
    latency: Latencies

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
