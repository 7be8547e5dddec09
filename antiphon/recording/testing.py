"""Recorded calls as regression tests."""

import os
from collections.abc import Callable

from antiphon.recording.bots import bot_of
from antiphon.recording.compare import drawn
from antiphon.recording.reader import Recording
from antiphon.recording.replay import Bot
from antiphon.recording.verdict import judged


def assert_replays(
    path: str | os.PathLike[str],
    build: Callable[[], Bot] | None = None,
    *,
    live_tools: bool = False,
    until: float | None = None,
) -> None:
    """Hold the recorded call again and fail with the first difference.

    *build* gives the bot: what stands between microphone and speaker, or a Pipeline, whose ends
    are replaced. Without it the recording must be one of `antiphon demo` or `antiphon talk`.
    For the rest see `antiphon.recording.replay`.
    """
    recording = Recording.open(path)
    verdict = judged(recording, build or bot_of(recording), live_tools=live_tools, until=until)
    if verdict.difference is not None:
        raise AssertionError(_told(path, drawn(verdict.difference), verdict.problem))
    if verdict.problem:
        raise AssertionError(_told(path, verdict.problem))


def _told(*parts: object) -> str:
    return "\n".join(str(part) for part in parts if part)
