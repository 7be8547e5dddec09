"""`antiphon codec bench`: what it costs to read, to write and to translate a message."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.codec.figures import Row, cpu_us, report
from antiphon.codec.peers import Case, Peer, Task, peers
from antiphon.codec.translation import Side, translation
from antiphon.codec.turn import PIECE, Session, sound, speech, turn
from antiphon.codecs import events
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import DIALECTS, find_dialect

QUESTION = """\
What does it cost to read, to write and to translate a message?

Microseconds of CPU time a message, from text to samples or back; medians of runs in which all
take turns. Audio comes in messages of that length; a turn is all that a server says of a spoken
question: its transcript, 40 pieces of speech with their words, a tool call. Beside them json and
orjson with base64, which know nothing of what they read, and what reads OpenAI's messages as
OpenAI's own client does; `x` is how often ours fits into theirs."""

LENGTHS = (20, 40, 100, 200)
"""Milliseconds of audio in a message."""

PAIRS: tuple[tuple[str, str, Side], ...] = (
    ("openai", "vercel", "server"),
    ("vercel", "openai", "server"),
    ("xai", "openai", "server"),
    ("openai", "gemini", "client"),
)
"""What is translated; the user's audio has another rate in the last."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: messages in a run, and runs."""

    messages: int
    repeats: int


USUAL, QUICK = Effort(300, 7), Effort(20, 1)


def bench(path: Path | None, *, quick: bool) -> int:
    """Measure all dialects, print the table and write the same to *path*."""
    dialects = [find_dialect(name) for name in DIALECTS]
    others, missing = peers()
    effort = QUICK if quick else USUAL
    rows = [*measured(cases(dialects, effort), others, effort)]
    rows += measured(translations(dialects, effort), (), effort)
    report(f"{QUESTION}{skipped(missing)}", rows, path)
    return 0


def skipped(missing: Sequence[str]) -> str:
    return f"\nNot here, for it is not installed: {', '.join(missing)}." if missing else ""


def measured(cases: Iterator[Case], others: Sequence[Peer], effort: Effort) -> Iterator[Row]:
    for case in cases:
        tasks = {peer.name: task for peer in others if (task := peer.task(case)) is not None}
        runs = [_run(case, tasks) for _ in range(1 + effort.repeats)][1:]  # the first warms up
        medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        ours = medians.pop("")
        yield {
            "dialect": case.dialect,
            "": case.does,
            "what": case.what,
            "us": ours,
            "a second": 1e6 / ours,
            **{
                column: value
                for name, spent in medians.items()
                for column, value in ((name, spent), (f"x {name.split()[0]}", spent / ours))
            },
        }


def _run(case: Case, others: Mapping[str, Task]) -> dict[str, float]:
    """What a message costs each, ours being nameless."""
    tasks = {"": case.prepare(), **others}
    return {name: cpu_us(task) / len(case.messages) for name, task in tasks.items()}


# Our own ways.


def cases(dialects: Sequence[Dialect], effort: Effort) -> Iterator[Case]:
    for dialect in dialects:
        for ms in LENGTHS:
            yield from _heard_from_model(dialect, ms, effort.messages)
            yield from _heard_from_user(dialect, ms, effort.messages)
        yield from _turn(dialect, effort.messages)


def _heard_from_model(dialect: Dialect, ms: int, times: int) -> Iterator[Case]:
    session = Session(dialect).speaking()
    event = speech(dialect, session.server.output_rate, ms)
    messages = session.answer(event) * times
    what = f"audio {ms} ms"
    yield Case(
        dialect=dialect.name,
        does="client decodes",
        what=what,
        messages=messages,
        prepare=lambda: _each(Session(dialect).speaking().client.decode, messages),
    )
    yield Case(
        dialect=dialect.name,
        does="server encodes",
        what=what,
        messages=messages,
        prepare=lambda: _each(Session(dialect).speaking().server.encode, [event] * times),
    )


def _heard_from_user(dialect: Dialect, ms: int, times: int) -> Iterator[Case]:
    session = Session(dialect)
    event = events.InputAudioAppend(audio=sound(session.client.input_rate, ms))
    messages = session.ask(event) * times
    what = f"audio {ms} ms"
    yield Case(
        dialect=dialect.name,
        does="server decodes",
        what=what,
        messages=messages,
        prepare=lambda: _each(Session(dialect).server.decode, messages),
    )
    yield Case(
        dialect=dialect.name,
        does="client encodes",
        what=what,
        messages=messages,
        prepare=lambda: _each(Session(dialect).client.encode, [event] * times),
    )


def _turn(dialect: Dialect, times: int) -> Iterator[Case]:
    session = Session(dialect)
    said = turn(dialect, session.server.output_rate)
    messages = [message for event in said for message in session.answer(event)]
    turns = max(1, times // len(messages))
    yield Case(
        dialect=dialect.name,
        does="client decodes",
        what="a turn",
        messages=messages * turns,
        prepare=again(lambda: Session(dialect).client.decode, messages, turns),
    )
    yield Case(
        dialect=dialect.name,
        does="server encodes",
        what="a turn",
        messages=messages * turns,
        prepare=again(lambda: Session(dialect).server.encode, said, turns),
    )


def again(
    work: Callable[[], Callable[[Any], Iterable[object]]], over: Sequence[object], turns: int
) -> Callable[[], Task]:
    """All of *over*, so many times, each time by an end that is new."""

    def prepare() -> Task:
        tasks = [_each(work(), over) for _ in range(turns)]

        def run() -> None:
            for task in tasks:
                task()

        return run

    return prepare


def translations(dialects: Sequence[Dialect], effort: Effort) -> Iterator[Case]:
    by_name = {dialect.name: dialect for dialect in dialects}
    for source, target, side in PAIRS:
        if source in by_name and target in by_name:
            yield _translation(by_name[source], by_name[target], side, effort.messages)


def _translation(source: Dialect, target: Dialect, side: Side, times: int) -> Case:
    session = Session(source)
    if side == "server":
        before = session.speaking().answered[:]
        messages = session.answer(speech(source, session.server.output_rate, PIECE))
    else:
        before = session.asked[:]
        pcm = sound(session.client.input_rate, PIECE)
        messages = session.ask(events.InputAudioAppend(audio=pcm))

    def prepare() -> Task:
        work = translation(source, target, side)
        for message in before:
            tuple(work.feed(message))
        return _each(work.feed, messages * times)

    return Case(
        dialect=f"{source.name} -> {target.name}",
        does="translated",
        what=f"audio {PIECE} ms",
        messages=messages * times,
        prepare=prepare,
    )


def _each(work: Callable[[Any], Iterable[object]], over: Sequence[object]) -> Task:
    def run() -> None:
        for one in over:
            tuple(work(one))

    return run
