"""Messages that were recorded from providers and from their own packages."""

import base64
import functools
import json
from pathlib import Path
from typing import Any, Literal

from antiphon.codecs.wire import Message

DATA = Path(__file__).parents[1] / "data" / "wire"

Side = Literal["client", "server"]


@functools.cache
def recorded(dialect: str, side: Side) -> tuple[tuple[str, Message], ...]:
    """What a *side* of the dialect said, each message with a name; none if nothing was recorded."""
    path = DATA / f"{dialect}.{side}.jsonl"
    if not path.exists():
        return ()
    rows: list[Any] = [json.loads(line) for line in path.read_text().splitlines()]
    return tuple((f"{row['event']}-{row['n']}", _message(row)) for row in rows)


def _message(row: Any) -> Message:
    if "wire" in row:
        return json.dumps(row["wire"])
    return row["wire_text"] if "wire_text" in row else base64.b64decode(row["wire_base64"])
