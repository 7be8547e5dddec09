"""Events that cost something, and a meter that hears them."""

import json
from pathlib import Path
from typing import Any

from antiphon.codecs import events
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Frame
from antiphon.processors.meter import Meter
from antiphon.processors.prices import Price, Prices
from antiphon.processors.spent import Spent

WIRE = Path(__file__).parents[1] / "data" / "wire"

MINUTE = 60_000_000
SECOND = 1_000_000

CREATED = events.SessionCreated()

TEN, TWENTY = Usage(input_text_tokens=10), Usage(input_text_tokens=20)


def told(dialect: str, number: int) -> list[Any]:
    """The events of a message of a provider, recorded."""
    lines = (WIRE / f"{dialect}.server.jsonl").read_text().splitlines()
    row = next(row for row in map(json.loads, lines) if row["n"] == number)
    return list(find_dialect(dialect).client("m").decode(json.dumps(row["wire"])))


def heard(meter: Meter, *frames: Frame) -> Spent:
    for frame in frames:
        meter.heard(frame)
    return meter.total


def done(usage: Usage | None = None, at: int = 0) -> events.ResponseDone:
    return events.ResponseDone(response_id="r", status="completed", usage=usage, at=at)


def speech(seconds: float, at: int = 0) -> events.AudioDelta:
    return events.AudioDelta(
        response_id="r", item_id="i", delta=bytes(2 * round(24_000 * seconds)), at=at
    )


def user(seconds: float, at: int = 0) -> events.InputAudioAppend:
    return events.InputAudioAppend(audio=bytes(2 * round(24_000 * seconds)), at=at)


def so_far(usage: Usage, raw_type: str = "usageMetadata") -> events.Custom:
    return events.Custom(raw_type=raw_type, usage=usage)


def lasted(seconds: float, at: int) -> events.SessionUsage:
    return events.SessionUsage(usage=Usage(seconds=seconds), at=at)


def priced(*, text_in: int = 0, minute_in: int = 0, minute_out: int = 0) -> Prices:
    price = Price(text_in=text_in, minute_in=minute_in, minute_out=minute_out)
    return Prices({"acme/one": price})
