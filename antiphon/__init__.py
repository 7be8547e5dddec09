"""Voice bots on realtime speech models: processors in a line, providers as codecs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.pipeline import (
        Audio,
        Back,
        Forth,
        Frame,
        Interrupt,
        Merge,
        Pipeline,
        PipelineError,
        ProcessorError,
        Run,
        Speech,
        Tee,
        alone,
    )
    from antiphon.session import Session

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "Back",
    "Forth",
    "Frame",
    "Interrupt",
    "Merge",
    "Pipeline",
    "PipelineError",
    "ProcessorError",
    "Run",
    "Session",
    "Speech",
    "Tee",
    "__version__",
    "alone",
]


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: a plugin of pytest is in here, which every run of it loads."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "antiphon.session" if name == "Session" else "antiphon.pipeline"
    return getattr(import_module(home), name)
