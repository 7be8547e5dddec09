"""Compares a session that was held in real time with its replay, in which nothing takes time.

What is said, and about what, is the same; when it is said is not, nor the order of things that
have nothing to do with each other, nor how far somebody had come who was interrupted.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from antiphon.recording.compare import (
    Difference,
    Subject,
    content,
    fields,
    subject,
    time_of,
    unlike_samples,
    unlike_values,
)
from antiphon.recording.reader import Record
from antiphon.recording.records import Said, Sound

OF_TIME = frozenset({"at", "event_id", "delay", "usage", "previousItemId"})
"""Fields that tell when something was said, or how much had been said until then."""

LAST = 1_000_000_000
"""Nanoseconds before a session was broken off that need not be the same."""


def about(
    recorded: Sequence[Record], replayed: Sequence[Record], *, end: int | None = None
) -> Difference | None:
    """The earliest difference. *end* is when the session was broken off, in nanoseconds."""
    cut_off = _cut_off([*recorded, *replayed])
    then, now = _subjects(recorded), _subjects(replayed)
    found: list[Difference] = []
    for key, records in then.items():
        if (one := _unlike(key, records, now.get(key, []), key in cut_off, end)) is not None:
            found.append(one)
    if end is None:
        found += [
            Difference(None, records[0], "it is new")
            for key, records in now.items()
            if key not in then and key not in cut_off
        ]
    if not found:
        return None
    first = min(found, key=time_of)
    before = [record for record in recorded if record.time <= time_of(first)]
    return first._replace(before=before)


def _unlike(
    key: Subject, then: list[Record], now: list[Record], cut_off: bool, end: int | None
) -> Difference | None:
    soon = end is not None and then[0].time > end - LAST
    if not now:
        return None if soon or cut_off else Difference(then[0], None, "it is not there")
    if key[0] == "sound":
        old, new = _samples(then), _samples(now)
        what = unlike_samples(old, new, prefix=cut_off or end is not None)
        return None if what is None else Difference(then[0], now[0], what)
    if cut_off:
        return None
    for old, new in zip(then, now, strict=False):
        what = _kind_changed(old, new)
        what = what or unlike_values(_timeless(content(old)), _timeless(content(new)))
        if what is not None:
            return Difference(old, new, what)
    if len(then) > len(now):
        missing = then[len(now)]
        late = end is not None and missing.time > end - LAST
        return None if late else Difference(missing, None, "it is not there")
    if len(now) > len(then) and end is None:
        return Difference(None, now[len(then)], "it is new")
    return None


def _kind_changed(old: Record, new: Record) -> str | None:
    was, is_ = old.body, new.body
    if isinstance(was, Said) and isinstance(is_, Said) and was.frame != is_.frame:
        return f"it is {is_.frame}"
    return None


def _subjects(records: Iterable[Record]) -> dict[Subject, list[Record]]:
    subjects: dict[Subject, list[Record]] = {}
    for record in records:
        subjects.setdefault(subject(record), []).append(record)
    return subjects


def _cut_off(records: Iterable[Record]) -> set[Subject]:
    """The responses that were cancelled, their items and their sound."""
    responses: set[object] = set()
    items: dict[object, set[tuple[object, object]]] = {}
    for record in records:
        body = record.body
        if isinstance(body, Sound):
            items.setdefault(body.response_id, set()).add((body.item_id, body.content_index))
        elif isinstance(body, Said):
            inner = fields(record)
            response = inner.get("responseId")
            if "itemId" in inner:
                items.setdefault(response, set()).add((inner["itemId"], 0))
            cleared = body.frame in ("response-interrupted", "output-playback-cleared")
            if cleared or (body.frame == "response-done" and inner.get("status") == "cancelled"):
                responses.add(response)
    keys: set[Subject] = set()
    for response in responses - {None}:
        keys.add(("responseId", response))
        for item, part in items.get(response, ()):
            keys |= {("itemId", item), ("sound", response, item, part)}
    return keys


def _samples(records: Iterable[Record]) -> bytes:
    return b"".join(record.body.pcm for record in records if isinstance(record.body, Sound))


def _timeless(value: Any) -> Any:
    """*value* without the fields that hang on time."""
    if isinstance(value, dict):
        inner = cast(dict[str, Any], value)
        return {k: _timeless(v) for k, v in inner.items() if k not in OF_TIME}
    if isinstance(value, list):
        return [_timeless(one) for one in cast(list[Any], value)]
    return value
