"""The flight recorder: what crossed a session's boundaries in one file, and its replay."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.recording.reader import Recording, RecordingError
    from antiphon.recording.recorder import Recorder
    from antiphon.recording.wire import Recorded

__all__ = ["Recorded", "Recorder", "Recording", "RecordingError"]

_HOMES = {
    "Recorded": "wire",
    "Recorder": "recorder",
    "Recording": "reader",
    "RecordingError": "reader",
}


def __getattr__(name: str) -> Any:
    # The command looks into this package for its options, and wants nothing else of it then.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
