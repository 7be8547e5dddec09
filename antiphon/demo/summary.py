"""Makes the report of a call out of what its two parties kept."""

import statistics
from collections.abc import Sequence
from typing import Literal

import numpy as np

from antiphon.demo.call import RATE, Call, Party
from antiphon.processors.latency import TurnTimes
from antiphon.processors.transcript import Said
from antiphon.report import (
    Interruption,
    Latencies,
    Parts,
    Report,
    Span,
    ToolCall,
    Turn,
)

AUDIBLE = 200
"""A sample beyond this, of 32768, is sound: synthesis pads its sentences with less."""


def summary(call: Call, *, model: str, clock: Literal["real", "virtual"]) -> Report:
    """The report; also of a call that was broken off."""
    spoken = _spans(call.user, "user")
    spans = sorted([*spoken, *_spans(call.bot, "bot")], key=lambda span: span.start)
    turns = [
        _turn(times, said, _spoken_at(times, spoken))
        for times, said in _with_entries(call.bot)
        if said or times.heard is not None
    ]
    measured = [turn.response_time_ms for turn in turns if turn.response_time_ms is not None]
    return Report(
        model=model,
        duration=_seconds(call.duration),
        clock=clock,
        turns=turns,
        interruptions=[
            Interruption(
                at=_seconds(call.bot.heard.spans[said.item_id][1]),
                item_id=said.item_id,
                heard_ms=said.heard // 1000,
                text=said.text,
            )
            for said in call.bot.transcript.said
            if said.heard is not None and said.item_id in call.bot.heard.spans
        ],
        spans=spans,
        latency=Latencies(
            turns=len(measured),
            median_ms=round(statistics.median(measured)) if measured else None,
            worst_ms=max(measured, default=None),
        ),
    )


def _with_entries(bot: Party) -> list[tuple[TurnTimes, list[Said]]]:
    """Each turn with its entries of the transcript: the user's, and all until his next."""
    entries: dict[str, list[Said]] = {"": []}
    current = entries[""]
    for said in bot.transcript.said:
        if said.who == "user":
            current = entries.setdefault(said.item_id, [])
        current.append(said)
    return [(times, entries.get(times.item_id, [])) for times in bot.latency.turns]


def _turn(times: TurnTimes, said: Sequence[Said], spoken: Span | None) -> Turn:
    end = spoken.end if spoken else None if times.ended is None else _seconds(times.ended)
    heard = None if times.heard is None else _seconds(times.heard)
    return Turn(
        said=spoken.text if spoken else "",
        understood=" ".join(one.text for one in said if one.who == "user"),
        answer=" ".join(one.text for one in said if one.who == "assistant"),
        began=spoken.start if spoken else None if times.began is None else _seconds(times.began),
        end_of_speech=end,
        first_audio_heard=heard,
        answer_ended=None if times.finished is None else _seconds(times.finished),
        response_time_ms=_between(end, heard),
        parts=Parts(
            detection_ms=_between(end, None if times.detected is None else times.detected / 1e6),
            thinking_ms=_ms(times.thinking),
            tools_ms=_ms(times.tools),
            playout_ms=_ms(times.playout),
        ),
        tools=[
            ToolCall(
                name=one.text,
                arguments=one.arguments,
                output=one.output,
                failed=one.failed,
                at=_seconds(one.at),
            )
            for one in said
            if one.who == "tool"
        ],
        interrupted=times.interrupted,
    )


def _spans(party: Party, who: Literal["user", "bot"]) -> list[Span]:
    """When *party* was really to be heard, with its own words."""
    texts = {said.item_id: said.text for said in party.transcript.said if said.who == "assistant"}
    samples = party.track.samples
    spans: list[Span] = []
    for item_id, (start, end) in party.heard.spans.items():
        first = start * RATE // 1_000_000
        sound = np.abs(samples[first : end * RATE // 1_000_000]) > AUDIBLE
        (at,) = np.nonzero(sound)
        if len(at):
            spans.append(
                Span(
                    who=who,
                    start=round((first + int(at[0])) / RATE, 3),
                    end=round((first + int(at[-1])) / RATE, 3),
                    text=texts.get(item_id, ""),
                )
            )
    return spans


def _spoken_at(times: TurnTimes, spoken: Sequence[Span]) -> Span | None:
    """What the user said when the bot heard this turn."""
    if times.began is None:
        return None
    began, ended = times.began / 1e6, (times.ended or times.began) / 1e6
    overlaps = [(min(ended, s.end) - max(began, s.start), s) for s in spoken]
    most, span = max(overlaps, key=lambda one: one[0], default=(0.0, None))
    return span if most > 0 else None


def _seconds(microseconds: int) -> float:
    return round(microseconds / 1_000_000, 3)


def _ms(microseconds: int | None) -> int | None:
    return None if microseconds is None else round(microseconds / 1000)


def _between(start: float | None, end: float | None) -> int | None:
    return None if start is None or end is None else round((end - start) * 1000)
