"""Checks, before anything runs, that each member can use what reaches it."""

import inspect
import pkgutil
from collections.abc import Sequence
from typing import Any, Literal

from antiphon.pipeline.errors import FitError
from antiphon.pipeline.frames import Audio, Frame
from antiphon.pipeline.members import (
    Boundary,
    Composite,
    Member,
    Merge,
    Processor,
    Tee,
    gives_of,
    is_stage,
    name_of,
    takes_of,
    work_of,
)

Fit = Literal["strict", "auto"]

RESAMPLER = "antiphon.processors.resampler:Resampler"
"""What `fit="auto"` puts between rates: found by name, since this package is below it."""


class Flow:
    """What is known about the frames at one place of a line."""

    def __init__(
        self,
        types: frozenset[type[Frame]] | None = None,
        rate: int | None = None,
        giver: str = "",
    ) -> None:
        self.types = types
        self.rate = rate
        self.giver = giver

    def past(self, member: Member) -> "Flow":
        """What is known behind *member*."""
        if isinstance(member, Boundary):
            return self
        gives, takes = gives_of(member), takes_of(member)
        swallows_rest = is_stage(member) and gives is not None
        if gives is None or (self.types is None and not swallows_rest):
            types = None
        else:
            kept = frozenset[type[Frame]]() if swallows_rest or takes is None else self.types
            types = (kept or frozenset()) | frozenset(gives)
        rate = _rate_of(member)
        if rate is not None:
            return Flow(types, rate, name_of(member))
        speaks = gives is None or any(issubclass(t, Audio) for t in gives)
        same = not is_stage(member) or not speaks
        return Flow(types, self.rate if same else None, self.giver)


def flatten(line: Sequence[Member], *, branch: bool = False) -> list[Member]:
    """*line* with those that stand for several members replaced by these."""
    flat = _expanded(line)
    # A boundary is only needed where there is none.
    return [
        member
        for i, member in enumerate(flat)
        if not isinstance(member, Boundary)
        or (not is_stage(flat[i + 1]) if i + 1 < len(flat) else branch)
    ]


def _expanded(line: Sequence[Member]) -> list[Member]:
    flat: list[Member] = []
    for member in line:
        if isinstance(member, Tee):
            branches = [flatten(one, branch=True) for one in member.branches]
            flat.append(type(member)(*branches))
        elif isinstance(member, type):
            raise FitError(f"{member.__name__} is a class: put {member.__name__}(...) in its place")
        elif isinstance(member, Composite) and not isinstance(member, Processor):
            flat.extend(_expanded(member.members))
        elif is_stage(member):
            flat.append(member)
        elif isinstance(member, Processor) or callable(member):
            work = work_of(member)
            if inspect.iscoroutinefunction(work) or inspect.isasyncgenfunction(work):
                raise FitError(
                    f"{name_of(member)} waits, which a processor cannot:"
                    " make it a stage, with `async run(frames, emit)`"
                )
            flat.append(member)
        else:
            raise FitError(
                f"{member!r:.60} is no member of a pipeline: it has neither `process(frame)`"
                " nor `async run(frames, emit)`, and it is no function of a frame"
            )
    return flat


def fitted(line: Sequence[Member], fit: Fit, flow: Flow | None = None) -> list[Member]:
    """*line*, checked from its first member on; with resamplers put in if *fit* is "auto"."""
    return _fitted(line, fit, flow or Flow())[0]


def _fitted(
    line: Sequence[Member], fit: Fit, flow: Flow, before: str = ""
) -> tuple[list[Member], Flow]:
    out: list[Member] = []
    for member in line:
        if out:
            before = name_of(out[-1])
        if isinstance(member, Tee):
            inner = Flow(frozenset()) if isinstance(member, Merge) else flow
            done = [_fitted(branch, fit, inner, before) for branch in member.branches]
            out.append(type(member)(*(branch for branch, _ in done)))
            flow = _joined([end for _, end in done] + [flow] * isinstance(member, Merge))
            continue
        _check_types(flow, member, before)
        wanted = getattr(member, "takes_rates", None)
        if wanted and flow.rate not in wanted and _hears_audio(flow, member):
            if fit == "auto":
                resampler = _resampler(flow.rate, wanted)
                out.append(resampler)
                flow = flow.past(resampler)
            elif flow.rate is not None:
                raise FitError(_rate_problem(flow, member, wanted))
        out.append(member)
        flow = flow.past(member)
    return out, flow


def _check_types(flow: Flow, member: Member, before: str) -> None:
    takes = takes_of(member)
    if takes is None or flow.types is None:
        return
    if any(issubclass(t, takes) or issubclass(u, t) for t in flow.types for u in takes):
        return
    needs = " or ".join(t.__name__ for t in takes)
    has = ", ".join(sorted(t.__name__ for t in flow.types)) or "nothing"
    where = f" behind {before}" if before else ""
    raise FitError(
        f"{name_of(member)} takes {needs}, but{where} only {has} comes along:"
        f" put something before it that gives {needs}"
    )


def _hears_audio(flow: Flow, member: Member) -> bool:
    takes = takes_of(member)
    comes = flow.types is None or any(issubclass(t, Audio) for t in flow.types)
    return comes and (takes is None or any(issubclass(t, Audio) for t in takes))


def _rate_problem(flow: Flow, member: Member, wanted: frozenset[int]) -> str:
    rates = " or ".join(f"{rate} Hz" for rate in sorted(wanted))
    return (
        f"{flow.giver} gives audio at {flow.rate} Hz, {name_of(member)} takes {rates}:"
        f" put Resampler({min(wanted, key=lambda rate: abs(rate - (flow.rate or 0)))})"
        ' between them, or build the pipeline with fit="auto"'
    )


def _resampler(rate: int | None, wanted: frozenset[int]) -> Processor:
    resampler: Any = pkgutil.resolve_name(RESAMPLER)
    return resampler(min(wanted, key=lambda one: abs(one - (rate or 24_000))))


def _rate_of(member: Member) -> int | None:
    return getattr(member, "gives_rate", None)


def _joined(flows: Sequence[Flow]) -> Flow:
    """What is known where branches join."""
    audible = [f for f in flows if f.types is None or any(issubclass(t, Audio) for t in f.types)]
    rates = {flow.rate for flow in audible}
    rate = rates.pop() if len(rates) == 1 else None
    givers = ", ".join(dict.fromkeys(flow.giver for flow in audible if flow.giver))
    if any(flow.types is None for flow in flows):
        return Flow(None, rate, givers)
    return Flow(frozenset(t for flow in flows for t in flow.types or ()), rate, givers)
