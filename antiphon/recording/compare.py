"""Finds the first difference between what came out of a session and of its replay."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.recording.reader import Record
from antiphon.recording.records import (
    AUDIO_OUT,
    EVENTS_OUT,
    TOOLS,
    WIRE_OUT,
    Called,
    Said,
    Sound,
    Topic,
    Wired,
)
from antiphon.recording.redaction import HIDDEN, Redactor

OUTPUTS: tuple[Topic, ...] = (AUDIO_OUT, EVENTS_OUT, TOOLS, WIRE_OUT)

GRAIN = 1_000
"""Nanoseconds that the time of a record may be rounded by."""

Subject = tuple[object, ...]
"""What a record is about: a response, an item, a tool call, or a kind of event without any."""

_redact = Redactor()


class Difference(NamedTuple):
    """Where the two part: *index* counts both sides' records up to there; None has no more."""

    recorded: Record | None
    replayed: Record | None
    what: str
    before: Sequence[Record] = ()
    """What came before it on both sides."""


def outputs(records: Iterable[Record], *, until: float | None = None) -> list[Record]:
    """What of *records* is compared: what came out in the first *until* seconds."""
    end = None if until is None else round(until * 1e9)
    return [r for r in records if r.topic in OUTPUTS and (end is None or r.time < end)]


def exactly(recorded: Sequence[Record], replayed: Sequence[Record]) -> Difference | None:
    """Of two sessions under the virtual clock: all is equal, in its order, at its time.

    At one moment, what is said about one thing has an order, and what is sent on one connection; how
    different things take turns within a moment is the scheduler's business.
    """
    old, new = _streams(recorded), _streams(replayed)
    found = [
        one
        for stream in {**old, **new}
        if (one := _first(old.get(stream, ()), new.get(stream, ()))) is not None
    ]
    if not found:
        return None
    first = min(found, key=time_of)
    return first._replace(before=[one for one in recorded if one.time <= time_of(first)])


def time_of(difference: Difference) -> int:
    """In nanoseconds."""
    record = difference.recorded or difference.replayed
    assert record is not None
    return record.time


def _streams(records: Iterable[Record]) -> dict[Subject, list[Record]]:
    streams: dict[Subject, list[Record]] = {}
    for record in records:
        key = (
            ("wire", record.body.connection) if isinstance(record.body, Wired) else subject(record)
        )
        streams.setdefault(key, []).append(record)
    return streams


def subject(record: Record) -> Subject:
    """What *record* is about."""
    match record.body:
        case Sound() as sound:
            return "sound", sound.response_id, sound.item_id, sound.content_index
        case Called() as call:
            return "call" if call.output is None else "answer", call.call_id
        case Said() as said:
            inner = fields(record)
            for name in ("responseId", "itemId"):
                if name in inner:
                    return name, inner[name]
            return "kind", said.frame
        case Wired() as wired:
            return "wire", wired.connection, _type(content(record)["message"])
        case _:
            return ("other",)


def fields(record: Record) -> dict[str, Any]:
    """What an event says."""
    return cast(dict[str, Any], content(record) or {})


def _type(message: Any) -> str:
    if not isinstance(message, dict):
        return "binary"
    told = cast(dict[str, Any], message)
    return str(told.get("type") or next(iter(told), ""))


def _first(recorded: Sequence[Record], replayed: Sequence[Record]) -> Difference | None:
    for index, then in enumerate(recorded):
        if index == len(replayed):
            return Difference(then, None, "it is not there")
        now = replayed[index]
        what = _unlike(then, now)
        if what is None and abs(then.time - now.time) > GRAIN:
            what = f"it comes {_seconds(now.time - then.time, sign=True)} later"
        if what is not None:
            return Difference(then, now, what)
    if len(replayed) > len(recorded):
        return Difference(None, replayed[len(recorded)], "it is new")
    return None


def _unlike(then: Record, now: Record) -> str | None:
    if then.topic is not now.topic:
        return f"it is in {now.topic.name}"
    match then.body, now.body:
        case Sound() as old, Sound() as new:
            return unlike_sound(old, new)
        case Said() as old, Said() as new if old.frame != new.frame:
            return f"it is {new.frame}"
        case _:
            return unlike_values(content(then), content(now))


def unlike_sound(old: Sound, new: Sound) -> str | None:
    """How *new* differs from *old*, in the first sample that does."""
    for name in ("response_id", "item_id", "content_index", "rate", "at"):
        was, is_ = getattr(old, name), getattr(new, name)
        if was != is_:
            return f"{name}: {was!r} became {is_!r}"
    return unlike_samples(old.pcm, new.pcm)


def unlike_samples(old: bytes, new: bytes, *, prefix: bool = False) -> str | None:
    """The first sample that differs; with *prefix* one of both may be longer."""
    shared = min(len(old), len(new))
    if old[:shared] != new[:shared]:
        first = next(i for i in range(shared) if old[i] != new[i]) // SAMPLE_WIDTH
        return f"sample {first}: {_samples(old, first)} became {_samples(new, first)}"
    if len(old) != len(new) and not prefix:
        return f"{len(old) // SAMPLE_WIDTH} samples became {len(new) // SAMPLE_WIDTH}"
    return None


def _samples(pcm: bytes, first: int) -> str:
    """A few, from one before *first*."""
    begin = max(first - 1, 0) * SAMPLE_WIDTH
    few = memoryview(pcm[begin : begin + 6 * SAMPLE_WIDTH]).cast("h").tolist()
    return str(few)


def content(record: Record) -> Any:
    """What a record that is not sound says, as JSON."""
    body = record.body
    if isinstance(body, Said):
        told = msgspec.json.decode(_redact(bytes(body.body)))
        if isinstance(told, dict):  # events are counted across all that is said
            cast(dict[str, Any], told).pop("eventId", None)
        return cast(Any, told)
    if isinstance(body, Wired):
        message = body.message
        try:
            text = _redact(message if isinstance(message, bytes) else message.encode())
            return {"connection": body.connection, "message": msgspec.json.decode(text)}
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {"connection": body.connection, "message": message}
    if isinstance(body, Called):
        return msgspec.json.decode(_redact(msgspec.json.encode(body)))
    return msgspec.to_builtins(body)


def unlike_values(old: Any, new: Any, path: str = "") -> str | None:
    """Where two values differ first, by their *path*; None if they do not."""
    if isinstance(old, dict) and isinstance(new, dict):
        first, second = cast(dict[str, Any], old), cast(dict[str, Any], new)
        for name in (*first, *(name for name in second if name not in first)):
            inner = f"{path}.{name}" if path else name
            if name not in second:
                return f"{inner}: {_short(first[name])} is gone"
            if name not in first:
                return f"{inner}: {_short(second[name])} is new"
            if (what := unlike_values(first[name], second[name], inner)) is not None:
                return what
        return None
    if isinstance(old, list) and isinstance(new, list):
        ones, others = cast(list[Any], old), cast(list[Any], new)
        for index, (one, other) in enumerate(zip(ones, others, strict=False)):
            if (what := unlike_values(one, other, f"{path}[{index}]")) is not None:
                return what
        if len(ones) != len(others):
            return f"{path}: {len(ones)} became {len(others)}"
        return None
    first, second = cast(object, old), cast(object, new)
    if first == second or _is_hidden(first, second):
        return None
    return f"{path or 'it'}: {_short(first)} became {_short(second)}"


def _is_hidden(old: object, new: object) -> bool:
    """Whether *old* is *new* with secrets taken out, that this program does not know."""
    if not isinstance(old, str) or HIDDEN not in old or not isinstance(new, str):
        return False
    pattern = ".*".join(re.escape(part) for part in old.split(HIDDEN))
    return re.fullmatch(pattern, new, re.DOTALL) is not None


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode() if not isinstance(value, bytes) else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _seconds(nanoseconds: int, *, sign: bool = False) -> str:
    return f"{nanoseconds / 1e9:{'+' if sign else ''}.6f} s"


def said(record: Record) -> str:
    """A record in a line."""
    match record.body:
        case Sound() as sound:
            milliseconds = len(sound.pcm) // SAMPLE_WIDTH * 1000 // sound.rate
            return f"{milliseconds} ms of sound {sound.item_id or ''}".rstrip()
        case Said() as body:
            inner = cast(Mapping[str, Any], content(record) or {})
            rest = {k: v for k, v in inner.items() if k not in ("type", "at", "eventId")}
            return f"{body.frame} {_short(rest)}"
        case Called() as call if call.output is None:
            return f"calls {call.name} {call.arguments} ({call.call_id})"
        case Called() as call:
            return f"{call.call_id} {'failed' if call.failed else 'answered'}: {call.output}"
        case _:
            return _short(content(record))


def drawn(difference: Difference, *, context: int = 3) -> str:
    """The difference for a reader, with *context* records before it."""
    found = difference.recorded or difference.replayed
    assert found is not None
    lines = [f"The first difference, at {_seconds(found.time)} in {found.topic.name}:", ""]
    before = [record for record in difference.before if record is not found]
    lines += [_line(" ", record) for record in before[-context:]]
    if difference.recorded is not None:
        lines.append(_line("-", difference.recorded))
    if difference.replayed is not None:
        lines.append(_line("+", difference.replayed))
    return "\n".join([*lines, "", difference.what])


def _line(mark: str, record: Record) -> str:
    return f"{mark} {record.time / 1e9:10.6f}  {record.topic.name:<11}  {said(record)}"
