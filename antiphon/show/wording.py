"""Texts of others, made fit to be shown: on one line, harmless, and as long as there is room."""

import re
import unicodedata
from typing import cast

import msgspec

from antiphon.show.entries import Entry, Interrupted, Note, Responded, ToolCalled, Utterance

# Controls could move the cursor or forge lines, and the bidirectional ones reorder what follows;
# lone surrogates fit no encoding.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BREAK = re.compile(r"\s+")

ASCII = {
    "→": "->",
    "…": "...",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "·": "-",
    "–": "-",
    "—": "-",
}


def neutral(text: str) -> str:
    """*text* on one line, its control characters spelled out."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], _BREAK.sub(" ", text).strip())


def encodable(text: str, encoding: str) -> str:
    """*text* with the nearest plain letters where *encoding* lacks a character."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_nearest(character, encoding) for character in text)
    except LookupError:
        return encodable(text, "ascii")
    return text


def _nearest(character: str, encoding: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    for choice in (character, ASCII.get(character, ""), decomposed, decomposed[0]):
        try:
            if choice.encode(encoding):
                return choice
        except UnicodeEncodeError:
            continue
    return "?"


def width(text: str) -> int:
    """How many columns of a terminal *text* takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def shortened(text: str, columns: int) -> str:
    """*text* in at most *columns*, cut behind a word where one ends soon enough."""
    if width(text) <= columns:
        return text
    kept = text[:columns]
    while kept and width(kept) > columns - 1:
        kept = kept[:-1]
    words, space, _ = kept.rpartition(" ")
    if space and not text[len(kept)].isspace() and len(words) > len(kept) // 2:
        kept = words
    return kept.rstrip(" ,;:") + "…"


def padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def tool_call(name: str, arguments: str, output: str | None, *, failed: bool = False) -> str:
    """A call and what it gave: `get_weather(city="Oslo") → sunny, 21 degrees`."""
    given = "" if not arguments.strip() else _fields(arguments)
    result = "no answer" if output is None else _fields(output) or "nothing"
    return f"{neutral(name)}({given}) → {'error: ' if failed else ''}{result}"


def _fields(written: str) -> str:
    """JSON as a person would note it down; other text as it is."""
    try:
        value = msgspec.json.decode(written)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return neutral(written)
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return ", ".join(
            f"{neutral(name)}={neutral(msgspec.json.encode(one).decode())}"
            for name, one in fields.items()
        )
    return neutral(written)


def duration(milliseconds: float) -> str:
    """As short as it stays exact enough to compare: `734 ms`, `3.4 s`."""
    return f"{milliseconds:.0f} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.1f} s"


def clock(seconds: float) -> str:
    """`1:02`, as on a stop watch."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def told(entry: Entry) -> tuple[str, str]:
    """Whose line it is, and what it says."""
    match entry:
        case Utterance():
            return entry.who, neutral(entry.text) or "(nothing understood)"
        case ToolCalled():
            said = tool_call(entry.name, entry.arguments, entry.output, failed=entry.failed)
            return "tool", said
        case Responded():
            return "", _response(entry)
        case Interrupted(heard_ms=heard, text=text):
            of = f" of “{shortened(neutral(text), 40)}”" if text else ""
            return "", f"interrupted: {duration(heard)} heard{of}"
        case Note(text=text):
            return "", neutral(text)


def _response(entry: Responded) -> str:
    if entry.response_ms is None:
        return "the bot speaks first"
    parts = {
        "detection": entry.detection_ms,
        "thinking": entry.thinking_ms,
        "tools": entry.tools_ms,
        "playout": entry.playout_ms,
    }
    known = ", ".join(f"{name} {ms}" for name, ms in parts.items() if ms is not None)
    return f"answered after {entry.response_ms} ms" + (f": {known}" if known else "")
