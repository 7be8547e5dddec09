"""Says whether a session goes as it went when it was recorded."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from antiphon.recording.compare import Difference, exactly, outputs
from antiphon.recording.loosely import about
from antiphon.recording.reader import Recording, RecordingError
from antiphon.recording.records import A_CALL, SESSION, WIRE_STATE, Connected, Happened
from antiphon.recording.replay import Bot, Replayed, replay
from antiphon.recording.served import replay_served


class Verdict(NamedTuple):
    difference: Difference | None
    compared: int
    """Records that the replay was held against."""
    exact: bool
    """Times and order were compared too: the session had been recorded under a virtual clock."""
    replayed: Replayed
    problem: str
    """What the replay failed with, where the session had not."""
    lost: int
    """Records that the recorder had to drop: what differs may be for want of them."""


def judged(
    recording: Recording,
    build: Callable[[], Bot],
    *,
    live_tools: bool = False,
    live_sink: bool = False,
    until: float | None = None,
    speed: float | None = None,
    observers: Sequence[object] = (),
) -> Verdict:
    """Replay *recording*, as `replay` does, and compare.

    Of one of a model that was served, *build* gives the model.
    """
    for record in recording.of(WIRE_STATE):
        if isinstance(record.body, Connected) and record.body.reason == A_CALL:
            raise RecordingError(
                recording.path, "its connection was a call over WebRTC, which cannot be replayed"
            )
    if recording.header.get("bot") == "serve":
        replayed = replay_served(recording, cast(Any, build), until=until, speed=speed)
    else:
        replayed = replay(
            recording,
            build,
            live_tools=live_tools,
            live_sink=live_sink,
            until=until,
            speed=speed,
            observers=observers,
        )
    then, now = outputs(recording.records, until=until), outputs(replayed.records, until=until)
    if recording.virtual:
        whole = recording.finished or until is not None
        if not whole:  # what was under way when it was broken off is not known
            then, now = (
                outputs(then, until=(end := recording.duration / 1e6)),
                outputs(now, until=end),
            )
        difference = exactly(then, now)
    else:
        cut = not recording.finished or until is not None
        end = min(recording.duration * 1000, round((until or 1e9) * 1e9)) if cut else None
        difference = about(then, now, end=end)
    lost = sum(
        record.body.count for record in recording.of(SESSION) if isinstance(record.body, Happened)
    )
    problem = "" if recording.problem else replayed.problem
    return Verdict(difference, len(then), recording.virtual, replayed, problem, lost)
