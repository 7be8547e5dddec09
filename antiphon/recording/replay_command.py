"""`antiphon replay`: a recorded session held again, and what is different."""

import argparse
import math
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

from antiphon.failures import explained

EQUAL, DIFFERENT, UNUSABLE = 0, 1, 2


def run(given: argparse.Namespace) -> int:
    """0 when all is equal, 1 with the first difference, 2 when it cannot be replayed."""
    from antiphon.recording.bots import bot_of
    from antiphon.recording.reader import Recording

    with explained():
        recording = Recording.open(given.file)
        if not recording.whole:
            print(f"{given.file}: broken off; replayed as far as it goes", file=sys.stderr)
        build = bot_of(recording) if given.pipeline is None else _named(given.pipeline)
        return _compare(recording, build, given)
    return UNUSABLE


class NoPipeline(ValueError):
    """--pipeline names nothing that builds a bot; the message says why."""


def _compare(recording: Any, build: Callable[[], Any], given: argparse.Namespace) -> int:
    from antiphon.processors.transcript import Transcript
    from antiphon.recording.compare import drawn
    from antiphon.recording.verdict import judged
    from antiphon.recording.watching import Watching
    from antiphon.show.display import show_for

    show = show_for(sys.stdout, plain=True) if given.speed else None
    observers = [Watching(Transcript(show.said))] if show else []
    try:
        verdict = judged(
            recording,
            build,
            live_tools=given.live_tools,
            live_sink=given.live_sink,
            until=given.until,
            speed=given.speed,
            observers=observers,
        )
    finally:
        if show is not None:
            show.close()
    if verdict.lost:
        print(f"{verdict.lost} records had been dropped by the recorder", file=sys.stderr)
    if verdict.problem:
        print(f"the replay ended: {verdict.problem}", file=sys.stderr)
    if verdict.difference is not None:
        print(drawn(verdict.difference))
        return DIFFERENT
    how = "to the sample and the microsecond" if verdict.exact else "but for time"
    seconds = min(recording.duration / 1e6, given.until or math.inf)
    print(f"Equal {how}: {verdict.compared} records, {seconds:.1f} s.")
    return DIFFERENT if verdict.problem else EQUAL


def _named(where: str) -> Callable[[], Any]:
    """The bot that MODULE:ATTR names, or the function that builds it."""
    sys.path.insert(0, "")  # modules of the folder one is in, as with python -m
    try:
        found = pkgutil.resolve_name(where)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoPipeline(
            f"--pipeline {where}: {error}; give MODULE:ATTR, such as mybot:build"
        ) from error
    finally:
        sys.path.remove("")
    if not callable(found):
        raise NoPipeline(f"--pipeline {where}: give a function that builds the bot anew")
    return found
